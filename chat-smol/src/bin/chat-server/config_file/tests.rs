//! What is said of files that are wrong, and where values are found.

use super::*;

const SECRET: &str = "line 2: irc.password: it must be a hash that `chat-server hash-password` prints, not the \
                      password itself, or off";

fn refused(text: &str) -> String {
    ConfigFile::parse(Path::new("chat.toml"), text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn errors_name_their_line() {
    for (text, message) in [
        ("\nmax-sesions = 5", "line 2: there is no key max-sesions; did you mean max-sessions?"),
        ("max_line = 5", "line 1: there is no key max_line; did you mean max-line?"),
        ("x = 5", "line 1: there is no key x; --help lists the options, which are the keys"),
        ("config = \"x\"", "line 1: there is no key config; --help lists the options, which are the keys"),
        ("\n\nmax-line = \"4MB\"", "line 3: max-line = \"4MB\": it must be bytes, such as 4096, 64KiB, 4MiB or 1GiB"),
        ("rate = false", "line 1: rate: it must be in quotation marks, or a table of dialects"),
        ("exempt = [\"unix\"]", "line 1: exempt: it must be in quotation marks"),
        ("pace = 1.5", "line 1: pace: it must be a whole number, or in quotation marks"),
        ("max-sessions = -5", "line 1: max-sessions = -5: it must be a whole number, such as 100"),
        ("[max-line]\ntext = 5", "line 1: max-line: it must be a whole number, or in quotation marks"),
        ("[idle-timeot]\ntext = \"5m\"", "line 1: there is no key idle-timeot; did you mean idle-timeout?"),
        (
            "[sessions]\nmax-sessions = 5",
            "line 1: there is no key sessions; there are tables only for rate, backlog, idle-timeout, irc, web, tls, room, operator",
        ),
        ("MAX-LINE = 64", "line 1: there is no key MAX-LINE; did you mean max-line?"),
        ("[wbe]\nhosts = []", "line 1: there is no key wbe; did you mean web?"),
        ("hist = 5", "line 1: there is no key hist; did you mean history?"),
        ("on-lag = \"shout\"", "line 1: on-lag = \"shout\": it must be skip or close"),
        ("new-rooms = \"no\"", "line 1: new-rooms: it must be true or false, without quotation marks"),
        ("max-rooms = true", "line 1: max-rooms: it must be a whole number"),
        ("names = \"Strict\"", "line 1: names = \"Strict\": it must be strict or loose"),
        ("log-format = \"xml\"", "line 1: log-format = \"xml\": it must be text or json"),
        (
            "exempt = \"lan\"",
            "line 1: exempt = \"lan\": lan is no network: a list is as in 127.0.0.0/8,::1/128,unix, or none",
        ),
        (
            "[idle-timeout]\n\nmorse = \"5m\"",
            "line 3: idle-timeout.morse = \"5m\": there is no such dialect; the dialect must be classic, text or irc",
        ),
        ("[backlog]\ntext = \"five\"", "line 2: backlog.text = \"five\": it must be a whole number, such as 100"),
        ("[backlog]\ntext.x = 5", "line 2: backlog.text: it must be a whole number"),
        ("[backlog]\ntexr = 5", "line 2: backlog.texr = 5: there is no such dialect; did you mean text?"),
        ("backlog = []", "line 1: backlog: it must be a whole number, or a table of dialects"),
        ("listen = []", "line 1: listen = []: it must list something; leave it out for the default"),
        (
            "[backlog]\ntext = 5\nmax-sessions = 100",
            "line 3: backlog.max-sessions = 100: max-sessions is a key of its own: put it above [backlog]",
        ),
        ("listen = \"text=:4000\"", "line 1: listen: it must be a list, as in [\"text=127.0.0.1:4000\"]"),
        (
            "listen = [\n  \"text=:4000\",\n  \"morse=:5\"\n]",
            "line 3: listen = \"morse=:5\": it must be classic, text, irc, one of these with +ws, or web, and each may have +tls",
        ),
        ("irc = \"chat.example.org\"", "line 1: irc: it must be a table, under [irc]"),
        ("[[irc]]\nmotd = \"x\"", "line 1: irc: it must be a table, under [irc]"),
        ("[irc]\nservername = \"x\"", "line 2: there is no key irc.servername; did you mean server-name?"),
        ("[irc]\nx = \"x\"", "line 2: there is no key irc.x; there are server-name, network, motd, password"),
        ("[irc]\nmax-line = 64", "line 2: there is no key irc.max-line; put max-line above [irc]"),
        ("irc-motd = \"x\"", "line 1: there is no key irc-motd; it is motd under [irc]"),
        ("hosts = [\"x\"]", "line 1: there is no key hosts; it is hosts under [web]"),
        ("[irc]\nnetwork = 5", "line 2: irc.network: it must be in quotation marks"),
        ("[irc]\nmotd = \"\"", "line 2: irc.motd = \"\": it must be a file's path, or off"),
        (
            "[irc]\n\nserver-name = \"a b\"",
            "line 3: irc.server-name = \"a b\": the server's name has letters, digits, - and ., and 1 to 63 bytes",
        ),
        ("[web]\nhosts = \"x\"", "line 2: web.hosts: it must be a list, as in [\"chat.example\"]"),
        ("[web]\nhost = []", "line 2: there is no key web.host; did you mean hosts?"),
        (
            "[web]\nhosts = [\"a\", \"b:1\"]",
            "line 2: web.hosts = \"b:1\": it must be a name such as chat.example, without a port",
        ),
        ("[room]\nname = \"tea\"", "line 1: room: each room must be a table under [[room]]"),
        ("room = [\n  \"tea\"\n]", "line 2: room: each room must be a table under [[room]]"),
        ("\n[[room]]\ntopic = \"tea\"", "line 2: room: it must have a name, as in name = \"tea\""),
        ("[[room]]\nnam = \"tea\"", "line 2: there is no key room.nam; did you mean name?"),
        ("[[room]]\nname = 5", "line 2: room.name: it must be in quotation marks"),
        ("[[room]]\nname = \"tea\"\ntopc = \"\"", "line 3: there is no key room.topc; did you mean topic?"),
        ("[[room]]\nname = \"tea\"\nx = 5", "line 3: there is no key room.x; there are name, topic, flags"),
        (
            "[[room]]\nname = \"tea\"\nmax-line = 64",
            "line 3: there is no key room.max-line; put max-line above the first [[room]]",
        ),
        ("rooms = 5", "line 1: there is no key rooms; did you mean room?"),
        ("[[room]]\nname = \"tea\"\nflags = \"hidden\"", "line 3: room.flags: it must be a list, as in [\"hidden\"]"),
        (
            "[[room]]\nname = \"tea\"\nflags = [\n  \"hidden\",\n  \"invite-only\"\n]",
            "line 5: room.flags = \"invite-only\": there is no such flag; did you mean invited-only?",
        ),
        (
            "[[room]]\nname = \"tea\"\nflags = [\"x\"]",
            "line 3: room.flags = \"x\": there is no such flag; there are topic-by-operators, members-speak, \
             moderated, invited-only, hidden",
        ),
        ("rate = \"5/s\"\nrate = \"6/s\"", "line 2: duplicate key, at rate"),
        ("max-sessions", "line 1: key with no value, expected `=`"),
        ("max-sessions =", "line 1: the value is missing"),
    ] {
        assert_eq!(refused(text), format!("chat.toml, {message}"));
    }
}

#[test]
fn a_value_without_quotation_marks_is_told_to_need_them() {
    for value in ["info", "10m", "True", "127.0.0.0/8"] {
        let refused = refused(&format!("\nlog = {value}"));
        let rule = "a value must be in quotation marks, unless it is a whole number, true or false";
        assert!(refused.starts_with(&format!("chat.toml, line 2: {rule}, at ")), "{refused}");
    }
}

#[test]
fn an_error_is_one_short_line() {
    let long = refused(&format!("max-line = \"{}\"", "\u{e4}".repeat(1_000)));
    assert!(long.contains("\u{e4}...: it must be bytes") && long.len() < 250, "{long}");
    for text in ["listen = [[\"text=:5\"]]", "[[listen]]\ntext = 5", "max-line = \"", "= 5", "a = 1 b = 2", "\0"] {
        let refused = refused(text);
        assert!(refused.starts_with("chat.toml, line 1: ") && !refused.contains('\n'), "{refused}");
    }
}

#[test]
fn errors_about_lists_of_the_web_name_their_line() {
    for (text, message) in [
        (
            "[web]\norigins = [\"https://gamja.example/\"]",
            "line 2: web.origins = \"https://gamja.example/\": it must be http:// or https:// and a host, with a port \
             or without, as in https://gamja.example:8443",
        ),
        (
            "[web]\norigins = \"https://gamja.example\"",
            "line 2: web.origins: it must be a list, as in [\"https://gamja.example\"]",
        ),
    ] {
        assert_eq!(refused(text), format!("chat.toml, {message}"));
    }
}

#[test]
fn errors_about_passwords_name_their_line_and_never_the_password() {
    for (text, message) in [
        ("[irc]\npassword = \"hunter2\"", SECRET),
        ("operator = 5", "line 1: operator: each operator must be a table under [[operator]]"),
        ("[[operator]]\nname = \"a\"", "line 1: operator: it must have a name and a password"),
        (
            "[[operator]]\nname = \"a b\"\npassword = \"x\"",
            "line 2: operator.name = \"a b\": it must be 1 to 64 bytes, without spaces and colons",
        ),
        ("[[operator]]\nname = 5\npassword = \"x\"", "line 2: operator.name: it must be in quotation marks"),
        ("[[operator]]\nname = \"a\"\npassword = 5", "line 3: operator.password: it must be in quotation marks"),
        (
            "[[operator]]\nname = \"a\"\npassword = \"x\"\n[[operator]]\nname = 'a'\npassword = \"y\"",
            "line 5: operator.name = 'a': there is another operator of that name",
        ),
        (
            "[[operator]]\nname = \"a\"\npasword = \"x\"",
            "line 3: there is no key operator.pasword; did you mean password?",
        ),
    ] {
        assert_eq!(refused(text), format!("chat.toml, {message}"));
    }
}

#[test]
fn an_entry_records_where_its_value_is() {
    let text = "max-line = 64\n[idle-timeout]\ntext = \"5m\"";
    let file = ConfigFile::parse(Path::new("chat.toml"), text.as_bytes()).expect(text);
    let entry = |option, dialect| file.entry(option, dialect).map(ToString::to_string);
    assert_eq!(entry("max-line", None).as_deref(), Some("line 1: max-line = 64"));
    assert_eq!(entry("idle-timeout", Some("text")).as_deref(), Some("line 3: idle-timeout.text = \"5m\""));
    assert_eq!(entry("idle-timeout", Some("classic")), None);
}

#[test]
fn a_key_of_a_room_is_found_by_the_rooms_name_or_number() {
    let text = "[[room]]\nname = \"a\"\n[[room]]\nname = \"b\"\ntopic = \"c\"\n[[room]]\nname = \"a\"";
    let file = ConfigFile::parse(Path::new("chat.toml"), text.as_bytes()).expect(text);
    let entry = |name, key| file.room_entry(name, key).map(ToString::to_string);
    assert_eq!(entry("b", "topic").as_deref(), Some("line 5: room.topic = \"c\""));
    assert_eq!(entry("a", "name").as_deref(), Some("line 7: room.name = \"a\""), "the last of that name");
    assert_eq!(entry("a", "topic"), None);
    assert_eq!(file.nth_room(1).map(ToString::to_string).as_deref(), Some("line 4: room.name = \"b\""));
    assert_eq!(file.nth_room(3), None);
}

#[test]
fn files_that_are_not_utf8_text_are_refused() {
    let refused = |path: &str| ConfigFile::read(Path::new(path)).expect_err(path).to_string();
    assert!(refused("/nowhere/chat.toml").starts_with("cannot read /nowhere/chat.toml: "));
    assert!(refused("/").starts_with("cannot read /: "));
    assert_eq!(refused("/dev/zero"), "/dev/zero has more than 1048576 bytes, too many for a configuration file");
    let error = ConfigFile::parse(Path::new("chat.toml"), b"history = 5\n# \xff").expect_err("no text");
    assert_eq!(error.to_string(), "chat.toml, line 2: it is not valid UTF-8");
}
