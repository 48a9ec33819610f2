//! IRC beside the other dialects: what one says, the others read.

use std::ops::RangeInclusive;

use chat_proto::{Cloak, Origin};

use crate::net::Net;

/// Sessions of IRC and of `text` in the lobby and in `tea`, which the one of IRC has begun; and one of `classic`.
struct Crossing {
    net: Net,
    ann: chat_proto::SessionId,
    tom: chat_proto::SessionId,
    carl: chat_proto::SessionId,
}

impl Crossing {
    fn new() -> Self {
        let mut net = Net::new();
        let ann = net.join("ann", "#lobby");
        net.says(ann, "JOIN #tea");
        let (tom, carl) = (net.test.join("tom"), net.test.connect("classic"));
        net.test.say(tom, "/join tea\n/join lobby");
        net.forget(&[ann, tom, carl]);
        Self { net, ann, tom, carl }
    }

    /// `ann` says something, which is not answered, and the others read that.
    #[track_caller]
    fn ann_says(&mut self, line: &str, tom: &str, carl: &str) {
        self.net.check(self.ann, line, &[]);
        assert_eq!((self.net.read(self.tom).as_str(), self.net.read(self.carl).as_str()), (tom, carl));
    }

    /// `tom` says something, and `ann` reads that.
    #[track_caller]
    fn tom_says(&mut self, line: &str, ann: &[&str]) {
        self.net.test.say(self.tom, line);
        self.net.reads(self.ann, ann);
        self.net.forget(&[self.tom, self.carl]);
    }
}

#[test]
fn what_irc_says_is_read_in_text_and_classic() {
    let mut it = Crossing::new();
    it.ann_says("PRIVMSG #lobby :hello", "ann: hello\n", "CHAT YW5u aGVsbG8=\n");
    it.ann_says("PRIVMSG #lobby :\x01ACTION waves\x01", "** ann waves\n", "ACT YW5u d2F2ZXM=\n");
    it.ann_says("NOTICE #lobby :tea is ready", "-ann- tea is ready\n", "CHAT YW5u dGVhIGlzIHJlYWR5\n");
    it.ann_says("PRIVMSG tom :psst", "ann -> you: psst\n", "");
    it.ann_says("NOTICE tom :psst", "ann -> you: psst\n", "");
    it.ann_says("PRIVMSG tom :\x01ACTION winks\x01", "ann -> you: * winks\n", "");
    it.ann_says("PRIVMSG tom :\x01VERSION\x01", "ann -> you: [VERSION]\n", "");
    it.ann_says("PRIVMSG #tea :in tea", "[tea] ann: in tea\n", "");
}

#[test]
fn what_text_says_is_read_in_irc() {
    let mut it = Crossing::new();
    it.tom_says("hello", &[":tom!~user@- PRIVMSG #lobby :hello"]);
    it.tom_says("/me waves", &[":tom!~user@- PRIVMSG #lobby :\x01ACTION waves\x01"]);
    it.tom_says("/msg ann psst", &[":tom!~user@- PRIVMSG ann :psst"]);
    it.tom_says("/join tea\nhello", &[":tom!~user@- PRIVMSG #tea :hello"]);
    it.tom_says("/leave", &[":tom!~user@- PART #tea"]);
    it.tom_says("/join tea", &[":tom!~user@- JOIN #tea"]);
    it.tom_says("/name Thomas", &[":tom!~user@- NICK :Thomas"]);
    it.tom_says("/quit good night", &[":Thomas!~user@- QUIT :Quit: good night"]);
}

#[test]
fn what_classic_says_is_read_in_irc() {
    let mut it = Crossing::new();
    // Who has no name speaks as one who is not there.
    it.net.test.say(it.carl, "CHAT YW5vbnltb3Vz aGVsbG8=");
    it.net.reads(it.ann, &[":anonymous!~user@- PRIVMSG #lobby :hello"]);
    it.net.test.say(it.carl, "NAME Y2FybA==");
    it.net.reads(it.ann, &[":carl!~user@- JOIN #lobby"]);
    it.net.test.say(it.carl, "CHAT Y2FybA== aGVsbG8=");
    it.net.reads(it.ann, &[":carl!~user@- PRIVMSG #lobby :hello"]);
    it.net.test.with_hub(|hub, now| hub.receive_eof(now, it.carl));
    it.net.reads(it.ann, &[":carl!~user@- QUIT :Connection closed"]);
}

