//! One connection until it becomes a session.

use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::head::{Found, MAX_HEAD, Request, Scanner, check_request_line};
use super::host;
use super::rejection::Rejection;
use super::response::{self, Response};
use super::site::{Body, Resource, Site};
use super::upgrade::Handshake;
use crate::time::Timestamp;
use crate::wire::framing::MessageKind;

/// How long a request's head may take from its first byte to its last, and the first one from the connection's
/// beginning.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may stay without a request.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a peer may take to read an answer: a page of 60 KiB takes a minute at 1 KiB a second.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// The most requests of a connection, so that it ends some time. Browsers open another.
pub const MAX_REQUESTS: u32 = 100;

/// A connection of HTTP: what it has received of a request, and what it is to be sent.
///
/// It takes bytes of one request at a time. While an answer is pending it takes none, so a peer that sends requests and
/// does not read holds one answer. It holds at most [`MAX_HEAD`](super::MAX_HEAD) bytes of a head, or the head of an
/// answer, some 1 KiB; the file that is sent is the site's. An idle connection holds nothing.
#[derive(Debug)]
pub struct Connection {
    scanner: Scanner,
    /// The head that is being received.
    head: Vec<u8>,
    response: Response,
    next: Next,
    /// How many requests it has answered.
    requests: u32,
    deadline: Timestamp,
}

/// What follows the pending answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Request,
    Upgrade(MessageKind),
    Close,
}

/// What to do with a [`Connection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Offer it input.
    Read,
    /// Send what is [pending](Connection::pending).
    Write,
    /// It is a WebSocket from now on: open a session that is sent messages of that kind. The input that this has not
    /// taken is the session's.
    Upgrade(MessageKind),
    /// Close it.
    Close,
}

impl Connection {
    /// Makes the state of a connection that has just been accepted.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            scanner: Scanner::default(),
            head: Vec::new(),
            response: Response::default(),
            next: Next::Request,
            requests: 0,
            deadline: now + HEAD_TIMEOUT,
        }
    }

    /// Returns what to do now.
    #[must_use]
    pub fn action(&self) -> Action {
        match self.next {
            _ if !self.pending().is_empty() => Action::Write,
            Next::Request => Action::Read,
            Next::Upgrade(kind) => Action::Upgrade(kind),
            Next::Close => Action::Close,
        }
    }

    /// Takes input up to the end of a request, or all of it if none ends; returns how many bytes.
    ///
    /// It takes none while the [action](Self::action) is another one than to read. Keep the rest and offer it again.
    pub fn receive(&mut self, now: Timestamp, site: &Site, input: &[u8]) -> usize {
        let mut taken = 0;
        while taken < input.len() && self.action() == Action::Read {
            if self.scanner.is_empty() && self.requests > 0 {
                self.deadline = now + HEAD_TIMEOUT;
            }
            let (n, found) = self.scanner.scan(&input[taken..]);
            self.hold(&input[taken..taken + n]);
            taken += n;
            match found {
                Ok(Found::More) => {}
                Ok(Found::RequestLine) => {
                    if let Err(rejection) = check_request_line(&self.head) {
                        self.answer(now, site, Err(rejection));
                    }
                }
                Ok(Found::End) => self.answer(now, site, Ok(())),
                Err(rejection) => self.answer(now, site, Err(rejection)),
            }
        }
        taken
    }

    /// Appends bytes of a head.
    fn hold(&mut self, bytes: &[u8]) {
        let needed = self.head.len() + bytes.len();
        if needed > self.head.capacity() {
            // Doubling, so that a head sent byte by byte costs no more than one sent at once; but never past the limit.
            let capacity = needed.max(2 * self.head.capacity()).min(MAX_HEAD + 1);
            self.head.reserve_exact(capacity - self.head.len());
        }
        self.head.extend_from_slice(bytes);
    }

    /// Returns the next bytes to send. If there are more, [`action`](Self::action) says so after these are
    /// [sent](Self::sent).
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.response.pending()
    }

    /// Counts bytes of those [pending](Self::pending) that the socket took.
    pub fn sent(&mut self, now: Timestamp, bytes: usize) {
        self.response.sent(bytes);
        if self.pending().is_empty() {
            self.deadline = now + IDLE_TIMEOUT;
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub const fn poll_timeout(&self) -> Timestamp {
        self.deadline
    }

    /// Ends what takes too long: a request half received is answered, anything else is closed. A call that comes too
    /// early does nothing.
    pub fn handle_timeout(&mut self, now: Timestamp, site: &Site) {
        if !self.deadline.has_come(now) {
            return;
        }
        if self.action() == Action::Read && !self.scanner.is_empty() {
            self.answer(now, site, Err(Rejection::TooSlow));
        } else {
            self.response = Response::default();
            self.next = Next::Close;
        }
    }

    /// Answers the request whose head has come, or the one that is refused before its end.
    fn answer(&mut self, now: Timestamp, site: &Site, head: Result<(), Rejection>) {
        let bytes = mem::take(&mut self.head);
        self.scanner = Scanner::default();
        self.requests += 1;
        self.deadline = now + RESPONSE_TIMEOUT;
        let request = head.and_then(|()| Request::parse(&bytes));
        let is_last = self.requests >= MAX_REQUESTS;
        let closes = is_last || !request.as_ref().is_ok_and(Request::keeps_alive);
        let is_head = request.as_ref().is_ok_and(|request| request.is("HEAD"));
        let out = &mut self.response.head;
        match request.and_then(|request| Answer::to(&request, site)) {
            Ok(Answer::File { resource, is_known }) => {
                self.response.body = file(out, site, resource, is_known, is_head, closes);
                self.next = if closes { Next::Close } else { Next::Request };
            }
            Ok(Answer::Upgrade(handshake)) => {
                handshake.write(out);
                self.next = Next::Upgrade(handshake.kind);
            }
            Err(rejection) => {
                let closes = closes || !rejection.keeps_alive();
                let (status, headers) = (rejection.status(), rejection.headers());
                response::text(out, status, headers, &site.headers, &rejection.sentence(), is_head, closes);
                self.next = if closes { Next::Close } else { Next::Request };
            }
        }
    }
}

/// What a request leads to.
enum Answer<'a> {
    File {
        resource: &'a Resource,
        /// The peer has it already.
        is_known: bool,
    },
    Upgrade(Handshake),
}

