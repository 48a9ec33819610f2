//! A value of `--listen`: an address, and what is served there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer};
use thiserror::Error;

use crate::file_value;
use crate::value::{self, ValueError};

/// An address and what is served there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) service: Service,
    /// The address.
    pub(crate) addr: ListenAddr,
}

/// What is served on an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// The dialect's name, one of [`DIALECTS`](value::DIALECTS).
    pub(crate) dialect: &'static str,
    pub(crate) transport: Transport,
    /// In TLS.
    pub(crate) is_encrypted: bool,
}

/// What carries a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Lines,
    WebSocket,
    /// WebSocket, and the page that uses it.
    Page,
    /// No dialect: HTTP for programs that watch over the server.
    Metrics,
}

/// Where a listener waits for connections. With port 0, the system chooses a port for each address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListenAddr {
    /// A TCP port of one address.
    Tcp(SocketAddr),
    /// A TCP port of each address that the name has when the program starts.
    Name {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
    /// A TCP port of every address of this machine, IPv4 and IPv6.
    Any {
        /// The port.
        port: u16,
    },
    /// A Unix socket at this path.
    Unix(PathBuf),
}

pub(crate) fn default_listeners() -> Vec<Listener> {
    let local = |service, port| Listener {
        service,
        addr: ListenAddr::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
    };
    let lines = |dialect| Service { dialect, transport: Transport::Lines, is_encrypted: false };
    vec![
        local(lines("text"), 4_000),
        local(lines("classic"), 4_001),
        local(lines("irc"), 6_667),
        local(Service::PAGE, 8_080),
    ]
}

impl Service {
    /// The page speaks IRC.
    pub(crate) const PAGE: Self = Self { dialect: "irc", transport: Transport::Page, is_encrypted: false };
    /// No value of `--listen` is this.
    pub(crate) const METRICS: Self = Self { dialect: "metrics", transport: Transport::Metrics, is_encrypted: false };
}

impl FromStr for Service {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut parts = text.split('+');
        let name = parts.next().unwrap_or_default();
        let mut service = match name {
            PAGE => Self::PAGE,
            _ => Self {
                dialect: value::dialect(name).map_err(|_| ValueError::Service)?,
                transport: Transport::Lines,
                is_encrypted: false,
            },
        };
        // In either order.
        for part in parts {
            match part {
                WEBSOCKET if service.transport == Transport::Lines => service.transport = Transport::WebSocket,
                TLS if !service.is_encrypted => service.is_encrypted = true,
                _ => return Err(ValueError::Service),
            }
        }
        Ok(service)
    }
}

/// Writes it in the form that is parsed, as in `irc+ws+tls`.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            Transport::Lines | Transport::Metrics => f.write_str(self.dialect),
            Transport::WebSocket => write!(f, "{}+{WEBSOCKET}", self.dialect),
            Transport::Page => f.write_str(PAGE),
        }?;
        if self.is_encrypted { write!(f, "+{TLS}") } else { Ok(()) }
    }
}

const PAGE: &str = "web";
const WEBSOCKET: &str = "ws";
const TLS: &str = "tls";

/// The prefix of a Unix socket's path.
const UNIX: &str = "unix:";

/// Reads a value of `--listen`.
impl FromStr for Listener {
    type Err = ListenerError;

    fn from_str(text: &str) -> Result<Self, ListenerError> {
        let (service, addr) = text.split_once('=').ok_or(ListenerError::Form)?;
        let service = service.parse()?;
        let addr = match addr.strip_prefix(UNIX) {
            Some("") => return Err(ListenerError::NoPath),
            Some(path) => ListenAddr::Unix(PathBuf::from(path)),
            None => ListenAddr::parse_tcp(addr).ok_or(ListenerError::Addr)?,
        };
        Ok(Self { service, addr })
    }
}

impl<'de> Deserialize<'de> for Listener {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        file_value::from_text(file)
    }
}

/// A text that is not a listener.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ListenerError {
    #[error("it must be DIALECT=ADDR, such as text=127.0.0.1:4000")]
    Form,
    #[error(transparent)]
    Service(#[from] ValueError),
    #[error(
        "the address must be IP:PORT, NAME:PORT or :PORT, such as 127.0.0.1:4000, [::1]:4000, localhost:4000 or :4000, \
         or unix:PATH"
    )]
    Addr,
    #[error("unix: needs a path, such as unix:/run/chat.sock")]
    NoPath,
}

impl ListenAddr {
    /// Parses an address that is no path.
    pub(crate) fn parse_tcp(addr: &str) -> Option<Self> {
        if let Ok(addr) = addr.parse() {
            return Some(Self::Tcp(addr));
        }
        let (host, port) = addr.rsplit_once(':')?;
        // Digits alone: `parse` would accept a sign.
        let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??;
        if host.is_empty() {
            return Some(Self::Any { port });
        }
        is_name(host).then(|| Self::Name { host: String::from(host), port })
    }
}

/// Whether it may be a host name. One that ends in a number would be an IPv4 address, but did not parse as one.
fn is_name(host: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    host.bytes().all(is_allowed) && !host.starts_with('-') && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes it in the form that is parsed, as in `text=127.0.0.1:4000`.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.service, self.addr)
    }
}

/// Writes it in the form that is parsed, as in `127.0.0.1:4000` or `unix:/run/chat.sock`.
impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
            Self::Any { port } => write!(f, ":{port}"),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn an_address_is_an_ip_a_name_or_all_of_the_machine() {
        let name = |host: &str, port| ListenAddr::Name { host: host.to_string(), port };
        for (text, addr) in [
            ("127.0.0.1:4000", ListenAddr::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 4_000)))),
            ("[::1]:0", ListenAddr::Tcp(SocketAddr::from((Ipv6Addr::LOCALHOST, 0)))),
            (":4000", ListenAddr::Any { port: 4_000 }),
            ("localhost:4000", name("localhost", 4_000)),
            ("chat.example:1", name("chat.example", 1)),
            ("my_box-2:65535", name("my_box-2", 65_535)),
        ] {
            assert_eq!(ListenAddr::parse_tcp(text), Some(addr.clone()));
            assert_eq!(addr.to_string(), text);
        }
        for text in [
            "",
            ":",
            "4000",
            "localhost",
            "localhost:",
            "localhost:+1",
            "localhost:65536",
            "::1",
            "::1:4000",
            "[::1]",
            "1.2.3:4",
            "1.2.3.256:4",
            "-x:4",
            "a b:4",
            "\u{e4}:4",
            "x=y:4",
            ".:4",
            "[fe80::1%eth0]:4",
        ] {
            assert_eq!(ListenAddr::parse_tcp(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_service_is_a_dialect_by_itself_or_over_websocket_or_the_page_each_with_or_without_tls() {
        for text in ["text", "irc", "classic", "text+ws", "irc+ws", "web", "text+tls", "irc+ws+tls", "web+tls"] {
            assert_eq!(text.parse::<Service>().map(|service| service.to_string()), Ok(text.into()));
        }
        assert_eq!("irc+tls+ws".parse::<Service>().map(|service| service.to_string()), Ok("irc+ws+tls".into()));
        for text in ["", "morse", "+ws", "+tls", "web+ws", "irc+", "irc+wss", "irc+tls+tls", "web+tls+ws", "irc+ws+ws"]
        {
            assert_eq!(text.parse::<Service>(), Err(ValueError::Service), "{text}");
        }
    }
}
