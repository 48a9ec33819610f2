//! Cleaning: which of a peer's characters reach another's screen.

mod cleaner;

use alloc::string::String;
use core::ops::{BitAnd, BitOr};

use self::cleaner::{Cleaner, Fate};

/// Words that are safe to show. The type is the proof, so nobody needs to check them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clean<'a> {
    words: &'a str,
    /// Cleaning changed nothing.
    is_unchanged: bool,
}

impl<'a> Clean<'a> {
    /// No words.
    pub(crate) const EMPTY: Self = Self { words: "", is_unchanged: true };

    #[inline]
    pub(crate) fn as_str(self) -> &'a str {
        self.words
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.words.is_empty()
    }

    #[inline]
    pub(crate) fn is_unchanged(self) -> bool {
        self.is_unchanged
    }
}

/// Returns the words without anything that could control a terminal, forge a line or hide in one, and without trailing
/// white space.
///
/// * Line ends and tabs become spaces. Other control characters (C0, DEL, C1) are removed.
/// * Characters that are [drawn as nothing](crate::invisible) are removed: zero-width spaces, the bidirectional
///   controls of UAX #9, tags, blank signs. Joiners and selectors stay where letters or emoji need them: ZWJ and ZWNJ
///   beside a virama and between letters of a script whose letters join, ZWJ between emoji, the presentation selectors
///   behind an emoji or a digit in a keycap, and Mongolian selectors behind a Mongolian letter. The flags of England,
///   Scotland and Wales are spelled in tags, so they become a black flag.
/// * Of more than three combining marks in a row the first three stay.
/// * A row of more than eight white spaces becomes one space. Before the first word up to 32 spaces may stay, so that
///   pasted code keeps its shape.
///
/// The result is never longer than `words`, and cleaning it again changes nothing. `scratch` is used only if something
/// has to change.
#[inline]
pub(crate) fn clean<'a>(words: &'a str, scratch: &'a mut String) -> Clean<'a> {
    // The common case.
    if are_plain(words.as_bytes()) {
        let trimmed = trim_end(words);
        Clean { words: trimmed, is_unchanged: trimmed.len() == words.len() }
    } else {
        clean_characters(words, scratch)
    }
}

/// Returns the words without trailing white space. Most words have none.
#[inline]
pub(crate) fn trim_end(words: &str) -> &str {
    if words.as_bytes().last().is_some_and(u8::is_ascii_graphic) { words } else { words.trim_end() }
}

/// Returns whether the words need no cleaning except for white space at their end: they are printable ASCII with
/// at most a few spaces in a row. It may also return false for words that need no cleaning.
#[inline(always)]
fn are_plain(words: &[u8]) -> bool {
    // The chunk size suits vectorised code. The last chunk overlaps the one before, so that there is no remainder. A
    // row of nine spaces has four at a multiple of four, within one of the chunks or the last one.
    let (chunks, rest) = words.as_chunks::<32>();
    chunks.iter().all(is_plain_chunk)
        && (rest.is_empty() || words.last_chunk::<32>().map_or_else(|| are_few_plain(words), is_plain_chunk))
}

/// Does the same for fewer than 32 bytes.
#[inline]
fn are_few_plain(words: &[u8]) -> bool {
    words.as_chunks::<8>().0.iter().all(is_plain_chunk)
        && words.last_chunk::<8>().map_or_else(|| words.iter().all(|byte| is_printable(*byte)), is_plain_chunk)
}

/// Plain words have no such row of spaces at a multiple of four.
const GAP: [u8; 4] = *b"    ";

#[inline(always)]
fn is_plain_chunk<const LEN: usize>(chunk: &[u8; LEN]) -> bool {
    // Without branches, so that it compiles to a few vector instructions.
    let is_printable = chunk.iter().map(|byte| is_printable(*byte)).fold(true, BitAnd::bitand);
    let has_gap = chunk.as_chunks().0.iter().map(|four| *four == GAP).fold(false, BitOr::bitor);
    is_printable && !has_gap
}

