//! Who a request is for, and from whose page it comes.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// A name by which browsers may reach a server: letters, digits, `-` and `.`, at most 253 bytes, in any case.
///
/// ```
/// use chat_proto::http::HostName;
///
/// assert!("chat.example".parse::<HostName>().is_ok());
/// assert!("chat.example:8080".parse::<HostName>().is_err(), "it is served on every port");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName(String);

/// A text that is not a [`HostName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostNameError;

/// The longest name that DNS has (RFC 1035, 2.3.4), as it is written.
const MAX_NAME: usize = 253;

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_name = text.len() <= MAX_NAME && text.split('.').all(is_label);
        is_name.then(|| Self(text.to_ascii_lowercase())).ok_or(HostNameError)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HostNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a host has letters, digits, \"-\" and \".\", and no port, as in chat.example")
    }
}

impl core::error::Error for HostNameError {}

/// The origin of web pages that are served elsewhere: `http` or `https`, a host, and a port unless it is the scheme's.
///
/// ```
/// use chat_proto::http::PageOrigin;
///
/// let origin: PageOrigin = "https://gamja.example".parse().expect("an origin");
/// assert_eq!(Ok(origin), "HTTPS://Gamja.example:443".parse());
/// assert!("gamja.example".parse::<PageOrigin>().is_err(), "the scheme counts, too");
/// assert!("https://gamja.example/".parse::<PageOrigin>().is_err(), "the path does not");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageOrigin(String);

/// A text that is not a [`PageOrigin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageOriginError;

impl FromStr for PageOrigin {
    type Err = PageOriginError;

    fn from_str(text: &str) -> Result<Self, PageOriginError> {
        let (scheme, host) = text.split_once("://").ok_or(PageOriginError)?;
        let default_port = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => 80,
            _ if scheme.eq_ignore_ascii_case("https") => 443,
            _ => return Err(PageOriginError),
        };
        let name = without_port(host).ok_or(PageOriginError)?;
        let port = match host[name.len()..].strip_prefix(':') {
            None => default_port,
            Some(port) => port.parse::<u16>().ok().filter(|port| *port != 0).ok_or(PageOriginError)?,
        };
        // As browsers write it.
        let name = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(addr) => format!("[{}]", addr.parse::<Ipv6Addr>().map_err(|_| PageOriginError)?),
            None => name.parse().map(|HostName(name)| name).map_err(|_| PageOriginError)?,
        };
        let scheme = scheme.to_ascii_lowercase();
        Ok(Self(if port == default_port { format!("{scheme}://{name}") } else { format!("{scheme}://{name}:{port}") }))
    }
}

/// Writes it in the form that browsers send.
impl fmt::Display for PageOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PageOriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an origin is http:// or https:// and a host, with a port or without, as in https://chat.example:8443",
        )
    }
}

impl core::error::Error for PageOriginError {}

/// Returns whether a `Host` is one that no foreign page can have: an IP address, `localhost`, or one of these names. The
/// port may be any.
pub(super) fn is_served(host: &str, names: &[HostName]) -> bool {
    let Some(name) = without_port(host) else { return false };
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(addr) => addr.parse::<Ipv6Addr>().is_ok(),
        None => {
            name.parse::<Ipv4Addr>().is_ok()
                || name.eq_ignore_ascii_case("localhost")
                || names.iter().any(|it| name.eq_ignore_ascii_case(&it.0))
        }
    }
}

