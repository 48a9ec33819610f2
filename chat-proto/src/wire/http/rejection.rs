//! Why a request is not carried out: each reason with its status and a sentence for the peer.

use alloc::vec::Vec;
use core::fmt::Display;

use super::response;

/// Why a request is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    /// It is not HTTP.
    NotHttp,
    /// A line feed without a carriage return, or the other way round.
    LineEnd,
    ControlCharacter,
    /// A header that goes on in the next line.
    Folded,
    Version,
    /// A target with a scheme and a host, or anything else that does not begin with a slash.
    Target,
    TransferEncoding,
    ContentLength,
    NoHost,
    TwoHosts,
    /// A header that decides about the upgrade is there twice.
    Twice,
    Key,
    TooLong,
    TooManyHeaders,
    TooSlow,
    Body,
    Host,
    Origin,
    NotFound,
    Method,
    /// Only GET upgrades.
    UpgradeMethod,
    NoUpgrade,
    WebSocketVersion,
}

impl Rejection {
    /// Returns the status code and its phrase.
    pub(super) const fn status(self) -> &'static str {
        match self {
            Self::NotHttp
            | Self::LineEnd
            | Self::ControlCharacter
            | Self::Folded
            | Self::Target
            | Self::TransferEncoding
            | Self::ContentLength
            | Self::NoHost
            | Self::TwoHosts
            | Self::Twice
            | Self::Key => "400 Bad Request",
            Self::Origin => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::Method | Self::UpgradeMethod => "405 Method Not Allowed",
            Self::TooSlow => "408 Request Timeout",
            Self::Body => "413 Content Too Large",
            Self::Host => "421 Misdirected Request",
            Self::NoUpgrade | Self::WebSocketVersion => "426 Upgrade Required",
            Self::TooLong | Self::TooManyHeaders => "431 Request Header Fields Too Large",
            Self::Version => "505 HTTP Version Not Supported",
        }
    }

    /// Returns the headers that belong to the status.
    pub(super) const fn headers(self) -> &'static str {
        match self {
            Self::Method => "Allow: GET, HEAD\r\n",
            Self::UpgradeMethod => "Allow: GET\r\n",
            Self::NoUpgrade => "Upgrade: websocket\r\nConnection: Upgrade\r\n",
            Self::WebSocketVersion => "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
            _ => "",
        }
    }

    /// Returns whether it is known where the request ends and the next may begin.
    pub(super) const fn keeps_alive(self) -> bool {
        matches!(self, Self::NotFound | Self::Method | Self::UpgradeMethod | Self::NoUpgrade | Self::WebSocketVersion)
    }

    /// Returns what to tell the peer.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::NotHttp => "This is not a request of HTTP/1.1.",
            Self::LineEnd => "A line of the request does not end in CR LF.",
            Self::ControlCharacter => "The request has a control character.",
            Self::Folded => "A header goes on in the next line.",
            Self::Version => "This server speaks HTTP/1.1.",
            Self::Target => "The target of the request must be a path, such as /.",
            Self::TransferEncoding => "Requests have no body here, so none has a Transfer-Encoding.",
            Self::ContentLength => "Content-Length must be one number.",
            Self::NoHost => "The request has no Host.",
            Self::TwoHosts => "The request has more than one Host.",
            Self::Twice => "A header that must be there once is there twice.",
            Self::Key => "Sec-WebSocket-Key must be 16 bytes in base64.",
            Self::TooLong => "The head of a request has at most 8 KiB.",
            Self::TooManyHeaders => "A request has at most 64 headers.",
            Self::TooSlow => "The request took too long to arrive.",
            Self::Body => "Requests have no body here.",
            Self::Host => {
                "This server is not known by that name. Open it by its IP address, or have its name added to the \
                 hosts of its configuration."
            }
            Self::Origin => "A page of another origin may not connect here.",
            Self::NotFound => "There is nothing here.",
            Self::Method => "Only GET and HEAD are answered here.",
            Self::UpgradeMethod => "WebSocket begins with GET.",
            Self::NoUpgrade => "This is for WebSocket: ask for the upgrade.",
            Self::WebSocketVersion => "This server speaks version 13 of WebSocket.",
        }
    }
}

/// Returns the answer, status 503, to a connection that is refused before it has asked for anything. The words should
/// be a sentence in one line.
#[must_use]
pub fn refusal(words: impl Display) -> Vec<u8> {
    let mut out = Vec::new();
    response::text(&mut out, "503 Service Unavailable", "Retry-After: 10\r\n", "", &words, false, true);
    out
}

/// Returns the answer, status 400, to a client that speaks HTTP where it has to speak something else first, such as TLS.
/// The words should be a sentence in one line.
#[must_use]
pub fn bad_request(words: impl Display) -> Vec<u8> {
    let mut out = Vec::new();
    response::text(&mut out, "400 Bad Request", "", "", &words, false, true);
    out
}
