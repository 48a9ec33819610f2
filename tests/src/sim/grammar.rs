//! Peers' input, from a grammar that is nearly right.

pub(super) mod irc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::random::Random;
use super::step::Speaks;

/// Names that keep the rules, break them, or resemble others. Names that look alike or differ only in case are the
/// same.
pub(super) const NAMES: &[&str] = &[
    "alice",
    "bob",
    "carol",
    "dan",
    "eve",
    "frank",
    "Žofie",
    "李小龍",
    "ALICE",
    "Bob",
    "b0b",
    "аlice",
    "rnallory",
    "mallory",
    "guest",
    "server",
    "Server",
    "anonymous",
    "guest-1",
    "guest-2",
    "guest-7",
    "%s%n",
    "",
    " ",
    "a b",
    "x:y",
    "*star",
    "!bang",
    "/slash",
    "zero\u{200b}width",
    "alice\u{2800}",
    "\u{e000}",
    "bob\u{1fffe}",
    "\u{301}acute",
    "\u{202e}evil",
    "tab\tname",
    "nul\0name",
    "you",
    "YOU",
    "alice\u{2d7f}",
    "server\u{1107f}",
    "bob\u{13430}",
    "bob\u{16fe4}",
    "ALİCE",
    "álice",
    "Z\u{30c}ofie",
    "alice：",
    "＊",
    "\u{378}",
    "ế\u{302}",
    "a\u{301}\u{302}\u{303}\u{304}",
    "ತ\u{ccb}\u{c82}ಟ",
    "က\u{1039}က",
    "bob\u{1039}",
    "\u{1fbe}\u{308}\u{301}",
    "🦀",
    "[x]`{y}|^",
];

/// Rooms that are there from the start, with their topics.
pub(super) const LISTED: [(&str, &str); 3] = [("den", ""), ("hall", "what the hall is about"), ("vault", "")];

/// Names of few rooms, so that they fill, end, and begin again; some that resemble others, and some that are not valid.
const ROOMS: [&str; 14] =
    ["den", "hall", "attic", "lobby", "vault", "DEN", "Hall", "dеn", "á-b", "lob-by", "", "a b", "room_1", "x:y"];

/// Ordinary and hostile texts; messages are cut from them.
const WORDS: &str = "hello, how are you? the quick brown fox jumps over the lazy dog, and so on until the line is as \
     long as a line may be, or longer: 0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ -- ";

const NASTY: &[&str] = &[
    "\u{1b}[31mred",
    "\u{1b}]52;c;QUJD\u{7}",
    "\u{9b}2J",
    "* alice joined",
    "bob: forged",
    "\u{202e}olleh",
    "a\u{2028}b",
    "\u{8}\u{8}x",
    "zero\u{200b}width",
    "\u{2066}isolated",
    "žluťoučký kůň",
    "👩\u{200d}🚀",
    "   ",
    "\t",
    "a\0b",
    "a\rb",
    "! closed: kicked",
    "{}%s%n",
    "trailing   ",
    "",
    "pad                                                                    bob: I resign",
    "a         b",
    "            indented",
    "                                    deep",
    "a\t\t\t\t\t\t\t\t\tb",
    "a        \u{200b}        b",
    "\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}b",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}",
    "\u{13441}",
    "a\u{e0041}\u{206a}\u{fe0f}b",
    "می\u{200c}خواهم\u{200c}",
    "র\u{200d}\u{9cd}য",
    "❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3}",
];

