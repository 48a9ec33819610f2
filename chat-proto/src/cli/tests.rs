use alloc::vec;
use std::path::PathBuf;

use super::*;
use crate::config::setting::{SETTINGS, Setting};
use crate::config::{OnLag, Rate};

const PROGRAM: Program = Program {
    name: "chat-server",
    version: "1.2.3",
    unix_sockets: true,
    memory_bound: |config| config.memory_bound() + 5 * config.max_sessions,
};

fn options(args: &[&str]) -> Options {
    match parse(&PROGRAM, args) {
        Ok(Invocation::Serve(options)) => *options,
        other => panic!("{args:?} gave {other:?}"),
    }
}

fn printed(args: &[&str]) -> String {
    match parse(&PROGRAM, args) {
        Ok(Invocation::Print(text)) => text,
        other => panic!("{args:?} gave {other:?}"),
    }
}

fn refused(args: &[&str]) -> String {
    parse(&PROGRAM, args).expect_err("a refusal").to_string()
}

fn spoken(options: &Options) -> Vec<&'static str> {
    options.config.dialects.iter().map(|dialect| dialect.dialect.name()).collect()
}

fn listeners(options: &Options) -> Vec<String> {
    options.listeners.iter().map(ToString::to_string).collect()
}

#[test]
fn no_argument_serves_both_dialects_on_this_machine_only() {
    let options = options(&[]);
    assert_eq!(listeners(&options), ["text=127.0.0.1:4000", "classic=127.0.0.1:4001"]);
    assert_eq!(format!("{:?}", options.config), format!("{:?}", Config::default()));
    assert_eq!((options.log.as_str(), options.log_format), ("info", LogFormat::Text));
}

#[test]
fn listeners_replace_the_defaults_and_keep_their_order() {
    let options = options(&["--listen", "classic=127.0.0.1:0", "--listen=text=[::1]:5", "--listen", "text=1.2.3.4:6"]);
    assert_eq!(listeners(&options), ["classic=127.0.0.1:0", "text=[::1]:5", "text=1.2.3.4:6"]);
    assert_eq!(spoken(&options), ["classic", "text"]);
}

#[test]
fn an_address_can_be_the_path_of_a_unix_socket() {
    let args = ["--listen", "text=unix:/run/chat.sock", "--listen", "classic=unix:a=b.sock"];
    let options = options(&args);
    let [text, classic] = &options.listeners[..] else { panic!("{options:?}") };
    assert_eq!(text.addr, ListenAddr::Unix(PathBuf::from("/run/chat.sock")));
    assert_eq!(classic.addr, ListenAddr::Unix(PathBuf::from("a=b.sock")));
    assert_eq!(listeners(&options), [args[1], args[3]]);
}

#[test]
fn a_program_that_serves_no_unix_sockets_neither_takes_nor_offers_them() {
    let program = Program { name: "server", unix_sockets: false, ..PROGRAM };
    let refused = |addr: &str| parse(&program, ["--listen", addr]).expect_err("a refusal").to_string();
    assert_eq!(
        refused("text=unix:/run/chat.sock"),
        "--listen text=unix:/run/chat.sock: server serves no Unix sockets; the address must be IP:PORT, NAME:PORT or \
         :PORT, such as 127.0.0.1:4000, [::1]:4000, localhost:4000 or :4000"
    );
    assert!(refused("text=x").ends_with("localhost:4000 or :4000"), "{}", refused("text=x"));
    let Ok(Invocation::Print(help)) = parse(&program, ["--help"]) else { panic!("no help") };
    assert!(!help.contains("unix:"), "{help}");
    assert!(help_of("listen").contains("ADDR can also be unix:PATH, a Unix socket."));
}

#[test]
fn a_dialect_that_no_listener_speaks_is_left_out() {
    let options = options(&["--listen", "text=127.0.0.1:0", "--backlog", "classic=7", "--backlog", "text=8"]);
    assert_eq!(spoken(&options), ["text"]);
    assert_eq!(options.config.dialects[0].backlog, 8);
}

