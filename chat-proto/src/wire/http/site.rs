//! What is served: files, and where WebSocket begins.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::host::{HostName, PageOrigin};
use crate::wire::framing::MessageKind;

/// What is served: files, where WebSocket begins, and under which names.
///
/// It does not change while it is in use, so that all connections of a listener share one.
#[derive(Clone, Debug, Default)]
pub struct Site {
    resources: Vec<Resource>,
    pub(super) upgrade: Option<Upgrade>,
    pub(super) hosts: Vec<HostName>,
    /// It is served under any name.
    pub(super) has_any_host: bool,
    /// Those of pages elsewhere that may connect.
    pub(super) origins: Vec<PageOrigin>,
    /// Lines that each answer has.
    pub(super) headers: String,
}

/// A file of a [`Site`].
#[derive(Clone, Debug)]
pub struct Resource {
    pub(super) path: &'static str,
    pub(super) content_type: &'static str,
    pub(super) cache_control: &'static str,
    pub(super) body: Body,
}

/// What a file contains.
#[derive(Clone)]
pub(super) enum Body {
    /// Always the same.
    Kept {
        /// A hash of the bytes, in quotation marks.
        etag: String,
        bytes: Arc<[u8]>,
    },
    /// Made for each request.
    Made(Arc<dyn Fn() -> Vec<u8> + Send + Sync>),
}

/// Where WebSocket begins, and what its messages are.
#[derive(Clone, Debug)]
pub(super) struct Upgrade {
    /// `None`: everywhere.
    path: Option<&'static str>,
    /// The names of subprotocols, and what the messages of each are. A client that asks for none gets text.
    pub(super) subprotocols: &'static [(&'static str, MessageKind)],
}

impl Site {
    /// The subprotocols of IRC over WebSocket, as IRCv3 has them.
    pub const IRC: &'static [(&'static str, MessageKind)] =
        &[("text.ircv3.net", MessageKind::Text), ("binary.ircv3.net", MessageKind::Binary)];

    /// Makes a site that has nothing, and is served by IP addresses and as `localhost`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Lets WebSocket begin at that path; at `None`, wherever there is no file. Of the subprotocols that a client asks
    /// for, it gets the first that is among these.
    #[must_use]
    pub fn upgrade(mut self, path: Option<&'static str>, subprotocols: &'static [(&'static str, MessageKind)]) -> Self {
        self.upgrade = Some(Upgrade { path, subprotocols });
        self
    }

    /// Serves it under that name, too, on any port.
    #[must_use]
    pub fn host(mut self, name: HostName) -> Self {
        self.hosts.push(name);
        self
    }

    /// Serves it under any name. For what may be read by any page that a browser of this network shows: such a page can
    /// lead a name of its own to this server.
    #[must_use]
    pub fn any_host(mut self) -> Self {
        self.has_any_host = true;
        self
    }

    /// Lets pages of that origin begin WebSocket, besides those of the host that they connect to. `Host` is checked as
    /// before.
    #[must_use]
    pub fn origin(mut self, origin: PageOrigin) -> Self {
        self.origins.push(origin);
        self
    }

    /// Adds a header to each answer.
    ///
    /// # Panics
    ///
    /// Panics if there is a control character in it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        assert!(!name.chars().chain(value.chars()).any(char::is_control), "a header is a line");
        for part in [name, ": ", value, "\r\n"] {
            self.headers.push_str(part);
        }
        self
    }

    /// Returns the file at that path.
    pub(super) fn find(&self, path: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.path == path)
    }

    /// Returns how WebSocket begins at that path.
    pub(super) fn upgrade_at(&self, path: &str) -> Option<&Upgrade> {
        self.upgrade.as_ref().filter(|upgrade| upgrade.path.is_none_or(|it| it == path))
    }
}

impl Resource {
    /// Makes a file. Browsers keep it and ask each time whether it has changed.
    #[must_use]
    pub fn new(path: &'static str, content_type: &'static str, body: impl Into<Arc<[u8]>>) -> Self {
        let body = body.into();
        // Not secret: whoever has the tag has the file.
        let mut hasher = SipHasher13::new();
        hasher.write(&body);
        let etag = format!("\"{:032x}\"", hasher.finish128().as_u128());
        Self { path, content_type, cache_control: "no-cache", body: Body::Kept { etag, bytes: body } }
    }

    /// Makes a file whose content is made for each request for it. Nobody keeps it.
    ///
    /// ```
    /// use chat_proto::Timestamp;
    /// use chat_proto::http::{Connection, Resource, Site};
    ///
    /// let site = Site::new().any_host().resource(Resource::made("/health", "text/plain", || b"ok".to_vec()));
    /// let mut connection = Connection::new(Timestamp::ZERO);
    /// connection.receive(Timestamp::ZERO, &site, b"GET /health HTTP/1.1\r\nHost: chat.internal\r\n\r\n");
    /// assert!(connection.pending().starts_with(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n"));
    /// ```
    #[must_use]
    pub fn made(
        path: &'static str,
        content_type: &'static str,
        make: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self { path, content_type, cache_control: "no-store", body: Body::Made(Arc::new(make)) }
    }

    /// Sets how long browsers keep it without asking (`Cache-Control`).
    #[must_use]
    pub fn cache_control(self, cache_control: &'static str) -> Self {
        Self { cache_control, ..self }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept { etag, bytes } => write!(f, "{} bytes, {etag}", bytes.len()),
            Self::Made(_) => f.write_str("made for each request"),
        }
    }
}
