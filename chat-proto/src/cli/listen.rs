//! Where to listen: how an address is written, which addresses it stands for, and opening them all.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;

use super::{Failure, Program, UsageError};
use crate::config::Config;

/// An address and the dialect that is spoken there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSpec {
    /// The dialect's name, one of those in [`Config::default`].
    pub dialect: String,
    /// The address.
    pub addr: ListenAddr,
}

/// Where a listener waits for connections. Port 0 lets the system choose one, for each address another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
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

/// Opens all listeners, one for each address; returns what a program prints then, `listening DIALECT ADDR` for each.
///
/// `open` opens one, which is never a [`Name`](ListenAddr::Name) or [`Any`](ListenAddr::Any), and returns its address
/// with its real port. An IPv6 socket is to be for IPv6 alone. Of several addresses an IPv6 one may be missing, because
/// this machine has no IPv6; a warning is logged then.
///
/// # Errors
///
/// The first listener that could not be opened.
pub fn listen(
    listeners: &[ListenerSpec],
    mut open: impl FnMut(&str, &ListenAddr) -> io::Result<ListenAddr>,
) -> Result<String, Failure> {
    let mut listening = String::new();
    for ListenerSpec { dialect, addr } in listeners {
        let failure = |addr: &ListenAddr, error| {
            let listener = ListenerSpec { dialect: dialect.clone(), addr: addr.clone() };
            Err(Failure::Listen { listener, error })
        };
        let addrs = match addr.resolve() {
            Ok(addrs) => addrs,
            Err(error) => return failure(addr, error),
        };
        let mut is_anywhere = false;
        for (i, addr) in addrs.iter().enumerate() {
            let is_last_hope = !is_anywhere && i + 1 == addrs.len();
            match open(dialect, addr) {
                Ok(opened) => {
                    is_anywhere = true;
                    // Writing to memory does not fail.
                    let _ = writeln!(listening, "listening {dialect} {opened}");
                }
                Err(error) if addr.lacks_ipv6() && !is_last_hope => {
                    tracing::warn!(%addr, %error, "this machine has no IPv6: listening without it");
                }
                Err(error) => return failure(addr, error),
            }
        }
    }
    Ok(listening)
}

pub(super) fn default_listeners() -> Vec<ListenerSpec> {
    let local = |dialect, port| ListenerSpec {
        dialect: String::from(dialect),
        addr: ListenAddr::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
    };
    vec![local("text", 4_000), local("classic", 4_001)]
}

impl ListenerSpec {
    /// Reads the value of `--listen`.
    pub(super) fn parse(program: &Program, value: &str, config: &Config) -> Result<Self, UsageError> {
        let wrong = |expected| UsageError::Value { option: "listen", value: String::from(value), expected };
        let Some((dialect, addr)) = value.split_once('=') else {
            return Err(wrong(String::from("it must be DIALECT=ADDR, such as text=127.0.0.1:4000")));
        };
        let known: Vec<_> = config.dialects.iter().map(|dialect| dialect.dialect.name()).collect();
        if !known.contains(&dialect) {
            return Err(wrong(format!("the dialect must be {}", known.join(" or "))));
        }
        let addr = ListenAddr::parse(program, addr).map_err(wrong)?;
        Ok(Self { dialect: String::from(dialect), addr })
    }
}

impl ListenAddr {
    /// Reads what stands behind `DIALECT=`, or says what it must be.
    fn parse(program: &Program, addr: &str) -> Result<Self, String> {
        match addr.strip_prefix(UNIX) {
            Some("") => Err(String::from("unix: needs a path, such as unix:/run/chat.sock")),
            Some(path) if program.unix_sockets => Ok(Self::Unix(PathBuf::from(path))),
            Some(_) => Err(format!("{} serves no Unix sockets; {FORMS}", program.name)),
            None => match Self::parse_tcp(addr) {
                Some(addr) => Ok(addr),
                None if program.unix_sockets => Err(format!("{FORMS}, or unix:PATH")),
                None => Err(String::from(FORMS)),
            },
        }
    }

    fn parse_tcp(addr: &str) -> Option<Self> {
        if let Ok(addr) = addr.parse() {
            return Some(Self::Tcp(addr));
        }
        let (host, port) = addr.rsplit_once(':')?;
        // Digits alone: `parse` would take a sign.
        let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??;
        if host.is_empty() {
            return Some(Self::Any { port });
        }
        is_name(host).then(|| Self::Name { host: String::from(host), port })
    }

