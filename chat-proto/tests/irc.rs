//! IRC, as a client sees it: lines in, lines out.

use chat_proto::dialect::{Irc, IrcSettings, Text};
use chat_proto::testing::TestHub;
use chat_proto::{Config, DialectConfig, SessionId};

fn hub() -> TestHub {
    let settings =
        IrcSettings { server_name: "My.Little.Server".into(), network: "Little".into(), motd: vec!["Be kind.".into()] };
    let irc = Irc::new(settings).expect("right settings");
    TestHub::new(Config {
        dialects: vec![DialectConfig::new(irc), DialectConfig::new(Text)],
        started: 1_795_712_998_123,
        life: 0xabc,
        ..Config::default()
    })
}

fn send(test: &mut TestHub, id: SessionId, lines: &str) -> String {
    for line in lines.lines() {
        test.say(id, line);
    }
    test.read(id).replace("\r\n", "\n")
}

#[test]
fn a_first_look() {
    let mut test = hub();
    let ann = test.connect("irc");
    println!("{}", send(&mut test, ann, "CAP LS 302\nNICK ann\nUSER ann 0 * :Ann A.\nCAP REQ :server-time message-tags echo-message labeled-response batch standard-replies\nCAP END").lines().take(3).collect::<String>());
    println!(
        "{}",
        send(
            &mut test,
            ann,
            "@label=1 JOIN #tea,#lobby\n@label=2 PRIVMSG #tea :hello\n@label=3 PONG x\n@label=4;+typing=active TAGMSG #tea\n@label=5 WHOIS ann\n@label=6 NICK b@d\n@label=7 FOO\n@label=8 PRIVMSG ann :me\n@label=9 LIST\n@+x=y PRIVMSG #tea :\x02bold\x02 \x034,5col\x03 plain\nTOPIC #x"
        )
    );
    let bob = test.connect("irc");
    send(&mut test, bob, "NICK bob\nUSER bob 0 * :Bob\nJOIN #tea,#lobby");
    println!("BOB {}", send(&mut test, bob, "PRIVMSG #lobby :\x02hi\x02 there"));
    println!("ANN {}", test.read(ann));
    let tom = test.join("tom");
    println!(
        "BOB {}",
        send(&mut test, bob, "PRIVMSG #lobby :\x02hi\x02 there\nMODE #tea b\nPRIVMSG ann :\x01VERSION\x01")
    );
    println!("TOM {}", test.read(tom));
    println!("ANN {}", test.read(ann));
}

#[test]
fn history() {
    let mut test = hub();
    let ann = test.connect("irc");
    send(
        &mut test,
        ann,
        "CAP REQ :server-time message-tags batch draft/chathistory labeled-response\nNICK ann\nUSER ann 0 * :Ann A.\nCAP END\nJOIN #tea",
    );
    for n in 0..8 {
        test.advance(std::time::Duration::from_secs(1));
        test.say(ann, &format!("PRIVMSG #tea :message {n}"));
    }
    for ask in [
        "LATEST #tea * 3",
        "BEFORE #tea msgid=abc-5 2",
        "AFTER #tea msgid=abc-5 2",
        "AROUND #tea msgid=abc-5 3",
        "BETWEEN #tea timestamp=2026-11-26T17:10:00.000Z msgid=abc-6 10",
        "LATEST #tea msgid=def-5 2",
        "TARGETS timestamp=2026-11-26T17:10:00.000Z timestamp=2027-11-26T17:10:00.000Z 10",
        "LATEST #no * 5",
    ] {
        println!("{ask}\n{}", send(&mut test, ann, &format!("@label=x CHATHISTORY {ask}")));
    }
}
