//! Recognises other protocols by a session's first line.
//!
//! A web page can make any browser send a request to a local port, with lines of the page's choice in it. So the first
//! line decides, before anything is carried out. People may say lines that merely begin like another protocol. A word
//! in capitals therefore counts only if that protocol's grammar follows, or if it is a complete command that is
//! unlikely in any language (`CAPA`, `STLS`, `SYST`) and may be followed by a password.

use arrayvec::ArrayVec;

use super::telnet;

/// The first line of a session that is not blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstLine<'a> {
    /// The whole line, without its line end.
    Whole(&'a [u8]),
    /// The first 64 bytes of a line that is longer than [`Config::max_line`](crate::Config::max_line).
    Cut(&'a [u8]),
}

/// The first word of a client of another protocol, and the grammar of what follows it.
struct Grammar {
    word: &'static [u8],
    protocol: &'static str,
    /// Judges the other fields of the line, the first [`MAX_ARGS`] of them.
    has_args: fn(&[&[u8]]) -> bool,
}

const MAX_ARGS: usize = 6;

/// Protocols whose clients begin with a word of their own: RFC 2812 and version 3 of IRC, RFC 1939, 2449 and 2595 for
/// POP3, RFC 959, 4217 and 7151 for FTP, RFC 5321, 4954 and 2033 for SMTP and LMTP, `proxy-protocol.txt` of `HAProxy`.
/// HTTP, RTSP and SIP are recognised by their request lines.
const GRAMMARS: [Grammar; 25] = [
    Grammar { word: b"CAP", protocol: "IRC", has_args: |args| matches!(args, [b"LS" | b"LIST" | b"END"]) },
    Grammar { word: b"CAP", protocol: "IRC", has_args: |args| matches!(args, [b"LS", version] if is_number(version)) },
    Grammar { word: b"CAP", protocol: "IRC", has_args: |args| matches!(args, [b"REQ", _, ..]) },
    Grammar { word: b"NICK", protocol: "IRC", has_args: |args| args.len() == 1 },
    Grammar { word: b"USER", protocol: "IRC", has_args: |args| matches!(args, [_, _, _, [b':', ..], ..]) },
    Grammar {
        word: b"USER",
        protocol: "IRC",
        has_args: |args| matches!(args, [_, mode, b"*", _, ..] if is_number(mode)),
    },
    Grammar { word: b"PASS", protocol: "IRC", has_args: |args| matches!(args, [[b':', ..], ..]) },
    // From server to server (RFC 2813, and TS6), and from a gateway for browsers.
    Grammar {
        word: b"PASS",
        protocol: "IRC",
        has_args: |args| matches!(args, [_, version, flags, ..] if is_number(version) && flags.contains(&b'|')),
    },
    Grammar {
        word: b"PASS",
        protocol: "IRC",
        has_args: |args| matches!(args, [_, b"TS", version, ..] if is_number(version)),
    },
    Grammar {
        word: b"WEBIRC",
        protocol: "IRC",
        has_args: |args| matches!(args, [_, _, _, address, ..] if is_address(address)),
    },
    Grammar {
        word: b"AUTHENTICATE",
        protocol: "IRC",
        has_args: |args| matches!(args, [mechanism] if is_sasl(&[mechanism])),
    },
    Grammar { word: b"PASS", protocol: "IRC, POP3 or FTP", has_args: |args| args.len() == 1 },
    Grammar { word: b"USER", protocol: "POP3 or FTP", has_args: |args| args.len() == 1 },
    Grammar { word: b"CAPA", protocol: "POP3", has_args: |args| args.is_empty() },
    Grammar { word: b"STLS", protocol: "POP3", has_args: |args| args.is_empty() },
    Grammar { word: b"APOP", protocol: "POP3", has_args: is_digest },
    Grammar { word: b"SYST", protocol: "FTP", has_args: |args| args.is_empty() },
    Grammar { word: b"HOST", protocol: "FTP", has_args: is_host },
    Grammar { word: b"AUTH", protocol: "FTP", has_args: |args| matches!(args, [b"TLS" | b"SSL"]) },
    Grammar { word: b"AUTH", protocol: "SMTP", has_args: is_sasl },
    Grammar { word: b"EHLO", protocol: "SMTP", has_args: |args| args.len() == 1 },
    Grammar { word: b"HELO", protocol: "SMTP", has_args: |args| args.len() == 1 },
    Grammar { word: b"LHLO", protocol: "SMTP", has_args: |args| args.len() == 1 },
    Grammar {
        word: b"MAIL",
        protocol: "SMTP",
        has_args: |args| matches!(args, [from, ..] if from.starts_with(b"FROM:")),
    },
    Grammar { word: b"PROXY", protocol: "the PROXY protocol", has_args: is_proxied },
];

/// Returns the other protocol that a session's first line belongs to, if any: HTTP, TLS, SSH, IRC, POP3, FTP, SMTP,
/// PROXY, RTSP or SIP. A byte-order mark and telnet commands before it are skipped.
#[must_use]
pub fn other_protocol(line: FirstLine<'_>) -> Option<&'static str> {
    let (FirstLine::Whole(bytes) | FirstLine::Cut(bytes)) = line;
    let bytes = without_preamble(bytes);
    if is_tls(bytes) {
        return Some("TLS");
    }
    // RFC 4253, 4.2: SSH-protoversion-softwareversion.
    if bytes.strip_prefix(b"SSH-").is_some_and(|version| version.first().is_some_and(u8::is_ascii_digit)) {
        return Some("SSH");
    }
    let mut fields = bytes.trim_ascii_end().split(|byte| *byte == b' ').filter(|field| !field.is_empty());
    let word = fields.next()?;
    let args: ArrayVec<&[u8], MAX_ARGS> = fields.take(MAX_ARGS).collect();
    match line {
        FirstLine::Cut(_) => request_begun(word, &args),
        FirstLine::Whole(_) if word == [0] && args.is_empty() => {
            // Version 2 of PROXY begins with `\r\n\r\n\0\r\nQUIT\n`: two blank lines, and this one.
            Some("the PROXY protocol")
        }
        // A command of `text`, with which most sessions begin.
        FirstLine::Whole(_) if word.starts_with(b"/") => None,
        FirstLine::Whole(_) => request(word, &args).or_else(|| {
            let grammar = GRAMMARS.iter().find(|grammar| grammar.word == word && (grammar.has_args)(&args));
            grammar.map(|grammar| grammar.protocol)
        }),
    }
}

/// Returns whether these are the first bytes of TLS: a handshake record, type 22, version 3.x.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    bytes.starts_with(&[TLS_HANDSHAKE, 3])
}

/// Returns whether a line is blank, so that the next one is the first.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    without_preamble(line).trim_ascii().is_empty()
}

