//! MODE: of channels and of users.

use crate::net::Net;

#[test]
fn modes_of_a_channel_are_shown() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.check(ann, "MODE #tea", &["> 324 ann #tea +tn", "> 329 ann #tea 1795712998"]);
    net.says(ann, "MODE #tea +imkl key 7");
    net.forget(&[ann]);
    net.check(ann, "MODE #TEA", &["> 324 ann #tea +tnmikl key 7", "> 329 ann #tea 1795712998"]);
    net.check(bob, "MODE #tea", &["> 324 bob #tea +tnmikl * 7", "> 329 bob #tea 1795712998"]);
    net.says(ann, "MODE #tea +s");
    net.check(bob, "MODE #tea", &["> 403 bob #tea :No such channel"]);
    net.check(bob, "MODE #none", &["> 403 bob #none :No such channel"]);
}

#[test]
fn each_mode_is_set_and_unset_and_shown_to_all() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    for (mode, shown) in [
        ("-t", "-t"),
        ("+t", "+t"),
        ("-n", "-n"),
        ("+n", "+n"),
        ("m", "+m"),
        ("-m", "-m"),
        ("+i", "+i"),
        ("-i", "-i"),
        ("+s", "+s"),
        ("-s", "-s"),
        ("+k secret", "+k secret"),
        ("-k", "-k *"),
        ("+k secret", "+k secret"),
        ("-k secret", "-k *"),
        ("+l 5", "+l 5"),
        ("-l", "-l"),
        ("+o bob", "+o bob"),
        ("-o BOB", "-o bob"),
        ("+v bob", "+v bob"),
        ("-v bob", "-v bob"),
        ("+b eve!*@*", "+b eve!*@*"),
        ("-b eve!*@*", "-b eve!*@*"),
        ("+e eve!*@*", "+e eve!*@*"),
        ("-e eve!*@*", "-e eve!*@*"),
        ("+I eve!*@*", "+I eve!*@*"),
        ("-I eve!*@*", "-I eve!*@*"),
    ] {
        let line = format!(":ann!~ann@- MODE #tea {shown}");
        net.check(ann, &format!("MODE #tea {mode}"), &[&line]);
        net.reads(bob, &[&line]);
    }
}

#[test]
fn a_change_to_the_present_state_is_not_shown() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    net.says(ann, "MODE #tea +b eve");
    net.forget(&[ann]);
    net.check(
        ann,
        "MODE #tea +nt-m-l\r\nMODE #tea +o ann\r\nMODE #tea -k\r\nMODE #tea +b EVE!*@*\r\nMODE #tea -b tom",
        &[],
    );
}

#[test]
fn several_changes_are_one_line_in_their_order_and_one_by_one_in_text() {
    let mut net = Net::new();
    let (ann, bob, tom) = (net.join("ann", "#tea"), net.join("bob", "#tea"), net.test.join("tom"));
    net.test.say(tom, "/join tea");
    net.forget(&[ann, bob, tom]);
    let shown = ":ann!~ann@- MODE #tea +mvk-t+bl bob a x!*@* 9";
    net.check(ann, "MODE #tea +mvk-t+bl bob a x 9", &[shown]);
    net.reads(bob, &[shown]);
    let read = net.test.read(tom);
    assert!(read.contains("* ann gave bob a voice\n") && read.lines().count() == 6, "{read}");
}

#[test]
fn changes_that_do_not_fit_in_a_line_are_several() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.forget(&[ann, bob]);
    let masks: Vec<String> = (0..4).map(|n| format!("{n}{}!*@*", "x".repeat(115))).collect();
    let head = ":ann!~ann@- MODE #tea +";
    net.check(
        ann,
        &format!("MODE #tea +bbbb {}", masks.join(" ")),
        &[&format!("{head}bbb {}", masks[..3].join(" ")), &format!("{head}b {}", masks[3])],
    );
    assert!(net.read(bob).lines().all(|line| line.len() <= 510));
}

