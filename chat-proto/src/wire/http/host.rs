//! Who a request is for, and from whose page it comes.

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
pub(super) fn is_own(origin: &str, host: &str) -> bool {
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
