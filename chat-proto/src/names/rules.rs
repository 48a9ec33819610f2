//! Which names are valid.

use core::fmt;

use arrayvec::ArrayVec;
use unicode_ident::is_xid_continue;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{decompose_canonical, is_combining_mark, is_public_assigned};
use unicode_script::UnicodeScript as _;
use unicode_security::GeneralSecurityProfile as _;

use super::NameBuf;
use crate::invisible::is_invisible;

/// Which names are valid, and which are so similar that two members cannot have them.
///
/// In either case a name is put into NFC, then has at most [`max_name`](crate::Config::max_name) bytes; and no name is
/// `server`, `anonymous`, `you`, `guest-…` or looks like one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameRules {
    /// For people who know each other only by their names.
    ///
    /// A name has letters, digits and marks that Unicode recommends for identifiers (`XID_Continue` of UAX #31, with
    /// `Identifier_Status` Allowed in UTS #39), and ``- . ' _ ` ^ | \ [ ] { }``. It does not begin with `-` or a mark, has
    /// at most three marks in a row, and none twice in a row of them. Two names are the same if they are when case, looks (the
    /// skeleton of UTS #39) and the marks from U+0300 to U+036F do not count: `alice`, `ALİCE`, `аlice` with a Cyrillic
    /// а and `álice`.
    #[default]
    Strict,
    /// For servers where something else tells people apart, as an account does.
    ///
    /// A name has no white space, none of `: ! @ ,`, no invisible character, and none that Unicode has not assigned or
    /// has left to private use. It does not begin with `*`, `#`, `/`, `-` or a mark. Two names are the same if they differ
    /// only in case.
    Loose,
}

/// Why a name cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It has no characters.
    Empty,
    /// It is longer than `max_name`, in NFC.
    TooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// Under [`NameRules::Strict`]: it has a character that is neither a letter nor a digit in common use nor one of
    /// ``- . ' _ ` ^ | \ [ ] { }``, or it begins with `-`.
    Restricted,
    /// Under [`NameRules::Strict`]: it begins with a combining mark, or has more than three in a row, or one twice.
    Marks,
    /// Under [`NameRules::Loose`]: it has white space, a control or invisible character, one that is not assigned, or
    /// one of `: ! @ ,`, or begins with `*`, `#`, `/`, `-` or a combining mark.
    Character,
    /// It is reserved: `server`, `anonymous`, `you`, `guest-…`, `…serv`, or looks like one of them.
    Reserved,
    /// Someone has it, or one that looks the same.
    Taken,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name needs at least one character"),
            Self::TooLong { max } => write!(f, "a name has at most {max} bytes"),
            Self::Restricted => f.write_str(
                r"a name has letters and digits in common use, - . ' _ ` ^ | \ [ ] { } and nothing else, and does not begin with -",
            ),
            Self::Marks => f.write_str("a name has marks only behind a letter, three at most and none twice"),
            Self::Character => f.write_str(
                "a name has no white space, none of ': ! @ ,', no invisible characters, and does not begin with '*', '#', '/' or '-'",
            ),
            Self::Reserved => f.write_str("that name is reserved"),
            Self::Taken => f.write_str("that name is taken, or looks like one that is"),
        }
    }
}

impl core::error::Error for NameError {}

/// The most marks in a row.
const MAX_MARKS: usize = 3;

/// How many bytes at most are one byte in NFC: 3.5, of an iota with two marks, written with U+1FBE.
const MAX_SHRINK: usize = 4;