#[test]
fn a_list_comes_after_the_changes_before_it() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    net.check(
        ann,
        "MODE #tea +mbi",
        &[":ann!~ann@- MODE #tea +m", "> 368 ann #tea :End of channel ban list", ":ann!~ann@- MODE #tea +i"],
    );
}

#[test]
fn masks_are_completed() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    for (mask, complete) in
        [("eve", "eve!*@*"), ("~bob@host", "*!~bob@host"), ("tom!~tom", "tom!~tom@*"), ("*!*@ab", "*!*@ab")]
    {
        net.check(ann, &format!("MODE #tea +b {mask}"), &[&format!(":ann!~ann@- MODE #tea +b {complete}")]);
        net.check(ann, &format!("MODE #tea -b {mask}"), &[&format!(":ann!~ann@- MODE #tea -b {complete}")]);
    }
}

#[test]
fn lists_are_shown() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.says(ann, "MODE #tea +bbeI a b c d");
    net.forget(&[ann, bob]);
    net.check(
        bob,
        "MODE #tea b",
        &[
            "> 367 bob #tea a!*@* ann 1795712998",
            "> 367 bob #tea b!*@* ann 1795712998",
            "> 368 bob #tea :End of channel ban list",
        ],
    );
    net.check(
        ann,
        "MODE #tea +e",
        &["> 348 ann #tea c!*@* ann 1795712998", "> 349 ann #tea :End of channel exception list"],
    );
    net.check(
        ann,
        "MODE #tea I",
        &["> 346 ann #tea d!*@* ann 1795712998", "> 347 ann #tea :End of Channel Invite Exception List"],
    );
    net.check(bob, "MODE #tea e", &["> 482 bob #tea :You're not channel operator"]);
    net.check(bob, "MODE #tea I", &["> 482 bob #tea :You're not channel operator"]);
    net.check(
        ann,
        "MODE #tea beI",
        &[
            "> 367 ann #tea a!*@* ann 1795712998",
            "> 367 ann #tea b!*@* ann 1795712998",
            "> 368 ann #tea :End of channel ban list",
            "> 348 ann #tea c!*@* ann 1795712998",
            "> 349 ann #tea :End of channel exception list",
            "> 346 ann #tea d!*@* ann 1795712998",
            "> 347 ann #tea :End of Channel Invite Exception List",
        ],
    );
}

#[test]
fn a_channel_and_its_masks_say_when_they_began_and_who_listed_them() {
    let mut net = Net::new();
    net.advance(10);
    let ann = net.join("ann", "#tea");
    net.advance(10);
    net.says(ann, "MODE #tea +b eve\r\nNICK anna");
    net.advance(10);
    // To list it again changes nothing.
    net.says(ann, "MODE #tea +b EVE");
    net.forget(&[ann]);
    net.check(ann, "MODE #tea", &["> 324 anna #tea +tn", "> 329 anna #tea 1795713008"]);
    let bans = ["> 367 anna #tea eve!*@* ann 1795713018", "> 368 anna #tea :End of channel ban list"];
    net.check(ann, "MODE #tea b", &bans);
    // The lobby is there since the server has been started.
    net.check(ann, "MODE #lobby", &["> 324 anna #lobby +tn", "> 329 anna #lobby 1795712998"]);
}

#[test]
fn a_full_list_takes_no_more() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    for n in 0..64 {
        net.says(ann, &format!("MODE #tea +b n{n}"));
    }
    net.forget(&[ann]);
    net.check(ann, "MODE #tea +b one-more", &["> 478 ann #tea one-more!*@* :Channel list is full"]);
}

#[test]
fn exceptions_let_in() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(ann, "MODE #tea +be *!*@* bob");
    net.says(bob, "JOIN #tea");
    assert!(net.read(bob).starts_with(":bob!~bob@- JOIN #tea\n"));
    net.says(bob, "PART #tea");
    net.says(ann, "MODE #tea +iI bob");
    net.forget(&[ann, bob]);
    net.says(bob, "JOIN #tea");
    assert!(net.read(bob).starts_with(":bob!~bob@- JOIN #tea\n"));
}

