//! Lines as a log keeps them: their tags apart, so that each reader is shown those that it has asked for.
//!
//! An update is rendered once, however many capabilities its readers have. What differs between readers is decided when
//! a batch is filled, and readers at the same place with the same [`View`] share that batch.

use alloc::vec::Vec;
use core::fmt::Write as _;

use arrayvec::ArrayString;

use super::time::{WALL_LEN, WallTime};

/// What a reader has asked for, as far as it decides which lines and tags it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View(u8);

impl View {
    /// Nothing asked for: lines as in RFC 1459.
    pub(crate) const PLAIN: Self = Self(0);
    /// Each line has the time at which it arose.
    pub(crate) const SERVER_TIME: Self = Self(1);
    /// Messages have a number, and the tags with which their authors have sent them.
    pub(crate) const MESSAGE_TAGS: Self = Self(2);
    /// Joins have an account and a real name.
    pub(crate) const EXTENDED_JOIN: Self = Self(4);
    /// It is told who is away.
    pub(crate) const AWAY_NOTIFY: Self = Self(8);
    /// It is told of other real names.
    pub(crate) const SETNAME: Self = Self(16);
    /// It is told who is invited to its rooms.
    pub(crate) const INVITE_NOTIFY: Self = Self(32);
    /// It is sent FAIL for a refusal without a number, and not a notice.
    pub(crate) const STANDARD_REPLIES: Self = Self(64);

    /// Returns whether all of these are asked for.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Updates that are shown only as they happen, and not among earlier messages.
    pub(crate) const NEWS: Self = Self(Self::AWAY_NOTIFY.0 | Self::SETNAME.0 | Self::INVITE_NOTIFY.0);

    /// Returns these without others.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns these and others.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Who is shown a line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    /// Only those that have asked for all of this …
    pub(crate) to: View,
    /// … and for nothing of this.
    pub(crate) unless: View,
}

/// The tags of a line, apart from its time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tags<'a> {
    /// The number of a message; empty if it has none.
    pub(crate) id: &'a str,
    /// What the author has sent, ready to be shown: `+a=b;+c`. At most `MAX_TAGS`
    /// bytes.
    pub(crate) client: &'a str,
}

/// Bytes before each block of lines: which readers are shown it and which are not, and the lengths of the number, the
/// client's tags and the lines.
const HEAD: usize = 9;

/// The most bytes that a log keeps around the lines of a block.
pub(crate) const MAX_AROUND: usize = HEAD + WALL_LEN + MAX_ID;

/// The most bytes of a message's number: two numbers of 64 bits and what separates them.
pub(crate) const MAX_ID: usize = 16 + 1 + 20;

/// Returns the number by which clients refer to a message.
pub(crate) fn message_id(life: u64, number: u64) -> ArrayString<MAX_ID> {
    let mut id = ArrayString::new();
    let written = write!(id, "{life:x}-{number}");
    debug_assert!(written.is_ok());
    id
}

/// Appends a block of one or more lines as a log keeps it. `body` appends the lines, each with its line end. An update
/// may have several blocks, of which each reader is shown some.
pub(crate) fn write(shown: Shown, time: WallTime, tags: Tags<'_>, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let client = u16::try_from(tags.client.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&[shown.to.0, shown.unless.0, tags.id.len() as u8]);
    out.extend_from_slice(&client.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&time.text());
    out.extend_from_slice(tags.id.as_bytes());
    out.extend_from_slice(tags.client.as_bytes());
    let before = out.len();
    body(out);
    let len = (out.len() - before) as u32;
    if len == 0 {
        // There is nothing to show.
        out.truncate(start);
    } else {
        out[start + HEAD - 4..start + HEAD].copy_from_slice(&len.to_be_bytes());
    }
}

/// Appends what a log keeps of an update as a reader with that view is shown it, or nothing. The pieces belong together;
/// a log's buffer is a ring.
pub(crate) fn show(view: View, kept: [&[u8]; 2], out: &mut Vec<u8>) {
    let len = kept[0].len() + kept[1].len();
    let mut at = 0;
    while at + HEAD <= len {
        at = show_block(view, kept, at, out);
    }
}

/// Returns whether a reader with that view is shown anything of what a log keeps of an update.
pub(crate) fn is_shown(view: View, kept: [&[u8]; 2]) -> bool {
    let len = kept[0].len() + kept[1].len();
    let mut at = 0;
    while at + HEAD <= len {
        let head = Head::read(kept, at);
        if head.is_for(view) {
            return true;
        }
        at = head.end;
    }
    false
}

/// What can be seen of an update in a log without showing it.
pub(crate) struct Peek {
    /// The time at which it arose, as text: an earlier one is less.
    pub(crate) time: [u8; WALL_LEN],
    /// The number of a message among events; `None` if it is none.
    pub(crate) number: Option<u64>,
    /// Whether it is something other than a message, news or tags.
    pub(crate) is_event: bool,
}

