//! WHO, WHOIS, NAMES and other questions.

use crate::net::Net;

#[test]
fn names_of_a_channel() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    net.check(bob, "NAMES #tea", &["> 353 bob = #tea :@ann bob", "> 366 bob #tea :End of /NAMES list"]);
    net.check(bob, "NAMES #none", &["> 366 bob #none :End of /NAMES list"]);
    net.check(bob, "NAMES", &["> 366 bob * :End of /NAMES list"]);
    net.says(ann, "MODE #tea +s");
    net.forget(&[ann, bob]);
    net.check(bob, "NAMES #tea", &["> 353 bob @ #tea :@ann bob", "> 366 bob #tea :End of /NAMES list"]);
    let tom = net.register("tom");
    net.check(tom, "NAMES #tea", &["> 366 tom #tea :End of /NAMES list"]);
}

#[test]
fn who_of_a_channel() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.says(bob, "AWAY :gone");
    net.forget(&[ann, bob]);
    net.check(
        ann,
        "WHO #tea",
        &[
            "> 352 ann #tea ~ann - irc.test ann H@ :0 Real ann",
            "> 352 ann #tea ~bob - irc.test bob G :0 Real bob",
            "> 315 ann #tea :End of WHO list",
        ],
    );
    net.check(ann, "WHO #none", &["> 315 ann #none :End of WHO list"]);
    net.says(ann, "MODE #tea +s");
    let tom = net.register("tom");
    net.check(tom, "WHO #tea", &["> 315 tom #tea :End of WHO list"]);
}

#[test]
fn who_of_a_mask() {
    let mut net = Net::new();
    let (ann, _) = (net.register("ann"), net.register("bob"));
    for mask in ["b*", "BOB", "~b?b", "Real?bob"] {
        net.check(
            ann,
            &format!("WHO {mask}"),
            &["> 352 ann * ~bob - irc.test bob H :0 Real bob", &format!("> 315 ann {mask} :End of WHO list")],
        );
    }
}

#[test]
fn who_of_an_empty_mask_shows_everybody() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "WHO :", &["> 352 ann * ~ann - irc.test ann H :0 Real ann", "> 315 ann * :End of WHO list"]);
}

#[test]
fn the_rest_of_an_answer_names_its_reader_though_its_input_has_ended() {
    let mut net = Net::with(|config| config.pace = None);
    net.crowd(2_000, "member", "tea");
    let ann = net.register("ann");
    net.test.set_reading(ann, false);
    net.says(ann, "NAMES #tea");
    net.test.with_hub(|hub, now| hub.receive_eof(now, ann));
    net.test.set_reading(ann, true);
    let answer = net.read(ann);
    assert!(answer.ends_with(":irc.test 366 ann #tea :End of /NAMES list\n"), "{answer}");
    assert!(answer.lines().count() > 40 && answer.lines().all(|line| line.split(' ').nth(2) == Some("ann")));
}

#[test]
fn who_with_fields() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    net.check(
        ann,
        "WHO #tea %tcuihsnfdlaor,42",
        &[
            "> 354 ann 42 #tea ~ann 255.255.255.255 - irc.test ann H@ 0 0 0 n/a :Real ann",
            "> 315 ann #tea :End of WHO list",
        ],
    );
    net.check(ann, "WHO ann %ant,7", &["> 354 ann 7 ann 0", "> 315 ann ann :End of WHO list"]);
    net.check(ann, "WHO ann %nt,long", &["> 354 ann 0 ann", "> 315 ann ann :End of WHO list"]);
}

#[test]
fn whois_shows_what_is_known() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea,#secret,#lobby"), net.join("bob", "#tea"));
    net.says(ann, "MODE #secret +s\r\nMODE #tea +v bob");
    net.says(bob, "AWAY :gone");
    net.forget(&[ann, bob]);
    net.advance(7);
    net.check(
        ann,
        "WHOIS bob",
        &[
            "> 311 ann bob ~bob - * :Real bob",
            "> 319 ann bob :+#tea",
            concat!("> 312 ann bob irc.test :chat-proto-", env!("CARGO_PKG_VERSION")),
            "> 301 ann bob :gone",
            "> 317 ann bob 7 1795712998 :seconds idle, signon time",
            "> 318 ann bob :End of /WHOIS list",
        ],
    );
    net.says(bob, "WHOIS irc.test ann");
    let read = net.read(bob);
    assert!(read.contains(" 319 bob ann :@#tea #lobby\n") || read.contains(" 319 bob ann :#lobby @#tea\n"), "{read}");
}

#[test]
fn whois_of_nobody() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "WHOIS nobody", &["> 401 ann nobody :No such nick/channel", "> 318 ann nobody :End of /WHOIS list"]);
}

#[test]
fn nothing_is_kept_of_those_who_have_left() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "WHOWAS bob", &["> 406 ann bob :There was no such nickname", "> 369 ann bob :End of WHOWAS"]);
}

#[test]
fn ison_and_userhost_name_those_who_are_here() {
    let mut net = Net::new();
    let (ann, bob) = (net.register("ann"), net.register("bob"));
    net.says(bob, "AWAY :gone");
    net.check(ann, "ISON ann nobody BOB", &["> 303 ann :ann bob"]);
    net.check(ann, "ISON :ann bob", &["> 303 ann :ann bob"]);
    net.check(ann, "ISON nobody", &["> 303 ann :"]);
    net.check(ann, "USERHOST ann nobody bob", &["> 302 ann :ann=+~ann@- bob=-~bob@-"]);
}