/// Returns a host without its port; `None` if there is something else behind it.
fn without_port(host: &str) -> Option<&str> {
    let name_end = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
    let (name, port) = host.split_at(name_end);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

/// Returns whether a page of that `Origin` is one of this host's own.
fn is_own(origin: &str, host: &str) -> bool {
    let (page, default_port) = match (origin.strip_prefix("http://"), origin.strip_prefix("https://")) {
        (Some(page), _) => (page, ":80"),
        (_, Some(page)) => (page, ":443"),
        _ => return false,
    };
    // Browsers leave out the port of the scheme, other programs may not.
    let plain =
        |host: &str| host.strip_suffix(default_port).filter(|it| without_port(it) == Some(it)).map(String::from);
    let [page, host] = [page, host].map(|it| plain(it).unwrap_or_else(|| String::from(it)));
    page.eq_ignore_ascii_case(&host)
}

/// Returns whether a page of that `Origin` may connect to this host: it is one of the host's own, or of these others.
pub(super) fn may_connect(origin: &str, host: &str, others: &[PageOrigin]) -> bool {
    is_own(origin, host) || !others.is_empty() && origin.parse().is_ok_and(|origin| others.contains(&origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_names_that_were_given_are_served_on_any_port() {
        let names = ["Chat.example", "box"].map(|name| name.parse().expect(name));
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "192.168.1.7:80",
            "[::1]",
            "[::1]:8080",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST:1",
            "chat.example",
            "CHAT.example:443",
            "box:65535",
            "localhost:",
        ] {
            assert!(is_served(host, &names), "{host}");
        }
        for host in [
            "",
            ":80",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.localhost",
            "localhost.",
            "chat.example.",
            "0x7f.1",
            "2130706433",
            "127.1",
            "[::1",
            "::1",
            "[::1]x",
            "[localhost]",
            "localhost:8080:1",
            "user@localhost",
            "localhost/",
            "localhost:80a",
            "localhost,evil.example",
            "chat.example evil.example",
            "[127.0.0.1]",
            "[fe80::1%25eth0]",
        ] {
            assert!(!is_served(host, &names), "{host:?}");
        }
    }

    #[test]
    fn a_page_is_a_hosts_own_if_name_and_port_are_the_same() {
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://localhost", "localhost"),
            ("http://localhost", "LOCALHOST:80"),
            ("https://chat.example", "chat.example"),
            ("https://chat.example", "chat.example:443"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("http://[::1]", "[::1]:80"),
        ] {
            assert!(is_own(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "localhost"),
            ("", "localhost"),
            ("localhost", "localhost"),
            ("http://localhost:8081", "localhost:8080"),
            ("http://localhost", "localhost:8080"),
            ("https://localhost", "localhost:80"),
            ("http://127.0.0.1:8080", "localhost:8080"),
            ("http://evil.example", "localhost"),
            ("file://localhost", "localhost"),
            ("http://localhost/", "localhost"),
            ("http://user@localhost", "localhost"),
        ] {
            assert!(!is_own(origin, host), "{origin} {host}");
        }
    }

    #[test]
    fn a_page_of_another_origin_may_connect_if_scheme_host_and_port_were_given() {
        let given = ["https://gamja.example", "http://localhost:5173", "http://[2001:DB8:0::1]:80"];
        let others = given.map(|origin| origin.parse().expect(origin));
        for origin in [
            "https://gamja.example",
            "https://GAMJA.example",
            "https://gamja.example:443",
            "http://localhost:5173",
            "http://[2001:db8::1]",
            "https://chat.example",
        ] {
            assert!(may_connect(origin, "chat.example", &others), "{origin}");
        }
        for origin in [
            "http://gamja.example",
            "https://gamja.example:444",
            "https://gamja.example:80",
            "https://www.gamja.example",
            "https://gamja.example.evil.example",
            "https://gamja.example/",
            "https://gamja.example.",
            "https://gamja.example@evil.example",
            "https://evil.example",
            "http://localhost",
            "https://localhost:5173",
            "gamja.example",
            "null",
            "",
        ] {
            assert!(!may_connect(origin, "chat.example", &others), "{origin:?}");
        }
        assert!(!may_connect("https://gamja.example", "chat.example", &[]), "none was given");
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port_as_browsers_write_it() {
        for (text, written) in [
            ("https://chat.example", "https://chat.example"),
            ("HTTPS://CHAT.example:443", "https://chat.example"),
            ("http://chat.example:443", "http://chat.example:443"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[0:0::1]:08080", "http://[::1]:8080"),
        ] {
            assert_eq!(text.parse::<PageOrigin>().map(|origin| format!("{origin}")), Ok(written.into()));
        }
        for text in [
            "",
            "null",
            "*",
            "chat.example",
            "https://",
            "https:///",
            "https://*",
            "https://*.example",
            "https://chat.example/",
            "https://chat.example/page",
            "https://user@chat.example",
            "https://chat.example:",
            "https://chat.example:0",
            "https://chat.example:65536",
            "https://chat.example:+1",
            "https://[localhost]",
            "https://::1",
            "wss://chat.example",
            "file://",
            " https://chat.example",
        ] {
            assert_eq!(text.parse::<PageOrigin>(), Err(PageOriginError), "{text:?}");
        }
    }

    #[test]
    fn a_name_has_labels_of_letters_digits_and_hyphens() {
        for name in ["box", "chat.example", "a-b.C3", "1.2.3.4"] {
            assert!(name.parse::<HostName>().is_ok(), "{name}");
        }
        for name in ["", ".", "a..b", "a.", "-a", "a_b", "a:1", "http://a", "a/b", "\u{e4}", "[::1]", "*"] {
            assert_eq!(name.parse::<HostName>(), Err(HostNameError), "{name:?}");
        }
        assert!("a".repeat(254).parse::<HostName>().is_err());
    }
}
