//! The telnet commands among a peer's bytes (RFC 854).

/// Interpret as command: the byte before every telnet command.
pub(super) const IAC: u8 = 255;

/// Returns the length of the telnet command at the start of the bytes, including its IAC.
pub(super) fn command_len(bytes: &[u8]) -> usize {
    const SUBNEGOTIATION_END: u8 = 240;
    const SUBNEGOTIATION: u8 = 250;
    const WILL: u8 = 251;
    const DONT: u8 = 254;
    let len = match bytes.get(1) {
        Some(&SUBNEGOTIATION) => {
            let end = bytes.windows(2).skip(2).position(|pair| pair == [IAC, SUBNEGOTIATION_END]);
            end.map_or(bytes.len(), |end| end + 4)
        }
        Some(&(WILL..=DONT)) => 3,
        _ => 2,
    };
    len.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_ends_at_its_end_or_with_the_bytes() {
        for (bytes, len) in [
            (&b"\xff\xfb\x01hi"[..], 3),
            (b"\xff\xf1hi", 2),
            (b"\xff\xffhi", 2),
            (b"\xff\xfa\x18\0vt100\xff\xf0hi", 11),
            (b"\xff\xfa\xff\xf0hi", 4),
            (b"\xff\xfa\x18 never ends", 14),
            (b"\xff\xfb", 2),
            (b"\xff", 1),
        ] {
            assert_eq!(command_len(bytes), len, "{}", bytes.escape_ascii());
        }
    }
}