/// Looks at what a log keeps of an update.
pub(crate) fn peek(kept: [&[u8]; 2]) -> Peek {
    let head = Head::read(kept, 0);
    let digits = (head.at_id..head.at_client).map(|at| byte(kept, at)).skip_while(|byte| *byte != b'-').skip(1);
    let number = digits.fold(0_u64, |number, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit & 15)));
    Peek {
        time: core::array::from_fn(|at| byte(kept, HEAD + at)),
        number: (head.id > 0).then_some(number),
        is_event: head.id == 0 && head.to.without(View::NEWS.with(View::MESSAGE_TAGS)).0 == head.to.0,
    }
}

/// Returns the byte at that place of two pieces that belong together.
fn byte(kept: [&[u8]; 2], at: usize) -> u8 {
    let byte = kept[0].get(at).or_else(|| kept[1].get(at - kept[0].len()));
    byte.copied().unwrap_or_default()
}

/// Does so for the block that begins at `at`; returns where the next one begins.
fn show_block(view: View, kept: [&[u8]; 2], at: usize, out: &mut Vec<u8>) -> usize {
    let head = Head::read(kept, at);
    let Head { id, client, at_id, at_client, at_body, end, .. } = head;
    if !head.is_for(view) {
        return end;
    }
    let start = out.len();
    if view.has(View::SERVER_TIME) {
        out.extend_from_slice(b"@time=");
        copy(kept, at + HEAD, at_id, out);
    }
    let time_len = out.len() - start;
    if view.has(View::MESSAGE_TAGS) {
        if id > 0 {
            out.extend_from_slice(if time_len > 0 { b";msgid=" } else { b"@msgid=" });
            copy(kept, at_id, at_client, out);
        }
        if client > 0 {
            out.push(if out.len() > start { b';' } else { b'@' });
            copy(kept, at_client, at_body, out);
        }
    }
    if out.len() > start {
        out.push(b' ');
    }
    let first = out.len();
    copy(kept, at_body, end, out);
    if time_len > 0 {
        repeat_time(start..start + time_len, first, out);
    }
    end
}

/// What stands before a block, and where its parts begin.
struct Head {
    to: View,
    unless: View,
    id: usize,
    client: usize,
    at_id: usize,
    at_client: usize,
    at_body: usize,
    end: usize,
}

impl Head {
    fn read(kept: [&[u8]; 2], at: usize) -> Self {
        let byte = |index: usize| byte(kept, at + index);
        let [to, unless, id, high, low] = core::array::from_fn(byte);
        let len = u32::from_be_bytes(core::array::from_fn(|index| byte(HEAD - 4 + index))) as usize;
        let (id, client) = (usize::from(id), usize::from(u16::from_be_bytes([high, low])));
        let at_id = at + HEAD + WALL_LEN;
        let (at_client, at_body) = (at_id + id, at_id + id + client);
        let end = at_body + len;
        Self { to: View(to), unless: View(unless), id, client, at_id, at_client, at_body, end }
    }

    fn is_for(&self, view: View) -> bool {
        view.has(self.to) && view.0 & self.unless.0 == 0
    }
}

/// Puts the time before each line after the first, for words that take several lines.
fn repeat_time(time: core::ops::Range<usize>, first: usize, out: &mut Vec<u8>) {
    let mut at = first;
    while let Some(len) = memchr::memchr(b'\n', &out[at..]) {
        at += len + 1;
        if at == out.len() {
            return;
        }
        let mut tag = [b' '; 6 + WALL_LEN + 1];
        tag[..6 + WALL_LEN].copy_from_slice(&out[time.clone()]);
        out.splice(at..at, tag);
        at += tag.len();
    }
}

/// Puts a tag before each of some lines; not that of a batch before lines that are in one already.
pub(crate) fn tag_lines(lines: &[u8], tag: &str, out: &mut Vec<u8>) {
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"@batch=") && tag.starts_with("batch=") {
            out.extend_from_slice(line);
            continue;
        }
        out.push(b'@');
        out.extend_from_slice(tag.as_bytes());
        let tagged = line.strip_prefix(b"@");
        out.push(if tagged.is_some() { b';' } else { b' ' });
        out.extend_from_slice(tagged.unwrap_or(line));
    }
}

