//! What of a peer's words reaches another's screen.

use alloc::string::String;

/// Returns the words without anything that could steer a terminal or forge a line, and without trailing white space.
///
/// Line ends and tabs become spaces; other control characters (C0, DEL, C1) go, and so do the bidirectional
/// embeddings, overrides and isolates of UAX #9, which could make a line read as another's. The result is never
/// longer than `words`. `scratch` is used if something has to change.
#[inline]
pub(crate) fn clean<'a>(words: &'a str, scratch: &'a mut String) -> &'a str {
    // Nearly all words are plain.
    if plain_prefix(words.as_bytes()) == words.len() { trim_end(words) } else { clean_characters(words, scratch) }
}

/// Returns the words without trailing white space, of which most have none.
#[inline]
pub(crate) fn trim_end(words: &str) -> &str {
    if words.as_bytes().last().is_some_and(u8::is_ascii_graphic) { words } else { words.trim_end() }
}

/// Returns how many bytes there are before the first that is not plain: printable ASCII, of which nothing is cleaned.
#[inline]
pub(crate) fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH_BITS: u64 = ONES * 0x80;
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    let mut plain = 0;
    // So many at once as make for vectorised code; then eight at once, among which to find the first.
    for chunk in bytes.as_chunks::<32>().0 {
        if !chunk.iter().fold(true, |all, byte| all & is_plain(byte)) {
            break;
        }
        plain += chunk.len();
    }
    for word in bytes[plain..].as_chunks().0 {
        let word = u64::from_le_bytes(*word);
        // Sets the high bit of each byte that is over `~` or below a space. It may spill over, to bytes after the first.
        let others = (word | word.wrapping_add(ONES) | word.wrapping_sub(ONES * 0x20)) & HIGH_BITS;
        if others != 0 {
            return plain + others.trailing_zeros() as usize / 8;
        }
        plain += 8;
    }
    plain + bytes[plain..].iter().take_while(|byte| is_plain(byte)).count()
}

/// Returns whether the words lie within those very bytes; a copy that says the same does not.
pub(crate) fn are_part_of(words: &str, bytes: &[u8]) -> bool {
    let (words, bytes) = (words.as_bytes().as_ptr_range(), bytes.as_ptr_range());
    bytes.start <= words.start && words.end <= bytes.end
}

fn clean_characters<'a>(words: &'a str, scratch: &'a mut String) -> &'a str {
    if !words.chars().any(needs_cleaning) {
        return words.trim_end();
    }
    scratch.clear();
    scratch.extend(words.chars().filter_map(|c| match c {
        c if is_line_end_or_tab(c) => Some(' '),
        c if needs_cleaning(c) => None,
        c => Some(c),
    }));
    scratch.trim_end()
}

/// Does the same to words that are one's own.
pub(crate) fn clean_in_place(words: &mut String) {
    // What becomes a space does so where it is, with as many NULs behind it as it was longer: nothing moves before all
    // that has to go goes at once.
    let mut from = 0;
    while let Some((at, c)) = words[from..].char_indices().find(|(_, c)| is_line_end_or_tab(*c)) {
        let (start, len) = (from + at, c.len_utf8());
        words.replace_range(start..start + len, &" \0\0"[..len]);
        from = start + len;
    }
    words.retain(|c| !needs_cleaning(c));
    words.truncate(words.trim_end().len());
}

/// Cuts words to at most `max` bytes, between characters.
pub(crate) fn cut(words: &str, max: usize) -> &str {
    let end = (0..=max.min(words.len())).rev().find(|end| words.is_char_boundary(*end));
    &words[..end.unwrap_or(0)]
}

fn is_line_end_or_tab(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn needs_cleaning(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn terminal_escapes_lose_what_makes_them_work() {
        let mut scratch = String::new();
        let mut cleaned = |words| String::from(clean(words, &mut scratch));
        assert_eq!(cleaned("\x1b[31mred\x1b]52;c;AA\x07"), "[31mred]52;c;AA");
        assert_eq!(cleaned("c1 \u{9b}31m \u{85}x\x7f\x08"), "c1 31m x");
        assert_eq!(cleaned("a\tb\r\nc\u{2028}d\0"), "a b  c d");
        assert_eq!(cleaned("\u{202e}evil\u{2066}x"), "evilx");
        for words in ["\x1b[31mred\x07", "a\tb\r\nc\u{2028}d\0 ", "\u{202e}x", "plain", "\u{2029}\n"] {
            let mut own = String::from(words);
            clean_in_place(&mut own);
            assert_eq!(own, cleaned(words), "{words:?}");
        }
    }

    #[test]
    fn what_a_policy_wrote_is_cleaned_in_one_pass() {
        // A megabyte of them: with a pass for each this would take an hour.
        let mut words = "\t\u{2028}".repeat(1 << 18);
        words.push('x');
        clean_in_place(&mut words);
        assert_eq!(words.len(), (2 << 18) + 1);
    }

    #[test]
    fn the_first_byte_that_is_not_plain_is_found_wherever_it_is() {
        let plain: Vec<u8> = (b' '..=b'~').collect();
        for len in 0..plain.len() {
            assert_eq!(plain_prefix(&plain[..len]), len);
            for at in 0..len {
                for byte in [0, b'\n', 0x1f, 0x7f, 0x80, 0xff] {
                    let mut bytes = plain[..len].to_vec();
                    bytes[at] = byte;
                    assert_eq!(plain_prefix(&bytes), at, "{byte:#x} at {at} of {len}");
                    // Nor does it matter what comes after it.
                    bytes[at..].fill(byte);
                    assert_eq!(plain_prefix(&bytes), at, "{byte:#x} from {at} to {len}");
                }
            }
        }
    }

    #[test]
    fn words_are_a_part_of_where_they_are_and_not_of_what_says_the_same() {
        let line = "alice: hello";
        for words in [line, &line[7..], &line[..5], &line[12..]] {
            assert!(are_part_of(words, line.as_bytes()), "{words}");
        }
        let copy = String::from(line);
        assert!(!are_part_of(line, copy.as_bytes()));
        assert!(!are_part_of(&line[3..], &line.as_bytes()[..8]));
        assert!(!are_part_of(line, &[]));
    }

    #[test]
    fn ordinary_words_stay_as_they_are() {
        let mut scratch = String::new();
        for words in ["hello", " indented", "žluťoučký kůň", "\u{5d0}\u{5d1}\u{200f}", "👩\u{200d}🚀", ""] {
            assert_eq!(clean(words, &mut scratch), words);
        }
        assert_eq!(clean("trailing  ", &mut scratch), "trailing");
        assert_eq!(clean("ž \u{3000}", &mut scratch), "ž");
    }
}
