//! The configuration file of `chat-server`.

use std::path::PathBuf;
use std::{env, fs, process};

use chat_tests::conformance::{Client, classic_line};
use chat_tests::program::Program;
use rustix::process::Signal;

use super::{guest, run};

#[test]
fn a_configuration_file_sets_options_and_the_command_line_replaces_them() {
    let file = "listen = [\"text=127.0.0.1:0\", \"classic=127.0.0.1:0\"]\nmax-line = 64\nlog = \"off\"\n\
                [idle-timeout]\nclassic = \"200ms\"";
    let file = TemporaryFile::new("good.toml", file);
    let mut process = Program::ChatServer.start(&["--config", file.path(), "--max-line", "65"]);
    let (text, classic) = (process.listening("text"), process.listening("classic"));
    let mut alice = guest("alice", text);
    alice.say(&"x".repeat(66));
    alice.expect("! line too long: 65 bytes at most");
    let mut carol = Client::connect("carol", classic);
    carol.expect(&classic_line("server", "closed: timed out"));
    process.signal(Signal::TERM);
    assert_eq!(process.ended().stderr, "", "the log is off");
    // The same without serving.
    assert_eq!(run(&["--config", file.path(), "--check-config"], 0).0, ["the configuration is valid"]);
}

#[test]
fn rooms_of_a_file_are_there_and_new_ones_are_not_begun() {
    let file = "listen = [\"text=127.0.0.1:0\"]\nnew-rooms = false\n\
                [[room]]\nname = \"tea\"\ntopic = \"biscuits at five\"\n\
                [[room]]\nname = \"staff\"\nflags = [\"hidden\"]";
    let file = TemporaryFile::new("rooms.toml", file);
    let mut process = Program::ChatServer.start(&["--config", file.path()]);
    let mut alice = guest("alice", process.listening("text"));
    alice.say("/rooms");
    alice.expect("* lobby 1");
    alice.expect("* tea 0 biscuits at five");
    alice.expect("* those were 2 rooms; /join one");
    alice.say("/join cake");
    alice.expect("! there is no room of that name, and no new ones may be made");
    alice.say("/join staff");
    alice.expect("* you are in staff now, 1 here");
    alice.say("/join tea");
    alice.expect("* you are in tea now, 1 here");
}

#[test]
fn clients_of_irc_are_told_what_the_file_says() {
    let motd = TemporaryFile::new("motd.txt", "Be kind.\n");
    let file = format!(
        "listen = [\"irc=127.0.0.1:0\"]\n[irc]\nserver-name = \"chat.example\"\nnetwork = \"Tea\"\nmotd = \"{}\"",
        motd.path()
    );
    let file = TemporaryFile::new("irc.toml", file);
    let mut process = Program::ChatServer.start(&["--config", file.path()]);
    let mut ann = Client::connect("ann", process.listening("irc"));
    ann.say("NICK ann\r\nUSER ann 0 * :Ann\r");
    let mut told = Vec::new();
    // 376 is the end of the message of the day.
    while !told.last().is_some_and(|line: &String| line.contains(" 376 ")) {
        told.push(ann.line());
    }
    assert!(told.iter().all(|line| line.starts_with(":chat.example ") && line.ends_with('\r')), "{told:?}");
    for words in ["NETWORK=Tea ", ":- Be kind."] {
        assert!(told.iter().any(|line| line.contains(words)), "{words}: {told:?}");
    }
}

#[test]
fn a_line_of_a_message_of_the_day_that_is_too_long_is_named_with_its_file() {
    let motd = TemporaryFile::new("long.txt", format!("short\n{}\n", "x".repeat(401)));
    let (_, errors) = run(&["--irc-motd", motd.path(), "--check-config"], 2);
    assert!(errors.contains(&format!("{}: line 2 ", motd.path())) && errors.lines().count() == 1, "{errors}");
}

#[test]
fn the_example_file_is_valid() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../chat-smol/chat.example.toml");
    let (output, errors) = run(&["--config", example, "--check-config"], 0);
    assert_eq!((output, errors.as_str()), (vec!["the configuration is valid".to_owned()], ""));
}

#[test]
fn an_error_in_a_file_is_one_sentence_with_the_line() {
    for (text, mentions) in [
        ("max-line = 64\nmax-sesions = 5", &["line 2", "max-sesions", "did you mean max-sessions?"][..]),
        ("\nmax-line = \"4 elephants\"", &["line 2", "max-line = \"4 elephants\"", "MiB"]),
        ("\n\nmax-sessions = 0", &["line 3", "max-sessions = 0", "1048576"]),
        ("[backlog]\nmorse = 5", &["line 2", "morse", "classic, text or irc"]),
        ("rate = \"5/s\"\nrate = \"6/s\"", &["line 2", "duplicate key"]),
        ("new-rooms = \"no\"", &["line 1", "new-rooms", "true or false"]),
        ("[[room]]\nname = \"tea\"\nflags = [\"hiden\"]", &["line 3", "hiden", "did you mean hidden?"]),
        ("[[room]]\nname = \"tea\"\ntitle = \"tea\"", &["line 3", "room.title", "name, topic, flags"]),
        ("[[room]]\nname = \"tea\"\nflags = [\"invited-only\"]", &["line 3", "invited-only", "who could invite"]),
        ("[[room]]\nname = \"tea room\"", &["line 2", "tea room", "letters and digits, and - after the first"]),
        ("[irc]\nservername = \"x\"", &["line 2", "irc.servername", "did you mean server-name?"]),
        ("[irc]\nmotd = \"/nowhere/motd\"", &["line 2", "irc.motd = \"/nowhere/motd\"", "cannot be read"]),
        ("max-line", &["line 1", "expected `=`"]),
        ("names = \"\x1b[2J\"", &["line 1"]),
    ] {
        let file = TemporaryFile::new("bad.toml", text);
        let (output, errors) = run(&["--config", file.path()], 2);
        assert_eq!((output.len(), errors.lines().count()), (0, 1), "{text:?}: {errors}");
        assert!(errors.starts_with("chat-server: ") && errors.contains(file.path()), "{errors}");
        assert!(!errors.trim_end().contains(char::is_control), "{errors:?}");
        for mention in mentions {
            assert!(errors.contains(mention), "{text:?} should mention {mention:?}: {errors}");
        }
    }
    let huge = TemporaryFile::new("huge.toml", "#\n".repeat(1 << 20));
    let rubbish = TemporaryFile::new("rubbish.toml", b"#\n\xff\xfe");
    for (path, mention) in [
        ("/nowhere/chat.toml", "cannot read /nowhere/chat.toml: "),
        ("/", "cannot read /: "),
        (huge.path(), "has more than 1048576 bytes"),
        (rubbish.path(), "line 2: it is not valid UTF-8"),
    ] {
        let (_, errors) = run(&["--config", path, "--check-config"], 2);
        assert!(errors.contains(mention) && errors.lines().count() == 1, "{errors}");
    }
    let empty = TemporaryFile::new("empty.toml", "");
    run(&["--config", empty.path(), "--check-config"], 0);
}

/// A file in the system's temporary directory, removed when dropped.
pub(super) struct TemporaryFile(PathBuf);

impl TemporaryFile {
    pub(super) fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = env::temp_dir().join(format!("chat-{}-{name}", process::id()));
        fs::write(&path, text).expect("a file can be written");
        Self(path)
    }

    pub(super) fn path(&self) -> &str {
        self.0.to_str().expect("the path is UTF-8")
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