impl NameRules {
    /// Checks what can be said of a name by itself; returns it in NFC, made in `composed` if need be.
    pub(crate) fn check<'a>(self, name: &'a str, max: usize, composed: &'a mut NameBuf) -> Result<&'a str, NameError> {
        let name = compose(name, max, composed)?;
        let Some(first) = name.chars().next() else { return Err(NameError::Empty) };
        match self {
            // In `text`, what `-bob-` says in private would look like a notice from bob.
            Self::Strict if first == '-' => Err(NameError::Restricted),
            // The common case: nothing in such a name stacks or is a mark.
            Self::Strict if name.is_ascii() => {
                name.chars().all(is_allowed).then_some(name).ok_or(NameError::Restricted)
            }
            Self::Strict if !name.chars().all(is_allowed) || !stacks_well(name) => Err(NameError::Restricted),
            Self::Strict if is_combining_mark(first) || !has_few_marks(name) => Err(NameError::Marks),
            Self::Loose if matches!(first, '*' | '#' | '/' | '-') || is_combining_mark(first) => {
                Err(NameError::Character)
            }
            Self::Loose if name.chars().any(is_unfit) || !stacks_well(name) => Err(NameError::Character),
            Self::Strict | Self::Loose => Ok(name),
        }
    }
}

/// Puts a name into NFC, unless it is longer than `max` then.
fn compose<'a>(name: &'a str, max: usize, composed: &'a mut NameBuf) -> Result<&'a str, NameError> {
    // A name that cannot become short enough is not normalized: that may hold a row of marks in memory.
    if name.len() > if name.is_ascii() { max } else { max * MAX_SHRINK } {
        return Err(NameError::TooLong { max });
    }
    if name.is_ascii() {
        return Ok(name);
    }
    composed.clear();
    for c in name.nfc() {
        if composed.len() + c.len_utf8() > max {
            return Err(NameError::TooLong { max });
        }
        composed.push(c);
    }
    Ok(composed)
}

fn is_allowed(c: char) -> bool {
    // `_` and `'`, `-` and `.` are Allowed, too; and so is `:`, which no name has.
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '.' | '\'' | '_' | '`' | '^' | '|' | '\\' | '[' | ']' | '{' | '}')
        || !c.is_ascii() && is_xid_continue(c) && c.identifier_allowed() && !is_invisible(c)
}

fn is_unfit(c: char) -> bool {
    // IRC shows a name before `!user@host`, and separates names by commas.
    matches!(c, ':' | '!' | '@' | ',')
        || c.is_control()
        || c.is_whitespace()
        || is_invisible(c)
        || !is_public_assigned(c)
}

/// Whether there are at most three marks in a row and none twice among them, those of composed letters counted.
fn has_few_marks(name: &str) -> bool {
    let (mut row, mut are_few) = (ArrayVec::<char, MAX_MARKS>::new(), true);
    for c in name.chars() {
        let is_mark = is_combining_mark(c);
        if !is_mark {
            row.clear();
        }
        let mut add = |mark| are_few &= !row.contains(&mark) && row.try_push(mark).is_ok();
        if is_mark {
            // As it is: some vowels of Kannada are one mark to those who type them, and three when taken apart.
            add(c);
        } else if !c.is_ascii() {
            decompose_canonical(c, |part| {
                if is_combining_mark(part) {
                    add(part);
                }
            });
        }
    }
    are_few
}

/// Whether a mark that puts the next letter below the last one, and by itself is drawn as nothing, stands between
/// letters of its script wherever there is one.
fn stacks_well(name: &str) -> bool {
    let mut last = None;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        if is_stacker(c) {
            let is_kin = |other: char| other.script() == c.script() && !is_stacker(other);
            if !last.is_some_and(is_kin) || !rest.peek().copied().is_some_and(is_kin) {
                return false;
            }
        }
        last = Some(c);
    }
    true
}

