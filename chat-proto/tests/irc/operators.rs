//! The password of the server, and operators of the server. The tests play the driver, which checks passwords.

use chat_proto::dialect::IrcSettings;
use chat_proto::{Cloak, CloseReason, Config, Credentials, Hub, Origin, Rate, SessionId};

use crate::net::Net;

/// A server whose clients have to give a password.
fn with_password() -> Net {
    Net::of(IrcSettings { asks_password: true, ..IrcSettings::default() }, |_| ())
}

/// A server that has operators.
fn with_operators() -> Net {
    with_operators_and(|_| ())
}

fn with_operators_and(change: impl FnOnce(&mut Config)) -> Net {
    Net::of(IrcSettings { has_operators: true, ..IrcSettings::default() }, change)
}

impl Net {
    /// Takes the sessions about which the driver is asked, in order.
    fn asked(&mut self) -> Vec<SessionId> {
        self.test.take_authentications()
    }

    /// Answers as the driver.
    fn answers(&mut self, id: SessionId, are_right: bool) {
        self.test.with_hub(|hub, now| hub.authenticated(now, id, are_right));
    }

    fn credentials(&self, id: SessionId) -> Option<Credentials<'_>> {
        self.test.hub().credentials(id)
    }

    /// Opens a session of an operator of the server.
    fn operator(&mut self, name: &str) -> SessionId {
        let id = self.register(name);
        self.says(id, "OPER root sesame");
        assert_eq!(self.asked(), [id]);
        self.answers(id, true);
        self.read(id);
        id
    }

    /// Opens a session that has sent a password, and nothing else.
    fn guess(&mut self) -> SessionId {
        let id = self.connect();
        self.says(id, "PASS sesame");
        id
    }
}

#[test]
fn registration_waits_until_the_driver_says_that_the_password_is_right() {
    let mut net = with_password();
    let ann = net.connect();
    net.says(ann, "PASS :open sesame\r\nNICK ann\r\nUSER ann 0 * :Ann");
    assert_eq!(net.asked(), [ann]);
    assert_eq!(net.credentials(ann), Some(Credentials::Server { password: "open sesame" }));
    net.reads(ann, &[]);
    net.answers(ann, true);
    assert!(net.read(ann).starts_with(":irc.test 001 ann "));
    assert_eq!(net.credentials(ann), None, "it was answered");
}

#[test]
fn the_time_to_register_stands_still_while_a_password_is_checked() {
    let mut net = with_password();
    let [ann, bob, eve] = [(); 3].map(|()| net.guess());
    net.advance(70);
    assert_eq!(net.asked(), [ann, bob, eve]);
    net.answers(ann, true);
    net.answers(bob, true);
    net.advance(59);
    net.says(ann, "NICK ann\r\nUSER ann 0 * :Ann");
    assert!(net.read(ann).starts_with(":irc.test 001 ann "));
    net.advance(1);
    assert_eq!(net.close_reason(bob), Some(CloseReason::Idle), "it begins again then");
    assert_eq!(net.close_reason(eve), None, "it still waits");
}

#[test]
fn a_wrong_password_is_answered_with_464_and_the_end() {
    let mut net = with_password();
    let ann = net.connect();
    net.says(ann, "PASS xyzzy\r\nNICK ann\r\nUSER ann 0 * :Ann");
    net.answers(ann, false);
    net.reads(ann, &["> 464 * :Password incorrect", "ERROR :wrong password"]);
    assert_eq!(net.close_reason(ann), Some(CloseReason::WrongPassword));
}

#[test]
fn who_gives_no_password_is_answered_with_464_and_the_end() {
    for lines in ["NICK ann\r\nUSER ann 0 * :Ann", "CAP LS\r\nNICK ann\r\nUSER ann 0 * :Ann\r\nCAP END"] {
        let mut net = with_password();
        let ann = net.connect();
        net.says(ann, lines);
        let read = net.read(ann);
        assert!(read.ends_with(":irc.test 464 * :Password incorrect\nERROR :wrong password\n"), "{read}");
        assert_eq!((net.close_reason(ann), net.asked()), (Some(CloseReason::WrongPassword), vec![]));
    }
}

