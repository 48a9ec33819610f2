//! Colours and styles in messages, and messages from client to client (CTCP).
//!
//! The codes are those of "IRC Formatting" (<https://modern.ircdocs.horse/formatting>), CTCP is that of
//! <https://modern.ircdocs.horse/ctcp>.

use alloc::string::String;

/// Begins a colour by its number.
const COLOUR: u8 = 0x03;
/// Begins a colour by its parts.
const HEX_COLOUR: u8 = 0x04;
/// Begins and ends a message from client to client.
const CTCP: char = '\x01';

/// Returns words without colours and styles: the words themselves, or a text that is written to the buffer.
///
/// Numbers of colours go with their codes. For words from a peer it has to come before the [cleaning], which takes the
/// codes out and leaves the numbers.
///
/// [cleaning]: crate::wire::sanitize
pub(crate) fn strip<'a>(words: &'a str, buffer: &'a mut String) -> &'a str {
    let Some(first) = words.bytes().position(is_code) else {
        return words;
    };
    buffer.clear();
    let mut rest = words;
    let mut next = Some(first);
    while let Some(at) = next {
        buffer.push_str(&rest[..at]);
        rest = &rest[at + code_len(&rest.as_bytes()[at..])..];
        next = rest.bytes().position(is_code);
    }
    buffer.push_str(rest);
    buffer
}

/// Returns whether a byte is a code: bold, a colour, a colour in hexadecimal, reset, monospace, reverse, italics,
/// strikethrough or underline.
fn is_code(byte: u8) -> bool {
    matches!(byte, 0x02 | COLOUR | HEX_COLOUR | 0x0f | 0x11 | 0x16 | 0x1d..=0x1f)
}

/// Returns how many bytes the code has with which the text begins. They are all ASCII.
fn code_len(text: &[u8]) -> usize {
    let colour: fn(&[u8]) -> usize = match text.first() {
        Some(&COLOUR) => |text| text.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count(),
        Some(&HEX_COLOUR) => |text| match text.get(..6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => 6,
            _ => 0,
        },
        _ => return 1,
    };
    let foreground = 1 + colour(&text[1..]);
    // A comma without a number after it, or without one before it, belongs to the words.
    match text[foreground..].split_first() {
        Some((b',', rest)) if foreground > 1 && colour(rest) > 0 => foreground + 1 + colour(rest),
        _ => foreground,
    }
}

/// Divides a message from client to client into its command, such as `ACTION`, and the rest, which may be empty.
/// Returns `None` for other words.
pub(crate) fn ctcp(words: &str) -> Option<(&str, &str)> {
    let message = words.strip_prefix(CTCP)?;
    let message = message.strip_suffix(CTCP).unwrap_or(message);
    let (command, args) = message.split_once(' ').unwrap_or((message, ""));
    (!command.is_empty()).then_some((command, args))
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    fn stripped(words: &str) -> String {
        strip(words, &mut String::from("before")).into()
    }

    #[test]
    fn styles_are_taken_out() {
        for (words, expected) in [
            ("", ""),
            ("plain, 1,2", "plain, 1,2"),
            ("\x02bold\x02 \x1ditalics\x1d \x1funder\x1f", "bold italics under"),
            ("\x11mono\x0f\x16reverse\x16\x1estruck\x1e", "monoreversestruck"),
            ("ž\x02ž\x02", "žž"),
            ("\x01ACTION waves\x01", "\x01ACTION waves\x01"),
        ] {
            assert_eq!(stripped(words), expected, "{words:?}");
        }
    }

    #[test]
    fn colours_are_taken_out_with_their_numbers() {
        for (words, expected) in [
            ("\x033green\x03 plain", "green plain"),
            ("\x0312,4text", "text"),
            ("\x03123", "3"),
            ("\x031,234", "4"),
            ("\x034,text", ",text"),
            ("\x03,4text", ",4text"),
            ("\x03", ""),
            ("\x034,", ","),
            ("\x03ž", "ž"),
            ("\x04FF00aared", "red"),
            ("\x04FF0000,00FF001", "1"),
            ("\x04FF0000,00FF0", ",00FF0"),
            ("\x04FF00", "FF00"),
            ("\x04FF00ž0", "FF00ž0"),
            ("\x04\x0312", ""),
        ] {
            assert_eq!(stripped(words), expected, "{words:?}");
        }
    }

    #[test]
    fn words_without_codes_are_not_copied() {
        let mut buffer = String::new();
        let words = "plain";
        assert_eq!(strip(words, &mut buffer).as_ptr(), words.as_ptr());
        assert!(buffer.capacity() == 0);
    }

    #[test]
    fn no_words_make_it_panic_and_no_code_is_left() {
        let mut random = Random(7);
        for _ in 0..50_000 {
            let words = random.text("\x03\x04\x0212,,aFž", 14);
            let stripped = stripped(&words);
            assert!(stripped.len() <= words.len() && !stripped.bytes().any(is_code), "{words:?}");
        }
    }

    #[test]
    fn a_message_from_client_to_client_has_a_command() {
        for (words, expected) in [
            ("\x01ACTION waves\x01", Some(("ACTION", "waves"))),
            ("\x01ACTION waves", Some(("ACTION", "waves"))),
            ("\x01ACTION  two \x01", Some(("ACTION", " two "))),
            ("\x01VERSION\x01", Some(("VERSION", ""))),
            ("\x01ACTION \x01", Some(("ACTION", ""))),
            ("\x01\x01", None),
            ("\x01", None),
            ("\x01 a\x01", None),
            ("", None),
            ("ACTION waves\x01", None),
        ] {
            assert_eq!(ctcp(words), expected, "{words:?}");
        }
    }
}
