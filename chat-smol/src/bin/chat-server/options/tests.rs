//! The help, the example file and the limits agree.

use chat_proto::dialect::IrcSettings;
use chat_proto::{ConfigError, NameRules, RoomConfig, RoomFlags};
use clap::Parser as _;

use super::*;
use crate::value;

fn config(args: &[&str]) -> Config {
    let arguments = Arguments::try_parse_from([&["chat-server"], args].concat()).expect("right options");
    let mut config = default_config();
    arguments.options.apply(&mut config);
    config
}

#[test]
fn the_dialects_that_an_option_may_name_are_those_that_can_be_served() {
    let config = default_config();
    let names: Vec<_> = config.dialects.iter().map(|dialect| dialect.dialect.name()).collect();
    assert_eq!(names, value::DIALECTS);
}

#[test]
fn clap_accepts_the_options() {
    command().debug_assert();
}

#[test]
fn every_limit_has_its_option() {
    let per_second = |rate: Option<Rate>| rate.map(|Rate { per_second, burst }| (per_second.get(), burst.get()));
    let Config {
        max_sessions: 11,
        policy: None,
        started: 0,
        life: 0,
        max_line: 12,
        max_name: 13,
        names: NameRules::Loose,
        log_bytes: 20_971_520,
        log_entries: 21,
        reply_bytes: 22_528,
        journal_records: 23,
        history: 24,
        history_bytes: 24_576,
        max_rooms: 30,
        max_rooms_per_session: 31,
        new_rooms: false,
        rooms,
        room_log_bytes: 32_768,
        room_log_entries: 33,
        room_history: 34,
        room_history_bytes: 35_840,
        rate,
        pace: Some(25),
        max_per_address: Some(26),
        max_rooms_per_address: Some(36),
        connects_per_address,
        rate_per_address,
        on_lag: chat_proto::OnLag::Close,
        stall_timeout: None,
        linger_timeout,
        dialects,
    } = config(&[
        "--max-sessions=11",
        "--max-line=12",
        "--max-name=13",
        "--names=loose",
        "--log-bytes=20MiB",
        "--log-entries=21",
        "--reply-bytes=22KiB",
        "--journal-records=23",
        "--history=24",
        "--history-bytes=24KiB",
        "--max-rooms=30",
        "--max-rooms-per-session=31",
        "--new-rooms=false",
        "--room-log-bytes=32KiB",
        "--room-log-entries=33",
        "--room-history=34",
        "--room-history-bytes=35KiB",
        "--rate=14/s:15",
        "--rate=classic=off",
        "--pace=25",
        "--max-per-address=26",
        "--max-rooms-per-address=36",
        "--connects-per-address=27/s:28",
        "--rate-per-address=29/s",
        "--on-lag=close",
        "--stall-timeout=off",
        "--linger-timeout=19ms",
        "--backlog=16",
        "--idle-timeout=17s",
        "--idle-timeout=classic=18s",
    ])
    else {
        panic!("an option sets no limit, or another one than that of its name: is its line in `apply` right?");
    };
    assert_eq!(rooms, [], "the file lists them");
    assert_eq!(per_second(rate), Some((14, 15)));
    assert_eq!(per_second(connects_per_address), Some((27, 28)));
    assert_eq!(per_second(rate_per_address), Some((29, 1_000)), "without a burst it has the default's");
    assert_eq!(linger_timeout.as_millis(), 19);
    for DialectConfig { dialect, idle_timeout, rate, backlog } in dialects {
        let is_classic = dialect.name() == "classic";
        assert_eq!(rate, if is_classic { RateLimit::Own(None) } else { RateLimit::AsConfig });
        let seconds = if is_classic { 18 } else { 17 };
        assert_eq!((backlog, idle_timeout.map(|time| time.as_secs())), (16, Some(seconds)));
    }
}

#[test]
fn each_room_table_of_a_file_is_a_room() {
    let file = "[[room]]\nname = \"tea\"\n[[room]]\nname = \"staff\"\ntopic = \"rota\"\nflags = [\"hidden\", \"moderated\"]\n\
                [[room]]\nname = \"free\"\nflags = []";
    let options: Options = toml::from_str(file).expect("a right file");
    let mut config = Config::default();
    options.apply(&mut config);
    let room = |name: &str, topic: &str, flags| RoomConfig { name: name.into(), topic: topic.into(), flags };
    let staff = RoomFlags::HIDDEN | RoomFlags::MODERATED;
    let rooms = [room("tea", "", RoomFlags::NEW), room("staff", "rota", staff), room("free", "", RoomFlags::NONE)];
    assert_eq!(config.rooms, rooms);
}

