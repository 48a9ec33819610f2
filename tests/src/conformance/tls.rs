//! Where the servers under test speak TLS, and how their clients do.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use socket2::{SockAddr, Socket};

use crate::stream::Stream;

/// Where servers of this process speak TLS, and how to speak it there.
static ENCRYPTED: Mutex<Option<HashMap<SocketAddr, Arc<ClientConfig>>>> = Mutex::new(None);

/// Lets clients that connect to that address speak TLS from now on.
pub fn speak_tls(addr: SocketAddr, config: Arc<ClientConfig>) {
    let mut encrypted = ENCRYPTED.lock().unwrap_or_else(PoisonError::into_inner);
    encrypted.get_or_insert_default().insert(addr, config);
}

/// Returns the stream of a socket that is connected to that address.
pub(crate) fn stream_to(addr: &SockAddr, socket: Socket) -> Stream {
    let encrypted = ENCRYPTED.lock().unwrap_or_else(PoisonError::into_inner);
    let config = addr.as_socket().and_then(|addr| encrypted.as_ref()?.get(&addr).cloned());
    Stream::new(socket, config)
}
