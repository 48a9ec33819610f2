//! Lines of clients of IRC: right, nearly right, and wrong.

use super::{INVALID, NAMES, NASTY, WORDS, spoil};
use crate::sim::Random;

/// When the hub began, in milliseconds since 1970, and the number of its life, by which clients refer to messages.
pub(crate) const STARTED: u64 = 1_700_000_000_000;
pub(crate) const LIFE: u64 = 0xabc;

/// Few names, so that others can be found by them.
const NICKS: [&str; 8] = ["alice", "bob", "carol", "ALICE", "b0b", "guest-1", "guest-2", "dan"];

/// Channels that are rooms of others, too.
const CHANNELS: [&str; 12] =
    ["#lobby", "#den", "#hall", "#attic", "#DEN", "#vault", "#lob-by", "#a b", "#", "den", "#x:y", "#room_1"];

const CAPS: [&str; 18] = [
    "server-time",
    "message-tags",
    "echo-message",
    "extended-join",
    "away-notify",
    "setname",
    "invite-notify",
    "batch labeled-response",
    "standard-replies",
    "multi-prefix",
    "userhost-in-names",
    "account-tag",
    "cap-notify",
    "draft/chathistory",
    "server-time message-tags batch labeled-response echo-message",
    "extended-join away-notify setname invite-notify multi-prefix userhost-in-names",
    "sasl",
    "Setname",
];

/// Appends what a client types at once.
pub(super) fn typing(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    if random.one_in(4) {
        registration(random, max_name, out);
    }
    for _ in 0..random.pick(&[1, 1, 1, 2, 4, 12]) {
        let start = out.len();
        tags(random, out);
        line(random, max_name, out);
        if random.one_in(32) {
            spoil(random, start, out);
        }
        out.extend_from_slice(random.pick(&[b"\r\n".as_slice(), b"\r\n", b"\r\n", b"\n", b" \r\n"]));
    }
    if random.one_in(40) {
        out.extend_from_slice(b"PRIVMSG #lob");
    }
}

/// Some or all of what makes a connection a member, in any order.
fn registration(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    if random.one_in(3) {
        out.extend_from_slice(random.pick(&[b"CAP LS 302\r\n".as_slice(), b"CAP LS\r\n", b"cap ls 301\r\n"]));
        request_caps(random, out);
        out.extend_from_slice(b"\r\n");
    }
    match random.below(8) {
        0..5 => out.extend_from_slice(b"PASS sesame\r\n"),
        5 => out.extend_from_slice(random.pick(&[b"PASS xyzzy\r\n".as_slice(), b"PASS :\r\n", b"@label=p PASS x\r\n"])),
        6 if random.one_in(8) => out.extend_from_slice(format!("PASS {}\r\n", "p".repeat(300)).as_bytes()),
        _ => {}
    }
    let is_whole = !random.one_in(4);
    if is_whole || random.one_in(2) {
        out.extend_from_slice(b"NICK ");
        nick(random, max_name, out);
        out.extend_from_slice(b"\r\n");
    }
    if is_whole || random.one_in(2) {
        let user = random.pick(&[
            "a 0 * :Ann",
            "bob 0 * :",
            "!@: 0 * :x y",
            "much-too-long-a-user 0 * :Zoë",
            "a 0 *",
            "a 0 * :my fox",
            "a 0 * :a dog",
        ]);
        out.extend_from_slice(format!("USER {user}\r\n").as_bytes());
    }
    if is_whole || random.one_in(4) {
        out.extend_from_slice(b"CAP END\r\n");
    }
    if random.one_in(2) {
        out.extend_from_slice(format!("JOIN {}\r\n", random.pick(&CHANNELS[..4])).as_bytes());
    }
}

fn tags(random: &mut Random, out: &mut Vec<u8>) {
    match random.below(24) {
        0..3 => out.extend_from_slice(format!("@label={} ", random.below(100)).as_bytes()),
        3 => out.extend_from_slice(b"@+typing=active;label=x\\sy "),
        4 => out.extend_from_slice(b"@+a;b=c;+d=e\\:f :somebody!a@b "),
        5 if random.one_in(4) => {
            out.extend_from_slice(b"@+long=");
            out.extend(std::iter::repeat_n(b'x', random.between(400, 4_200) as usize));
            out.push(b' ');
        }
        6 if random.one_in(4) => out.extend_from_slice(random.pick(&[
            b"@".as_slice(),
            b"@ ",
            b"@;;=; ",
            b"@+\x1b=1 ",
            b"@label=\x07;+ok ",
            b"@label=;label=2 ",
            b": ",
        ])),
        _ => {}
    }
}