#[test]
fn a_guest_is_in_the_channel_from_its_first_words_on() {
    let mut it = Crossing::new();
    let guest = it.net.test.connect("text");
    let read = it.net.read(guest);
    let name =
        read.strip_prefix("* welcome, you are ").and_then(|rest| rest.split(';').next()).expect("a name").to_string();
    it.net.says(it.ann, "NAMES #lobby");
    let names = it.net.read(it.ann);
    assert!(!names.contains(&name), "{names}");
    it.net.test.say(guest, "hello");
    it.net.reads(it.ann, &[&format!(":{name}!~user@- JOIN #lobby"), &format!(":{name}!~user@- PRIVMSG #lobby :hello")]);
    it.net.says(it.ann, "NAMES #lobby");
    assert!(it.net.read(it.ann).contains(&name));
    it.net.test.say(guest, "/name gus");
    it.net.reads(it.ann, &[&format!(":{name}!~user@- NICK :gus")]);
}

#[test]
fn a_guest_that_takes_a_name_before_it_speaks_joins_under_it() {
    let mut it = Crossing::new();
    let guest = it.net.test.connect("text");
    it.net.test.say(guest, "/name gus");
    it.net.reads(it.ann, &[":gus!~user@- JOIN #lobby"]);
}

#[test]
fn who_comes_and_goes_in_irc_is_shown_in_text() {
    let mut it = Crossing::new();
    let (tom, ann) = (it.tom, it.ann);
    let bob = it.net.register("bob");
    assert_eq!(it.net.read(tom), "");
    it.net.says(bob, "JOIN #lobby");
    assert_eq!(it.net.read(tom), "* bob joined\n");
    it.net.says(bob, "JOIN #tea");
    assert_eq!(it.net.read(tom), "[tea] * bob joined\n");
    it.net.says(bob, "NICK bobby");
    assert_eq!(it.net.read(tom), "* bob is now bobby\n");
    it.net.says(bob, "PART #tea :enough");
    assert_eq!(it.net.read(tom), "[tea] * bobby left (\"enough\")\n");
    it.net.says(bob, "QUIT :so long");
    assert_eq!(it.net.read(tom), "* bobby left (\"so long\")\n");
    it.net.reads(
        ann,
        &[
            ":bob!~bob@- JOIN #lobby",
            ":bob!~bob@- JOIN #tea",
            ":bob!~bob@- NICK :bobby",
            ":bobby!~bob@- PART #tea :enough",
            ":bobby!~bob@- QUIT :Quit: so long",
        ],
    );
}

#[test]
fn topics_and_kicks_cross() {
    let mut it = Crossing::new();
    let (ann, tom) = (it.ann, it.tom);
    it.net.says(ann, "TOPIC #tea :all about tea\r\nMODE #tea +o tom");
    assert_eq!(it.net.read(tom), "[tea] * ann set the topic: all about tea\n[tea] * ann made tom an operator\n");
    it.net.forget(&[ann]);
    it.tom_says("/join tea\n/topic green tea", &[":tom!~user@- TOPIC #tea :green tea"]);
    it.tom_says("/voice ann", &[":tom!~user@- MODE #tea +v ann"]);
    it.tom_says("/deop ann", &[":tom!~user@- MODE #tea -o ann"]);
    it.tom_says("/kick ann no milk", &[":tom!~user@- KICK #tea ann :no milk"]);
    it.tom_says("/invite ann", &[":tom!~user@- INVITE ann #tea"]);
    let bob = it.net.join("bob", "#tea");
    it.net.says(ann, "JOIN #tea");
    it.net.forget(&[ann, bob, tom]);
    it.tom_says("/kick bob", &[":tom!~user@- KICK #tea bob :tom"]);
    it.net.reads(bob, &[":tom!~user@- KICK #tea bob :tom"]);
    it.net.test.say(tom, "/op ann");
    it.net.forget(&[ann, tom]);
    it.net.says(ann, "KICK #tea tom :no sugar");
    assert_eq!(it.net.read(tom), "* ann kicked you out of tea (\"no sugar\")\n* you speak in no room now; /join one\n");
}

#[test]
fn changes_of_modes_are_told_in_text() {
    let mut it = Crossing::new();
    let (ann, tom) = (it.ann, it.tom);
    it.net.says(ann, "MODE #tea +m-t+kl key 9");
    it.net.says(ann, "MODE #tea +v tom");
    assert_eq!(
        it.net.read(tom),
        "[tea] * ann lets only those with a voice speak\n\
         [tea] * ann lets everyone set the topic\n\
         [tea] * ann set a key\n\
         [tea] * ann lets at most 9 in\n\
         [tea] * ann gave tom a voice\n"
    );
}