#[test]
fn the_last_of_repeated_options_counts() {
    assert_eq!(config(&["--max-name", "5", "--max-name", "6"]).max_name, 6);
    let timeout = |args: &[&str]| config(args).dialects[1].idle_timeout.map(|time| time.as_secs());
    assert_eq!(timeout(&["--idle-timeout", "text=5s", "--idle-timeout", "6s"]), Some(6));
}

/// Each option of the table with its form and its help.
fn table() -> Vec<(String, String, String)> {
    let command = Options::augment_args(Command::new(""));
    let row = |arg: &clap::Arg| {
        let form = arg.get_value_names().expect("a value").concat();
        (arg.get_long().expect("a name").to_owned(), form, arg.get_help().expect("a help").to_string())
    };
    command.get_arguments().map(row).collect()
}

#[test]
fn the_help_tells_the_defaults() {
    let default = format!("{:?}", default_config());
    for (name, _, help) in table() {
        let (_, defaults) = help.split_once("default: ").expect(&name);
        if name.starts_with(WebTable::PREFIX) {
            assert_eq!(defaults, "none]", "a list without a name");
            continue;
        }
        let defaults = defaults.strip_suffix(']').expect("the default is the end");
        // Giving an option its default leaves the default configuration unchanged.
        let args: Vec<String> = defaults.split(' ').map(|value| format!("--{name}={value}")).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_eq!(format!("{:?}", config(&args)), default, "{help}");
    }
    let listen: Vec<String> = crate::listener::default_listeners().iter().map(ToString::to_string).collect();
    let irc = IrcSettings::default();
    assert_eq!((irc.network, irc.motd.len()), (String::new(), 0));
    for (name, value) in [
        ("listen", listen.join(" ")),
        ("irc-server-name", irc.server_name),
        ("irc-network", "off".into()),
        ("irc-motd", "off".into()),
        ("tls-certificate", "off".into()),
        ("tls-key", "off".into()),
        ("exempt", Exemptions::default().to_string()),
        ("log", "info".into()),
        ("log-format", "text".into()),
    ] {
        let (_, _, help) = table().into_iter().find(|(option, ..)| option == name).expect(name);
        assert!(help.ends_with(&format!("[default: {value}]")), "{help}");
    }
    assert_eq!(LogFilter::default(), "info".parse().expect("a filter"));
    assert_eq!(LogFormat::default(), LogFormat::Text);
}

#[test]
fn the_help_tells_the_ranges() {
    let check = |name: &str, value: &str| config(&[&format!("--{name}={value}")]).check();
    let mut ranges = 0;
    for (name, form, help) in table() {
        let Some((range, _)) = help.rsplit_once('[').and_then(|(_, end)| end.split_once("; default: ")) else {
            assert!(
                ["listen", "metrics", "names", "on-lag", "new-rooms", "exempt", "log", "log-format"].contains(&&*name)
                    || name.starts_with(IrcTable::PREFIX)
                    || name.starts_with(WebTable::PREFIX)
                    || name.starts_with(TlsTable::PREFIX),
                "the help of --{name} has no range: {help}"
            );
            continue;
        };
        ranges += 1;
        let (least, most) = match range.strip_prefix("up to ") {
            Some(most) => (None, most),
            None => range.split_once(" to ").map(|(least, most)| (Some(least), most)).expect(range),
        };
        // Some values need another limit changed with them; the error then names that limit.
        let is_out = |value: &str| match check(&name, value) {
            Err(
                ConfigError::OutOfRange { limit, .. }
                | ConfigError::TooLittleRoom { limit, .. }
                | ConfigError::Timeout { limit, .. },
            ) => limit.field() == name.replace('-', "_"),
            _ => false,
        };
        let beside = |value: &str, by: i64| {
            let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
            let number = digits.parse::<i64>().expect(value) + by;
            format!("{number}{}", &value[digits.len()..])
        };
        if form.ends_with("N/s[:BURST]|off") {
            let (per_second, burst) = most.split_once("/s:").expect(most);
            assert!(!is_out(most), "{name} {most}");
            assert!(is_out(&format!("{}/s:{burst}", beside(per_second, 1))), "{name}");
            assert!(is_out(&format!("{per_second}/s:{}", beside(burst, 1))), "{name}");
        } else {
            assert!(!is_out(most) && is_out(&beside(most, 1)), "{name} {most}");
            for least in least.into_iter().filter(|least| *least != "0") {
                assert!(!is_out(least) && is_out(&beside(least, -1)), "{name} {least}");
            }
        }
        assert_eq!(config(&[]).check(), Ok(()));
        let may_be_off = Arguments::try_parse_from(["chat-server", &format!("--{name}=off")]).is_ok();
        assert_eq!(may_be_off, form.ends_with("|off"), "{name}");
    }
    assert!(ranges > 20, "{ranges} ranges are seen");
}

