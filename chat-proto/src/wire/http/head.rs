//! The head of a request: where it ends, and what it says.

use core::str;

use arrayvec::ArrayVec;
use httparse::{EMPTY_HEADER, Header};

use super::rejection::Rejection;

/// The most bytes of a request's head, its line and its headers. Browsers send one; ten cookies of others on the same
/// host fit in.
pub const MAX_HEAD: usize = 8 << 10;

/// The most headers of a request. Browsers send some 20.
pub const MAX_HEADERS: usize = 64;

/// Finds the end of a head, however it is cut, and what cannot be within one.
///
/// Every reader of a request has to agree on where it ends. So no line ends in anything but CR LF, and there are no
/// control characters. Blank lines before the request count as part of its head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scanner {
    len: usize,
    at: At,
    /// How many lines have ended, not counting blank ones at the beginning. The head has a first byte if the line is
    /// not blank.
    lines: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    InLine,
    /// Behind the CR of a line, which may be blank.
    Cr {
        is_blank: bool,
    },
}

/// What a [`Scanner`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The end of the first line.
    RequestLine,
    /// The end of the head.
    End,
    /// Nothing: more input is needed.
    More,
}

impl Scanner {
    /// Returns whether nothing of a head has come.
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes bytes up to something found, and returns how many.
    pub(super) fn scan(&mut self, input: &[u8]) -> (usize, Result<Found, Rejection>) {
        for (i, byte) in input.iter().enumerate() {
            self.len += 1;
            match self.take(*byte) {
                _ if self.len > MAX_HEAD => return (i + 1, Err(Rejection::TooLong)),
                Ok(Found::More) => {}
                found => return (i + 1, found),
            }
        }
        (input.len(), Ok(Found::More))
    }

    fn take(&mut self, byte: u8) -> Result<Found, Rejection> {
        match (self.at, byte) {
            (At::Cr { is_blank }, b'\n') => {
                self.at = At::LineStart;
                match (is_blank, self.lines) {
                    (true, 0) => Ok(Found::More),
                    (true, _) => Ok(Found::End),
                    (false, _) => {
                        self.lines += 1;
                        Ok(if self.lines == 1 { Found::RequestLine } else { Found::More })
                    }
                }
            }
            (At::Cr { .. }, _) | (_, b'\n') => Err(Rejection::LineEnd),
            (at, b'\r') => {
                self.at = At::Cr { is_blank: at == At::LineStart };
                Ok(Found::More)
            }
            (At::LineStart, b' ' | b'\t') => Err(if self.lines == 0 { Rejection::NotHttp } else { Rejection::Folded }),
            (_, b'\t') => Ok(Found::More),
            (_, byte) if byte.is_ascii_control() => Err(Rejection::ControlCharacter),
            _ => {
                self.at = At::InLine;
                Ok(Found::More)
            }
        }
    }
}

/// A request whose head is complete, and that has no body.
#[derive(Debug)]
pub(super) struct Request<'a> {
    method: &'a str,
    /// The path of its target, without the query.
    pub(super) path: &'a str,
    pub(super) minor_version: u8,
    pub(super) host: &'a str,
    headers: ArrayVec<Header<'a>, MAX_HEADERS>,
}

/// Checks the first line of a request, so that what is not HTTP need not go on.
pub(super) fn check_request_line(line: &[u8]) -> Result<(), Rejection> {
    let mut headers = [];
    match httparse::Request::new(&mut headers).parse(line) {
        Ok(_) => Ok(()),
        Err(error) => Err(rejection(error)),
    }
}

impl<'a> Request<'a> {
    /// Parses a head that a [`Scanner`] has found.
    pub(super) fn parse(head: &'a [u8]) -> Result<Self, Rejection> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        parsed.parse(head).map_err(rejection)?;
        let (Some(method), Some(target), Some(minor_version)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(Rejection::NotHttp);
        };
        let headers = parsed.headers.iter().copied().collect();
        let mut request = Self { method, path: target, minor_version, host: "", headers };
        request.check_end()?;
        if !target.starts_with('/') || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Rejection::Target);
        }
        request.path = target.split_once('?').map_or(target, |(path, _)| path);
        let host = request.once("Host", Rejection::TwoHosts)?.ok_or(Rejection::NoHost)?;
        request.host = str::from_utf8(host).map_err(|_| Rejection::Host)?;
        if request.has_body()? { Err(Rejection::Body) } else { Ok(request) }
    }

    /// Checks that nobody can see the end of the request elsewhere.
    fn check_end(&self) -> Result<(), Rejection> {
        match self.values("Transfer-Encoding").next() {
            Some(_) => Err(Rejection::TransferEncoding),
            None => Ok(()),
        }
    }

    fn has_body(&self) -> Result<bool, Rejection> {
        match self.once("Content-Length", Rejection::ContentLength)? {
            Some(digits) if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) => {
                Err(Rejection::ContentLength)
            }
            length => Ok(length.is_some_and(|digits| digits.iter().any(|digit| *digit != b'0'))),
        }
    }

    /// Returns whether it has that method; methods are in capitals.
    pub(super) fn is(&self, method: &str) -> bool {
        self.method == method
    }

    /// Returns whether the peer will send more requests.
    pub(super) fn keeps_alive(&self) -> bool {
        self.minor_version >= 1 && !self.has_token("Connection", "close")
    }

    /// Returns the values of a header, without white space around them.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |it| it.name.eq_ignore_ascii_case(name)).map(|it| it.value.trim_ascii())
    }

    /// Returns the members of a header that is a list.
    pub(super) fn tokens(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.values(name).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
    }

    /// Returns whether a header that is a list has that member, in any case.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.tokens(name).any(|it| it.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Returns the value of a header that may be there once.
    pub(super) fn single(&self, name: &str) -> Result<Option<&'a [u8]>, Rejection> {
        self.once(name, Rejection::Twice)
    }

    fn once(&self, name: &str, twice: Rejection) -> Result<Option<&'a [u8]>, Rejection> {
        let mut values = self.values(name);
        let value = values.next();
        if values.next().is_some() { Err(twice) } else { Ok(value) }
    }
}

fn rejection(error: httparse::Error) -> Rejection {
    match error {
        httparse::Error::TooManyHeaders => Rejection::TooManyHeaders,
        httparse::Error::Version => Rejection::Version,
        _ => Rejection::NotHttp,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn the_sentences_tell_the_limits() {
        assert!(Rejection::TooLong.sentence().contains(&format!(" {} KiB", MAX_HEAD >> 10)));
        assert!(Rejection::TooManyHeaders.sentence().contains(&format!(" {MAX_HEADERS} headers")));
    }
}