#[test]
fn a_password_may_come_while_capabilities_are_settled() {
    let mut net = with_password();
    let ann = net.connect();
    net.says(ann, "CAP REQ :echo-message\r\nNICK ann\r\nUSER ann 0 * :Ann\r\nPASS sesame\r\nCAP END");
    net.reads(ann, &["> CAP * ACK :echo-message"]);
    net.answers(ann, true);
    assert!(net.read(ann).starts_with(":irc.test 001 ann "));
}

#[test]
fn a_password_is_checked_once_and_not_after_registration() {
    let mut net = with_password();
    let ann = net.guess();
    net.answers(ann, true);
    net.says(ann, "PASS another");
    assert_eq!(net.asked(), [ann], "the second is not checked");
    net.says(ann, "NICK ann\r\nUSER ann 0 * :Ann");
    net.read(ann);
    net.check(ann, "PASS sesame", &["> 462 ann :You may not reregister"]);
    let bob = net.connect();
    net.check(bob, "PASS", &["> 461 * PASS :Not enough parameters"]);
    assert_eq!(net.asked(), []);
}

#[test]
fn without_a_password_of_the_server_what_clients_send_is_ignored() {
    let mut net = with_operators();
    let ann = net.connect();
    net.says(ann, "PASS whatever\r\nNICK ann\r\nUSER ann 0 * :Ann");
    assert!(net.read(ann).starts_with(":irc.test 001 ann "));
    assert_eq!(net.asked(), []);
}

#[test]
fn a_password_that_is_too_long_is_wrong_and_nobody_is_asked() {
    for (len, is_asked) in [(256, true), (257, false), (500, false)] {
        let mut net = with_password();
        let ann = net.connect();
        net.says(ann, &format!("PASS {}", "p".repeat(len)));
        assert_eq!(net.asked() == [ann], is_asked, "{len}");
        assert_eq!(net.close_reason(ann).is_none(), is_asked, "{len}");
    }
}

#[test]
fn an_answer_that_is_late_or_comes_twice_does_nothing() {
    let mut net = with_password();
    let gone = net.guess();
    net.test.with_hub(|hub, now| hub.disconnect(now, gone));
    assert_eq!(net.credentials(gone), None);
    net.answers(gone, true);

    let ann = net.guess();
    net.answers(gone, true);
    net.reads(ann, &[]);
    net.answers(ann, true);
    net.answers(ann, false);
    net.says(ann, "NICK ann\r\nUSER ann 0 * :Ann");
    assert!(net.read(ann).starts_with(":irc.test 001 ann "));
    net.answers(ann, false);
    assert_eq!(net.close_reason(ann), None);
}

#[test]
fn the_fifth_waits_for_its_turn() {
    let mut net = with_password();
    let ids: Vec<_> = (0..8).map(|_| net.guess()).collect();
    assert_eq!(Hub::MAX_AUTHENTICATIONS, 4);
    assert_eq!(net.asked(), ids[..4]);
    assert_eq!(net.credentials(ids[4]), None, "nobody is asked about it yet");
    net.answers(ids[4], true);
    // Who leaves while it waits loses its turn.
    net.test.with_hub(|hub, now| hub.disconnect(now, ids[5]));
    for (answered, next) in [(ids[2], ids[4]), (ids[0], ids[6]), (ids[4], ids[7])] {
        net.answers(answered, true);
        assert_eq!(net.asked(), [next]);
    }
}

#[test]
fn guesses_from_one_address_keep_others_waiting_for_one_check() {
    let mut net = Net::of(IrcSettings { asks_password: true, ..IrcSettings::default() }, |config| {
        (config.max_per_address, config.connects_per_address) = (None, None);
    });
    let irc = net.test.hub().dialect("irc").expect("it is spoken");
    let counted: fn(u8) -> Origin = |n| Origin::new([n; 16]);
    let cloaked: fn(u8) -> Origin = |n| Origin::new([n; 16]).with_cloak(Cloak::new(n.into())).uncounted();
    for address in [counted, cloaked] {
        let mut guess_from = |n| {
            let id = net.test.with_hub(|hub, now| hub.open_from(now, irc, Some(address(n)))).expect("there is room");
            net.says(id, "PASS sesame");
            id
        };
        let guessers: Vec<_> = (0..1_000).map(|_| guess_from(1)).collect();
        let (ann, bob) = (guess_from(2), guess_from(3));
        let mut asked = net.asked();
        assert_eq!(asked, guessers[..4]);
        while let Some(id) = asked.pop() {
            net.answers(id, false);
        }
        assert_eq!(net.asked(), [ann, bob, guessers[4], guessers[5]]);
        for id in [ann, bob].iter().chain(&guessers) {
            net.test.with_hub(|hub, now| hub.disconnect(now, *id));
            net.answers(*id, false);
        }
        net.asked();
    }
}