/// Appends the bytes `from..to` of two pieces that belong together.
fn copy(kept: [&[u8]; 2], from: usize, to: usize, out: &mut Vec<u8>) {
    let cut = kept[0].len();
    let within = |at: usize, len: usize| at.min(len);
    out.extend_from_slice(&kept[0][within(from, cut)..within(to, cut)]);
    let len = kept[1].len();
    out.extend_from_slice(&kept[1][within(from.saturating_sub(cut), len)..within(to.saturating_sub(cut), len)]);
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn kept(shown: Shown, tags: Tags<'_>, body: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write(shown, WallTime::from_millis(0), tags, &mut out, |out| out.extend_from_slice(body.as_bytes()));
        out
    }

    fn shown(view: View, kept: [&[u8]; 2]) -> String {
        let mut out = Vec::new();
        show(view, kept, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_reader_is_shown_the_tags_that_it_asked_for() {
        let tags = Tags { id: "life-7", client: "+typing=done;+x" };
        let kept = kept(Shown::default(), tags, "PRIVMSG #a :b\r\n");
        let time = "time=1970-01-01T00:00:00.000Z";
        for (view, before) in [
            (View::PLAIN, String::new()),
            (View::SERVER_TIME, alloc::format!("@{time} ")),
            (View::MESSAGE_TAGS, "@msgid=life-7;+typing=done;+x ".into()),
            (View::SERVER_TIME.with(View::MESSAGE_TAGS), alloc::format!("@{time};msgid=life-7;+typing=done;+x ")),
        ] {
            let expected = alloc::format!("{before}PRIVMSG #a :b\r\n");
            // Wherever the ring's end cuts it.
            for cut in 0..=kept.len() {
                assert_eq!(shown(view, [&kept[..cut], &kept[cut..]]), expected, "{view:?} {cut}");
            }
        }
    }

    #[test]
    fn the_number_stands_before_the_first_of_several_lines_and_the_time_before_each() {
        let kept = kept(Shown::default(), Tags { id: "a-1", client: "" }, "one\r\ntwo\r\nthree\r\n");
        let view = View::SERVER_TIME.with(View::MESSAGE_TAGS);
        let time = "@time=1970-01-01T00:00:00.000Z";
        let expected = alloc::format!("{time};msgid=a-1 one\r\n{time} two\r\n{time} three\r\n");
        assert_eq!(shown(view, [&kept, &[]]), expected);
        assert_eq!(shown(View::MESSAGE_TAGS, [&kept, &[]]), "@msgid=a-1 one\r\ntwo\r\nthree\r\n");
    }

    #[test]
    fn a_line_may_be_for_some_readers_only() {
        let extended = kept(Shown { to: View::EXTENDED_JOIN, unless: View::PLAIN }, Tags::default(), "x\r\n");
        let plain = kept(Shown { to: View::PLAIN, unless: View::EXTENDED_JOIN }, Tags::default(), "x\r\n");
        for (kept, view, is_shown) in [
            (&extended, View::EXTENDED_JOIN, true),
            (&extended, View::PLAIN, false),
            (&plain, View::EXTENDED_JOIN, false),
            (&plain, View::PLAIN, true),
        ] {
            assert_eq!(!shown(view, [kept, &[]]).is_empty(), is_shown);
        }
    }

    #[test]
    fn each_reader_is_shown_its_own_block() {
        let mut both =
            kept(Shown { to: View::EXTENDED_JOIN, unless: View::PLAIN }, Tags::default(), "JOIN #a * :A\r\n");
        both.extend(kept(Shown { to: View::PLAIN, unless: View::EXTENDED_JOIN }, Tags::default(), "JOIN #a\r\n"));
        for cut in 0..=both.len() {
            let pieces = [&both[..cut], &both[cut..]];
            assert_eq!(shown(View::EXTENDED_JOIN, pieces), "JOIN #a * :A\r\n");
            assert_eq!(shown(View::PLAIN, pieces), "JOIN #a\r\n");
        }
    }

    #[test]
    fn an_update_in_a_log_can_be_inspected() {
        let message = kept(Shown::default(), Tags { id: "abc-90", client: "+x" }, "PRIVMSG #a :b\r\n");
        let event = kept(Shown { to: View::PLAIN, unless: View::EXTENDED_JOIN }, Tags::default(), "JOIN #a\r\n");
        let news = kept(Shown { to: View::AWAY_NOTIFY, ..Shown::default() }, Tags::default(), "AWAY :a\r\n");
        let tags = Tags { id: "", client: "+a" };
        let tagged = kept(Shown { to: View::MESSAGE_TAGS, ..Shown::default() }, tags, "TAGMSG #a\r\n");
        for (kept, number, is_event) in
            [(&message, Some(90), false), (&event, None, true), (&news, None, false), (&tagged, None, false)]
        {
            for cut in 0..=kept.len() {
                let peek = peek([&kept[..cut], &kept[cut..]]);
                assert_eq!((peek.number, peek.is_event), (number, is_event));
                assert_eq!(&peek.time, b"1970-01-01T00:00:00.000Z");
            }
        }
    }

    #[test]
    fn a_tag_is_put_before_each_line() {
        let mut out = Vec::new();
        tag_lines(b"@time=x :a\r\nb\r\n@batch=3 c\r\n", "batch=7", &mut out);
        assert_eq!(core::str::from_utf8(&out), Ok("@batch=7;time=x :a\r\n@batch=7 b\r\n@batch=3 c\r\n"));
    }

    #[test]
    fn nothing_is_kept_of_an_update_without_lines() {
        assert!(kept(Shown::default(), Tags { id: "a", client: "" }, "").is_empty());
    }
}