#[test]
fn the_help_fits_a_terminal_and_its_examples_work() {
    let help = command().render_long_help().to_string();
    let without_space = |help: &str| help.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    assert_eq!(without_space(&command().render_help().to_string()), without_space(&help), "-h tells the same");
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
    for arg in command().get_arguments() {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let (_, own_line) = help.split_once("\n[").unwrap_or_default();
        assert!(own_line.is_empty() || own_line.contains("default: "), "only the range and the default: {help}");
    }
    let (_, examples) = help.split_once("Examples:\n").expect("examples");
    let examples: Vec<_> = examples.lines().map_while(|line| line.strip_prefix("  ")).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        Arguments::try_parse_from(example.split_whitespace()).expect(example);
    }
}

#[test]
fn the_example_has_every_option_with_its_default_and_a_sentence() {
    let example = include_str!("../../../../chat.example.toml");
    let options: Options = toml::from_str(example).expect("a right file");
    let mut config = default_config();
    options.apply(&mut config);
    assert_eq!(format!("{config:?}"), format!("{:?}", default_config()));
    let mut irc = IrcSettings::default();
    options.irc.apply(&mut irc);
    assert_eq!(irc, IrcSettings::default());
    assert!(options.irc.server_name.is_some() && options.irc.network.is_some());
    assert_eq!(options.irc.motd, Some(OrOff(None)));
    assert_eq!((&options.web.hosts[..], &options.web.origins[..]), (&[][..], &[][..]));
    assert_eq!((options.tls.certificate, options.tls.key), (Some(OrOff(None)), Some(OrOff(None))));
    assert_eq!(options.listen, crate::listener::default_listeners());
    assert_eq!(options.exempt, Some(Exemptions::default()));
    assert_eq!((options.log, options.log_format), (Some(LogFilter::default()), Some(LogFormat::default())));
    let lines: Vec<&str> = example.lines().collect();
    for (name, ..) in table() {
        // Those are in a table of their own.
        let tables = [IrcTable::PREFIX, WebTable::PREFIX, TlsTable::PREFIX];
        let name = tables.iter().find_map(|it| name.strip_prefix(it)).unwrap_or(&name);
        let starts = [format!("{name} = "), format!("[{name}]")];
        let at: Vec<usize> =
            (0..lines.len()).filter(|at| starts.iter().any(|start| lines[*at].starts_with(start))).collect();
        let [at] = at[..] else { panic!("chat.example.toml has the key {name} {} times, not once", at.len()) };
        let is_explained = at > 0 && lines[at - 1].starts_with("# ") && lines[at - 1].ends_with('.');
        assert!(is_explained, "chat.example.toml has no sentence above {name}");
    }
}

#[test]
fn the_example_of_a_room_is_right_and_tells_of_every_flag() {
    let example = include_str!("../../../../chat.example.toml");
    // What may be set is behind a # without a space.
    let room = example.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with([' ', '#']));
    let options: Options = toml::from_str(&room.collect::<Vec<_>>().join("\n")).expect("a right file");
    let [room] = &options.room[..] else { panic!("{:?}", options.room) };
    assert_eq!(room.room().flags, RoomFlags::NEW);
    assert_eq!(Config { rooms: vec![room.room()], ..Config::default() }.check(), Ok(()));
    for (_, flag) in RoomFlags::ALL {
        assert!(example.contains(&format!("{flag}: ")), "{flag}");
    }
}