fn line(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    match random.below(64) {
        16..24 => {
            out.extend_from_slice(b"JOIN ");
            channels(random, out);
            if random.one_in(6) {
                out.extend_from_slice(random.pick(&[b" sesame".as_slice(), b" ,sesame", b" a,b,c"]));
            }
        }
        24 => out.extend_from_slice(random.pick(&[b"JOIN 0".as_slice(), b"JOIN", b"JOIN x", b"PART", b"JOIN #"])),
        25..27 => {
            out.extend_from_slice(b"PART ");
            channels(random, out);
            trailing(random, out);
        }
        27..31 => mode(random, max_name, out),
        31..33 => {
            out.extend_from_slice(format!("TOPIC {}", channel(random)).as_bytes());
            if random.one_in(2) {
                trailing(random, out);
            }
        }
        33 | 34 => {
            out.extend_from_slice(format!("KICK {} ", channel(random)).as_bytes());
            nick(random, max_name, out);
            if random.one_in(4) {
                out.extend_from_slice(b",bob,alice");
            }
            trailing(random, out);
        }
        35 | 36 => {
            out.extend_from_slice(b"INVITE ");
            nick(random, max_name, out);
            out.extend_from_slice(format!(" {}", channel(random)).as_bytes());
        }
        37..40 => {
            out.extend_from_slice(b"NICK ");
            nick(random, max_name, out);
        }
        40..42 => request_caps(random, out),
        42 => {
            let negotiation: [&[u8]; 6] = [b"CAP LIST", b"CAP END", b"CAP LS", b"CAP REQ", b"CAP FOO", b"CAP"];
            out.extend_from_slice(random.pick(&negotiation));
        }
        43..45 => {
            out.extend_from_slice(b"AWAY");
            trailing(random, out);
        }
        45 => {
            out.extend_from_slice(b"SETNAME");
            trailing(random, out);
        }
        46..51 => question(random, max_name, out),
        51..54 => history(random, out),
        54 => out.extend_from_slice(random.pick(&[b"PING 1".as_slice(), b"PING", b"ping :a b", b"PONG x", b"PONG"])),
        57..60 => monitor(random, max_name, out),
        55 if random.one_in(2) => {
            out.extend_from_slice(b"QUIT");
            trailing(random, out);
        }
        56 if random.one_in(2) => wrong(random, out),
        // So many that they do not fit among the replies.
        56 if random.one_in(3) => {
            out.extend_from_slice(b"NAMES #lobby\r\nNAMES #den\r\nWHO #lobby\r\nNAMES #lobby\r\nWHO *\r\nNAMES #lobby");
        }
        56 => operator(random, max_name, out),
        // A quarter of them, the numbers below 16 among them.
        _ => message(random, max_name, out),
    }
}

/// What operators of the server do, and how one becomes one.
fn operator(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    match random.below(8) {
        0..3 => out.extend_from_slice(random.pick(&[
            b"OPER root sesame".as_slice(),
            b"OPER root sesame\r\nPING later",
            b"OPER root secret",
            b"OPER eve sesame",
            b"OPER root",
        ])),
        3 => out.extend_from_slice(b"MODE alice +w\r\nMODE bob +w\r\nMODE carol +ow\r\nMODE dan -o"),
        4 | 5 => {
            out.extend_from_slice(b"WALLOPS");
            trailing(random, out);
        }
        _ => {
            out.extend_from_slice(b"KILL ");
            nick(random, max_name, out);
            trailing(random, out);
        }
    }
}

fn monitor(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    let others: [&[u8]; 9] = [b"L", b"S", b"S", b"C", b"+", b"-", b"", b"x bob", b"l"];
    out.extend_from_slice(b"MONITOR ");
    let sign = match random.below(12) {
        0..7 => b'+',
        7 | 8 => b'-',
        _ => return out.extend_from_slice(random.pick(&others)),
    };
    out.extend_from_slice(&[sign, b' ']);
    for index in 0..random.pick(&[1, 1, 2, 4, 8, 60]) {
        if index > 0 {
            out.push(b',');
        }
        // Some that only these lists have, so that many are full.
        if random.one_in(3) {
            out.extend_from_slice(format!("w{}", random.below(200)).as_bytes());
        } else {
            nick(random, max_name, out);
        }
    }
}