#[test]
fn a_ban_of_text_is_seen_and_removed_in_irc() {
    let mut it = Crossing::new();
    let (ann, tom) = (it.ann, it.tom);
    let bob = it.net.connect_from(0xb0b);
    it.net.says(bob, "NICK bob\r\nUSER bob 0 * :Bob\r\nJOIN #tea");
    it.net.says(ann, "MODE #tea +o tom");
    it.net.forget(&[ann, bob, tom]);
    it.tom_says(
        "/join tea\n/ban bob",
        &[":tom!~user@- MODE #tea +bb bob!*@* *!*@0000000000000b0b", ":tom!~user@- KICK #tea bob :tom"],
    );
    it.net.check(
        ann,
        "MODE #tea b",
        &[
            "> 367 ann #tea bob!*@* tom 1795712998",
            "> 367 ann #tea *!*@0000000000000b0b tom 1795712998",
            "> 368 ann #tea :End of channel ban list",
        ],
    );
    it.net.forget(&[bob]);
    it.net.check(bob, "JOIN #tea", &["> 474 bob #tea :Cannot join channel (+b)"]);
    it.net.check(
        ann,
        "MODE #tea -bb bob *!*@0000000000000b0b",
        &[":ann!~ann@- MODE #tea -bb bob!*@* *!*@0000000000000b0b"],
    );
    assert_eq!(it.net.read(tom), "* ann unbanned bob!*@*\n* ann unbanned *!*@0000000000000b0b\n");
    it.net.says(bob, "JOIN #tea");
    assert!(it.net.read(bob).starts_with(":bob!~bob@0000000000000b0b JOIN #tea\n"));
}

#[test]
fn a_ban_of_irc_keeps_out_text_and_is_removed_there() {
    let mut it = Crossing::new();
    let (ann, tom) = (it.ann, it.tom);
    it.net.says(ann, "MODE #tea +ob tom bob");
    it.net.forget(&[ann, tom]);
    let bob = it.net.test.join("bob");
    it.net.forget(&[ann, tom]);
    it.net.test.say(bob, "/join tea");
    let refusal = it.net.read(bob);
    assert!(refusal.starts_with("! "), "{refusal}");
    it.tom_says("/join tea\n/unban bob", &[":tom!~user@- MODE #tea -b bob!*@*"]);
    it.net.test.say(bob, "/join tea");
    assert!(it.net.read(bob).starts_with("* you are in tea now, 3 here\n"));
}

#[test]
fn members_of_the_program_are_shown_in_irc() {
    let mut it = Crossing::new();
    let bot = it.net.test.with_hub(|hub, now| hub.enter(now, "teapot")).expect("there is room");
    it.net.reads(it.ann, &[":teapot!~user@- JOIN #lobby"]);
    it.net.test.with_hub(|hub, now| hub.say(now, bot, "the kettle is on")).expect("everybody reads");
    it.net.test.with_hub(|hub, now| hub.act(now, bot, "whistles")).expect("everybody reads");
    it.net.test.with_hub(|hub, now| hub.say_to(now, bot, it.ann, "psst")).expect("everybody reads");
    it.net.reads(
        it.ann,
        &[
            ":teapot!~user@- PRIVMSG #lobby :the kettle is on",
            ":teapot!~user@- PRIVMSG #lobby :\x01ACTION whistles\x01",
            ":teapot!~user@- PRIVMSG ann :psst",
        ],
    );
    it.net.check(
        it.ann,
        "WHOIS teapot",
        &[
            "> 311 ann teapot ~user - * :teapot",
            "> 319 ann teapot :#lobby",
            concat!("> 312 ann teapot irc.test :chat-proto-", env!("CARGO_PKG_VERSION")),
            "> 335 ann teapot :is a bot",
            "> 318 ann teapot :End of /WHOIS list",
        ],
    );
    it.net.check(it.ann, "PRIVMSG teapot :thank you", &[]);
    it.net.test.with_hub(|hub, now| hub.leave(now, bot, "cold"));
    it.net.reads(it.ann, &[":teapot!~user@- QUIT :Quit: cold"]);
}

#[test]
fn who_is_banned_in_the_lobby_is_told_so_in_text() {
    let mut net = Net::new();
    let (tom, ann) = (net.test.join("tom"), net.join("ann", "#lobby"));
    let ban = |hub: &mut chat_proto::Hub, now, listed| {
        let lobby = chat_proto::RoomId::LOBBY;
        hub.set_mask(now, lobby, chat_proto::MaskList::Bans, "tom", listed).expect("it is no mask yet");
    };
    net.test.with_hub(|hub, now| ban(hub, now, true));
    net.forget(&[tom, ann]);
    net.test.say(tom, "hello\n/me waves");
    let refused = "! a ban of this room matches you, so you may not speak here\n";
    assert_eq!((net.read(tom), net.read(ann)), (refused.repeat(2), String::new()));
    net.test.with_hub(|hub, now| ban(hub, now, false));
    net.forget(&[tom, ann]);
    net.test.say(tom, "hello");
    net.reads(ann, &[":tom!~user@- PRIVMSG #lobby :hello"]);
}