#[test]
fn a_check_counts_until_it_is_answered_whatever_becomes_of_its_session() {
    let mut net = with_password();
    let ids: Vec<_> = (0..5).map(|_| net.guess()).collect();
    assert_eq!(net.asked(), ids[..4]);
    for id in &ids[..4] {
        net.test.with_hub(|hub, now| hub.disconnect(now, *id));
    }
    assert_eq!(net.asked(), [], "the driver is still at work");
    net.answers(ids[0], false);
    assert_eq!(net.asked(), [ids[4]]);
}

#[test]
fn others_go_on_while_somebody_waits_for_the_driver() {
    let mut net = with_password();
    let waiting = net.guess();
    let ann = net.test.join("ann");
    let bob = net.test.join("bob");
    net.test.read(ann);
    net.test.say(bob, "hello");
    assert_eq!(net.test.read(ann), "bob: hello\n");
    net.reads(waiting, &[]);
}

#[test]
fn passwords_are_not_in_debug_output() {
    let mut net = with_password();
    let ann = net.connect();
    // In pieces, so that it is joined, too.
    net.sends(ann, b"PASS ses");
    net.sends(ann, b"ame\r\n");
    let hidden = format!("{:?} {:?}", net.test.hub(), net.credentials(ann));
    let bytes = format!("{:?}", b"sesame");
    assert!(!hidden.contains("sesame") && !hidden.contains(bytes.trim_matches(['[', ']'])), "{hidden}");
}

#[test]
fn oper_makes_an_operator_once_the_driver_says_so() {
    let mut net = with_operators();
    let ann = net.register("ann");
    net.says(ann, "OPER root sesame\r\nPING later");
    assert_eq!(net.asked(), [ann]);
    assert_eq!(net.credentials(ann), Some(Credentials::Operator { name: "root", password: "sesame" }));
    net.reads(ann, &[]);
    net.answers(ann, true);
    net.reads(ann, &["> 381 ann :You are now an IRC operator", ":ann!~ann@- MODE ann :+o", "> PONG irc.test :later"]);
    net.check(ann, "MODE ann", &["> 221 ann +o"]);
}

#[test]
fn the_third_wrong_password_of_an_operator_is_the_end() {
    let mut net = with_operators();
    let ann = net.register("ann");
    for _ in 0..2 {
        net.says(ann, "OPER root xyzzy");
        net.answers(ann, false);
        net.reads(ann, &["> 464 ann :Password incorrect"]);
    }
    net.says(ann, "OPER root xyzzy");
    net.answers(ann, false);
    net.reads(ann, &["> 464 ann :Password incorrect", "ERROR :wrong password"]);
    assert_eq!(net.close_reason(ann), Some(CloseReason::WrongPassword));
}

#[test]
fn a_wrong_password_with_a_label_is_answered_before_the_end() {
    let mut net = with_operators();
    let ann = net.register_with("ann", "labeled-response batch");
    for n in 0..3 {
        net.says(ann, &format!("@label=l{n} OPER root xyzzy"));
        net.answers(ann, false);
    }
    let answers = [0, 1, 2].map(|n| format!("@label=l{n} :irc.test 464 ann :Password incorrect"));
    net.reads(ann, &[&*answers[0], &*answers[1], &*answers[2], "ERROR :wrong password"]);
}

#[test]
fn a_wrong_password_costs_as_much_as_forty_lines() {
    let rate = Rate { per_second: 1.try_into().expect("not zero"), burst: 50.try_into().expect("not zero") };
    let mut net = with_operators_and(|config| config.rate = Some(rate));
    // NICK, USER, CAP END.
    let ann = net.register("ann");
    net.says(ann, "OPER root xyzzy");
    net.answers(ann, false);
    net.reads(ann, &["> 464 ann :Password incorrect"]);
    net.says(ann, &["PING x"; 10].join("\r\n"));
    assert_eq!(net.read(ann).lines().count(), 50 - 3 - 1 - 40);
    net.advance(2);
    assert_eq!(net.read(ann).lines().count(), 2);
}