/// A message to one or several.
fn message(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    let verbs = ["PRIVMSG ", "PRIVMSG ", "PRIVMSG ", "privmsg ", "NOTICE ", "TAGMSG "];
    out.extend_from_slice(random.pick(&verbs).as_bytes());
    for index in 0..random.pick(&[1, 1, 1, 1, 2, 5]) {
        if index > 0 {
            out.push(b',');
        }
        if random.one_in(3) {
            nick(random, max_name, out);
        } else {
            out.extend_from_slice(channel(random).as_bytes());
        }
    }
    match random.below(12) {
        0 => out.extend_from_slice(b" :\x01ACTION waves\x01"),
        1 => out.extend_from_slice(b" :\x01VERSION\x01"),
        2 => out.extend_from_slice(b" :\x0304,12red\x0f and \x02bold\x02 \x04ff0000hex\x1f."),
        3 => out.extend_from_slice(b" :\x03,1 \x0399,9 \x04ff00,a\x16"),
        4 => {
            out.extend_from_slice(b" :");
            out.extend(WORDS.bytes().cycle().take(random.between(380, 520) as usize));
        }
        5 => {
            out.extend_from_slice(" :žluťoučký kůň úpěl ďábelské ódy".repeat(7).as_bytes());
        }
        _ => trailing(random, out),
    }
}

/// Words as the last parameter, or none.
fn trailing(random: &mut Random, out: &mut Vec<u8>) {
    match random.below(10) {
        0 => {}
        1 => out.extend_from_slice(b" :"),
        2 => out.extend_from_slice(format!(" :{}", random.pick(NASTY)).as_bytes()),
        3 => out.extend_from_slice(b" word and more"),
        _ => {
            let start = random.below(60) as usize;
            let len = random.length(200) as usize;
            out.extend_from_slice(b" :");
            out.extend_from_slice(&WORDS.as_bytes()[start..(start + len).min(WORDS.len())]);
        }
    }
}

fn nick(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    match random.below(24) {
        0 => out.extend(std::iter::repeat_n(b'n', max_name + random.below(2) as usize)),
        1 => out.extend_from_slice(random.pick(NAMES).as_bytes()),
        // More names than the few, so that many are members.
        2..8 => out.extend_from_slice(format!("n{}", random.below(40)).as_bytes()),
        8 if random.one_in(8) => out.extend_from_slice(b"irc.localhost"),
        _ => out.extend_from_slice(random.pick(&NICKS).as_bytes()),
    }
}

fn channel(random: &mut Random) -> &'static str {
    match random.below(8) {
        0..4 => "#lobby",
        4..7 => random.pick(&CHANNELS[..4]),
        _ => random.pick(&CHANNELS),
    }
}

fn channels(random: &mut Random, out: &mut Vec<u8>) {
    out.extend_from_slice(channel(random).as_bytes());
    for _ in 0..random.pick(&[0, 0, 0, 1, 3]) {
        out.extend_from_slice(format!(",{}", channel(random)).as_bytes());
    }
}

fn request_caps(random: &mut Random, out: &mut Vec<u8>) {
    let sign = if random.one_in(3) { "-" } else { "" };
    out.extend_from_slice(format!("CAP REQ :{sign}{}", random.pick(&CAPS)).as_bytes());
    if random.one_in(4) {
        out.extend_from_slice(format!(" {}", random.pick(&CAPS)).as_bytes());
    }
}

fn mode(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    match random.below(12) {
        0 => {
            out.extend_from_slice(b"MODE ");
            nick(random, max_name, out);
            let changes: [&[u8]; 6] = [b"", b" +i", b" -i+wB", b" +o-B", b" +x", b" iwB-w"];
            return out.extend_from_slice(random.pick(&changes));
        }
        1 => return out.extend_from_slice(format!("MODE {}", channel(random)).as_bytes()),
        2 => {
            // More masks than fit among the replies.
            out.extend_from_slice(format!("MODE {} +bbbb", random.pick(&CHANNELS[..4])).as_bytes());
            for _ in 0..4 {
                let number = random.below(90);
                out.extend_from_slice(format!(" n{number}{}*!*@*", "x".repeat(96)).as_bytes());
            }
            return;
        }
        _ => {}
    }
    let letters = ["+o", "-o", "+v", "-v", "+b", "-b", "+t-n", "-t", "+m", "-m", "+i", "-i", "+s", "-s", "b", "eI"];
    let others = ["+k", "-k", "+l", "-l", "+e", "+I", "-e", "+kl", "+oov", "+bb-b", "x", "+"];
    let letters = if random.one_in(3) { random.pick(&others) } else { random.pick(&letters) };
    out.extend_from_slice(format!("MODE {} {letters}", random.pick(&CHANNELS[..4])).as_bytes());
    for _ in 0..random.pick(&[0, 1, 1, 1, 3]) {
        out.push(b' ');
        match random.below(6) {
            0 => out.extend_from_slice(random.pick(&[b"sesame".as_slice(), b"2", b"0", b"a,b", b"40"])),
            1 => {
                let masks: [&[u8]; 7] = [b"bob!*", b"*!*@*", b"b0b", b"*@-", b"*!~a@*", b"a?ice!*@0*", b"nobody!*@*"];
                out.extend_from_slice(random.pick(&masks));
            }
            _ => nick(random, max_name, out),
        }
    }
}