#[test]
fn every_limit_has_its_option() {
    let options = options(&[
        "--max-sessions=11",
        "--max-line=120",
        "--max-name=13",
        "--rate=14/s:15",
        "--max-per-address=24",
        "--connects-per-address=25/s:26",
        "--rate-per-address=27/s",
        "--backlog=16",
        "--on-lag=close",
        "--idle-timeout=17s",
        "--idle-timeout=classic=18s",
        "--stall-timeout=off",
        "--linger-timeout=19ms",
        "--log-bytes=20MiB",
        "--log-entries=21",
        "--reply-bytes=22KiB",
        "--journal-records=23",
    ]);
    let config = options.config;
    assert_eq!((config.max_sessions, config.max_line, config.max_name), (11, 120, 13));
    let rate = |rate: Option<Rate>| rate.map(|Rate { per_second, burst }| (per_second.get(), burst.get()));
    assert_eq!(rate(config.rate), Some((14, 15)));
    assert_eq!((config.max_per_address, rate(config.connects_per_address)), (Some(24), Some((25, 26))));
    assert_eq!(rate(config.rate_per_address), Some((27, 1_000)));
    assert_eq!(config.on_lag, OnLag::Close);
    assert_eq!((config.stall_timeout, config.linger_timeout.as_millis()), (None, 19));
    assert_eq!((config.log_bytes, config.log_entries), (20 << 20, 21));
    assert_eq!((config.reply_bytes, config.journal_records), (22 << 10, 23));
    for dialect in config.dialects {
        let seconds = if dialect.dialect.name() == "classic" { 18 } else { 17 };
        assert_eq!((dialect.backlog, dialect.idle_timeout.map(|time| time.as_secs())), (16, Some(seconds)));
    }
}

#[test]
fn of_an_option_given_twice_the_last_one_counts() {
    let options = options(&["--max-name", "5", "--log", "off", "--max-name", "6", "--log", "warn"]);
    assert_eq!((options.config.max_name, options.log.as_str()), (6, "warn"));
}

#[test]
fn who_is_not_counted_by_address_is_listed() {
    assert_eq!(options(&[]).exempt, Exemptions::default());
    assert_eq!(options(&["--exempt", "none"]).exempt, Exemptions::none());
    assert_eq!(options(&["--exempt", "10.0.0.0/8,unix"]).exempt.to_string(), "10.0.0.0/8,unix");
}

#[test]
fn the_log_is_for_a_person_or_a_program() {
    assert_eq!(options(&["--log-format=text"]).log_format, LogFormat::Text);
    let options = options(&["--log", "chat_proto=debug,warn", "--log-format", "json"]);
    assert_eq!((options.log.as_str(), options.log_format), ("chat_proto=debug,warn", LogFormat::Json));
}

#[test]
fn a_slip_in_the_log_filter_is_told_the_right_words() {
    for (filter, word) in [
        ("bogus", "\"bogus\""),
        ("inof", "\"inof\""),
        ("", "nothing"),
        ("info,", "nothing"),
        ("3", "\"3\""),
        ("info,chat_prot", "\"chat_prot\""),
        ("chat_proto=loud", "\"loud\""),
        ("chat_proto=", "nothing"),
        ("=debug", "nothing"),
        ("info, chat_proto=debug", "\" chat_proto\""),
    ] {
        let right = "off, error, warn, info, debug, trace; a filter is as in info, or in info,chat_proto=debug";
        assert_eq!(refused(&["--log", filter]), format!("--log {filter}: {word} is none of {right}"));
    }
    for filter in [
        "off",
        "INFO",
        "warn,chat_proto=trace",
        "chat_proto",
        "chat_smol::accept,off",
        "chat_server=debug",
        "polling=warn",
        "chat_proto::hub=debug,error",
        "info,[connection{peer=1}]=debug",
    ] {
        assert_eq!(options(&["--log", filter]).log, filter);
    }
}

#[test]
fn the_memory_bound_is_printed_as_a_bare_number_for_the_limits_and_the_program() {
    let args = ["--print-memory-bound", "--max-sessions", "77", "--listen", "text=127.0.0.1:0"];
    let mut config = Config { max_sessions: 77, ..Config::default() };
    config.dialects.retain(|dialect| dialect.dialect.name() == "text");
    assert_eq!(printed(&args), format!("{}\n", config.memory_bound() + 5 * 77));
    assert!(refused(&["--print-memory-bound", "--max-sessions", "0"]).starts_with("--max-sessions 0: "));
}