/// Returns the line without a leading byte-order mark, telnet commands, and characters that cleaning would remove.
fn without_preamble(mut line: &[u8]) -> &[u8] {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    loop {
        let visible = line.iter().position(|byte| !is_dropped(*byte)).unwrap_or_default();
        line = if let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK) {
            rest
        } else if line.first() == Some(&telnet::IAC) {
            &line[telnet::command_len(line)..]
        } else if visible > 0 {
            &line[visible..]
        } else {
            return line;
        };
    }
}

/// Returns whether to skip a byte before a line: a space or a control character, except the one that a TLS record
/// begins with.
fn is_dropped(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_control() && byte != TLS_HANDSHAKE
}

const TLS_HANDSHAKE: u8 = 22;

/// The methods of HTTP that programs send (RFC 9110, 9; RFC 5789).
const METHODS: [&[u8]; 9] = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];

/// Recognises a request line (RFC 9112, 3; RFC 7826, 20.2.1; RFC 3261, 7.1).
///
/// A method may be any word: a page whose name leads to this server may have a browser send one of its own.
fn request(method: &[u8], args: &[&[u8]]) -> Option<&'static str> {
    if !method.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)) {
        return None;
    }
    match *args {
        // Careless programs send any target.
        [_, .., version] if METHODS.contains(&method) && is_http(version) => Some("HTTP"),
        // HTTP/0.9, as health checks send it.
        [path] if method == b"GET" && path.starts_with(b"/") => Some("HTTP"),
        [target, version] => {
            let slash = version.iter().position(|byte| *byte == b'/')?;
            let (protocol, [b'/', b'0'..=b'9', b'.', b'0'..=b'9']) = version.split_at(slash) else { return None };
            let is_target = target.starts_with(b"/") || target == b"*" || has_scheme(target);
            match protocol {
                b"HTTP" if is_target || method == b"CONNECT" && is_host_and_port(target) => Some("HTTP"),
                b"RTSP" if is_target => Some("RTSP"),
                b"SIP" if is_sip(target) => Some("SIP"),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns whether a field is a version of HTTP.
fn is_http(version: &[u8]) -> bool {
    version.strip_prefix(b"HTTP/").is_some_and(|number| number.first().is_some_and(u8::is_ascii_digit))
}

/// Recognises a request line that was cut before its end.
fn request_begun(method: &[u8], args: &[&[u8]]) -> Option<&'static str> {
    let target = *args.first()?;
    if !method.iter().all(u8::is_ascii_uppercase) {
        None
    } else if target.starts_with(b"rtsp") && has_scheme(target) {
        Some("RTSP")
    } else if is_sip(target) {
        Some("SIP")
    } else {
        (target.starts_with(b"/") || has_scheme(target)).then_some("HTTP")
    }
}

/// Returns whether it looks like `http://…`.
fn has_scheme(target: &[u8]) -> bool {
    target.windows(3).any(|it| it == b"://")
}

fn is_sip(target: &[u8]) -> bool {
    [&b"sip:"[..], b"sips:", b"tel:"].iter().any(|scheme| target.starts_with(scheme))
}

fn is_host_and_port(target: &[u8]) -> bool {
    let colon = target.iter().rposition(|byte| *byte == b':');
    colon.is_some_and(|colon| colon > 0 && is_number(&target[colon + 1..]))
}

/// A SASL mechanism, with or without an initial response.
fn is_sasl(args: &[&[u8]]) -> bool {
    const MECHANISMS: [&[u8]; 10] = [
        b"PLAIN",
        b"LOGIN",
        b"CRAM-MD5",
        b"DIGEST-MD5",
        b"EXTERNAL",
        b"GSSAPI",
        b"NTLM",
        b"OAUTHBEARER",
        b"XOAUTH2",
        b"SCRAM-",
    ];
    let [mechanism, initial @ ..] = args else { return false };
    initial.len() <= 1
        && MECHANISMS.iter().any(|known| mechanism == known || known.ends_with(b"-") && mechanism.starts_with(known))
}

/// Version 1 of PROXY: a family, two addresses and two ports; or `UNKNOWN`, followed by anything.
fn is_proxied(args: &[&[u8]]) -> bool {
    match args {
        [b"TCP4" | b"TCP6", _, _, source, destination] => is_number(source) && is_number(destination),
        [b"UNKNOWN"] | [b"UNKNOWN", _, _, _, _] => true,
        _ => false,
    }
}

/// A name and an MD5 digest.
fn is_digest(args: &[&[u8]]) -> bool {
    matches!(args, [_, digest] if digest.len() == 32 && digest.iter().all(u8::is_ascii_hexdigit))
}

/// A host name with a dot between two labels.
fn is_host(args: &[&[u8]]) -> bool {
    matches!(args, [host] if host.windows(3).any(|it| {
        it[1] == b'.' && it[0].is_ascii_alphanumeric() && it[2].is_ascii_alphanumeric()
    }))
}

/// An IPv4 or IPv6 address.
fn is_address(field: &[u8]) -> bool {
    let separators = field.iter().filter(|byte| b".:".contains(byte)).count();
    separators > 1 && field.iter().all(|byte| byte.is_ascii_hexdigit() || b".:".contains(byte))
}

fn is_number(field: &[u8]) -> bool {
    !field.is_empty() && field.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const OTHERS: [(&[u8], &str); 56] = [
        (b"GET / HTTP/1.1", "HTTP"),
        (b"GET /", "HTTP"),
        (b"OPTIONS * HTTP/1.1", "HTTP"),
        (b"GET http://example.org/ HTTP/1.0", "HTTP"),
        (b"CONNECT host:443 HTTP/1.1", "HTTP"),
        (b"CONNECT [::1]:443 HTTP/1.1", "HTTP"),
        (b"M-SEARCH * HTTP/1.1", "HTTP"),
        (b"my-own /page HTTP/1.1", "HTTP"),
        (b"PRI * HTTP/2.0", "HTTP"),
        (b"\x16\x03\x01\x02\0\x01", "TLS"),
        (b"SSH-2.0-OpenSSH_9.9", "SSH"),
        (b"SSH-1.99-x", "SSH"),
        (b"CAP LS", "IRC"),
        (b"CAP LS 302", "IRC"),
        (b"CAP REQ :sasl", "IRC"),
        (b"CAP END", "IRC"),
        (b"NICK joe", "IRC"),
        (b"NICK :joe", "IRC"),
        (b"USER bob 0 * :Bob", "IRC"),
        (b"USER bob 0 * Bob", "IRC"),
        (b"USER bob host server :Bob the builder", "IRC"),
        (b"PASS :with spaces in it", "IRC"),
        (b"PASS secret", "IRC, POP3 or FTP"),
        (b"PASS secret TS 6 :0AA", "IRC"),
        (b"PASS secret 0210010000 IRC|aBgH$ Z", "IRC"),
        (b"WEBIRC secret gateway host.example.org 192.0.2.1", "IRC"),
        (b"AUTHENTICATE PLAIN", "IRC"),
        (b"CAPA", "POP3"),
        (b"STLS", "POP3"),
        (b"APOP joe c4c9334bac560ecc979e58001b3e22fb", "POP3"),
        (b"SYST", "FTP"),
        (b"HOST ftp.example.org", "FTP"),
        (b"LHLO localhost", "SMTP"),
        (b"USER anonymous", "POP3 or FTP"),
        (b"AUTH TLS", "FTP"),
        (b"EHLO example.org", "SMTP"),
        (b"EHLO [127.0.0.1]", "SMTP"),
        (b"HELO localhost", "SMTP"),
        (b"AUTH PLAIN AGpvZQBzZWNyZXQ=", "SMTP"),
        (b"AUTH PLAIN", "SMTP"),
        (b"AUTH SCRAM-SHA-256 biws", "SMTP"),
        (b"MAIL FROM:<joe@example.org>", "SMTP"),
        (b"MAIL FROM:<joe@example.org> SIZE=1", "SMTP"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443", "the PROXY protocol"),
        (b"PROXY TCP6 ::1 ::1 56324 443", "the PROXY protocol"),
        (b"PROXY UNKNOWN", "the PROXY protocol"),
        (b"PROXY UNKNOWN ::1 ::1 1 2", "the PROXY protocol"),
        (b"\0", "the PROXY protocol"),
        (b"OPTIONS rtsp://example.org/a RTSP/1.0", "RTSP"),
        (b"OPTIONS * RTSP/2.0", "RTSP"),
        (b"INVITE sip:bob@example.org SIP/2.0", "SIP"),
        (b"OPTIONS sips:bob@example.org SIP/2.0", "SIP"),
        (b"REGISTER tel:+1234 SIP/2.0", "SIP"),
        (b"GET  /  HTTP/1.1 ", "HTTP"),
        (b"NICK  joe", "IRC"),
        (b"POST /a?b=c HTTP/1.1\r", "HTTP"),
    ];

    #[test]
    fn other_protocols_are_known_by_their_first_line_whatever_precedes_it() {
        for (line, protocol) in OTHERS {
            let befores: [&[u8]; 7] = [
                b"",
                b"\xef\xbb\xbf",
                b"\xff\xfb\x1f",
                b"\xff\xfa\x18\0x\xff\xf0\xef\xbb\xbf\xff\xf1",
                b"  \xef\xbb\xbf",
                b"\r\0",
                b"\x1b\x7f ",
            ];
            for before in befores.into_iter().filter(|before| before.is_empty() || line != b"\0") {
                let line: Vec<u8> = [before, line].concat();
                assert_eq!(other_protocol(FirstLine::Whole(&line)), Some(protocol), "{}", line.escape_ascii());
            }
        }
    }

    #[test]
    fn a_malformed_http_request_is_recognised() {
        for line in ["GET a HTTP/1.1", "GET / x HTTP/1.1", "CONNECT h HTTP/1.1", "POST /x HTTP/2", "GET ?q=1 HTTP/1.0"]
        {
            assert_eq!(other_protocol(FirstLine::Whole(line.as_bytes())), Some("HTTP"), "{line}");
        }
    }

    #[test]
    fn what_only_begins_like_another_protocol_may_be_said() {
        for line in [
            "hello",
            "",
            "PASS the salt",
            "NICK named me so",
            "USER experience: good",
            "GET out of here",
            "USER a :b",
            "CAP LS now",
            "CAP it all",
            "AUTH PLAIN and simple",
            "AUTH whom",
            "EHLO to all of you",
            "HELO",
            "MAIL from: joe",
            "PROXY UNKNOWN to me",
            "PROXY TCP4 is what it wants",
            "let us move to HTTP/1.1",
            "WE SPEAK HTTP/1.1",
            "GET / HTTP/1.1 is how it begins",
            "I:like /that HTTP/1.1",
            "GET / HTTP/one",
            "SSH-keys are here",
            "nick joe",
            "APOP is an old thing",
            "SYST em failure",
            "HOST wanted",
            "HOST needed.",
            "WEBIRC is down again today",
            "AUTHENTICATE yourself",
            "APOP joe 0123456789012345678901234567890x",
            "\0\0",
            "\u{feff}hello",
            "CHAT Y2Fyb2w= aGVsbG8=",
            "NAME Y2Fyb2w=",
            "/name joe",
        ] {
            assert_eq!(other_protocol(FirstLine::Whole(line.as_bytes())), None, "{line}");
        }
    }

    #[test]
    fn a_cut_request_is_recognised_by_its_beginning() {
        for (start, protocol) in [
            (&b"GET /?q=aaaaaaaaaaaaa"[..], Some("HTTP")),
            (b"\xef\xbb\xbfPOST http://localhost/aaaa", Some("HTTP")),
            (b"DESCRIBE rtsp://localhost/aaaa", Some("RTSP")),
            (b"INVITE sip:aaaa", Some("SIP")),
            (b"\x16\x03\x01\x02\0\x01aaaaaaaaaaaaa", Some("TLS")),
            (b"SSH-2.0-aaaaaaaaaaaaaaaaaaaaaaa", Some("SSH")),
            (b"see /usr/share/doc/aaaaaaaaaaaaaaaa", None),
            (b"GET out of here, you aaaaaaaaaaaaaa", None),
            (b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", None),
        ] {
            assert_eq!(other_protocol(FirstLine::Cut(start)), protocol, "{}", start.escape_ascii());
        }
    }

    #[test]
    fn a_blank_line_is_not_the_first() {
        for (line, blank) in
            [("", true), (" \t\r", true), ("\u{feff}", true), ("\u{feff} x", false), ("\0", false), ("/who", false)]
        {
            assert_eq!(is_blank(line.as_bytes()), blank, "{line:?}");
        }
        assert!(is_blank(b"\xff\xfb\x01\xff\xfd\x03"));
    }
}
