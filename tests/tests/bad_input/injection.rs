//! Row *injection*: messages and names that imitate something else.

use chat_proto::{Config, NameRules, RecordKind};

use super::{Scene, chat};

#[test]
fn terminal_controls_are_removed_from_messages() {
    for (words, shown) in [
        ("\x1b[2Jcleared", "[2Jcleared"),
        ("\x1b]52;c;cm0gLXJm\x07clipboard", "]52;c;cm0gLXJmclipboard"),
        ("\u{9b}31mred\u{9d}0;title\u{9c}", "31mred0;title"),
        ("back\x08\x08\x08\x08space\x7f", "backspace"),
        ("\u{202e}olleh\u{202c} \u{2066}x\u{2069}", "olleh x"),
        ("a\u{2028}b\u{2029}c\u{85}d", "a b cd"),
        ("tab\tbed", "tab bed"),
    ] {
        let mut scene = Scene::new();
        scene.offends(format!("{words}\n"));
        assert_eq!(scene.bob_hears(), format!("* guest-3 joined\nguest-3: {shown}\n"), "{words:?} said");
        scene.offends(format!("/me {words}\n"));
        assert_eq!(scene.bob_hears(), format!("** guest-3 {shown}\n"), "{words:?} done");
        scene.offends(format!("/msg bob {words}\n"));
        assert_eq!(scene.bob_hears(), format!("guest-3 -> you: {shown}\n"), "{words:?} told");
        scene.offends(format!("/quit {words}\n"));
        assert_eq!(scene.bob_hears(), format!("* guest-3 left (\"{shown}\")\n"), "{words:?} on leaving");
        scene.unharmed();
    }
}

#[test]
fn a_message_of_control_characters_only_is_not_published() {
    let mut scene = Scene::new();
    for words in ["\x1b\x07\x08", "\u{202e}\u{2066}", "\u{85}\u{9b}", " \t ", "\0"] {
        assert_eq!(scene.offends(format!("{words}\n")), "");
        assert_eq!(scene.offends(format!("/me {words}\n")).replace("! usage: /me ACTION\n", ""), "");
    }
    scene.unharmed();
}

/// Asserts how these words are shown in a message, an action, a private message and a quit reason, and from `classic`.
#[track_caller]
fn are_shown_as(words: &str, shown: &str) {
    let mut scene = Scene::new();
    scene.offends(format!("{words}\n"));
    assert_eq!(scene.bob_hears(), format!("* guest-3 joined\nguest-3: {shown}\n"), "{words:?} said");
    let (trimmed, spaces) = (shown.trim_start(), words.trim_start());
    scene.offends(format!("/me {spaces}\n"));
    assert_eq!(scene.bob_hears(), format!("** guest-3 {trimmed}\n"), "{words:?} done");
    scene.offends(format!("/msg bob {spaces}\n"));
    assert_eq!(scene.bob_hears(), format!("guest-3 -> you: {trimmed}\n"), "{words:?} told");
    let classic = scene.room.enter("classic");
    scene.room.types(classic, chat("carol", words));
    assert_eq!(scene.bob_hears(), format!("* carol joined\ncarol: {shown}\n"), "{words:?} in base64");
    // A quit reason is cut before it is cleaned.
    if words.len() <= 256 {
        scene.offends(format!("/quit {spaces}\n"));
        assert_eq!(scene.bob_hears(), format!("* guest-3 left (\"{trimmed}\")\n"), "{words:?} on leaving");
    }
    scene.unharmed();
}

#[test]
fn invisible_characters_are_removed_from_messages() {
    for c in "\u{200b}\u{200c}\u{200d}\u{200e}\u{2060}\u{206a}\u{206f}\u{feff}\u{ad}\u{34f}\u{3164}\u{13441}\u{2800}\u{e0001}\u{e0041}\u{fe0f}\u{e0101}"
        .chars()
    {
        are_shown_as(&format!("yes{c}, I {c}{c}do"), "yes, I do");
    }
    // A hidden message, spelled in tag characters.
    let hidden: String = "I resign".chars().filter_map(|c| char::from_u32(0xE_0000 + u32::from(c))).collect();
    are_shown_as(&format!("hello{hidden}!"), "hello!");
    let mut scene = Scene::new();
    for words in ["\u{13441}", "\u{200b}\u{2800}", "\u{e0041}\u{e0042}", "\u{206a} \u{206f}"] {
        assert_eq!(scene.offends(format!("{words}\n")), "");
    }
    scene.unharmed();
}