#[test]
fn a_long_ison_names_no_half_names() {
    let mut net = Net::with(|config| config.max_name = 32);
    let names: Vec<String> = (0..14).map(|n| format!("{n:a>32}")).collect();
    let ids: Vec<_> = names.iter().map(|name| net.register(name)).collect();
    net.says(ids[0], &format!("ISON {}", names.join(" ")));
    let read = net.read(ids[0]);
    assert!(read.lines().count() == 1 && read.len() <= 511, "{read}");
    let (_, here) = read.trim_end().rsplit_once(':').expect("a list");
    assert!(here.split(' ').count() > 12 && here.split(' ').all(|name| names.iter().any(|it| it == name)), "{read}");
}

#[test]
fn counts_are_told() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    net.connect();
    net.test.join("tom");
    net.check(
        ann,
        "LUSERS",
        &[
            "> 251 ann :There are 2 users and 0 invisible on 1 server",
            "> 252 ann 0 :operator(s) online",
            "> 253 ann 1 :unknown connection(s)",
            "> 254 ann 2 :channels formed",
            "> 255 ann :I have 2 clients and 0 servers",
            "> 265 ann 2 2 :Current local users 2, max 2",
            "> 266 ann 2 2 :Current global users 2, max 2",
        ],
    );
    let bob = net.register("bob");
    for (id, line, counts) in [
        (ann, "MODE ann +i", "2 users and 1 invisible"),
        (bob, "MODE bob +i+i", "1 users and 2 invisible"),
        (ann, "MODE ann -i", "2 users and 1 invisible"),
        (bob, "QUIT", "2 users and 0 invisible"),
    ] {
        net.says(id, line);
        net.forget(&[id]);
        net.says(ann, "LUSERS");
        let expected = format!("251 ann :There are {counts} on 1 server\n");
        assert!(net.read(ann).contains(&expected), "{line}: {counts}");
    }
}

#[test]
fn the_most_clients_that_there_were_are_told() {
    let mut net = Net::new();
    let ann = net.register("ann");
    // Who has not registered is none, and who has no connection is none.
    let half = net.connect();
    net.test.with_hub(|hub, now| hub.enter(now, "robot")).expect("there is room");
    let counts = |net: &mut Net| {
        net.says(ann, "LUSERS");
        let read = net.read(ann);
        let text = read.lines().find_map(|line| line.split_once(" 265 ann ")).expect("they are told").1.to_owned();
        assert!(read.contains(&format!(" 266 ann {}\n", text.replace("local", "global"))), "{read}");
        text
    };
    assert_eq!(counts(&mut net), "1 1 :Current local users 1, max 1");
    let others = [net.test.join("tom"), net.register("bob"), net.register("eve")];
    for id in others.into_iter().chain([half]) {
        net.test.with_hub(|hub, now| hub.disconnect(now, id));
    }
    net.register("zoe");
    assert_eq!(counts(&mut net), "2 4 :Current local users 2, max 4");
}

#[test]
fn the_server_tells_what_it_is() {
    let mut net = Net::new();
    let ann = net.register("ann");
    let version = concat!("chat-proto-", env!("CARGO_PKG_VERSION"));
    net.says(ann, "VERSION");
    let read = net.read(ann);
    assert!(
        read.starts_with(&format!(":irc.test 351 ann {version} irc.test :\n:irc.test 005 ann NETWORK=Test ")),
        "{read}"
    );
    net.check(ann, "TIME", &["> 391 ann irc.test :2026-11-26T17:09:58.123Z"]);
    net.check(ann, "INFO", &[&format!("> 371 ann :{version}"), "> 374 ann :End of INFO list"]);
    net.check(ann, "ADMIN", &["> 256 ann irc.test :Administrative info", "> 257 ann :Test"]);
    net.check(ann, "LINKS", &["> 364 ann irc.test irc.test :0 this server", "> 365 ann * :End of /LINKS list"]);
    net.check(ann, "MOTD", &["> 422 ann :MOTD File is missing"]);
    net.advance(3_661);
    net.forget(&[ann]);
    let ann = net.register("ann");
    net.check(ann, "STATS u", &["> 242 ann :Server Up 0 days 1:01:01", "> 219 ann u :End of /STATS report"]);
    net.check(ann, "STATS x", &["> 219 ann x :End of /STATS report"]);
}

#[test]
fn help_is_there() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(
        ann,
        "HELP",
        &[
            "> 704 ann index :Commands that most clients send for you:",
            "> 705 ann index :JOIN PART TOPIC NAMES LIST INVITE KICK MODE",
            "> 705 ann index :PRIVMSG NOTICE TAGMSG AWAY NICK SETNAME QUIT",
            "> 705 ann index :WHO WHOIS ISON USERHOST MOTD LUSERS VERSION TIME",
            "> 706 ann index :End of /HELP",
        ],
    );
    net.check(ann, "HELP brew", &["> 524 ann brew :No help available on this topic"]);
}

#[test]
fn nobody_is_an_operator_of_the_server() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "OPER root secret", &["> 491 ann :No O-lines for your host"]);
    net.check(ann, "KILL bob :x", &["> 481 ann :Permission Denied- You're not an IRC operator"]);
    net.check(ann, "WALLOPS :x", &["> 481 ann :Permission Denied- You're not an IRC operator"]);
}

#[test]
fn the_end_of_who_repeats_the_mask_also_to_a_slow_reader() {
    let mut net = Net::new();
    let ann = net.register("ann");
    for n in 0..2_000 {
        net.register(&format!("n{n}"));
    }
    net.test.set_reading(ann, false);
    net.says(ann, "WHO n*");
    net.test.set_reading(ann, true);
    let read = net.read(ann);
    assert_eq!(read.lines().count(), 2_001);
    assert!(read.ends_with(":irc.test 315 ann n* :End of WHO list\n"), "{:?}", read.lines().last());
}
