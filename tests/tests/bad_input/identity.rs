//! Row *identity*: who is who.

use chat_proto::{CloseReason, Config};

use super::{Scene, chat};

const TAKEN: &str = "! that name is taken, or looks like one that is\n";
const RESERVED: &str = "! that name is reserved\n";
const CHARACTER: &str = "! a name has no white space";

#[test]
fn twins_by_case_are_taken() {
    let mut scene = Scene::new();
    for twin in ["alice", "Alice", "ALICE", "aLiCe"] {
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN);
    }
    for (first, twin) in [("straße", "STRASSE"), ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"), ("Ǆ", "ǆ")] {
        let mut scene = Scene::new();
        scene.room.types(scene.bob, format!("/name {first}\n"));
        scene.quiet();
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN, "{first} and {twin}");
    }
    scene.unharmed();
}

#[test]
fn twins_by_looks_are_taken() {
    let mut scene = Scene::new();
    for twin in ["аlice", "b0b", "ｂｏｂ", "𝐛𝐨𝐛", "bоb"] {
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN, "{twin}");
    }
}

#[test]
fn twins_by_composition_are_taken() {
    for (first, twin) in [
        ("é", "e\u{301}"),
        ("α\u{345}\u{301}", "ΆΙ"),
        ("Å", "\u{212b}"),
        ("ﬁ", "fi"),
        ("한", "\u{1112}\u{1161}\u{11ab}"),
    ] {
        let mut scene = Scene::new();
        scene.room.types(scene.bob, format!("/name {first}\n"));
        scene.quiet();
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN, "{first} and {twin}");
    }
}

#[test]
fn reserved_names_and_their_twins_are_nobodys() {
    let mut scene = Scene::new();
    for name in ["server", "SERVER", "ѕеrvеr", "anonymous", "Anonymous", "guest-1", "guest-99", "GUEST-x", "guеst-1"]
    {
        assert_eq!(scene.offends(format!("/name {name}\n")), RESERVED, "{name}");
    }
    scene.unharmed();
}

#[test]
fn a_name_is_free_in_the_instant_its_owner_goes() {
    let mut scene = Scene::new();
    assert_eq!(scene.offends("/name bob\n"), TAKEN);
    // Bob's last words are still to be read, he himself is gone.
    scene.room.types(scene.bob, "/quit\n");
    assert_eq!(scene.offends("/name bob\n"), "* bob left\n* you are now bob\n");
    assert_eq!(scene.room.read(scene.bob), "* bye\n", "what the old bob is sent is his own");
    assert_eq!(scene.room.read(scene.alice), "* bob left\n* bob joined\n", "in this order");
}

#[test]
fn of_two_who_race_for_a_name_one_has_it() {
    let mut scene = Scene::new();
    let other = scene.room.enter("text");
    scene.room.types(scene.offender, "/name carol\n");
    scene.room.types(other, "/name carol\n");
    assert_eq!(scene.room.read(scene.offender), "* you are now carol\n");
    assert_eq!(scene.room.read(other), format!("* carol joined\n{TAKEN}"));
    // And one who claims it while speaking speaks as nobody.
    let classic = scene.room.enter("classic");
    scene.quiet();
    scene.room.types(classic, chat("carol", "I am carol"));
    assert_eq!(scene.bob_hears(), "anonymous: I am carol\n");
}

#[test]
fn renaming_to_oneself_tells_nobody() {
    let mut scene = Scene::new();
    assert_eq!(scene.room.asks(scene.alice, "/name alice\n"), "* you are now alice\n");
    assert_eq!(scene.bob_hears(), "");
    assert_eq!(scene.room.asks(scene.alice, "/name Alice\n"), "* you are now Alice\n");
    assert_eq!(scene.bob_hears(), "* alice is now Alice\n", "but another case is another name");
}

#[test]
fn a_name_of_only_spaces_or_combining_marks_is_none() {
    let mut scene = Scene::new();
    for name in ["\u{301}", "\u{301}\u{302}\u{303}", "\u{20d0}", "\u{3000}", "\u{2003}\u{2003}", "\u{a0}"] {
        let answer = scene.offends(format!("/name {name}\n"));
        assert!(answer.starts_with(CHARACTER) || answer == "! usage: /name NEW\n", "{name:?}: {answer}");
    }
    assert_eq!(scene.offends("/name     \n"), "! usage: /name NEW\n");
    let classic = scene.room.enter("classic");
    for name in [" ", "   ", "\u{301}"] {
        scene.quiet();
        scene.room.types(classic, chat(name, "hi"));
        assert_eq!(scene.bob_hears(), "anonymous: hi\n", "{name:?} is not granted");
    }
}