#[test]
fn who_is_no_operator_changes_nothing() {
    let mut net = Net::new();
    let (ann, bob, tom) = (net.join("ann", "#tea"), net.join("bob", "#tea"), net.register("tom"));
    net.forget(&[ann, bob]);
    for mode in ["+m", "-t", "+k x", "+l 2", "+o bob", "+v bob", "+b eve", "+e eve", "+I eve"] {
        net.check(bob, &format!("MODE #tea {mode}"), &["> 482 bob #tea :You're not channel operator"]);
        net.check(tom, &format!("MODE #tea {mode}"), &["> 442 tom #tea :You're not on that channel"]);
    }
    net.reads(ann, &[]);
}

#[test]
fn changes_that_cannot_be_are_refused_one_by_one() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    net.check(
        ann,
        "MODE #tea +x-y",
        &["> 472 ann x :is unknown mode char to me", "> 472 ann y :is unknown mode char to me"],
    );
    net.check(ann, "MODE #tea +o", &["> 696 ann #tea o * :You must give a parameter"]);
    net.check(ann, "MODE #tea +k", &["> 696 ann #tea k * :You must give a parameter"]);
    net.check(ann, "MODE #tea +l many", &["> 696 ann #tea l many :This parameter cannot be one"]);
    net.check(ann, "MODE #tea +l 0", &["> 696 ann #tea l 0 :This parameter cannot be one"]);
    net.check(ann, "MODE #tea +k a,b", &["> 525 ann #tea :Key is not well-formed"]);
    net.check(ann, "MODE #tea +k :a b", &["> 525 ann #tea :Key is not well-formed"]);
    net.check(
        ann,
        &format!("MODE #tea +e {}", "x".repeat(130)),
        &[&format!("> 696 ann #tea e {} :This mask is too long", "x".repeat(130))],
    );
    net.check(ann, "MODE #tea +o nobody", &["> 401 ann nobody :No such nick/channel"]);
    net.register("bob");
    net.check(
        ann,
        "MODE #tea +ov bob bob",
        &["> 441 ann bob #tea :They aren't on that channel", "> 441 ann bob #tea :They aren't on that channel"],
    );
    net.check(
        ann,
        "MODE #tea +ixmo-n nobody",
        &[
            ":ann!~ann@- MODE #tea +i",
            "> 472 ann x :is unknown mode char to me",
            ":ann!~ann@- MODE #tea +m",
            "> 401 ann nobody :No such nick/channel",
            ":ann!~ann@- MODE #tea -n",
        ],
    );
}

#[test]
fn a_key_that_is_too_long_is_refused() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    net.says(ann, &format!("MODE #tea +k {}", "x".repeat(33)));
    let answer = net.read(ann);
    assert!(answer.starts_with(":irc.test 525 ann #tea :"), "{answer}");
    net.check(ann, "MODE #tea", &["> 324 ann #tea +tn", "> 329 ann #tea 1795712998"]);
}

#[test]
fn who_has_a_voice_speaks_in_a_moderated_channel() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.says(ann, "MODE #tea +m");
    net.forget(&[ann, bob]);
    net.check(bob, "PRIVMSG #tea :x", &["> 404 bob #tea :Cannot send to channel"]);
    net.says(ann, "MODE #tea +v bob");
    net.forget(&[ann, bob]);
    net.check(bob, "PRIVMSG #tea :x", &[]);
    net.reads(ann, &[":bob!~bob@- PRIVMSG #tea :x"]);
    net.check(bob, "NAMES #tea", &["> 353 bob = #tea :@ann +bob", "> 366 bob #tea :End of /NAMES list"]);
}

