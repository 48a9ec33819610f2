//! CAP, and what each capability changes.

use crate::net::Net;

#[test]
fn cap_ls_lists_what_is_offered() {
    let mut net = Net::new();
    let id = net.connect();
    for line in ["CAP LS", "CAP LS 302", "cap ls 302"] {
        net.says(id, line);
        let list = net.read(id);
        assert!(list.starts_with(":irc.test CAP * LS :") && list.contains(" setname "), "{list}");
        assert_eq!(list.lines().count(), 1);
    }
}

#[test]
fn cap_req_is_all_or_nothing() {
    let mut net = Net::new();
    let id = net.connect();
    net.check(id, "CAP REQ :setname echo-message", &["> CAP * ACK :setname echo-message"]);
    net.check(id, "CAP REQ :-setname nonsense", &["> CAP * NAK :-setname nonsense"]);
    net.check(id, "CAP LIST", &["> CAP * LIST :echo-message setname"]);
    net.check(id, "CAP REQ :-setname -echo-message", &["> CAP * ACK :-setname -echo-message"]);
    net.check(id, "CAP LIST", &["> CAP * LIST :"]);
}

#[test]
fn cap_notify_comes_with_version_302_and_stays() {
    let mut net = Net::new();
    let id = net.connect();
    net.says(id, "CAP LS 302");
    net.read(id);
    net.check(id, "CAP LIST", &["> CAP * LIST :cap-notify"]);
    net.check(id, "CAP REQ -cap-notify", &["> CAP * NAK :-cap-notify"]);
}

#[test]
fn an_unknown_subcommand_is_answered_with_410() {
    let mut net = Net::new();
    let id = net.connect();
    net.check(id, "CAP FOO", &["> 410 * FOO :Invalid CAP command"]);
    net.check(id, "CAP", &["> 461 * CAP :Not enough parameters"]);
}

#[test]
fn capabilities_may_change_after_registration() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.check(ann, "CAP REQ :setname", &["> CAP ann ACK :setname"]);
    net.check(ann, "CAP END", &[]);
    net.check(ann, "SETNAME :Ann B.", &[":ann!~ann@- SETNAME :Ann B."]);
}

#[test]
fn server_time_is_the_time_at_which_a_line_arose() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(bob, "CAP REQ server-time\r\nJOIN #tea");
    net.forget(&[ann, bob]);
    net.advance(2);
    net.check(ann, "PRIVMSG #tea :hello", &[]);
    net.reads(bob, &["@time=2026-11-26T17:10:00.123Z :ann!~ann@- PRIVMSG #tea :hello"]);
    net.advance(10);
    net.check(bob, "PING x", &["@time=2026-11-26T17:10:10.123Z :irc.test PONG irc.test :x"]);
}

#[test]
fn server_time_is_in_each_of_several_lines() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register_with("bob", "server-time"));
    net.says(bob, "JOIN #tea");
    net.forget(&[ann, bob]);
    let words = "word ".repeat(95);
    net.says(ann, &format!("PRIVMSG #tea :{words}"));
    let read = net.read(bob);
    assert_eq!(read.lines().count(), 2);
    assert!(read.lines().all(|line| line.starts_with("@time=2026-11-26T17:09:58.123Z :ann!")), "{read}");
}

#[test]
fn echo_message_shows_what_one_has_said() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "echo-message");
    let bob = net.join("bob", "#tea");
    net.says(ann, "JOIN #tea");
    net.forget(&[ann, bob]);
    net.check(ann, "PRIVMSG #tea :hello", &[":ann!~ann@- PRIVMSG #tea :hello"]);
    net.check(ann, "NOTICE #tea :hello", &[":ann!~ann@- NOTICE #tea :hello"]);
    net.check(ann, "PRIVMSG #tea :\x01ACTION waves\x01", &[":ann!~ann@- PRIVMSG #tea :\x01ACTION waves\x01"]);
    net.check(ann, "PRIVMSG bob :psst", &[":ann!~ann@- PRIVMSG bob :psst"]);
    net.check(ann, "PRIVMSG ann :me", &[":ann!~ann@- PRIVMSG ann :me", ":ann!~ann@- PRIVMSG ann :me"]);
}

#[test]
fn without_echo_message_one_does_not_read_what_one_has_said() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    net.check(ann, "PRIVMSG #tea :hello\r\nNOTICE #tea :hello", &[]);
}

#[test]
fn multi_prefix_shows_all_signs() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register_with("bob", "multi-prefix"));
    net.says(ann, "MODE #tea +v ann");
    net.says(bob, "JOIN #tea");
    net.reads(bob, &[":bob!~bob@- JOIN #tea", "> 353 bob = #tea :@+ann bob", "> 366 bob #tea :End of /NAMES list"]);
    net.check(
        bob,
        "WHO ann",
        &["> 352 bob #tea ~ann - irc.test ann H@+ :0 Real ann", "> 315 bob ann :End of WHO list"],
    );
    net.forget(&[ann]);
    net.check(ann, "NAMES #tea", &["> 353 ann = #tea :@ann bob", "> 366 ann #tea :End of /NAMES list"]);
}

