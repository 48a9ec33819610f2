//! Row *identity*: names, and members that pose as others.

use chat_proto::{CloseReason, Config, NameRules};

use super::{Scene, chat};

const TAKEN: &str = "! that name is taken, or looks like one that is\n";
const RESERVED: &str = "! that name is reserved\n";
const RESTRICTED: &str = "! a name has letters and digits in common use, - . ' _ ` ^ | \\ [ ] { } and nothing else, \
    and does not begin with -\n";
const MARKS: &str = "! a name has marks only behind a letter, three at most and none twice\n";

/// A scene with loose names, as where accounts tell people apart.
fn loose() -> Scene {
    Scene::with(Config { rate: None, names: NameRules::Loose, ..Config::default() })
}

#[test]
fn a_name_that_differs_in_case_only_is_taken() {
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
fn a_name_that_looks_alike_is_taken() {
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
fn a_name_that_differs_in_marks_only_is_taken() {
    let mut scene = Scene::new();
    for twin in ["álice", "a\u{301}lice", "al\u{327}ice", "ałice", "bób", "BÖB"] {
        assert_eq!(scene.offends(format!("/name {twin}\n")), TAKEN, "{twin}");
    }
    scene.unharmed();
}

#[test]
fn a_name_that_differs_in_composition_only_is_taken() {
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
fn reserved_names_and_their_look_alikes_are_refused() {
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
            "NickServ",
            "ChanSеrv",
        ] {
            assert_eq!(scene.offends(format!("/name {name}\n")), RESERVED, "{name}");
        }
        scene.unharmed();
    }
}

#[test]
fn a_name_with_an_invisible_character_is_refused() {
    // Joiners of Tifinagh and Brahmi, a hieroglyph control, the Khitan filler; blanks; stackers without letters.
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
fn a_name_with_an_unassigned_character_is_refused() {
    for (mut scene, answer) in [(Scene::new(), RESTRICTED), (loose(), "! a name has no white space")] {
        for c in "\u{378}\u{1c8f}\u{2065}\u{e0fff}\u{3fffd}\u{fdd0}\u{e000}\u{10fffd}".chars() {
            assert!(scene.offends(format!("/name carol{c}\n")).starts_with(answer), "{c:?}");
        }
        scene.unharmed();
    }
}

#[test]
fn a_name_with_the_punctuation_of_a_line_is_refused() {
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
fn a_name_with_many_combining_marks_is_refused() {
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
fn a_name_is_kept_and_measured_in_nfc() {
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
fn loose_names_are_visible_characters_compared_by_case() {
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
fn a_name_is_free_in_the_instant_its_owner_leaves() {
    let mut scene = Scene::new();
    assert_eq!(scene.offends("/name bob\n"), TAKEN);
    // Bob has left, though his last reply is still to be read.
    scene.room.types(scene.bob, "/quit\n");
    assert_eq!(scene.offends("/name bob\n"), "* bob left\n* you are now bob\n");
    assert_eq!(scene.room.read(scene.bob), "* bye\n", "the reply to the old bob reaches the old bob");
    assert_eq!(scene.room.read(scene.alice), "* bob left\n* bob joined\n", "in this order");
}

#[test]
fn one_of_two_sessions_racing_for_a_name_gets_it() {
    let mut scene = Scene::new();
    let other = scene.room.enter("text");
    scene.room.types(scene.offender, "/name carol\n");
    scene.room.types(other, "/name carol\n");
    assert_eq!(scene.room.read(scene.offender), "* you are now carol\n");
    assert_eq!(scene.room.read(other), format!("* carol joined\n{TAKEN}"));
    // A `CHAT` line under a name that is taken is published as anonymous.
    let classic = scene.room.enter("classic");
    scene.quiet();
    scene.room.types(classic, chat("carol", "I am carol"));
    assert_eq!(scene.bob_hears(), "anonymous: I am carol\n");
}

#[test]
fn renaming_to_the_same_name_is_not_announced() {
    let mut scene = Scene::new();
    assert_eq!(scene.room.asks(scene.alice, "/name alice\n"), "* you are now alice\n");
    assert_eq!(scene.bob_hears(), "");
    assert_eq!(scene.room.asks(scene.alice, "/name Alice\n"), "* you are now Alice\n");
    assert_eq!(scene.bob_hears(), "* alice is now Alice\n", "a change of case is announced");
}

#[test]
fn a_name_of_only_spaces_or_combining_marks_is_refused() {
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
fn a_name_at_the_limit_is_allowed_and_a_longer_one_is_not() {
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
fn a_private_message_to_a_look_alike_name_reaches_nobody() {
    let mut scene = Scene::new();
    assert_eq!(scene.offends("/msg b0b psst\n"), "! nobody here has that name\n");
    assert_eq!(scene.offends("/msg BOB psst\n"), "you -> bob: psst\n", "another case of the name is the same name");
    assert_eq!(scene.bob_hears(), "guest-3 -> you: psst\n");
}

#[test]
fn a_private_message_to_a_departed_guest_is_refused() {
    let mut scene = Scene::new();
    let psst = |scene: &mut Scene, number: u32| {
        let (alice, words) = (scene.alice, format!("/msg guest-{number} psst\n"));
        scene.room.asks(alice, words)
    };
    assert_eq!(psst(&mut scene, 3), "you -> guest-3: psst\n");
    assert_eq!(scene.room.read(scene.offender), "alice -> you: psst\n");
    // A guest who has sent no message leaves unannounced, and another takes its slot.
    scene.offends("/quit\n");
    assert_eq!(scene.closed(), Some(CloseReason::Quit));
    scene.offender = scene.room.enter("text");
    assert_eq!(scene.room.hub.name(scene.offender), Some("guest-4".into()));
    assert_eq!(psst(&mut scene, 3), "! guest-3 is gone, or is called something else now\n");
    assert_eq!(scene.room.read(scene.offender), "", "the message was meant for another guest");
    assert_eq!(psst(&mut scene, 4), "you -> guest-4: psst\n");
    scene.offends("/name carol\n");
    scene.quiet();
    assert_eq!(psst(&mut scene, 4), "! guest-4 is gone, or is called something else now\n");
    assert_eq!(psst(&mut scene, 5), "! nobody here has that name\n");
    assert_eq!(scene.room.hub.find("guest-04"), None);
    scene.unharmed();
}

#[test]
fn reconnecting_gives_no_guest_an_earlier_number() {
    let mut scene = Scene::with(Config { rate: None, max_sessions: 3, ..Config::default() });
    for number in 4..200 {
        scene.offends("/quit\n");
        assert_eq!(scene.closed(), Some(CloseReason::Quit));
        scene.offender = scene.room.enter("text");
        assert_eq!(scene.room.hub.name(scene.offender), Some(format!("guest-{number}")));
    }
    // A classic client that is never shown as a guest takes no number.
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