#[inline]
fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[inline(never)]
fn clean_characters<'a>(words: &'a str, scratch: &'a mut String) -> Clean<'a> {
    if is_clean(words) {
        let trimmed = words.trim_end();
        return Clean { words: trimmed, is_unchanged: trimmed.len() == words.len() };
    }
    scratch.clear();
    let (mut cleaner, mut rest) = (Cleaner::default(), words.chars().peekable());
    while let Some(c) = rest.next() {
        match cleaner.look_at(scratch.len(), c, rest.peek().copied()) {
            Fate::Stays => scratch.push(c),
            Fate::Goes => {}
            Fate::IsSpaceFrom(start) => {
                scratch.truncate(start);
                scratch.push(' ');
            }
        }
    }
    Clean { words: scratch.trim_end(), is_unchanged: false }
}

fn is_clean(words: &str) -> bool {
    let (mut cleaner, mut rest) = (Cleaner::default(), words.char_indices().peekable());
    while let Some((at, c)) = rest.next() {
        if cleaner.look_at(at, c, rest.peek().map(|(_, next)| *next)) != Fate::Stays {
            return false;
        }
    }
    true
}

/// Does the same in place.
pub(crate) fn clean_in_place(words: &mut String) -> Clean<'_> {
    // Characters to remove are overwritten with NULs, which are never clean, and all NULs are removed at the end. So
    // nothing is moved more than once.
    let (mut cleaner, mut at) = (Cleaner::default(), 0);
    while let Some(c) = first_char(&words[at..]) {
        let end = at + c.len_utf8();
        match cleaner.look_at(at, c, first_char(&words[end..])) {
            Fate::Stays => {}
            Fate::Goes => overwrite(words, at, end),
            Fate::IsSpaceFrom(start) => {
                overwrite(words, start, end);
                words.replace_range(start..=start, " ");
            }
        }
        at = end;
    }
    words.retain(|c| c != '\0');
    words.truncate(words.trim_end().len());
    Clean { words, is_unchanged: false }
}

fn first_char(words: &str) -> Option<char> {
    words.chars().next()
}

/// Overwrites these characters with as many NULs as they have bytes.
fn overwrite(words: &mut String, mut start: usize, end: usize) {
    while let Some(c) = first_char(&words[start..end]) {
        let len = c.len_utf8();
        words.replace_range(start..start + len, &"\0\0\0\0"[..len]);
        start += len;
    }
}