    /// Returns the addresses that it stands for now.
    fn resolve(&self) -> io::Result<Vec<Self>> {
        let addrs = match self {
            Self::Tcp(_) | Self::Unix(_) => return Ok(vec![self.clone()]),
            Self::Any { port } => {
                vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, *port)), SocketAddr::from((Ipv6Addr::UNSPECIFIED, *port))]
            }
            Self::Name { host, port } => {
                let found = (host.as_str(), *port).to_socket_addrs();
                let found = found.map_err(|error| io::Error::new(error.kind(), format!("no such name: {error}")))?;
                let mut addrs: Vec<SocketAddr> = Vec::new();
                for addr in found {
                    if !addrs.contains(&addr) {
                        addrs.push(addr);
                    }
                }
                addrs
            }
        };
        if addrs.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addrs.into_iter().map(Self::Tcp).collect())
    }

    /// Returns whether it is an IPv6 address that this machine has not, on any port and for any protocol.
    fn lacks_ipv6(&self) -> bool {
        matches!(self, Self::Tcp(SocketAddr::V6(addr)) if UdpSocket::bind((*addr.ip(), 0)).is_err())
    }
}

/// Whether it may be the name of a machine. What ends in a number would be an IPv4 address, and is none.
fn is_name(host: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    host.bytes().all(is_allowed) && !host.starts_with('-') && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// What stands before the path of a Unix socket.
const UNIX: &str = "unix:";

const FORMS: &str = "the address must be IP:PORT, NAME:PORT or :PORT, such as 127.0.0.1:4000, [::1]:4000, \
                     localhost:4000 or :4000";

/// Writes it as [`parse`](super::parse) reads it, as in `text=127.0.0.1:4000`.
impl fmt::Display for ListenerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.dialect, self.addr)
    }
}

/// Writes it as [`parse`](super::parse) reads it, as in `127.0.0.1:4000` or `unix:/run/chat.sock`.
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
    use alloc::string::ToString;

    use super::*;

    fn spec(addr: &str) -> ListenerSpec {
        ListenerSpec { dialect: String::from("text"), addr: ListenAddr::parse_tcp(addr).expect(addr) }
    }

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
    fn each_address_has_its_listener_and_its_line() {
        let mut opened = Vec::new();
        let said = listen(&[spec("localhost:7"), spec(":8"), spec("127.0.0.2:9")], |dialect, addr| {
            opened.push(format!("{dialect} {addr}"));
            Ok(addr.clone())
        });
        let said = said.expect("nothing was refused");
        assert_eq!(said, format!("listening {}\n", opened.join("\nlistening ")));
        assert!(opened.contains(&String::from("text 127.0.0.1:7")), "{opened:?}");
        assert!(
            opened.ends_with(&["text 0.0.0.0:8", "text [::]:8", "text 127.0.0.2:9"].map(String::from)),
            "{opened:?}"
        );
    }

    #[test]
    fn what_cannot_be_opened_is_named_by_its_address() {
        let refused = |_: &str, addr: &ListenAddr| match addr {
            ListenAddr::Tcp(SocketAddr::V4(addr)) if addr.port() == 8 => Err(io::ErrorKind::AddrInUse.into()),
            _ => Ok(addr.clone()),
        };
        let failure = listen(&[spec(":7"), spec(":8")], refused).expect_err("it is in use");
        assert!(failure.to_string().starts_with("cannot listen on 0.0.0.0:8 for text: the address is in use"));
        let failure = listen(&[spec("nobody.invalid:7")], |_, addr| Ok(addr.clone())).expect_err("it has no address");
        assert!(failure.to_string().starts_with("cannot listen on nobody.invalid:7 for text: no such name: "));
        assert_eq!(failure.status(), 1);
    }

    #[test]
    fn an_ipv6_address_that_the_machine_has_not_is_done_without_but_not_if_it_is_the_only_one() {
        // Nobody has this one: it is set aside for documents.
        let nobodys = ListenAddr::Tcp(SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 7)));
        assert!(nobodys.lacks_ipv6());
        assert!(!ListenAddr::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 7))).lacks_ipv6());
        let only = ListenerSpec { dialect: String::from("text"), addr: nobodys };
        let refused = listen(&[only], |_, _| Err(io::ErrorKind::AddrNotAvailable.into()));
        assert!(refused.expect_err("nothing is left").to_string().ends_with("this machine has no such address"));
    }
}