#[test]
fn modes_of_users_are_set_and_shown() {
    let mut net = Net::new();
    let (ann, _bob) = (net.register("ann"), net.register("bob"));
    net.check(ann, "MODE ann", &["> 221 ann +"]);
    net.check(ann, "MODE Ann +iBw", &[":ann!~ann@- MODE ann :+iwB"]);
    net.check(ann, "MODE ann", &["> 221 ann +iwB"]);
    net.check(ann, "MODE ann -w+i", &[":ann!~ann@- MODE ann :-w"]);
    // That comes by OPER, which nobody has.
    net.check(ann, "MODE ann +o", &[]);
    net.check(ann, "MODE ann +xi-B", &["> 501 ann :Unknown MODE flag", ":ann!~ann@- MODE ann :-B"]);
    net.check(ann, "MODE bob", &["> 502 ann :Cant change mode for other users"]);
    net.check(ann, "MODE bob +i", &["> 502 ann :Cant change mode for other users"]);
    net.check(ann, "MODE nobody", &["> 401 ann nobody :No such nick/channel"]);
}

#[test]
fn who_is_invisible_is_found_only_by_those_who_share_a_channel() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.register("bob"));
    net.says(ann, "MODE ann +i");
    net.check(bob, "WHO a*", &["> 315 bob a* :End of WHO list"]);
    net.check(bob, "WHO #tea", &["> 315 bob #tea :End of WHO list"]);
    net.check(bob, "NAMES #tea", &["> 366 bob #tea :End of /NAMES list"]);
    net.says(bob, "WHOIS ann");
    assert!(!net.read(bob).contains("#tea"));
    net.says(bob, "JOIN #tea");
    assert!(net.read(bob).contains(" :@ann bob\n"));
    net.check(bob, "WHO a*", &["> 352 bob #tea ~ann - irc.test ann H@ :0 Real ann", "> 315 bob a* :End of WHO list"]);
}

#[test]
fn bots_are_shown_as_such() {
    let mut net = Net::new();
    let ann = net.register("ann");
    net.says(ann, "MODE ann +B");
    net.forget(&[ann]);
    net.check(ann, "WHO ann", &["> 352 ann * ~ann - irc.test ann HB :0 Real ann", "> 315 ann ann :End of WHO list"]);
    net.says(ann, "WHOIS ann");
    assert!(net.read(ann).contains(" 335 ann ann :is a bot\n"));
}

#[test]
fn who_is_banned_is_silent_in_the_channel_unless_it_has_a_role_or_an_exception() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.says(ann, "MODE #tea +b bob");
    net.forget(&[ann, bob]);
    let refused = "> 404 bob #tea :Cannot send to channel";
    net.check(bob, "PRIVMSG #tea :x\r\nPRIVMSG #tea :\x01ACTION waves\x01\r\nNOTICE #tea :x", &[refused, refused]);
    net.reads(ann, &[]);
    for (on, off) in [("+v bob", "-v bob"), ("+o bob", "-o bob"), ("+e bob", "-e bob"), ("-b bob", "+b bob")] {
        net.says(ann, &format!("MODE #tea {on}"));
        net.forget(&[ann, bob]);
        net.check(bob, "PRIVMSG #tea :x", &[]);
        net.reads(ann, &[":bob!~bob@- PRIVMSG #tea :x"]);
        net.says(ann, &format!("MODE #tea {off}"));
        net.forget(&[ann, bob]);
        net.check(bob, "PRIVMSG #tea :x", &[refused]);
    }
}

#[test]
fn nobody_takes_a_name_that_its_channel_has_banned() {
    let mut net = Net::new();
    let (ann, bob) = (net.join("ann", "#tea"), net.join("bob", "#tea"));
    net.says(ann, "MODE #tea +b eve");
    net.forget(&[ann, bob]);
    net.check(bob, "NICK eve", &["> 435 bob eve #tea :Cannot change nickname while banned on channel"]);
    net.check(bob, "NICK tom", &[":bob!~bob@- NICK :tom"]);
}

#[test]
fn a_key_that_nobody_could_type_is_refused() {
    let mut net = Net::new();
    let ann = net.join("ann", "#tea");
    for key in ["a\u{200b}b", "\u{202e}a", "a\x02b", "\x7f"] {
        net.check(ann, &format!("MODE #tea +k {key}"), &["> 525 ann #tea :Key is not well-formed"]);
    }
    net.check(ann, "MODE #tea +k žluť", &[":ann!~ann@- MODE #tea +k žluť"]);
}
