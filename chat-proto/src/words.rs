//! What of a peer's words reaches another's screen.

use alloc::string::String;

/// Returns the words without anything that could steer a terminal or forge a line, and without trailing white space.
///
/// Line ends and tabs become spaces; other control characters (C0, DEL, C1) go, and so do the bidirectional
/// embeddings, overrides and isolates of UAX #9, which could make a line read as another's. The result is never
/// longer than `words`. `scratch` is used if something has to change.
#[inline]
pub(crate) fn clean<'a>(words: &'a str, scratch: &'a mut String) -> &'a str {
    // Nearly every line is plain ASCII; this loop is vectorised.
    if words.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
        return if words.ends_with(' ') { words.trim_end_matches(' ') } else { words };
    }
    clean_characters(words, scratch)
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
    fn ordinary_words_stay_as_they_are() {
        let mut scratch = String::new();
        for words in ["hello", " indented", "žluťoučký kůň", "\u{5d0}\u{5d1}\u{200f}", "👩\u{200d}🚀", ""] {
            assert_eq!(clean(words, &mut scratch), words);
        }
        assert_eq!(clean("trailing  ", &mut scratch), "trailing");
        assert_eq!(clean("ž \u{3000}", &mut scratch), "ž");
    }
}
