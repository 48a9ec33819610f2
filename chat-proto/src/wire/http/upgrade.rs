//! The handshake of WebSocket (RFC 6455, section 4.2).

use alloc::vec::Vec;
use core::str;

use super::head::Request;
use super::host::{self, PageOrigin};
use super::rejection::Rejection;
use super::response;
use super::site::Upgrade;
use crate::wire::framing::MessageKind;
use crate::wire::framing::websocket::accept_key;

/// A handshake that is to be answered.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) kind: MessageKind,
    subprotocol: Option<&'static str>,
    accept: [u8; 28],
}

impl Handshake {
    /// Checks what a client asks for. Pages of the host itself may, and those of these origins.
    pub(super) fn new(request: &Request<'_>, upgrade: &Upgrade, origins: &[PageOrigin]) -> Result<Self, Rejection> {
        if !request.is("GET") {
            return Err(Rejection::UpgradeMethod);
        }
        let is_asked = request.minor_version >= 1
            && request.has_token("Upgrade", "websocket")
            && request.has_token("Connection", "upgrade");
        if !is_asked {
            return Err(Rejection::NoUpgrade);
        }
        if request.single("Sec-WebSocket-Version")? != Some(b"13") {
            return Err(Rejection::WebSocketVersion);
        }
        // A program that is no browser need not say where it comes from.
        if let Some(origin) = request.single("Origin")?
            && !str::from_utf8(origin).is_ok_and(|origin| host::may_connect(origin, request.host, origins))
        {
            return Err(Rejection::Origin);
        }
        let key = request.single("Sec-WebSocket-Key")?.filter(|key| is_key(key)).ok_or(Rejection::Key)?;
        let known = |asked: &[u8]| upgrade.subprotocols.iter().find(|(name, _)| name.as_bytes() == asked);
        let agreed = request.tokens("Sec-WebSocket-Protocol").find_map(known);
        Ok(Self {
            kind: agreed.map_or(MessageKind::Text, |(_, kind)| *kind),
            subprotocol: agreed.map(|(name, _)| *name),
            accept: accept_key(key),
        })
    }

    /// Writes the answer.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        out.extend_from_slice(b"Sec-WebSocket-Accept: ");
        out.extend_from_slice(&self.accept);
        out.extend_from_slice(b"\r\n");
        if let Some(name) = self.subprotocol {
            response::push(out, &format_args!("Sec-WebSocket-Protocol: {name}\r\n"));
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Returns whether it is 16 bytes in base64. The last digit has four bits that nothing depends on.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(is_digit)
}
