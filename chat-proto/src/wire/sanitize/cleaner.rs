//! Which characters of a peer's words stay.

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_properties::UnicodeEmoji as _;
use unicode_script::{Script, UnicodeScript as _};

use crate::invisible::is_invisible;

/// The most marks in a row: what a letter has in any living script, such as a Hebrew shin with its dot, dagesh and
/// vowel.
const MAX_MARKS: u8 = 3;

/// The most white spaces in a row within words. Otherwise a peer could fill a terminal's row with spaces, so that its
/// text on the next row looks like another member's line.
const MAX_SPACES: usize = 8;

/// The most spaces before words. Pasted code keeps its shape, and with a name of 32 columns and a colon the words still
/// begin well before column 80.
const MAX_INDENT: usize = 32;

/// Goes through the characters of some words in order, and decides about each.
///
/// The decision depends on the characters that stayed before it. It depends on the next character only where that is
/// sure to stay. So cleaning twice gives the same result as cleaning once, and each character costs the same.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    /// The last character that stayed.
    last: Option<char>,
    /// The last one that stayed and is neither a mark nor a joiner.
    base: Option<char>,
    /// The number of marks behind it.
    marks: u8,
    /// The number of white spaces in a row, with or without marks on them.
    spaces: usize,
    /// Where that row begins.
    start: usize,
    /// The row stands before the words and consists of plain spaces only.
    is_indent: bool,
    /// The row was too long and has become one space.
    is_cut: bool,
}

/// What happens to a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Goes,
    /// Everything from that position on, including this character, becomes one space.
    IsSpaceFrom(usize),
}

impl Cleaner {
    /// Decides about a character. `at` is where it is put if it stays, `next` the character that follows it.
    pub(super) fn look_at(&mut self, at: usize, c: char, next: Option<char>) -> Fate {
        match c {
            '!'..='~' => self.see(c),
            c if becomes_space(c) => self.space(at, c),
            c if c.is_control() => Fate::Goes,
            c if c.is_whitespace() => self.space(at, c),
            c if is_invisible(c) => self.joiner(c, next),
            c if is_combining_mark(c) => self.mark(c),
            c => self.see(c),
        }
    }

    fn see(&mut self, c: char) -> Fate {
        *self = Self { last: Some(c), base: Some(c), ..Self::default() };
        Fate::Stays
    }

    fn space(&mut self, at: usize, c: char) -> Fate {
        if self.is_cut {
            return Fate::Goes;
        }
        if self.spaces == 0 {
            (self.start, self.is_indent) = (at, self.last.is_none());
        }
        self.spaces += 1;
        self.is_indent &= c == ' ' || becomes_space(c);
        (self.last, self.base, self.marks) = (Some(' '), Some(' '), 0);
        self.is_cut = self.spaces > if self.is_indent { MAX_INDENT } else { MAX_SPACES };
        if self.is_cut {
            Fate::IsSpaceFrom(self.start)
        } else if becomes_space(c) {
            Fate::IsSpaceFrom(at)
        } else {
            Fate::Stays
        }
    }

    fn mark(&mut self, c: char) -> Fate {
        if self.marks == MAX_MARKS {
            return Fate::Goes;
        }
        self.marks += 1;
        (self.last, self.is_indent) = (Some(c), false);
        Fate::Stays
    }

    /// Decides about a character that is drawn as nothing.
    fn joiner(&mut self, c: char, next: Option<char>) -> Fate {
        if self.is_needed(c, next) {
            self.last = Some(c);
            Fate::Stays
        } else {
            Fate::Goes
        }
    }

    /// Whether such a character is one that affects its neighbours.
    fn is_needed(&self, c: char, next: Option<char>) -> bool {
        let (Some(last), Some(base)) = (self.last, self.base) else { return false };
        let next_is = |is: fn(char) -> bool| next.is_some_and(is);
        match c {
            ZWNJ | ZWJ if is_virama(last) => true,
            ZWNJ | ZWJ if last == base && is_letter(base) && next_is(is_virama) => true,
            ZWNJ | ZWJ if !is_invisible(last) && is_cursive(base) && next_is(is_cursive) => true,
            ZWJ => (last == base || is_presentation(last)) && is_emoji(base) && next_is(is_emoji),
            '\u{FE0E}' | '\u{FE0F}' if is_emoji(last) => true,
            '\u{FE0F}' => matches!(last, '0'..='9' | '#' | '*') && next == Some(KEYCAP),
            '\u{180B}'..='\u{180D}' | '\u{180F}' => is_mongolian(last),
            MVS => last != MVS && is_mongolian(base) && next_is(is_mongolian),
            _ => false,
        }
    }
}

/// They separate and join letters, and join emoji into one. UAX #31 says where letters need them (rules A1, A2 and B).
/// They also stand between a letter and its virama, as in Bengali `র‍্য`.
const ZWNJ: char = '\u{200C}';
const ZWJ: char = '\u{200D}';

/// Mongolian vowel separator.
const MVS: char = '\u{180E}';

/// Encloses the digit before it.
const KEYCAP: char = '\u{20E3}';

pub(super) fn becomes_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Whether it removes a consonant's vowel, and with a joiner decides how the next consonant is joined.
fn is_virama(c: char) -> bool {
    canonical_combining_class(c) == 9 && !is_invisible(c)
}

/// Whether it is a letter that may have a virama.
fn is_letter(c: char) -> bool {
    !c.is_ascii() && c.is_alphabetic()
}

/// Whether it is a letter of a script in which letters join (`ArabicShaping.txt`).
fn is_cursive(c: char) -> bool {
    use Script::{
        Adlam, Arabic, Chorasmian, Hanifi_Rohingya, Mandaic, Manichaean, Mongolian, Nko, Old_Uyghur, Phags_Pa,
        Psalter_Pahlavi, Sogdian, Syriac,
    };
    let joins = matches!(
        c.script(),
        Adlam
            | Arabic
            | Chorasmian
            | Hanifi_Rohingya
            | Mandaic
            | Manichaean
            | Mongolian
            | Nko
            | Old_Uyghur
            | Phags_Pa
            | Psalter_Pahlavi
            | Sogdian
            | Syriac
    );
    joins && c.is_alphabetic() && !is_combining_mark(c)
}

fn is_mongolian(c: char) -> bool {
    c.script() == Script::Mongolian && is_cursive(c)
}

/// Whether it can be shown as a picture. Unicode counts digits as emoji, too; this does not.
fn is_emoji(c: char) -> bool {
    !c.is_ascii() && c.is_emoji_char()
}

/// Whether it selects text or emoji presentation.
fn is_presentation(c: char) -> bool {
    matches!(c, '\u{FE0E}' | '\u{FE0F}')
}