#[test]
fn the_version_stands_behind_the_name() {
    for option in ["--version", "-V"] {
        assert_eq!(printed(&[option]), "chat-server 1.2.3\n");
    }
}

#[test]
fn an_option_that_is_not_there_is_told_the_nearest() {
    for (option, meant) in [
        ("--max-lines", "max-line"),
        ("--max_line", "max-line"),
        ("--maxline", "max-line"),
        ("--idle", "idle-timeout"),
        ("--entries", "log-entries"),
        ("--linger", "linger-timeout"),
        ("--lsiten", "listen"),
        ("--memory-bound", "print-memory-bound"),
        ("--logs", "log"),
        ("--halp", "help"),
    ] {
        assert_eq!(refused(&[option]), format!("there is no option {option}; did you mean --{meant}?"));
    }
    for option in ["--colour", "--x", "-p", "--"] {
        let argument = if option == "--" { "---" } else { option };
        assert_eq!(refused(&[argument]), format!("there is no option {argument}; --help lists all there are"));
    }
}

#[test]
fn wrong_values_are_told_what_would_be_right() {
    for (args, message) in [
        (&["4000"][..], "4000 belongs to no option; an address is given as --listen text=127.0.0.1:4000"),
        (&["--", "--help"], "--help belongs to no option; an address is given as --listen text=127.0.0.1:4000"),
        (&["--listen", "4000"], "--listen 4000: it must be DIALECT=ADDR, such as text=127.0.0.1:4000"),
        (&["--listen", "irc=1.2.3.4:5"], "--listen irc=1.2.3.4:5: the dialect must be classic or text"),
        (
            &["--listen", "text=localhost"],
            "--listen text=localhost: the address must be IP:PORT, NAME:PORT or :PORT, such as 127.0.0.1:4000, \
             [::1]:4000, localhost:4000 or :4000, or unix:PATH",
        ),
        (
            &["--listen", "text=::1"],
            "--listen text=::1: the address must be IP:PORT, NAME:PORT or :PORT, such as 127.0.0.1:4000, \
             [::1]:4000, localhost:4000 or :4000, or unix:PATH",
        ),
        (&["--listen", "text=unix:"], "--listen text=unix:: unix: needs a path, such as unix:/run/chat.sock"),
        (&["--log-format", "xml"], "--log-format xml: it must be text or json"),
        (
            &["--exempt", "10.0.0.0/8,lan"],
            "--exempt 10.0.0.0/8,lan: lan is no network: a list is as in 127.0.0.0/8,::1/128,unix, or none",
        ),
        (&["--max-line", "4MB"], "--max-line 4MB: it must be bytes, such as 4096, 64KiB, 4MiB or 1GiB"),
        (&["--backlog", "irc=5"], "--backlog irc=5: the dialect must be classic or text"),
        (&["--print-memory-bound=5"], "unexpected argument for option '--print-memory-bound': \"5\""),
    ] {
        assert_eq!(refused(args), message);
    }
}