/// `Indic_Syllabic_Category` is `Invisible_Stacker` (`IndicSyllabicCategory.txt` of Unicode 16).
fn is_stacker(c: char) -> bool {
    matches!(
        c,
        '\u{1039}'
            | '\u{17D2}'
            | '\u{1A60}'
            | '\u{1BAB}'
            | '\u{AAF6}'
            | '\u{10A3F}'
            | '\u{11133}'
            | '\u{113D0}'
            | '\u{1193E}'
            | '\u{11A47}'
            | '\u{11A99}'
            | '\u{11D45}'
            | '\u{11D97}'
            | '\u{11F42}'
    )
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;

    use super::*;

    fn checked(rules: NameRules, name: &str, max: usize) -> Result<String, NameError> {
        rules.check(name, max, &mut NameBuf::new()).map(String::from)
    }

    #[test]
    fn a_name_has_letters_and_digits_in_common_use() {
        for name in [
            "a",
            "bob",
            "x_y-z.0",
            "o'neil",
            "[bob]",
            "{a|b}",
            "a^b`c\\d",
            "a-",
            "Žofie",
            "Łukasz",
            "İbrahim",
            "ışık",
            "Þór",
            "Nguyễn",
            "ẹ̀kọ́",
            "Αλέξης",
            "Иван",
            "Ґанна",
            "Қасым",
            "李小龍",
            "佐々木",
            "ラーメン",
            "김철수",
            "דוד",
            "محمد",
            "مُحَمَّد",
            "علی",
            "लक्ष्मी",
            "রহমান",
            "ਗੁਰਮੁਖੀ",
            "ગુજરાતી",
            "ଓଡ଼ିଆ",
            "தமிழ்",
            "తెలుగు",
            "ತೋಂಟ",
            "മലയാളം",
            "සිංහල",
            "สมชาย",
            "ที่นี่",
            "ລາວ",
            "བསྟན",
            "မြန်မာ",
            "က္က",
            "ខ្មែរ",
            "አማርኛ",
            "Հայկ",
            "ქართული",
            "ދިވެހި",
            "٣",
        ] {
            assert!(checked(NameRules::Strict, name, 64).is_ok(), "{name}");
            assert!(checked(NameRules::Loose, name, 64).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_name_has_nothing_else() {
        for name in [
            "server\u{2d7f}",
            "alice\u{1107f}",
            "alice\u{13430}",
            "alice\u{16fe4}",
            "alice\u{13441}",
            "alice\u{2800}",
            "alice：",
            "alice:",
            "a:b",
            "！",
            "＊",
            "*a",
            "!a",
            "/a",
            "-",
            "-a-",
            "-Ž",
            "a!",
            "a b",
            "a\u{a0}b",
            " ",
            "a\tb",
            "a\nb",
            "a\0",
            "\u{1b}[31m",
            "a\u{9b}",
            "a\u{200b}",
            "a\u{200c}b",
            "a\u{200d}",
            "\u{202e}a",
            "a\u{206a}",
            "\u{feff}a",
            "a\u{fe0f}",
            "\u{3164}",
            "a\u{34f}",
            "a\u{e0041}",
            "\u{E000}",
            "\u{10FFFD}",
            "\u{FDD0}",
            "\u{1FFFE}",
            "\u{378}",
            "\u{FFFC}",
            "🦀",
            "%s%n",
            "$(x)",
            "~",
            "a,b",
            "a;b",
            "a@b",
            "<a>",
            "#a",
            "o’neil",
            "ｂｏｂ",
            "𝐛𝐨𝐛",
            "ﬁ",
            "m²",
            "\u{1039}",
            "alice\u{1039}",
            "a\u{17d2}b",
            "က\u{1039}",
            "က\u{1039}\u{1039}က",
            "\u{17d2}ក",
            "က\u{1039}ក",
        ] {
            assert_eq!(checked(NameRules::Strict, name, 64), Err(NameError::Restricted), "{name:?}");
        }
    }

    #[test]
    fn a_name_has_few_marks() {
        for name in [
            "\u{301}",
            "\u{301}\u{302}",
            "a\u{301}\u{301}",
            "é\u{301}",
            "ế\u{302}",
            "a\u{302}\u{303}\u{304}\u{306}",
            "e\u{301}\u{302}\u{303}\u{304}",
            "ế\u{303}\u{304}",
            "ש\u{5b4}\u{5b4}",
            "שׁ\u{5b4}\u{5b5}",
        ] {
            let error = if name.contains('ש') { NameError::Restricted } else { NameError::Marks };
            assert_eq!(checked(NameRules::Strict, name, 64), Err(error), "{name:?}");
        }
        for name in ["a\u{302}\u{303}\u{304}", "ế\u{303}", "a\u{301}b\u{301}", "ತ\u{cc6}\u{cc2}\u{cd5}\u{c82}"] {
            assert!(checked(NameRules::Strict, name, 64).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn loose_names_are_what_can_be_seen() {
        for name in
            ["🦀", "%s%n", "alice：", "！", "＊", "o’neil", "ｂｏｂ", "ὀδυσσεύς", "a#", "<a>", "a\u{301}\u{301}"]
        {
            assert!(checked(NameRules::Loose, name, 64).is_ok(), "{name}");
        }
        for name in [
            "server\u{2d7f}",
            "alice\u{1107f}",
            "alice\u{13430}",
            "alice\u{16fe4}",
            "alice\u{13441}",
            "alice\u{2800}",
            "a:b",
            "*a",
            "#a",
            "/a",
            "-a-",
            "a!",
            "a@b",
            "a,b",
            "a b",
            "a\u{a0}b",
            " ",
            "a\nb",
            "\u{1b}[31m",
            "a\u{9b}",
            "a\u{200b}",
            "a\u{200c}b",
            "\u{202e}a",
            "a\u{206f}",
            "\u{feff}a",
            "a\u{fe0f}",
            "\u{3164}",
            "a\u{e0041}",
            "\u{E000}",
            "\u{10FFFD}",
            "\u{FDD0}",
            "\u{1FFFE}",
            "\u{378}",
            "a\u{2065}",
            "\u{FFFC}",
            "\u{1D159}",
            "\u{301}",
            "\u{301}a",
            "alice\u{1039}",
            "alice\u{aaf6}",
        ] {
            assert_eq!(checked(NameRules::Loose, name, 64), Err(NameError::Character), "{name:?}");
        }
    }

    #[test]
    fn a_name_is_measured_in_nfc() {
        for rules in [NameRules::Strict, NameRules::Loose] {
            assert_eq!(checked(rules, "", 4), Err(NameError::Empty));
            assert_eq!(checked(rules, "žž", 4).as_deref(), Ok("žž"));
            assert_eq!(checked(rules, "z\u{30c}z\u{30c}", 4).as_deref(), Ok("žž"), "six bytes as it came");
            assert_eq!(checked(rules, "žžž", 4), Err(NameError::TooLong { max: 4 }));
            assert_eq!(checked(rules, "abcde", 4), Err(NameError::TooLong { max: 4 }));
            assert_eq!(checked(rules, &"a\u{301}".repeat(10_000), 4), Err(NameError::TooLong { max: 4 }));
            // The most that becomes shorter; and U+0958, which becomes longer.
            let iotas = "\u{1fbe}\u{308}\u{301}";
            assert_eq!(checked(rules, &iotas.repeat(2), 4).as_deref(), Ok("ΐΐ"));
            assert_eq!(checked(rules, "\u{958}", 3), Err(NameError::TooLong { max: 3 }));
            assert_eq!(checked(rules, "\u{958}", 6).as_deref(), Ok("क\u{93c}"));
        }
    }

    #[test]
    fn no_name_shrinks_more_than_is_allowed_for() {
        // The longest character for each that is what it becomes, and their lengths in what a character is made of.
        let mut longest = vec![0; 0x11_0000];
        for c in char::MIN..=char::MAX {
            let mut parts = c.nfd();
            if let (Some(only), None) = (parts.next(), parts.next()) {
                longest[only as usize] = c.len_utf8().max(longest[only as usize]);
            }
        }
        for c in (char::MIN..=char::MAX).filter(|c| c.nfc().eq([*c])) {
            let parts: usize = c.nfd().map(|part| longest[part as usize]).sum();
            assert!(parts <= MAX_SHRINK * c.len_utf8(), "{c:?} may be {parts} bytes");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for error in [NameError::Restricted, NameError::Marks, NameError::Character] {
            let words = format!("{error}");
            assert!(words.len() < 128 && !words.contains('\n'), "{words}");
        }
    }
}