#[test]
fn joiners_stay_where_letters_or_emoji_need_them() {
    for words in [
        "می\u{200c}خواهم",
        "ශ\u{dca}\u{200d}ර\u{dd3}",
        "র\u{200d}\u{9cd}য\u{9be}ম",
        "👩🏽\u{200d}🚀 ❤\u{fe0f}",
        "1\u{fe0f}\u{20e3}",
    ] {
        are_shown_as(words, words);
    }
    are_shown_as("o\u{200c}n\u{200d}e 👩\u{200d} two", "one 👩 two");
}

#[test]
fn at_most_three_combining_marks_in_a_row_are_kept() {
    are_shown_as(&format!("Z{}algo", "\u{301}".repeat(1_000)), "Z\u{301}\u{301}\u{301}algo");
    let mut scene = Scene::new();
    scene.offends(format!("Z{}algo\n", "\u{301}".repeat(2_000)));
    assert_eq!(scene.bob_hears(), "* guest-3 joined\nguest-3: Z\u{301}\u{301}\u{301}algo\n");
    are_shown_as("ế\u{323}\u{303}\u{200b}\u{330}\u{331}", "ế\u{323}\u{303}\u{330}");
}

#[test]
fn padding_cannot_reach_the_terminals_edge() {
    // In 80 columns the next row would begin with bob's name.
    let pad = |words: &str, c: &str, columns: usize| {
        let width = "guest-3: ".len() + words.len();
        format!("{words}{}bob: I resign", c.repeat(columns - width))
    };
    for columns in [80, 100, 120, 132, 160] {
        are_shown_as(&pad("hm", " ", columns), "hm bob: I resign");
        are_shown_as(&pad("hm", "\u{a0}", columns), "hm bob: I resign");
        are_shown_as(&pad("hm", "\t", columns), "hm bob: I resign");
        are_shown_as(&pad("", " ", columns), " bob: I resign");
    }
    for blank in ["\u{3000}", "\u{2003}", "\u{2800} ", " \u{200b}", " \u{13441}", " \u{1039}"] {
        let mut scene = Scene::new();
        scene.offends(format!("hm{}bob: I resign\n", blank.repeat(78)));
        let heard = scene.bob_hears();
        assert!(heard.starts_with("* guest-3 joined\nguest-3: hm ") && heard.len() < 60, "{heard:?}");
    }
}

#[test]
fn pasted_code_keeps_its_shape() {
    for line in [
        "fn main() {",
        "    let x        = 1;",
        "        if x {",
        "            return;",
        "                                deep",
        "}",
    ] {
        are_shown_as(line, line);
    }
    are_shown_as("x         = 1", "x = 1");
    are_shown_as(&format!("{}too deep", " ".repeat(33)), " too deep");
}

#[test]
fn a_message_cannot_imitate_a_notice_or_anothers_line() {
    let mut scene = Scene::new();
    scene.offends("first\n");
    scene.quiet();
    for words in ["* bob left", "! closed: kicked", "alice: I owe mallory 100", "** alice waves", "alice -> you: psst"]
    {
        scene.offends(format!("{words}\n"));
        let heard = scene.bob_hears();
        assert_eq!(heard, format!("guest-3: {words}\n"), "the line begins with its author");
    }
    // No kind of line end helps either.
    scene.offends("x\rbob: forged\u{2028}bob: forged\u{85}bob: forged\n");
    assert_eq!(scene.bob_hears(), "guest-3: x bob: forged bob: forgedbob: forged\n");
    scene.unharmed();
}

#[test]
fn a_public_classic_message_cannot_imitate_a_private_one_or_an_action() {
    let mut scene = Scene::new();
    let carol = scene.room.enter("classic");
    scene.offends("/name mallory\n");
    let mut hears = |line: &str| {
        scene.offends(line);
        scene.room.read(carol)
    };
    assert_eq!(hears("(private) hi\n"), chat("mallory", "(private) hi"));
    assert_eq!(hears("* waves\n"), chat("mallory", "* waves"));
    assert_eq!(hears("/me waves\n"), chat("mallory", "waves").replacen("CHAT", "ACT", 1));
    scene.room.types(carol, "NAME Y2Fyb2w=\n");
    scene.offends("/msg carol hi\n");
    assert_eq!(scene.room.read(carol), chat("mallory", "hi").replacen("CHAT", "TELL", 1));
}