/// Cuts words to at most `max` bytes, between characters.
pub(crate) fn cut(words: &str, max: usize) -> &str {
    let end = (0..=max.min(words.len())).rev().find(|end| words.is_char_boundary(*end));
    &words[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use unicode_normalization::char::is_combining_mark;

    use super::*;
    use crate::invisible::is_invisible;

    fn cleaned(words: &str) -> String {
        let (mut scratch, mut own) = (String::new(), String::from(words));
        assert!(!clean_in_place(&mut own).is_unchanged());
        let cleaned = clean(words, &mut scratch);
        assert_eq!(cleaned.is_unchanged(), cleaned.as_str() == words);
        assert_eq!(own, cleaned.as_str(), "{words:?} in place");
        own
    }

    #[test]
    fn terminal_escapes_are_made_harmless() {
        for (words, expected) in [
            ("\x1b[31mred\x1b]52;c;AA\x07", "[31mred]52;c;AA"),
            ("c1 \u{9b}31m \u{85}x\x7f\x08", "c1 31m x"),
            ("a\tb\r\nc\u{2028}d\0", "a b  c d"),
            ("\u{202e}evil\u{2066}x", "evilx"),
            ("\u{2029}\n", ""),
        ] {
            assert_eq!(cleaned(words), expected, "{words:?}");
        }
    }

    #[test]
    fn characters_drawn_as_nothing_are_removed() {
        for c in "\u{ad}\u{34f}\u{61c}\u{1160}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2060}\u{206a}\u{206f}\u{2800}\u{3164}\
                  \u{fe00}\u{fe0f}\u{feff}\u{fffc}\u{180b}\u{180e}\u{13430}\u{13441}\u{16fe4}\u{e0001}\u{e0041}\u{e0101}"
            .chars()
        {
            assert_eq!(cleaned(&format!("a{c}b{c}{c}")), "ab", "{c:?}");
            assert_eq!(cleaned(&format!("{c}{c} {c}")), "", "{c:?}");
        }
        // The flag of Scotland.
        assert_eq!(cleaned("\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}!"), "\u{1F3F4}!");
    }

    #[test]
    fn joiners_stay_where_letters_or_emoji_need_them() {
        for words in [
            "می\u{200c}خواهم",
            "نامه\u{200c}ای",
            "र\u{94d}\u{200d}य",
            "क\u{94d}\u{200c}ष",
            "র\u{200d}\u{9cd}য\u{9be}ম",
            "ශ\u{dca}\u{200d}ර\u{dd3}",
            "അവന\u{d4d}\u{200d} വന്നു",
            "ᠨᠢᠭᠡ\u{180b}",
            "ᠬᠠᠷ\u{180e}ᠠ",
            "👩\u{200d}🚀",
            "👩🏽\u{200d}🚀",
            "❤\u{fe0f}\u{200d}🔥",
            "🏳\u{fe0f}\u{200d}🌈",
            "☎\u{fe0e}",
            "1\u{fe0f}\u{20e3}",
            "🇨🇿",
        ] {
            assert_eq!(cleaned(words), words, "{words:?}");
        }
        for (words, expected) in [
            ("a\u{200d}b", "ab"),
            ("می\u{200c}", "می"),
            ("می\u{200c}\u{200d}\u{200c}خ", "می\u{200c}خ"),
            ("م\u{200c} \u{200c}خ", "م خ"),
            ("👩\u{200d}", "👩"),
            ("👩\u{200d}\u{200d}🚀", "👩\u{200d}🚀"),
            ("👩\u{200d}x", "👩x"),
            ("☎\u{fe0f}\u{fe0f}\u{fe0e}", "☎\u{fe0f}"),
            ("1\u{fe0f}", "1"),
            ("ᠨ\u{180b}\u{180c}x\u{180b}", "ᠨ\u{180b}x"),
        ] {
            assert_eq!(cleaned(words), expected, "{words:?}");
        }
    }

    #[test]
    fn at_most_three_marks_in_a_row_stay() {
        assert_eq!(cleaned(&format!("a{}b", "\u{301}".repeat(2_000))), "a\u{301}\u{301}\u{301}b");
        // Characters that are removed between the marks do not interrupt the row.
        assert_eq!(cleaned("a\u{301}\u{302}\u{200b}\u{303}\u{fe0f}\u{304}\u{7}\u{305}"), "a\u{301}\u{302}\u{303}");
        for words in [
            "Việt Nam, e\u{302}\u{301}",
            "ש\u{5c1}\u{5bc}\u{5b8}לום",
            "ٱلل\u{651}\u{64e}\u{670}ه",
            "ที\u{e48}นี\u{e48}",
            "ཧ\u{f71}\u{f74}\u{f83}",
            "བསྒྲུབས",
            "ತ\u{ccb}\u{c82}ಟ",
        ] {
            assert_eq!(cleaned(words), words, "{words:?}");
        }
    }

    #[test]
    fn a_row_of_more_than_eight_spaces_becomes_one() {
        let gap = |n| format!("a{}b", " ".repeat(n));
        for n in 0..=8 {
            assert_eq!(cleaned(&gap(n)), gap(n));
        }
        for n in [9, 10, 15, 16, 71, 2_000] {
            assert_eq!(cleaned(&gap(n)), "a b", "{n}");
        }
        for space in ["\t", "\u{a0}", "\u{3000}", "\u{2028}", " \u{200b}", " \u{2800}\u{3164}", "\u{2003}"] {
            assert_eq!(cleaned(&format!("a{}b", space.repeat(9))), "a b", "{space:?}");
        }
        // Marks on spaces, which few terminals draw, do not split a row of spaces.
        assert_eq!(cleaned(&format!("a{}\u{1039}{}b", " ".repeat(8), " ".repeat(8))), "a b");
        assert_eq!(cleaned(&format!("a{}.{}b", " ".repeat(8), " ".repeat(8))), format!("a{0}.{0}b", " ".repeat(8)));
    }

    #[test]
    fn pasted_code_keeps_its_indent_within_a_limit() {
        let indented = |n| format!("{}return;", " ".repeat(n));
        for n in [1, 8, 9, 12, 31, 32] {
            assert_eq!(cleaned(&indented(n)), indented(n));
        }
        for n in [33, 40, 71, 2_000] {
            assert_eq!(cleaned(&indented(n)), " return;", "{n}");
        }
        assert_eq!(cleaned(&format!("{}x", "\t".repeat(9))), indented(9).replace("return;", "x"), "tabs become spaces");
        assert_eq!(cleaned(&format!("{}x", "\u{3000}".repeat(9))), " x", "wide spaces do not count as indent");
        assert_eq!(cleaned(&format!("{}\u{3000}x", " ".repeat(20))), " x");
    }

    #[test]
    fn any_words_are_clean_after_one_pass() {
        const ALPHABET: &str = "aé1#  \t\r\u{7}\u{85}\u{a0}\u{3000}\u{2028}\u{301}\u{323}\u{5bc}\u{20e3}\u{94d}\u{9cd}\u{200b}\u{200c}\u{200c}\
            \u{200d}\u{200d}\u{200f}\u{202e}\u{fe0e}\u{fe0f}\u{180b}\u{180e}\u{e0067}\u{2800}\u{1039}😀👩🏽❤©مهاक र\u{64e}ᠨᠠ中";
        let alphabet: Vec<char> = ALPHABET.chars().collect();
        let mut state = 1_u64;
        let mut below = |n: usize| {
            // Knuth's MMIX.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        for _ in 0..20_000 {
            let mut words = String::new();
            for _ in 0..below(20) {
                let c = alphabet[below(alphabet.len())];
                let times = if below(8) == 0 { below(40) } else { 1 };
                words.extend(core::iter::repeat_n(c, times));
            }
            let once = cleaned(&words);
            assert!(once.len() <= words.len(), "{words:?} became longer");
            assert_eq!(cleaned(&once), once, "{words:?} twice");
            let unseen = |c| is_invisible(c) && !"\u{200c}\u{200d}\u{fe0e}\u{fe0f}\u{180b}\u{180e}".contains(c);
            assert!(!once.contains(|c: char| c.is_control() || unseen(c)), "{once:?} has invisible characters");
            let (mut marks, mut spaces, mut hidden) = (0, 0, 0);
            for c in once.trim_start().chars() {
                marks = if is_combining_mark(c) && !is_invisible(c) { marks + 1 } else { 0 };
                spaces = if c.is_whitespace() { spaces + 1 } else { 0 };
                hidden = if is_invisible(c) { hidden + 1 } else { 0 };
                assert!(marks <= 3 && spaces <= 8 && hidden <= 2, "{once:?}");
            }
            assert!(once.chars().take_while(|c| c.is_whitespace()).count() <= 32, "{once:?}");
        }
    }

    #[test]
    fn words_of_a_policy_are_cleaned_in_one_pass() {
        // A megabyte of them: with a pass for each removal this would take an hour.
        for (row, len) in
            [("x\t\u{2028}", 3), ("x\t\t\t\t\t\t\t\t\t\u{3000}", 2), ("x\u{200b}\u{301}\u{301}\u{301}\u{301}", 7)]
        {
            let mut words = row.repeat(1 << 17);
            words.push('x');
            clean_in_place(&mut words);
            assert_eq!(words.len(), (len << 17) + 1);
        }
    }

    #[test]
    fn words_with_an_unprintable_byte_anywhere_are_not_plain() {
        for len in 0..80 {
            assert!(are_plain(&[b'~'; 80][..len]), "{len}");
            for at in 0..len {
                for byte in [0, b'\n', 0x1f, 0x7f, 0x80, 0xff] {
                    let mut bytes = [b'x'; 80];
                    bytes[at] = byte;
                    assert!(!are_plain(&bytes[..len]), "{byte:#x} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn nine_spaces_in_a_row_are_not_plain_and_three_are() {
        for len in 0..80 {
            for at in 0..len {
                for spaces in 1..=12.min(len - at) {
                    let mut bytes = [b'x'; 80];
                    bytes[at..at + spaces].fill(b' ');
                    let plain = are_plain(&bytes[..len]);
                    assert!(!plain || spaces < 9, "{spaces} at {at} of {len}");
                    assert!(plain || spaces > 3, "{spaces} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn ordinary_words_stay_as_they_are() {
        let mut scratch = String::new();
        for words in ["hello", " indented", "žluťoučký kůň", "\u{5d0}\u{5d1}", "👩\u{200d}🚀", "x        = 1", ""]
        {
            assert!(core::ptr::eq(clean(words, &mut scratch).as_str(), words), "{words}: not even copied");
        }
        assert_eq!(clean("trailing  ", &mut scratch).as_str(), "trailing");
        assert_eq!(clean("ž \u{3000}", &mut scratch).as_str(), "ž");
    }
}
