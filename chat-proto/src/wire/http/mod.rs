//! HTTP/1.1 as far as a page needs it: static files, and the upgrade to WebSocket. With the feature `web`.
//!
//! A [`Site`] says what there is: files, given as bytes or made for each request, and where WebSocket begins. A
//! [`Connection`] is one connection until it becomes a session: bytes in, bytes out, and deadlines. It reads no clock
//! and does no I/O. GET and HEAD are answered, connections are kept alive, and requests sent ahead are answered in
//! order, each once the answer before it is sent. Whatever does not end where everybody agrees that it ends is refused
//! and the connection closed: bodies, chunked or not, line ends that are no line ends, folded headers, a second `Host`.
//!
//! A web page can make any browser send requests to a server of this machine or of this network. Two rules stand against
//! it. `Host` has to be an IP address, `localhost` or a [name that is served](Site::host), or a page could lead a name of
//! its own to this server and read what it says; a site that any page may read can [do without](Site::any_host). The
//! `Origin` of an upgrade has to be the `Host` of the same request, or one that is [allowed](Site::origin) besides.
//!
//! ```
//! use chat_proto::Timestamp;
//! use chat_proto::http::{Action, Connection, Resource, Site};
//!
//! let site = Site::new().resource(Resource::new("/", "text/html; charset=utf-8", *b"<!doctype html>"));
//! let mut connection = Connection::new(Timestamp::ZERO);
//! let request = b"GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";
//! assert_eq!(connection.receive(Timestamp::ZERO, &site, request), request.len());
//! let mut sent = Vec::new();
//! while connection.action() == Action::Write {
//!     sent.extend_from_slice(connection.pending()); // with a real socket: `write`, which may take less
//!     connection.sent(Timestamp::ZERO, connection.pending().len());
//! }
//! assert!(sent.starts_with(b"HTTP/1.1 200 OK\r\n") && sent.ends_with(b"\r\n\r\n<!doctype html>"));
//! assert_eq!(connection.action(), Action::Read);
//! ```

mod connection;
mod head;
mod host;
mod rejection;
mod response;
mod site;
mod upgrade;

pub use connection::{Action, Connection, HEAD_TIMEOUT, IDLE_TIMEOUT, MAX_REQUESTS, RESPONSE_TIMEOUT};
pub use head::{MAX_HEAD, MAX_HEADERS};
pub use host::{HostName, HostNameError, PageOrigin, PageOriginError};
pub use rejection::{bad_request, refusal};
pub use site::{Resource, Site};