impl<'a> Answer<'a> {
    fn to(request: &Request<'_>, site: &'a Site) -> Result<Self, Rejection> {
        if !site.has_any_host && !host::is_served(request.host, &site.hosts) {
            return Err(Rejection::Host);
        }
        if let Some(resource) = site.find(request.path) {
            if !request.is("GET") && !request.is("HEAD") {
                return Err(Rejection::Method);
            }
            let Body::Kept { etag, .. } = &resource.body else {
                return Ok(Self::File { resource, is_known: false });
            };
            let is_same = |tag: &[u8]| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes();
            return Ok(Self::File { resource, is_known: request.tokens("If-None-Match").any(is_same) });
        }
        let upgrade = site.upgrade_at(request.path).ok_or(Rejection::NotFound)?;
        Ok(Self::Upgrade(Handshake::new(request, upgrade, &site.origins)?))
    }
}

/// Writes the head of an answer that is a file; returns its body.
fn file(
    out: &mut Vec<u8>,
    site: &Site,
    resource: &Resource,
    is_known: bool,
    is_head: bool,
    closes: bool,
) -> Option<alloc::sync::Arc<[u8]>> {
    let Resource { content_type, cache_control, body, .. } = resource;
    response::begin(out, if is_known { "304 Not Modified" } else { "200 OK" }, &site.headers, closes);
    let body = match body {
        Body::Kept { etag, bytes } => {
            response::push(out, &format_args!("ETag: {etag}\r\n"));
            bytes.clone()
        }
        Body::Made(make) => make().into(),
    };
    response::push(out, &format_args!("Cache-Control: {cache_control}\r\n"));
    if !is_known {
        let length = body.len();
        response::push(out, &format_args!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n"));
    }
    out.extend_from_slice(b"\r\n");
    (!is_known && !is_head && !body.is_empty()).then_some(body)
}