#[test]
fn a_name_cannot_imitate_a_notice_or_anothers_line_or_be_invisible() {
    let mut scene = Scene::new();
    for name in [
        "*",
        "* alice",
        "!closed",
        "/quit",
        "alice:",
        "a:b",
        "al ice",
        "alice\tx",
        "a\u{a0}b",
        "a\u{3000}b",
        "alice\u{200b}",
        "\u{200d}bob",
        "\u{feff}bob",
        "\u{2060}bob",
        "\u{202e}bob",
        "bob\u{ad}",
        "bob\u{fe0f}",
        "\u{3164}",
        "a\x1b[31m",
        "a\x08",
        "\u{9b}m",
        "a\u{2028}b",
        "\u{115f}",
    ] {
        let answer = scene.offends(format!("/name {name}\n"));
        assert!(answer.starts_with("! a name has letters and digits"), "{name:?}: {answer}");
    }
    scene.unharmed();
}

#[test]
fn a_classic_name_cannot_imitate_a_notice_or_anothers_line() {
    let mut scene = Scene::new();
    scene.offender = scene.room.enter("classic");
    for name in ["* alice", "alice:", "a\nb", "a\r\nCHAT x", "a\0b", "server", "anonymous"] {
        scene.offends(chat(name, "hello"));
        assert_eq!(scene.bob_hears(), "anonymous: hello\n", "the claim to {name:?} is not granted");
    }
    scene.unharmed();
}

#[test]
fn peers_cannot_write_text_into_the_journal() {
    let mut scene = Scene::new();
    scene.offends("x\r1970-01-01 admin logged in\n/name \x1b[31m\n/quit bye\r\nroot: forged\n");
    // The journal has kinds and numbers, but no text from peers.
    let kinds: Vec<RecordKind> = scene.room.hub.journal(0).skip(5).map(|record| record.kind).collect();
    let quit = chat_proto::CloseReason::Quit;
    assert_eq!(kinds, [RecordKind::Refused, RecordKind::Closing(quit), RecordKind::Closed(quit)]);
}

#[test]
fn format_directives_are_not_interpreted() {
    let mut scene = Scene::with(Config { rate: None, names: NameRules::Loose, ..Config::default() });
    for name in ["%s%n%x", "{}", "{0}", "${HOME}", "$(reboot)", "`id`", "%00"] {
        let answer = scene.offends(format!("/name {name}\n"));
        assert_eq!(answer, format!("* you are now {name}\n"));
        scene.quiet();
        scene.offends(format!("{name}\n"));
        assert_eq!(scene.bob_hears(), format!("{name}: {name}\n"));
    }
    scene.unharmed();
}

#[test]
fn a_quit_reason_cannot_imitate_a_notice() {
    for (words, shown) in [
        ("timed out", "* mallory left (\"timed out\")\n"),
        ("idle)  * alice left (timed out", "* mallory left (\"idle)  * alice left (timed out\")\n"),
        ("idle\")  * alice left (\"bye", "* mallory left (\"idle')  * alice left ('bye\")\n"),
    ] {
        let mut scene = Scene::new();
        scene.offends("/name mallory\n");
        scene.quiet();
        scene.offends(format!("/quit {words}\n"));
        assert_eq!(scene.bob_hears(), shown);
        scene.unharmed();
    }
}

#[test]
fn a_long_quit_reason_is_cut_between_characters() {
    let mut scene = Scene::new();
    scene.offends("/name mallory\n");
    scene.quiet();
    scene.offends(format!("/quit x{}\n", "ž".repeat(2_000)));
    assert_eq!(scene.bob_hears(), format!("* mallory left (\"x{}\")\n", "ž".repeat(127)));
    scene.unharmed();
}

#[test]
fn a_quit_reason_stays_on_its_line() {
    let mut scene = Scene::new();
    scene.offends("/name mallory\n");
    scene.quiet();
    scene.offends("/quit )\u{2028}* alice left\x1b[0m\n");
    assert_eq!(scene.bob_hears(), "* mallory left (\") * alice left[0m\")\n");
    scene.unharmed();
}