#[test]
fn userhost_in_names_shows_users_and_hosts() {
    let mut net = Net::new();
    net.join("ann", "#tea");
    let bob = net.register_with("bob", "userhost-in-names");
    net.check(
        bob,
        "JOIN #tea",
        &[":bob!~bob@- JOIN #tea", "> 353 bob = #tea :@ann!~ann@- bob!~bob@-", "> 366 bob #tea :End of /NAMES list"],
    );
}

#[test]
fn extended_join_shows_the_real_name() {
    let mut net = Net::new();
    let (ann, bob) = (net.register_with("ann", "extended-join"), net.register("bob"));
    net.says(ann, "JOIN #tea");
    assert!(net.read(ann).starts_with(":ann!~ann@- JOIN #tea * :Real ann\n"));
    net.says(bob, "JOIN #tea");
    net.reads(ann, &[":bob!~bob@- JOIN #tea * :Real bob"]);
    assert!(net.read(bob).starts_with(":bob!~bob@- JOIN #tea\n"));
}

#[test]
fn away_notify_shows_who_is_away() {
    let mut net = Net::new();
    let (ann, bob) = (net.register_with("ann", "away-notify"), net.join("bob", "#tea"));
    let tom = net.join("tom", "#tea");
    net.says(ann, "JOIN #tea");
    net.forget(&[ann, bob, tom]);
    net.says(bob, "AWAY :tea time");
    net.reads(ann, &[":bob!~bob@- AWAY :tea time"]);
    net.says(bob, "AWAY");
    net.reads(ann, &[":bob!~bob@- AWAY"]);
    net.reads(tom, &[]);
    let eve = net.register("eve");
    net.says(eve, "AWAY :asleep\r\nJOIN #tea");
    net.reads(ann, &[":eve!~eve@- JOIN #tea", ":eve!~eve@- AWAY :asleep"]);
    net.reads(tom, &[":eve!~eve@- JOIN #tea"]);
}

#[test]
fn a_real_name_that_is_too_long_is_refused() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "setname standard-replies");
    net.check(
        ann,
        &format!("SETNAME :{}", "x".repeat(81)),
        &["> FAIL SETNAME INVALID_REALNAME :too long: 80 bytes at most"],
    );
    net.check(ann, &format!("SETNAME :{}", "x".repeat(80)), &[&format!(":ann!~ann@- SETNAME :{}", "x".repeat(80))]);
}

#[test]
fn setname_shows_new_real_names() {
    let mut net = Net::new();
    let (ann, bob) = (net.register_with("ann", "setname"), net.register_with("bob", "setname"));
    let tom = net.join("tom", "#tea,#cake");
    for id in [ann, bob] {
        net.says(id, "JOIN #tea,#cake");
    }
    net.forget(&[ann, bob, tom]);
    net.check(bob, "SETNAME :Bob the Second", &[":bob!~bob@- SETNAME :Bob the Second"]);
    net.reads(ann, &[":bob!~bob@- SETNAME :Bob the Second"]);
    net.reads(tom, &[]);
    net.says(ann, "WHOIS bob");
    assert!(net.read(ann).starts_with(":irc.test 311 ann bob ~bob - * :Bob the Second\n"));
}

#[test]
fn invite_notify_shows_who_is_invited() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register_with("bob", "invite-notify"));
    let (tom, eve) = (net.join("tom", "#tea"), net.register("eve"));
    net.says(bob, "JOIN #tea");
    net.forget(&[ann, bob, tom, eve]);
    net.check(ann, "INVITE eve #tea", &["> 341 ann eve #tea"]);
    net.reads(bob, &[":ann!~ann@- INVITE eve #tea"]);
    net.reads(tom, &[]);
    net.reads(eve, &[":ann!~ann@- INVITE eve #tea"]);
}

#[test]
fn standard_replies_say_more_than_a_notice() {
    let mut net = Net::new();
    let ann = net.register_with("ann", "standard-replies");
    net.sends(ann, b"PRIVMSG bob :caf\xe9\r\n");
    net.reads(ann, &["> FAIL * INVALID_UTF8 :not valid UTF-8"]);
}

#[test]
fn authentication_is_refused() {
    let mut net = Net::new();
    let id = net.connect();
    net.check(id, "CAP REQ sasl", &["> CAP * NAK :sasl"]);
    net.check(id, "AUTHENTICATE PLAIN", &["> 904 * :SASL authentication failed"]);
}

#[test]
fn nobody_has_an_account() {
    let mut net = Net::new();
    let (ann, bob) = (net.register_with("ann", "account-notify account-tag"), net.join("bob", "#tea"));
    net.says(ann, "JOIN #tea");
    net.forget(&[ann, bob]);
    net.says(bob, "PRIVMSG #tea :hello\r\nNICK bobby\r\nPART #tea");
    net.reads(ann, &[":bob!~bob@- PRIVMSG #tea :hello", ":bob!~bob@- NICK :bobby", ":bobby!~bob@- PART #tea"]);
}