#[test]
fn a_name_of_the_longest_is_had_and_a_longer_one_is_not() {
    let mut scene = Scene::with(Config { rate: None, max_name: 32, ..Config::default() });
    for (name, is_had) in [
        ("n".repeat(32), true),
        ("n".repeat(33), false),
        ("ž".repeat(16), true),
        (format!("{}x", "ž".repeat(16)), false),
        ("🦀".repeat(8), true),
        ("🦀".repeat(9), false),
    ] {
        let answer = scene.offends(format!("/name {name}\n"));
        let expected =
            if is_had { format!("* you are now {name}\n") } else { "! a name has at most 32 bytes\n".into() };
        assert_eq!(answer, expected);
    }
}

#[test]
fn nobody_speaks_in_anothers_name() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    scene.offends(chat("mallory", "first"));
    scene.quiet();
    scene.offends(chat("alice", "I owe mallory 100"));
    assert_eq!(scene.bob_hears(), "mallory: I owe mallory 100\n");
    scene.unharmed();
}

#[test]
fn a_look_alike_of_a_name_reaches_nobody() {
    let mut scene = Scene::new();
    assert_eq!(scene.offends("/msg b0b psst\n"), "! nobody here has that name\n");
    assert_eq!(scene.offends("/msg BOB psst\n"), "you -> bob: psst\n", "another case does");
    assert_eq!(scene.bob_hears(), "guest-3 -> you: psst\n");
}

#[test]
fn a_whisper_to_a_guest_who_is_gone_reaches_nobody_and_says_so() {
    let mut scene = Scene::new();
    let psst = |scene: &mut Scene, number: u32| {
        let (alice, words) = (scene.alice, format!("/msg guest-{number} psst\n"));
        scene.room.asks(alice, words)
    };
    assert_eq!(psst(&mut scene, 3), "you -> guest-3: psst\n");
    assert_eq!(scene.room.read(scene.offender), "alice -> you: psst\n");
    // Who has said nothing leaves without a word, and another comes in its place.
    scene.offends("/quit\n");
    assert_eq!(scene.closed(), Some(CloseReason::Quit));
    scene.offender = scene.room.enter("text");
    assert_eq!(scene.room.hub.name(scene.offender), Some("guest-4".into()));
    assert_eq!(psst(&mut scene, 3), "! guest-3 is gone, or is called something else now\n");
    assert_eq!(scene.room.read(scene.offender), "", "it was meant for another");
    assert_eq!(psst(&mut scene, 4), "you -> guest-4: psst\n");
    scene.offends("/name carol\n");
    scene.quiet();
    assert_eq!(psst(&mut scene, 4), "! guest-4 is gone, or is called something else now\n");
    assert_eq!(psst(&mut scene, 5), "! nobody here has that name\n");
    assert_eq!(scene.room.hub.find("guest-04"), None);
    scene.unharmed();
}

#[test]
fn a_guests_number_is_not_to_be_had_again_by_reconnecting() {
    let mut scene = Scene::with(Config { rate: None, max_sessions: 3, ..Config::default() });
    for number in 4..200 {
        scene.offends("/quit\n");
        assert_eq!(scene.closed(), Some(CloseReason::Quit));
        scene.offender = scene.room.enter("text");
        assert_eq!(scene.room.hub.name(scene.offender), Some(format!("guest-{number}")));
    }
    // Who is shown to nobody by number takes none.
    scene.offends("/quit\n");
    assert_eq!(scene.closed(), Some(CloseReason::Quit));
    let classic = scene.room.enter("classic");
    scene.room.hub.disconnect(scene.room.now, classic);
    scene.room.commands();
    scene.offender = scene.room.enter("text");
    assert_eq!(scene.room.hub.name(scene.offender), Some("guest-200".into()));
    scene.quiet();
    scene.unharmed();
}