fn question(random: &mut Random, max_name: usize, out: &mut Vec<u8>) {
    match random.below(16) {
        0..3 => out.extend_from_slice(format!("NAMES {}", channel(random)).as_bytes()),
        3 => out.extend_from_slice(random.pick(&[
            b"LIST".as_slice(),
            b"LIST >1",
            b"LIST <3,T<10",
            b"LIST #d*,!#den",
            b"LIST T>0",
            b"LIST >x",
            b"LIST a,b,c,d,e",
        ])),
        4..6 => out.extend_from_slice(format!("WHO {}", channel(random)).as_bytes()),
        6 => out.extend_from_slice(random.pick(&[
            b"WHO *".as_slice(),
            b"WHO a* %tcuihsnfdlaor,42",
            b"WHO #lobby %nfr",
            b"WHO * %t,abcd",
            b"WHO :",
            b"WHO",
            b"WHO ~u",
            b"WHO * o",
            b"WHO #lobby o%nf",
        ])),
        7 | 8 => {
            out.extend_from_slice(b"WHOIS ");
            nick(random, max_name, out);
        }
        9 => {
            out.extend_from_slice(b"ISON alice bob :carol guest-1 n1 n2 n3 ");
            nick(random, max_name, out);
        }
        10 => {
            out.extend_from_slice(b"USERHOST bob alice guest-2 ");
            nick(random, max_name, out);
        }
        11 => out.extend_from_slice(random.pick(&[b"INVITE".as_slice(), b"INVITE bob", b"WHOIS", b"WHOWAS bob"])),
        12 => out.extend_from_slice(random.pick(&[b"MOTD".as_slice(), b"LUSERS", b"VERSION", b"TIME", b"INFO"])),
        13 => out.extend_from_slice(random.pick(&[
            b"ADMIN".as_slice(),
            b"HELP",
            b"HELP x",
            b"LINKS",
            b"STATS u",
            b"STATS x",
            b"STATS",
            b"WHOWAS",
        ])),
        _ => out.extend_from_slice(b"NAMES"),
    }
}

fn history(random: &mut Random, out: &mut Vec<u8>) {
    let subcommands = ["LATEST", "LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN", "latest", "FOO", "TARGETS"];
    let subcommand = random.pick(&subcommands);
    let anchor = |random: &mut Random| match random.below(8) {
        0..4 => format!("msgid={LIFE:x}-{}", random.below(200)),
        4 => "msgid=fff-7".into(),
        5 => format!("timestamp=2023-11-14T22:{:02}:20.{:03}Z", random.between(12, 30), random.below(1_000)),
        6 => "timestamp=2023-13-40".into(),
        _ => "msgid=x".into(),
    };
    if subcommand == "TARGETS" {
        let times = "timestamp=2023-11-14T22:00:00.000Z timestamp=2033-01-01T00:00:00.000Z 10";
        return out.extend_from_slice(format!("CHATHISTORY TARGETS {times}").as_bytes());
    }
    out.extend_from_slice(format!("CHATHISTORY {subcommand} {} ", channel(random)).as_bytes());
    let first = if random.one_in(3) { "*".into() } else { anchor(random) };
    out.extend_from_slice(first.as_bytes());
    if subcommand == "BETWEEN" {
        out.extend_from_slice(format!(" {}", anchor(random)).as_bytes());
    }
    out.extend_from_slice(random.pick(&[b" 100".as_slice(), b" 100", b" 3", b" 0", b" x", b""]));
}

/// What no client sends.
fn wrong(random: &mut Random, out: &mut Vec<u8>) {
    match random.below(10) {
        0 => out.extend_from_slice(random.pick(INVALID)),
        1 => out.extend_from_slice(b"PRIVMSG #lobby :nul\0byte"),
        2 => out.extend_from_slice(b"/join den"),
        3 => out.extend_from_slice(b"GET / HTTP/1.1"),
        4 => {
            out.extend_from_slice(b"PRIVMSG #lobby :");
            out.extend(std::iter::repeat_n(b'y', random.between(480, 600) as usize));
        }
        5 => out.extend(std::iter::repeat_n(b'z', random.between(4_600, 4_700) as usize)),
        6 => out.extend_from_slice(b"PRIVMSG #lobby a b c d e f g h i j k l m n o p q"),
        7 => out.extend_from_slice(random.pick(&[b"USER a 0 * :again".as_slice(), b"PASS x", b"AUTHENTICATE PLAIN"])),
        8 => out.extend_from_slice(random.pick(&[b"NOSUCH x".as_slice(), b"123", b"PRIVMSG", b"NICK", b"TOPIC"])),
        _ => {}
    }
}
