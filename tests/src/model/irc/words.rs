//! Words of IRC: colours and styles, requests between programs, long words, and patterns.

/// Takes out codes of colours and styles, with their numbers.
pub(super) fn strip(words: &str) -> String {
    let mut out = Vec::new();
    let mut rest = words.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match first {
            0x02 | 0x0f | 0x11 | 0x16 | 0x1d..=0x1f => after,
            0x03 => without_colours(after, |bytes| bytes.iter().take(2).take_while(|b| b.is_ascii_digit()).count()),
            0x04 => without_colours(after, |bytes| {
                let is_colour = bytes.len() >= 6 && bytes[..6].iter().all(u8::is_ascii_hexdigit);
                if is_colour { 6 } else { 0 }
            }),
            _ => {
                out.push(*first);
                after
            }
        };
    }
    String::from_utf8(out).expect("only ASCII is taken out")
}

/// Skips a colour, and another after a comma.
fn without_colours(text: &[u8], len: impl Fn(&[u8]) -> usize) -> &[u8] {
    let rest = &text[len(text)..];
    match rest {
        [b',', second @ ..] if rest.len() < text.len() && len(second) > 0 => &second[len(second)..],
        _ => rest,
    }
}

/// Returns command and words of a request from program to program.
pub(super) fn ctcp(words: &str) -> Option<(&str, &str)> {
    let request = words.strip_prefix('\x01')?;
    let request = request.strip_suffix('\x01').unwrap_or(request);
    let (command, words) = request.split_once(' ').unwrap_or((request, ""));
    (!command.is_empty()).then_some((command, words))
}

/// Cuts words into pieces of at most `max` bytes: after a space if one is near the end, and not within what is seen as
/// one character if that does not begin too far back.
pub(super) fn pieces(words: &str, max: usize) -> Vec<&str> {
    const LOOK_BACK: usize = 40;
    let mut pieces = Vec::new();
    let mut rest = words;
    while rest.len() > max {
        let longest = (0..=max).rev().find(|len| rest.is_char_boundary(*len)).unwrap_or_default();
        let near = |len: &usize| *len + LOOK_BACK >= longest && rest.is_char_boundary(*len);
        let lens = || (1..=longest).rev().filter(near);
        let after_space = lens().find(|len| rest[..*len].ends_with(' '));
        let between = lens().find(|len| {
            let (before, after) = rest.split_at(*len);
            let goes_on = |c: char| c == '\u{200d}' || unicode_normalization::char::is_combining_mark(c);
            !before.ends_with('\u{200d}') && !after.starts_with(goes_on)
        });
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let (piece, after) = rest.split_at(after_space.or(between).unwrap_or(longest).max(first));
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Returns whether a pattern with `*` and `?` matches a text, without regard to case.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let fold = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    super::super::masks::matches_part(&fold(pattern), &fold(text))
}
