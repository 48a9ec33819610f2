//! Row *identity*: who is who.

use chat_proto::{CloseReason, Config, NameRules};

use super::{Scene, chat};

const TAKEN: &str = "! that name is taken, or looks like one that is\n";
const RESERVED: &str = "! that name is reserved\n";
const RESTRICTED: &str = "! a name has letters and digits in common use, - . ' _ ` ^ | \\ [ ] { } and nothing else\n";
const MARKS: &str = "! a name has marks only behind a letter, three at most and none twice\n";

/// A scene in which accounts, say, tell people apart.
fn loose() -> Scene {
    Scene::with(Config { rate: None, names: NameRules::Loose, ..Config::default() })
}

#[test]
fn twins_by_case_are_taken() {
    let mut scene = Scene::new();
    for twin in ["alice", "Alice", "ALICE", "aLiCe"] {
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN);
    }
    for (first, twin) in [("straße", "STRASSE"), ("Γιώργος", "ΓΙΏΡΓΟΣ"), ("İbrahim", "ibrahim"), ("ışık", "IŞIK")]
    {
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
    for twin in ["аlice", "b0b", "bоb", "ALİCE", "alıce"] {
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN, "{twin}");
    }
    for twin in ["ｂｏｂ", "𝐛𝐨𝐛", "ⓑob"] {
        assert_eq!(scene.offends(format!("/name {twin}\n")), RESTRICTED, "{twin}");
    }
    scene.unharmed();
}

#[test]
fn twins_by_marks_are_taken() {
    let mut scene = Scene::new();
    for twin in ["álice", "a\u{301}lice", "al\u{327}ice", "ałice", "bób", "BÖB"] {
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN, "{twin}");
    }
    scene.unharmed();
}

#[test]
fn twins_by_composition_are_taken() {
    for (first, twin) in [
        ("é", "e\u{301}"),
        ("ế", "e\u{302}\u{301}"),
        ("Å", "\u{212b}"),
        ("K", "\u{212a}"),
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
    for mut scene in [Scene::new(), loose()] {
        for name in [
            "server",
            "SERVER",
            "ѕеrvеr",
            "sérver",
            "anonymous",
            "Anonymous",
            "you",
            "You",
            "YOU",
            "уоu",
            "y0u",
            "yöu",
            "guest-1",
            "guest-99",
            "GUEST-x",
            "guеst-1",
        ] {
            assert_eq!(scene.offends(format!("/name {name}\n")), RESERVED, "{name}");
        }
        scene.unharmed();
    }
}

#[test]
fn a_name_with_something_that_cannot_be_seen_is_none() {
    // Tifinagh's and Brahmi's joiners, a hieroglyph's control, the Khitan filler; blanks; a stacker without its letters.
    let unseen =
        "\u{2d7f}\u{1107f}\u{13430}\u{16fe4}\u{13441}\u{2800}\u{200b}\u{206a}\u{e0041}\u{34f}\u{3164}\u{1039}\u{17d2}";
    for (mut scene, answer) in [(Scene::new(), RESTRICTED), (loose(), "! a name has no white space")] {
        for c in unseen.chars() {
            for name in ["server", "alice", "carol"] {
                for name in [format!("{name}{c}"), format!("{c}{name}"), format!("{}{c}{}", &name[..2], &name[2..])] {
                    assert!(scene.offends(format!("/name {name}\n")).starts_with(answer), "{name:?}");
                }
            }
        }
        let classic = scene.room.enter("classic");
        scene.quiet();
        scene.room.types(classic, chat("server\u{2d7f}", "hi"));
        assert_eq!(scene.bob_hears(), "anonymous: hi\n", "it is not granted");
    }
}

#[test]
fn a_name_with_what_is_not_assigned_is_none() {
    for (mut scene, answer) in [(Scene::new(), RESTRICTED), (loose(), "! a name has no white space")] {
        for c in "\u{378}\u{1c8f}\u{2065}\u{e0fff}\u{3fffd}\u{fdd0}\u{e000}\u{10fffd}".chars() {
            assert!(scene.offends(format!("/name carol{c}\n")).starts_with(answer), "{c:?}");
        }
        scene.unharmed();
    }
}

#[test]
fn a_name_with_the_signs_of_a_line_is_none() {
    let mut scene = Scene::new();
    for name in
        ["alice：", "alice:", "alice∶", "！", "＊", "*", "!", "／", "alice→", "@alice", "#alice", "<alice>", "🦀"]
    {
        assert_eq!(scene.offends(format!("/name {name}\n")), RESTRICTED, "{name}");
    }
    for name in ["[x]", "a{b}", "it's", "a.b-c_d", "^`|\\"] {
        assert_eq!(scene.offends(format!("/name {name}\n")), format!("* you are now {name}\n"));
    }
}

#[test]
fn a_name_with_many_marks_is_none() {
    let mut scene = Scene::new();
    for name in [
        "a\u{302}\u{303}\u{304}\u{306}",
        "e\u{301}\u{302}\u{303}\u{304}",
        "ế\u{303}\u{304}",
        "x\u{301}\u{301}",
        "é\u{301}",
        "ế\u{302}",
    ] {
        assert_eq!(scene.offends(format!("/name {name}\n")), MARKS, "{name:?}");
    }
    let many = format!("a{}", "\u{301}".repeat(2_000 / 2));
    assert_eq!(scene.offends(format!("/name {many}\n")), "! a name has at most 32 bytes\n");
    for name in ["Nguyễn", "ẹ̀kọ́", "مُحَمَّد", "ತ\u{ccb}\u{c82}ಟ", "ที่นี่", "မြန်မာ", "က\u{1039}က"]
    {
        assert_eq!(scene.offends(format!("/name {name}\n")), format!("* you are now {name}\n"));
    }
}

#[test]
fn a_name_is_had_and_measured_in_nfc() {
    let mut scene = Scene::with(Config { rate: None, max_name: 6, ..Config::default() });
    assert_eq!(scene.offends("/name z\u{30c}z\u{30c}z\u{30c}\n"), "* you are now žžž\n");
    assert_eq!(scene.offends("/name žžžz\n"), "! a name has at most 6 bytes\n");
    assert_eq!(scene.offends("/name \u{958}\u{958}\n"), "! a name has at most 6 bytes\n", "longer composed");
    assert_eq!(
        scene.room.asks(scene.bob, "/msg z\u{30c}žž psst\n"),
        "* guest-3 joined\n".replace("guest-3", "žžž") + "you -> žžž: psst\n"
    );
}

#[test]
fn loose_names_are_what_can_be_seen_and_twins_are_by_case() {
    let mut scene = loose();
    for name in ["🦀", "alice：", "！", "o’neil", "аlice", "ALİCE", "álice", "b0b", "ὀδυσσεύς"] {
        assert_eq!(scene.offends(format!("/name {name}\n")), format!("* you are now {name}\n"));
    }
    for twin in ["alice", "Alice", "BOB"] {
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN, "{twin}");
    }
    assert_eq!(scene.offends("/msg ὈΔΥΣΣΕΎΣ psst\n"), "ὀδυσσεύς -> you: psst\nyou -> ὀδυσσεύς: psst\n");
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
        assert!([RESTRICTED, MARKS, "! usage: /name NEW\n"].contains(&&*answer), "{name:?}: {answer}");
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
        (format!("{}xy", "字".repeat(10)), true),
        ("字".repeat(11), false),
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