#[test]
fn colours_and_styles_stay_in_irc() {
    let mut net = Net::new();
    let (ann, bob) = (net.register_with("ann", "echo-message"), net.join("bob", "#lobby"));
    net.says(ann, "JOIN #lobby");
    let tom = net.test.join("tom");
    net.forget(&[ann, bob, tom]);
    for (line, plain) in [
        ("PRIVMSG #lobby :\x02bold\x02 \x0304,1red", "ann: bold red\n"),
        ("PRIVMSG #lobby :\x01ACTION waves \x1dboth\x1d hands\x01", "** ann waves both hands\n"),
        ("NOTICE #lobby :\x11mono", "-ann- mono\n"),
    ] {
        net.check(ann, line, &[&format!(":ann!~ann@- {line}")]);
        net.reads(bob, &[&format!(":ann!~ann@- {line}")]);
        assert_eq!(net.read(tom), plain);
    }
    for (line, plain) in [
        ("PRIVMSG bob :\x02bold", ""),
        ("PRIVMSG bob :\x01ACTION \x1ewaves\x01", ""),
        ("NOTICE bob :\x04ff0000red", ""),
        ("PRIVMSG tom :\x02bold", "ann -> you: bold\n"),
    ] {
        net.check(ann, line, &[&format!(":ann!~ann@- {line}")]);
        if plain.is_empty() {
            net.reads(bob, &[&format!(":ann!~ann@- {line}")]);
        }
        assert_eq!(net.read(tom), plain);
    }
    // What is cleaned loses its styles with the rest.
    net.says(ann, "NOTICE bob :\x02a\u{200b}b");
    net.reads(bob, &[":ann!~ann@- NOTICE bob :ab"]);
}

#[test]
fn masks_that_irc_lists_together_are_bans_of_their_own() {
    let mut it = Crossing::new();
    it.net.says(it.ann, "MODE #tea +bbo bob!*@* *!*@cafe tom");
    it.net.test.say(it.tom, "/join tea");
    it.net.forget(&[it.ann, it.tom]);
    it.tom_says("/unban bob", &[":tom!~user@- MODE #tea -b bob!*@*"]);
    it.net.test.say(it.tom, "/ban");
    assert_eq!(it.net.read(it.tom), "* #1 all from one address\n* that was the only ban of tea\n");
}

#[test]
fn a_number_is_that_of_a_ban_whatever_masks_are_listed() {
    let mut it = Crossing::new();
    it.net.says(it.ann, "MODE #tea +bbbbo *!~x@* bob!~x@* bob!~x@cafe #1 tom");
    it.net.test.say(it.tom, "/join tea");
    it.net.forget(&[it.ann, it.tom]);
    it.net.test.say(it.tom, "/ban");
    let bans = "* #1 *!~x\n* #2 bob!~x\n* #3 bob!~x from one address\n* #4 #1\n* those were the 4 bans of tea\n";
    assert_eq!(it.net.read(it.tom), bans);
    it.tom_says("/unban #1", &[":tom!~user@- MODE #tea -b *!~x@*"]);
    it.tom_says("/unban bob!~x", &[":tom!~user@- MODE #tea -b bob!~x@*"]);
    it.tom_says("/unban #2", &[":tom!~user@- MODE #tea -b #1!*@*"]);
    it.tom_says("/unban #1", &[":tom!~user@- MODE #tea -b bob!~x@cafe"]);
}

#[test]
fn the_end_of_a_ban_of_many_addresses_is_shown_in_several_lines() {
    let mut it = Crossing::new();
    let text = it.net.test.hub().dialect("text").expect("it is spoken");
    it.net.says(it.ann, "MODE #tea +o tom");
    it.net.test.say(it.tom, "/join tea");
    for n in 1..=13 {
        let origin = Origin::new([n; 16]).with_cloak(Cloak::new(n.into()));
        let id = it.net.test.with_hub(|hub, now| hub.open_from(now, text, Some(origin))).expect("there is room");
        it.net.test.say(id, "/name mallory");
        it.net.test.say(it.tom, "/ban mallory");
        it.net.test.say(id, "/quit");
    }
    it.net.forget(&[it.ann, it.tom]);
    let line = |letters: &str, masks: &str| format!(":tom!~user@- MODE #tea -{letters}{masks}");
    let addresses = |range: RangeInclusive<u8>| range.map(|n| format!(" *!*@{n:016x}")).collect::<Vec<_>>().concat();
    let first = line("bbbbbbbbbbbb", &format!(" mallory!*@*{}", addresses(1..=11)));
    it.tom_says("/unban mallory", &[&first, &line("bb", &addresses(12..=13))]);
    it.net.test.say(it.tom, "/unban mallory");
    assert_eq!(it.net.read(it.tom), "! the list has no such item\n");
}
