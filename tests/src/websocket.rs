//! Frames of WebSocket, as a client sends and reads them. They are written from RFC 6455 and share nothing with the core.

/// The opcodes.
pub mod opcode {
    #![expect(missing_docs, reason = "RFC 6455, section 5.2")]

    pub const CONTINUATION: u8 = 0;
    pub const TEXT: u8 = 1;
    pub const BINARY: u8 = 2;
    pub const CLOSE: u8 = 8;
    pub const PING: u8 = 9;
    pub const PONG: u8 = 10;
}

/// A frame of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub opcode: u8,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// Returns a frame of a client, the last of its message or not.
#[must_use]
pub fn masked(is_last: bool, opcode: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![u8::from(is_last) << 7 | opcode];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            frame.push(0xfe);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0xff);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Takes the bytes of a server apart, which sends whole messages and nothing after a close frame.
///
/// # Errors
///
/// The rule that the server has broken.
pub fn frames(mut bytes: &[u8]) -> Result<Vec<Frame>, &'static str> {
    let mut frames: Vec<Frame> = Vec::new();
    while !bytes.is_empty() {
        if frames.last().is_some_and(|frame| frame.opcode == opcode::CLOSE) {
            return Err("something follows a close frame");
        }
        let [first, second, rest @ ..] = bytes else { return Err("half a header") };
        let (len, rest) = match second {
            126 => rest.split_first_chunk().map(|(len, rest)| (usize::from(u16::from_be_bytes(*len)), rest)),
            127 => rest.split_first_chunk().map(|(len, rest)| (u64::from_be_bytes(*len) as usize, rest)),
            len => Some((usize::from(*len), rest)),
        }
        .ok_or("half a header")?;
        let (payload, others) = rest.split_at_checked(len).ok_or("half a frame")?;
        let opcode = first & 0x0f;
        let is_control = opcode >= opcode::CLOSE;
        let shortest = if len < 126 {
            0
        } else if len < 0x1_0000 {
            2
        } else {
            8
        };
        if first & 0xf0 != 0x80 {
            return Err("a reserved bit, or a fragment");
        } else if second & 0x80 != 0 {
            return Err("a mask");
        } else if bytes.len() - rest.len() != 2 + shortest {
            return Err("a length that is not in its shortest form");
        } else if !matches!(opcode, 1 | 2 | 8..=10) || is_control && len > 125 {
            return Err("a frame that is none");
        } else if opcode == opcode::TEXT && str::from_utf8(payload).is_err() {
            return Err("a text that is not UTF-8");
        }
        frames.push(Frame { opcode, payload: payload.to_vec() });
        bytes = others;
    }
    Ok(frames)
}
