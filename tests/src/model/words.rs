//! How a message is cleaned before others see it.

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_properties::UnicodeEmoji as _;
use unicode_script::UnicodeScript as _;
use unicode_security::skeleton;

/// Cleans a text: removes terminal controls, and invisible characters unless their neighbours need them; keeps three
/// marks in a row; turns white space into spaces, and a long run of it into one space.
pub(super) fn clean(words: &str) -> String {
    let chars: Vec<char> = words.chars().collect();
    let mut out: Vec<char> = Vec::new();
    // The start of a run of white space, marks included; its length; whether it was too long.
    let (mut start, mut count, mut is_cut) = (0, 0, false);
    for (i, c) in chars.iter().copied().enumerate() {
        let c = if "\t\n\r\u{2028}\u{2029}".contains(c) { ' ' } else { c };
        if c.is_control() || c.is_whitespace() && is_cut {
            // This character is removed.
        } else if c.is_whitespace() {
            start = if count == 0 { out.len() } else { start };
            count += 1;
            let is_indent = start == 0 && c == ' ' && out.iter().all(|c| *c == ' ');
            is_cut = count > if is_indent { 32 } else { 8 };
            if is_cut {
                out.truncate(start);
            }
            out.push(if is_cut { ' ' } else { c });
        } else if is_invisible(c) {
            if is_needed(&out, c, chars.get(i + 1).copied().unwrap_or(' ')) {
                out.push(c);
            }
        } else if is_combining_mark(c) {
            let seen = out.iter().rev().filter(|c| !is_invisible(**c));
            if seen.take_while(|c| is_combining_mark(**c)).count() < 3 {
                out.push(c);
            }
        } else {
            (count, is_cut) = (0, false);
            out.push(c);
        }
    }
    out.into_iter().collect::<String>().trim_end().into()
}

/// Returns whether a joiner or selector changes how its neighbours are drawn.
fn is_needed(before: &[char], c: char, next: char) -> bool {
    let Some(last) = before.last().copied() else { return false };
    let base = before.iter().rev().copied().find(|c| !is_invisible(*c) && !is_combining_mark(*c));
    let is_virama = |c: char| canonical_combining_class(c) == 9 && !is_invisible(c);
    let is_emoji = |c: char| c > '\u{7F}' && c.is_emoji_char();
    let joins = |c: char| is_joining(c) && c.is_alphabetic() && !is_combining_mark(c);
    let is_mongolian = |c: char| joins(c) && c.script().full_name() == "Mongolian";
    let is_joined = |by: &dyn Fn(char) -> bool| base.is_some_and(by) && by(next);
    match u32::from(c) {
        0x200C | 0x200D if is_virama(last) => true,
        0x200C | 0x200D if is_virama(next) && last.is_alphabetic() && !last.is_ascii() && base == Some(last) => true,
        0x200C | 0x200D if is_joined(&joins) => !is_invisible(last),
        0x200D => is_joined(&is_emoji) && (is_emoji(last) || ['\u{FE0E}', '\u{FE0F}'].contains(&last)),
        0xFE0F if "0123456789#*".contains(last) => next == '\u{20E3}',
        0xFE0E | 0xFE0F => is_emoji(last),
        0x180B..=0x180D | 0x180F => is_mongolian(last),
        0x180E => is_joined(&is_mongolian) && last != c,
        _ => false,
    }
}

/// Returns whether a character is of a script whose letters join.
fn is_joining(c: char) -> bool {
    let scripts = "Adlm Arab Chrs Rohg Mand Mani Mong Nkoo Ougr Phag Phlp Sogd Syrc";
    scripts.split(' ').any(|script| script == c.script().short_name())
}

/// Returns whether a character is invisible: characters that a skeleton leaves out, format controls, blank signs, and
/// marks that only join their neighbours.
pub(super) fn is_invisible(c: char) -> bool {
    const OTHERS: &str = "\u{FFF9}\u{FFFA}\u{FFFB}\u{FFFC}\u{2800}\u{1D159}\u{16FE4}\u{2D7F}\u{1107F}\u{1BC9D}";
    let is_egyptian = (0x13430..=0x13442).contains(&u32::from(c));
    c > '\u{A0}' && (is_egyptian || OTHERS.contains(c) || skeleton(c.encode_utf8(&mut [0; 4])).next().is_none())
}