#[test]
fn a_peer_that_ends_while_the_driver_checks_is_closed() {
    let mut net = with_operators();
    let ann = net.register("ann");
    net.says(ann, "OPER root sesame");
    net.test.with_hub(|hub, now| hub.receive_eof(now, ann));
    assert_eq!(net.close_reason(ann), None);
    net.advance(5);
    assert_eq!(net.close_reason(ann), Some(CloseReason::Eof));
    let bob = net.register("bob");
    net.says(bob, "OPER root sesame");
    net.test.with_hub(|hub, now| hub.receive_eof(now, bob));
    net.answers(bob, true);
    assert_eq!(net.close_reason(bob), Some(CloseReason::Eof));
    assert!(net.read(bob).contains(" 381 bob "));
}

#[test]
fn nobody_becomes_an_operator_by_mode_and_an_operator_may_give_it_up() {
    let mut net = with_operators();
    let (ann, bob) = (net.operator("ann"), net.register("bob"));
    net.check(bob, "MODE bob +o", &[]);
    net.check(ann, "MODE ann -o", &[":ann!~ann@- MODE ann :-o"]);
    for id in [ann, bob] {
        net.says(id, "KILL bob :x");
        assert!(net.read(id).contains(" 481 "));
    }
}

#[test]
fn operators_are_shown_as_such() {
    let mut net = with_operators();
    let (ann, bob) = (net.operator("ann"), net.register("bob"));
    net.says(bob, "WHOIS ann");
    assert!(net.read(bob).contains("\n:irc.test 313 bob ann :is an IRC operator\n"));
    net.check(bob, "USERHOST ann bob", &["> 302 bob :ann*=+~ann@- bob=+~bob@-"]);
    net.check(bob, "WHO ann", &["> 352 bob * ~ann - irc.test ann H* :0 Real ann", "> 315 bob ann :End of WHO list"]);
    let count = |net: &mut Net| {
        net.says(bob, "LUSERS");
        net.read(bob).lines().find(|line| line.contains(" 252 ")).map(String::from)
    };
    assert_eq!(count(&mut net).as_deref(), Some(":irc.test 252 bob 1 :operator(s) online"));
    net.says(ann, "OPER root sesame");
    net.answers(ann, true);
    assert_eq!(count(&mut net).as_deref(), Some(":irc.test 252 bob 1 :operator(s) online"), "as before");
    net.says(ann, "QUIT");
    assert_eq!(count(&mut net).as_deref(), Some(":irc.test 252 bob 0 :operator(s) online"));
}

#[test]
fn kill_closes_a_client_and_says_why() {
    let mut net = with_operators();
    let ann = net.operator("ann");
    let (bob, eve) = (net.join("bob", "#tea"), net.join("eve", "#tea"));
    net.forget(&[bob]);
    net.check(ann, "KILL Eve :spam\x02 and more", &[]);
    net.reads(eve, &[":ann!~ann@- KILL eve :spam and more", "ERROR :Closing Link: eve (Killed (ann (spam and more)))"]);
    assert_eq!(net.close_reason(eve), Some(CloseReason::Killed));
    net.reads(bob, &[":eve!~eve@- QUIT :Killed (ann (spam and more))"]);
}

#[test]
fn kill_closes_members_of_any_dialect() {
    let mut net = with_operators();
    let ann = net.operator("ann");
    let (bob, eve) = (net.test.join("bob"), net.test.join("eve"));
    let mallory = net.test.connect("classic");
    net.test.say(mallory, "CHAT bWFsbG9yeQ== YQ==");
    net.test.read(bob);
    net.check(ann, "KILL eve :spam\r\nKILL mallory :spam", &[]);
    assert!(net.test.read(eve).ends_with("! closed: killed by an operator: ann (spam)\n"));
    // "closed: killed by an operator: ann (spam)", from the server.
    let said = net.test.read(mallory);
    assert!(said.contains("CHAT c2VydmVy Y2xvc2VkOiBraWxsZWQgYnkgYW4gb3BlcmF0b3I6IGFubiAoc3BhbSk=\n"), "{said}");
    assert_eq!([eve, mallory].map(|id| net.close_reason(id)), [Some(CloseReason::Killed); 2]);
    assert!(net.test.read(bob).contains("* eve left (killed by an operator)\n"));
}

