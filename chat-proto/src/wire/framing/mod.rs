//! Framings: how a transport's bytes are cut into lines, and how lines are wrapped for it.

pub(crate) mod frame;
pub(crate) mod lines;
pub mod websocket;
pub(crate) mod wrap;

/// How the bytes of a connection are cut into lines, and what is put around the lines that it is sent.
///
/// It is chosen for each session, with [`Hub::set_framing`](crate::Hub::set_framing), and apart from the dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Lines as they are, each with its line end.
    #[default]
    Lines,
    /// Messages of [WebSocket](crate::websocket), each of which is a line without its line end.
    WebSocket(MessageKind),
}

/// The kind of the messages that a peer is sent over WebSocket. Peers may send either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Text: UTF-8, which browsers give to a page as a string. For IRC it is the subprotocol `text.ircv3.net`.
    Text,
    /// Bytes. For IRC it is the subprotocol `binary.ircv3.net`.
    Binary,
}

/// Which bytes a session is sent: those of a dialect in a framing. Readers with the same format share their bytes.
///
/// It is one byte, so that telling two apart costs no more than telling dialects apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Format(u8);

impl Format {
    /// There are at most this many dialects.
    const DIALECTS: u8 = 16;

    pub(crate) fn new(dialect: u8, framing: Framing) -> Self {
        debug_assert!(dialect < Self::DIALECTS, "the configuration was checked");
        let framing = match framing {
            Framing::Lines => 0,
            Framing::WebSocket(MessageKind::Text) => 1,
            Framing::WebSocket(MessageKind::Binary) => 2,
        };
        Self(dialect + framing * Self::DIALECTS)
    }

    /// Returns the dialect, by its index in the configuration.
    pub(crate) const fn dialect(self) -> u8 {
        self.0 % Self::DIALECTS
    }

    /// Returns the kind of its messages; `None` if it has lines.
    pub(crate) const fn messages(self) -> Option<MessageKind> {
        match self.0 / Self::DIALECTS {
            0 => None,
            1 => Some(MessageKind::Text),
            _ => Some(MessageKind::Binary),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_a_dialect_and_a_framing() {
        for dialect in 0..Format::DIALECTS {
            for (framing, kind) in [
                (Framing::Lines, None),
                (Framing::WebSocket(MessageKind::Text), Some(MessageKind::Text)),
                (Framing::WebSocket(MessageKind::Binary), Some(MessageKind::Binary)),
            ] {
                let format = Format::new(dialect, framing);
                assert_eq!((format.dialect(), format.messages()), (dialect, kind));
            }
        }
    }
}