#[test]
fn an_option_without_its_value_is_told_its_form() {
    for option in ["listen", "exempt", "log", "log-format"].into_iter().chain(SETTINGS.iter().map(Setting::name)) {
        let option = format!("--{option}");
        let form = refused(&[&option]);
        let form = form.strip_prefix(&format!("{option} needs a value: {option} ")).expect("the option's form");
        assert!(printed(&["--help"]).contains(&format!("  {option} {form} ")), "{option} {form}");
    }
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf8_are_refused() {
    use std::os::unix::ffi::OsStringExt;

    let rubbish = || OsString::from_vec(vec![0xff, b'x']);
    let error = parse(&PROGRAM, [OsString::from("--max-line"), rubbish()]).expect_err("no text");
    assert_eq!(error.to_string(), "the value of --max-line is not valid UTF-8");
    parse(&PROGRAM, [rubbish()]).expect_err("no option");
}

#[test]
fn what_is_echoed_moves_no_cursor() {
    for args in [["\x1b[2J"].as_slice(), &["--\x1b[2J"], &["--listen", "\x1b[2J"], &["--max-line", "\x1b[2J"]] {
        assert!(!refused(args).contains('\x1b'), "{args:?}");
    }
}

#[test]
fn limits_out_of_range_are_named_as_options() {
    for (args, message) in [
        (&["--max-line", "12"][..], "--max-line 12: it must be from 64 to 1048576 bytes"),
        (&["--max-sessions", "0"], "--max-sessions 0: it must be from 1 to 1048576"),
        (&["--rate", "2000000000/s"], "--rate 2000000000/s:100: it must be from 1 to 1000000000 a second, or off"),
        (&["--max-per-address", "0"], "--max-per-address 0: it must be from 1 to 1048576, or off"),
        (&["--rate", "5/s:2000000"], "--rate 5/s:2000000: it must be from 1 to 1000000 at once, or off"),
        (&["--linger-timeout", "0s"], "--linger-timeout 0ms: it must be from 1ms to 365d"),
        (&["--stall-timeout", "366d"], "--stall-timeout 366d: it must be from 1ms to 365d, or off"),
        (
            &["--idle-timeout", "0s", "--idle-timeout", "classic=9s"],
            "--idle-timeout text=0ms: it must be from 1ms to 365d, or off",
        ),
        (&["--listen", "text=127.0.0.1:0", "--backlog", "2000"], "--backlog text=2000: it must be from 0 to 1000"),
    ] {
        assert_eq!(refused(args), message);
    }
}

#[test]
fn a_limit_that_another_one_pushed_out_of_its_range_is_asked_for() {
    let error = refused(&["--max-line", "1MiB", "--log-bytes", "64MiB"]);
    assert!(
        error.starts_with("--reply-bytes is 16KiB by default: with the other limits given it must be from "),
        "{error}"
    );
}

/// What the help says about each option, on one line.
fn help_of(option: &str) -> String {
    let help = printed(&["--help"]);
    let start = help.find(&format!("\n  --{option} ")).expect(option);
    let lines = help[start..].trim_start_matches('\n').lines();
    let text: Vec<_> = lines
        .enumerate()
        .take_while(|(i, line)| *i == 0 || line.starts_with("      "))
        .map(|(_, line)| line.trim())
        .collect();
    text.join(" ")
}

#[test]
fn the_help_lists_every_option_and_shows_what_the_defaults_are() {
    for setting in SETTINGS {
        let help = help_of(setting.name());
        let (_, defaults) = help.split_once("[default: ").expect("a default");
        let (defaults, _) = defaults.split_once(']').expect("an end");
        // A configuration that is nothing but defaults stays the same when it is told them again.
        let mut args: Vec<String> = Vec::new();
        for default in defaults.split(' ') {
            args.extend([format!("--{}", setting.name()), String::from(default)]);
        }
        assert!(!args.is_empty());
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        assert_eq!(format!("{:?}", options(&args).config), format!("{:?}", Config::default()), "{help}");
    }
    assert!(help_of("listen").ends_with("[default: text=127.0.0.1:4000 classic=127.0.0.1:4001]"));
    assert!(help_of("exempt").ends_with("[default: 127.0.0.0/8,::1/128,unix]"));
    assert!(help_of("log").ends_with("[default: info]"));
    assert!(help_of("log-format").ends_with("[default: text]"));
    for option in ["print-memory-bound", "help", "version"] {
        assert!(!help_of(option).contains("default:"));
    }
    for option in ["-h", "--help"] {
        assert_eq!(printed(&[option]), printed(&["--help"]));
    }
}

#[test]
fn the_help_fits_a_terminal_and_its_examples_work() {
    let help = printed(&["--help"]);
    for line in help.lines() {
        assert!(line.len() <= 80 && line.trim_end() == line, "{line:?}");
    }
    let (_, examples) = help.split_once("Examples:\n").expect("examples");
    let examples: Vec<_> = examples.lines().map_while(|line| line.strip_prefix("  chat-server")).collect();
    assert!(examples.len() >= 4);
    for example in examples {
        let args: Vec<_> = example.split_whitespace().collect();
        parse(&PROGRAM, &args).expect(example);
    }
}