const INVALID: &[&[u8]] =
    &[b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\x80", b"\xc3", b"\xf0\x9f\x9a"];

const IMPOSTORS: &[&[u8]] = &[
    b"GET / HTTP/1.1",
    b"POST /x HTTP/1.0",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"NICK alice",
    b"USER a 0 * :b",
    b"CAP LS 302",
    b"\xff\xfb\x01\xff\xfd\x03hi",
    b"\xff\xfa\x18\x00vt100\xff\xf0there",
    b"a\xff\xffb",
    b"\xff",
    b"SSH-2.0-x",
    b"Host: localhost",
    b"CONNECT a:1 HTTP/1.1",
    b"GET /long/as/may/be",
    b"PASS secret",
    b"PASS the salt",
    b"EHLO here",
    b"AUTH PLAIN AGEAYg==",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2",
    b"\r\n\r\n\0\r\nQUIT\n",
    b"OPTIONS * RTSP/1.0",
    b"INVITE sip:a SIP/2.0",
    b"\xef\xbb\xbfNICK joe",
    b"\xff\xfb\x1fUSER joe",
    b"\xef\xbb\xbf",
    b"\xff\xf1 ",
];

/// Appends to `out` what a peer types at once: some lines, the last of them perhaps unfinished.
pub(crate) fn typing(random: &mut Random, speaks: Speaks, max_line: usize, max_name: usize, out: &mut Vec<u8>) {
    if speaks == Speaks::Irc {
        return irc::typing(random, max_name, out);
    }
    let classic = speaks == Speaks::Classic;
    let lines = match random.below(16) {
        0 => random.between(2, 12),
        1 => 2,
        _ => 1,
    };
    if !classic && random.one_in(2) {
        return if random.one_in(4) { whispers(random, out) } else { in_rooms(random, max_name, out) };
    }
    // Sometimes a peer uses the other dialect's lines.
    let classic = classic != random.one_in(40);
    for _ in 0..lines {
        let start = out.len();
        let line = if classic { classic_line } else { text_line };
        line(random, max_line, max_name, out);
        if random.one_in(24) {
            spoil(random, start, out);
        }
        match random.below(24) {
            0 => {}
            1 | 2 => out.extend_from_slice(b"\r\n"),
            3 => out.extend_from_slice(b"\r\r\n"),
            4 => out.push(b'\r'),
            _ => out.push(b'\n'),
        }
    }
}

/// A page of private messages to one member, more than it has room for.
fn whispers(random: &mut Random, out: &mut Vec<u8>) {
    let target = match random.below(4) {
        0 => random.pick(&["alice", "bob", "carol"]).to_owned(),
        // The first peers include those that never read.
        1 | 2 => format!("guest-{}", random.between(1, 9)),
        _ => format!("guest-{}", random.between(1, 40)),
    };
    for number in 0..random.between(2, 12) {
        out.extend_from_slice(format!("/msg {target} {number} {}\n", &WORDS[..40]).as_bytes());
    }
}

/// Some lines about rooms.
fn in_rooms(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    // With few names in use, others can be found by them.
    if random.one_in(3) {
        out.extend_from_slice(format!("/name {}\n", random.pick(&["alice", "bob", "carol", "b0b"])).as_bytes());
    }
    for _ in 0..random.between(1, 3) {
        room_line(random, max_name, out);
        out.push(b'\n');
    }
    // Who has begun a room is its operator, and can do something there at once.
    if random.one_in(6) {
        // To somebody whose replies may be full.
        let (room, other) = (random.pick(&ROOMS[..3]), random.pick(&NAMES[..3]));
        out.extend_from_slice(format!("/join {room}\n").as_bytes());
        for _ in 0..random.between(1, 40) {
            out.extend_from_slice(format!("/msg {other} {}\n", &WORDS[..random.between(1, 40) as usize]).as_bytes());
        }
        out.extend_from_slice(format!("/kick {other}\n").as_bytes());
    } else if random.one_in(5) {
        // A room ends, and another begins in its place.
        let (room, next) = (random.pick(&ROOMS[..10]), random.pick(&ROOMS[..10]));
        out.extend_from_slice(format!("/join {room}\n/leave\n/join {next}\n").as_bytes());
    } else if random.one_in(2) {
        let verb = random.pick(&["/invite ", "/ban ", "/ban "]);
        out.extend_from_slice(format!("/join {}\n{verb}", random.pick(&ROOMS[..3])).as_bytes());
        push_other(random, max_name, out);
        out.push(b'\n');
    }
}

/// Somebody who may well be here.
fn push_other(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    match random.below(8) {
        0 => out.extend_from_slice(format!("guest-{}", random.between(1, 12)).as_bytes()),
        1..7 => out.extend_from_slice(random.pick(&NAMES[..3]).as_bytes()),
        _ => push_name(random, max_name, out),
    }
}

fn room_line(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    match random.below(32) {
        0..8 => {
            let room = if random.one_in(2) { random.pick(&ROOMS[..3]) } else { random.pick(&ROOMS) };
            out.extend_from_slice(format!("/join {room}").as_bytes());
            if random.one_in(8) {
                out.extend_from_slice(b" sesame");
            }
        }
        8..12 => out.extend_from_slice(b"/leave"),
        12 => out.extend_from_slice(format!("/leave {}", random.pick(&ROOMS)).as_bytes()),
        13 => out.extend_from_slice(b"/rooms"),
        14 => out.extend_from_slice(format!("/who {}", random.pick(&ROOMS)).as_bytes()),
        15 => out.extend_from_slice(b"/topic"),
        16..18 => {
            out.extend_from_slice(b"/topic ");
            push_words(random, 500, out);
        }
        18 if random.one_in(3) => {
            out.extend_from_slice(random.pick(&[b"/ban".as_slice(), b"/unban #1", b"/unban #2", b"/unban bob!*"]));
        }
        18 => {
            out.extend_from_slice(b"/kick ");
            push_other(random, max_name, out);
            out.push(b' ');
            push_words(random, 300, out);
        }
        19..25 => {
            let verbs =
                ["/invite ", "/invite ", "/kick ", "/ban ", "/unban ", "/op ", "/deop ", "/voice ", "/devoice "];
            out.extend_from_slice(random.pick(&verbs).as_bytes());
            push_other(random, max_name, out);
        }
        _ => push_words(random, 60, out),
    }
}

/// Returns a text for an announcement.
pub(super) fn words(random: &mut Random, most: usize) -> String {
    let mut out = Vec::new();
    push_words(random, most, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn text_line(random: &mut Random, max_line: usize, max_name: usize, out: &mut Vec<u8>) {
    match random.below(32) {
        0..11 => push_words(random, max_line, out),
        11..14 => {
            out.extend_from_slice(b"/name ");
            push_name(random, max_name, out);
        }
        14 => {
            out.extend_from_slice(b"/me ");
            push_words(random, max_line, out);
        }
        15..21 => {
            out.extend_from_slice(b"/msg ");
            if random.one_in(2) {
                out.extend_from_slice(random.pick(&["guest-1", "guest-2", "guest-3", "alice"]).as_bytes());
            } else {
                push_name(random, max_name, out);
            }
            out.push(b' ');
            push_words(random, max_line, out);
        }
        21 if random.one_in(2) => out.extend_from_slice(b"/who"),
        21 => {
            let history: [&[u8]; 6] =
                [b"/history", b"/history 0", b"/history 3", b"/history 60", b"/history 99999", b"/history x"];
            out.extend_from_slice(random.pick(&history));
        }
        22 => out.extend_from_slice(b"/ping"),
        23 => {
            out.extend_from_slice(random.pick(&[b"/quit".as_slice(), b"/quit ", b"/quit \"see you\")"]));
            if random.one_in(2) {
                out.push(b' ');
                push_words(random, max_line, out);
            }
        }
        24 => out.extend_from_slice(b"/help"),
        25 => {
            out.extend_from_slice(b"//");
            push_words(random, max_line, out);
        }
        26 => {
            let rubbish = if random.one_in(2) { IMPOSTORS } else { INVALID };
            out.extend_from_slice(random.pick(rubbish));
        }
        27 => {
            let verbs: [&[u8]; 9] =
                [b"/", b"/name", b"/msg", b"/msg bob", b"/me", b"/nick x", b"/NAME x", b"/quitx", b"/ "];
            out.extend_from_slice(random.pick(&verbs));
        }
        28..30 => push_long(random, max_line, out),
        30 => push_nasty(random, out),
        _ => {}
    }
}

fn classic_line(random: &mut Random, max_line: usize, max_name: usize, out: &mut Vec<u8>) {
    let mut field = Vec::new();
    match random.below(32) {
        0..20 => {
            push_name(random, max_name, &mut field);
            out.extend_from_slice(b"CHAT ");
            push_base64(&field, out);
            out.push(b' ');
            field.clear();
            push_words(random, max_line / 2, &mut field);
            push_base64(&field, out);
        }
        20..25 => {
            push_name(random, max_name, &mut field);
            out.extend_from_slice(b"NAME ");
            push_base64(&field, out);
        }
        25 => {
            field.extend_from_slice(random.pick(INVALID));
            out.extend_from_slice(b"CHAT Ym9i ");
            push_base64(&field, out);
        }
        26 => {
            let rubbish: [&[u8]; 12] = [
                b"CHAT",
                b"CHAT ",
                b"CHAT YQ==",
                b"CHAT YQ YQ==",
                b"CHAT YQ== Y",
                b"CHAT YQ== Y-_=",
                b"NAME",
                b"NAME YQ== YQ==",
                b"chat YQ== YQ==",
                b"CHAT  YQ==  YWI=",
                b"CHAT YQ== YWI= ",
                b"NAME ====",
            ];
            out.extend_from_slice(random.pick(&rubbish));
        }
        27 => out.extend_from_slice(random.pick(IMPOSTORS)),
        28 => out.extend_from_slice(random.pick(INVALID)),
        29 => push_long(random, max_line, out),
        30 => {
            push_nasty(random, &mut field);
            out.extend_from_slice(b"CHAT Ym9i ");
            push_base64(&field, out);
        }
        _ => {}
    }
}

fn push_name(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    match random.below(24) {
        0 => out.extend(std::iter::repeat_n(b'n', max_name + random.below(2) as usize)),
        // Existing and missing guest numbers.
        12 | 13 => {
            let most = random.pick(&[6, 40, 300]);
            out.extend_from_slice(format!("guest-{}", random.below(most)).as_bytes());
        }
        1..12 => out.extend_from_slice(NAMES[random.below(8) as usize].as_bytes()),
        _ => out.extend_from_slice(random.pick(NAMES).as_bytes()),
    }
}

fn push_words(random: &mut Random, max_line: usize, out: &mut Vec<u8>) {
    if random.one_in(12) {
        return push_nasty(random, out);
    }
    let mut left = random.length(max_line as u64) as usize;
    let start = random.below(WORDS.len() as u64 / 2) as usize;
    while left > 0 {
        let piece = &WORDS.as_bytes()[start..];
        out.extend_from_slice(&piece[..left.min(piece.len())]);
        left = left.saturating_sub(piece.len());
    }
}

fn push_nasty(random: &mut Random, out: &mut Vec<u8>) {
    out.extend_from_slice(random.pick(NASTY).as_bytes());
}

/// Writes a line around the limit: one byte under it, at it, or over it by one byte, a few or some KiB; sometimes a
/// browser's request.
fn push_long(random: &mut Random, max_line: usize, out: &mut Vec<u8>) {
    if random.one_in(4) {
        out.extend_from_slice(random.pick(&[b"GET /".as_slice(), b"POST http://x/", b"INVITE sip:", b"PASS "]));
    }
    let over = if random.one_in(2) { random.below(3_000) } else { random.below(5) };
    let length = max_line - 1 + over as usize;
    let byte = random.pick(b"xxx \r");
    out.extend(std::iter::repeat_n(b'x', length - 1));
    out.push(byte);
}

fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 4 * bytes.len().div_ceil(3), 0);
    BASE64_STANDARD.encode_slice(bytes, &mut out[start..]).expect("that is its length");
}

/// Changes, drops or doubles one byte of what was written since `start`.
fn spoil(random: &mut Random, start: usize, out: &mut Vec<u8>) {
    if out.len() == start {
        return;
    }
    let at = start + random.below((out.len() - start) as u64) as usize;
    match random.below(3) {
        0 => out[at] = random.below(256) as u8,
        1 => drop(out.remove(at)),
        _ => out.insert(at, out[at]),
    }
}