#[test]
fn a_kill_that_cannot_be_is_refused() {
    let mut net = with_operators();
    let (ann, bob) = (net.operator("ann"), net.register("bob"));
    net.check(bob, "KILL ann :x", &["> 481 bob :Permission Denied- You're not an IRC operator"]);
    net.check(ann, "KILL bob", &["> 461 ann KILL :Not enough parameters"]);
    net.check(ann, "KILL nobody :x", &["> 401 ann nobody :No such nick/channel"]);
    net.test.with_hub(|hub, now| hub.enter(now, "robot")).expect("there is room");
    net.check(ann, "KILL robot :x", &["> 483 ann :You cant kill a server!"]);
    assert_eq!(net.close_reason(bob), None);
}

#[test]
fn operators_may_kill_themselves_and_say_why_at_length() {
    let mut net = with_operators();
    let ann = net.operator("ann");
    net.says(ann, &format!("KILL ann :{}", "é".repeat(200)));
    let read = net.read(ann);
    let words = "é".repeat((256 - "ann ()".len()) / 2);
    assert_eq!(read, format!(":ann!~ann@- KILL ann :{words}\nERROR :Closing Link: ann (Killed (ann ({words})))\n"));
    assert_eq!(net.close_reason(ann), Some(CloseReason::Killed));
}

#[test]
fn wallops_reaches_those_who_want_to_read_it() {
    let mut net = with_operators();
    let (ann, bob, eve) = (net.operator("ann"), net.register("bob"), net.register("eve"));
    net.check(bob, "MODE bob +w", &[":bob!~bob@- MODE bob :+w"]);
    net.check(ann, "WALLOPS :the \x0304kettle is on", &[]);
    net.reads(bob, &[":ann!~ann@- WALLOPS :the kettle is on"]);
    net.reads(eve, &[]);
    net.check(ann, "MODE ann +w\r\nWALLOPS x", &[":ann!~ann@- MODE ann :+w", ":ann!~ann@- WALLOPS :x"]);
    net.reads(bob, &[":ann!~ann@- WALLOPS :x"]);
    net.check(bob, "WALLOPS :x", &["> 481 bob :Permission Denied- You're not an IRC operator"]);
    net.check(ann, "WALLOPS", &["> 461 ann WALLOPS :Not enough parameters"]);
}

#[test]
fn guesses_of_a_hundred_connections_are_checked_four_at_a_time() {
    let mut net = with_operators();
    let ids: Vec<_> = (0..100).map(|n| net.register(&format!("n{n}"))).collect();
    for id in &ids {
        net.says(*id, &["OPER root xyzzy"; 10].join("\r\n"));
    }
    let mut checked = 0;
    loop {
        let asked = net.asked();
        assert!(asked.len() <= Hub::MAX_AUTHENTICATIONS);
        let Some(first) = asked.first() else { break };
        // As many are asked about as were answered.
        for id in asked.iter().skip(1).chain([first]) {
            assert!(net.credentials(*id).is_some());
            net.answers(*id, false);
            checked += 1;
        }
    }
    assert_eq!(checked, 300, "three of each");
    assert!(ids.iter().all(|id| net.close_reason(*id) == Some(CloseReason::WrongPassword)));
}

#[test]
fn nothing_is_left_to_do_while_the_driver_checks() {
    let mut net = with_operators();
    let ann = net.register("ann");
    net.says(ann, "OPER root sesame\r\nPING later");
    assert_eq!(net.asked(), [ann]);
    net.read(ann);
    assert!(!net.test.hub().has_commands(), "a driver would never sleep");
}

#[test]
fn who_may_be_asked_for_operators_only() {
    let mut net = with_operators();
    let (ann, bob) = (net.operator("ann"), net.register("bob"));
    for id in [ann, bob] {
        net.says(id, "JOIN #tea");
    }
    net.forget(&[ann, bob]);
    for mask in ["*", "#tea", "a*"] {
        let end = format!("> 315 bob {mask} :End of WHO list");
        net.check(bob, &format!("WHO {mask} o"), &["> 352 bob #tea ~ann - irc.test ann H*@ :0 Real ann", &end]);
        net.check(bob, &format!("WHO {mask} o%nf"), &["> 354 bob ann H*@", &end]);
    }
    net.check(bob, "WHO bob o", &["> 315 bob bob :End of WHO list"]);
}
