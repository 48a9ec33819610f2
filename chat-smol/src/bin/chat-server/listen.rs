//! Opens all listeners: resolves their addresses, and says why one could not be opened.

use std::fmt::{self, Write as _};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use crate::listener::{ListenAddr, Listener, Service, Transport};

/// A listener that could not be opened.
#[derive(Debug)]
pub(crate) struct ListenError {
    listener: Listener,
    /// The system's reason.
    error: io::Error,
}

/// Opens all listeners, one for each address; returns the program's output, `listening SERVICE ADDR` for each.
///
/// `open` opens one address, which is never a [`Name`](ListenAddr::Name) or [`Any`](ListenAddr::Any), and returns it
/// with its real port. IPv6 sockets must accept IPv6 only. If one of several addresses is an IPv6 address and this
/// machine has no IPv6, it is left out and a warning is logged.
///
/// # Errors
///
/// The first listener that could not be opened.
pub(crate) fn listen(
    listeners: &[Listener],
    mut open: impl FnMut(&Service, &ListenAddr) -> io::Result<ListenAddr>,
) -> Result<String, ListenError> {
    let mut listening = String::new();
    for Listener { service, addr } in listeners {
        let failure = |addr: &ListenAddr, error| {
            let listener = Listener { service: *service, addr: addr.clone() };
            Err(ListenError { listener, error })
        };
        let addrs = match addr.resolve() {
            Ok(addrs) => addrs,
            Err(error) => return failure(addr, error),
        };
        let mut is_anywhere = false;
        for (i, addr) in addrs.iter().enumerate() {
            let is_last_hope = !is_anywhere && i + 1 == addrs.len();
            match open(service, addr) {
                Ok(opened) => {
                    is_anywhere = true;
                    // Writing to memory does not fail.
                    let _ = writeln!(listening, "listening {service} {opened}");
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

/// Returns the link to a page that is served there.
pub(crate) fn link(addr: SocketAddr, is_encrypted: bool) -> String {
    let scheme = if is_encrypted { "https" } else { "http" };
    match addr.ip() {
        ip if ip.is_unspecified() => format!("{scheme}://localhost:{}/", addr.port()),
        _ => format!("{scheme}://{addr}/"),
    }
}

impl ListenAddr {
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

    /// Returns whether it is an IPv6 address that this machine lacks, whatever the port and protocol.
    fn lacks_ipv6(&self) -> bool {
        matches!(self, Self::Tcp(SocketAddr::V6(addr)) if UdpSocket::bind((*addr.ip(), 0)).is_err())
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listener, error } = self;
        let Listener { service, addr } = listener;
        write!(f, "cannot listen on {addr} for {service}: ")?;
        match (error.kind(), addr) {
            (io::ErrorKind::AddrInUse, ListenAddr::Tcp(addr)) => write!(
                f,
                "the address is in use; stop what uses it, or choose another port, as in {}{} (0: any that is free)",
                match service.transport {
                    Transport::Metrics => String::from("--metrics "),
                    _ => format!("--listen {service}="),
                },
                SocketAddr::new(addr.ip(), 0)
            ),
            (io::ErrorKind::AddrInUse, ListenAddr::Unix(_)) => {
                f.write_str("the address is in use; stop what uses it, or choose another path")
            }
            (io::ErrorKind::NotFound, ListenAddr::Unix(_)) => f.write_str("there is no such directory"),
            (io::ErrorKind::AddrNotAvailable, _) => f.write_str("this machine has no such address"),
            (io::ErrorKind::PermissionDenied, ListenAddr::Tcp(addr)) if addr.port() < 1024 => {
                f.write_str("ports below 1024 need a privilege; choose one above")
            }
            _ => error.fmt(f),
        }
    }
}

impl std::error::Error for ListenError {}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Service = Service { dialect: "text", transport: Transport::Lines, is_encrypted: false };

    fn spec(addr: &str) -> Listener {
        Listener { service: TEXT, addr: ListenAddr::parse_tcp(addr).expect(addr) }
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
    fn a_failure_names_the_address() {
        let refused = |_: &Service, addr: &ListenAddr| match addr {
            ListenAddr::Tcp(SocketAddr::V4(addr)) if addr.port() == 8 => Err(io::ErrorKind::AddrInUse.into()),
            _ => Ok(addr.clone()),
        };
        let failure = listen(&[spec(":7"), spec(":8")], refused).expect_err("it is in use");
        assert!(failure.to_string().starts_with("cannot listen on 0.0.0.0:8 for text: the address is in use"));
        let failure = listen(&[spec("nobody.invalid:7")], |_, addr| Ok(addr.clone())).expect_err("it has no address");
        assert!(failure.to_string().starts_with("cannot listen on nobody.invalid:7 for text: no such name: "));
    }

    #[test]
    fn an_ipv6_address_that_the_machine_lacks_is_left_out_unless_it_is_the_only_one() {
        // No machine has this one: it is reserved for documentation.
        let missing = ListenAddr::Tcp(SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 7)));
        assert!(missing.lacks_ipv6());
        assert!(!ListenAddr::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 7))).lacks_ipv6());
        let only = Listener { service: TEXT, addr: missing };
        let refused = listen(&[only], |_, _| Err(io::ErrorKind::AddrNotAvailable.into()));
        assert!(refused.expect_err("nothing is left").to_string().ends_with("this machine has no such address"));
    }

    #[test]
    fn an_address_that_is_not_available_is_explained() {
        let told = |dialect: &'static str, addr: &str, kind: io::ErrorKind| {
            let addr = match addr.strip_prefix("unix:") {
                Some(path) => ListenAddr::Unix(path.into()),
                None => ListenAddr::Tcp(addr.parse().expect(addr)),
            };
            let listener = Listener { service: dialect.parse().expect(dialect), addr };
            let failure = ListenError { listener, error: kind.into() };
            failure.to_string()
        };
        assert_eq!(
            told("text", "127.0.0.1:4000", io::ErrorKind::AddrInUse),
            "cannot listen on 127.0.0.1:4000 for text: the address is in use; stop what uses it, or choose another \
             port, as in --listen text=127.0.0.1:0 (0: any that is free)"
        );
        let metrics =
            Listener { service: Service::METRICS, addr: ListenAddr::parse_tcp("127.0.0.1:9100").expect("one") };
        let failure = ListenError { listener: metrics, error: io::ErrorKind::AddrInUse.into() };
        assert!(failure.to_string().contains(" 127.0.0.1:9100 for metrics: the address is in use; "), "{failure}");
        assert!(failure.to_string().ends_with(" --metrics 127.0.0.1:0 (0: any that is free)"), "{failure}");
        assert_eq!(
            told("classic", "[::1]:23", io::ErrorKind::PermissionDenied),
            "cannot listen on [::1]:23 for classic: ports below 1024 need a privilege; choose one above"
        );
        assert_eq!(
            told("text", "10.1.2.3:5", io::ErrorKind::AddrNotAvailable),
            "cannot listen on 10.1.2.3:5 for text: this machine has no such address"
        );
        assert_eq!(
            told("text", "unix:/run/chat.sock", io::ErrorKind::AddrInUse),
            "cannot listen on unix:/run/chat.sock for text: the address is in use; stop what uses it, or choose \
             another path"
        );
        assert_eq!(
            told("text", "unix:nowhere/chat.sock", io::ErrorKind::NotFound),
            "cannot listen on unix:nowhere/chat.sock for text: there is no such directory"
        );
        assert_eq!(
            told("text", "127.0.0.1:5", io::ErrorKind::OutOfMemory),
            format!("cannot listen on 127.0.0.1:5 for text: {}", io::Error::from(io::ErrorKind::OutOfMemory))
        );
    }

    #[test]
    fn the_link_to_a_page_leads_to_an_address_that_can_be_opened() {
        for (addr, opens) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("[::1]:80", "http://[::1]:80/"),
            ("0.0.0.0:8080", "http://localhost:8080/"),
        ] {
            assert_eq!(link(addr.parse().expect(addr), false), opens);
            assert_eq!(link(addr.parse().expect(addr), true), opens.replace("http:", "https:"));
        }
    }
}
