//! How to serve: the command line and the file combined.

use std::path::PathBuf;
use std::sync::Arc;

use chat_proto::dialect::{Irc, IrcSettings};
use chat_proto::{Config, Exemptions};
use clap::ArgMatches;
use thiserror::Error;

use crate::config_file::ConfigFile;
use crate::irc_table::{IrcTable, MotdPath};
use crate::limit::LimitError;
use crate::listener::{self, ListenAddr, Listener};
use crate::log::{LogFilter, LogFormat};
use crate::metrics::MetricsAddr;
use crate::motd::{self, MotdError};
use crate::options::{self, Options};
use crate::passwords::Passwords;
use crate::tls_table::PemPath;
use crate::value::OrOff;
use crate::web_table::WebTable;

/// How to serve.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where to listen, in the order given; at least one.
    pub(crate) listeners: Vec<Listener>,
    /// Where to serve metrics; `None`: nowhere.
    pub(crate) metrics: Option<ListenAddr>,
    /// The limits, checked; only the dialects that a listener speaks are left in it.
    pub(crate) config: Config,
    /// What clients of IRC have to know, and operators.
    pub(crate) passwords: Passwords,
    /// Whose connections are not counted by address.
    pub(crate) exempt: Exemptions,
    /// How browsers may reach the server.
    pub(crate) web: WebTable,
    /// The files of the certificate and of its key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) log: LogFilter,
    pub(crate) log_format: LogFormat,
}

/// A setting that cannot be had.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error(transparent)]
    Motd(#[from] MotdError),
    #[error(
        "{0} needs a certificate and its key: give --tls-certificate and --tls-key; `chat-server self-signed DIR` \
         makes them for trying out"
    )]
    NoCertificate(Box<Listener>),
}

impl Settings {
    /// Takes each setting from the command line, else from the file, else from the defaults.
    ///
    /// # Errors
    ///
    /// A limit is out of its range, alone or together with the others, or the message of the day cannot be had.
    pub(crate) fn new(
        options: &Options,
        matches: &ArgMatches,
        file: Option<&ConfigFile>,
    ) -> Result<Self, SettingsError> {
        let mut config = options::default_config();
        let given = file.map(|file| &file.options).into_iter().chain([options]);
        for options in given.clone() {
            options.apply(&mut config);
        }
        let mut web = WebTable::default();
        given.clone().for_each(|options| web.overlay(&options.web));
        let passwords = file.map(passwords).unwrap_or_default();
        if let Some(irc) = config.dialects.iter_mut().find(|dialect| dialect.dialect.name() == "irc") {
            irc.dialect = Arc::new(irc_dialect(options, file, &passwords)?);
        }
        // The last one counts, which is the command line's.
        let listeners = given.clone().map(|options| &options.listen).rfind(|listeners| !listeners.is_empty());
        let listeners = listeners.cloned().unwrap_or_else(listener::default_listeners);
        // A dialect that no listener speaks would still cost its log and an encoding of every message.
        config
            .dialects
            .retain(|dialect| listeners.iter().any(|listener| listener.service.dialect == dialect.dialect.name()));
        let certificate = certificate(&given.clone().collect::<Vec<_>>());
        if let (None, Some(listener)) = (&certificate, listeners.iter().find(|it| it.service.is_encrypted)) {
            return Err(SettingsError::NoCertificate(Box::new(listener.clone())));
        }
        config.check().map_err(|error| LimitError::new(error, matches, file))?;
        Ok(Self {
            listeners,
            metrics: given
                .clone()
                .filter_map(|options| options.metrics.clone())
                .next_back()
                .and_then(|OrOff(addr)| addr.map(|MetricsAddr(addr)| addr)),
            config,
            passwords,
            exempt: given.clone().filter_map(|options| options.exempt.clone()).next_back().unwrap_or_default(),
            web,
            certificate,
            log: given.clone().filter_map(|options| options.log.clone()).next_back().unwrap_or_default(),
            log_format: given.filter_map(|options| options.log_format).next_back().unwrap_or_default(),
        })
    }

    /// Returns whether any listener speaks TLS.
    pub(crate) fn has_tls(&self) -> bool {
        self.listeners.iter().any(|listener| listener.service.is_encrypted)
    }
}

/// Returns the files of the certificate and its key, if both are given; of several options the last counts.
fn certificate(given: &[&Options]) -> Option<(PathBuf, PathBuf)> {
    let last = |path: fn(&Options) -> &Option<OrOff<PemPath>>| {
        let OrOff(path) = given.iter().rev().find_map(|options| path(options).as_ref())?;
        path.as_ref().map(|PemPath(path)| path.clone())
    };
    last(|options| &options.tls.certificate).zip(last(|options| &options.tls.key))
}

/// Returns the passwords, which only a file has.
fn passwords(file: &ConfigFile) -> Passwords {
    let Options { irc, operator, .. } = &file.options;
    let server = irc.password.clone().and_then(|OrOff(hash)| hash);
    Passwords { server, operators: operator.clone() }
}

/// Makes the dialect with what its clients are told.
fn irc_dialect(options: &Options, file: Option<&ConfigFile>, passwords: &Passwords) -> Result<Irc, MotdError> {
    let mut settings = IrcSettings {
        asks_password: passwords.server.is_some(),
        has_operators: !passwords.operators.is_empty(),
        ..IrcSettings::default()
    };
    for options in file.map(|file| &file.options).into_iter().chain([options]) {
        options.irc.apply(&mut settings);
    }
    if let Some(OrOff(path)) = &options.irc.motd {
        if let Some(MotdPath(path)) = path {
            settings.motd =
                motd::read(path, || format!("--{}{} {}", IrcTable::PREFIX, IrcTable::MOTD, path.display()))?;
        }
    } else if let Some(file) = file
        && let Some(OrOff(Some(MotdPath(path)))) = &file.options.irc.motd
    {
        settings.motd = motd::read(path, || match file.entry(IrcTable::TABLE, Some(IrcTable::MOTD)) {
            Some(entry) => format!("{}, {entry}", file.path()),
            None => file.path(),
        })?;
    }
    Ok(Irc::new(settings).expect("each setting was checked when it was read"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::FromArgMatches as _;

    use super::*;
    use crate::options::{self, Arguments};

    fn settings(file: &str, args: &[&str]) -> Result<Settings, String> {
        let matches =
            options::command().try_get_matches_from([&["chat-server"], args].concat()).expect("right options");
        let arguments = Arguments::from_arg_matches(&matches).expect("right options");
        let file = ConfigFile::parse(Path::new("chat.toml"), file.as_bytes()).expect("a right file");
        Settings::new(&arguments.options, &matches, Some(&file)).map_err(|error| error.to_string())
    }

    fn listeners(settings: &Settings) -> Vec<String> {
        settings.listeners.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_set_serves_all_dialects_on_this_machine_only() {
        let settings = settings("", &[]).expect("the defaults");
        assert_eq!(
            listeners(&settings),
            ["text=127.0.0.1:4000", "classic=127.0.0.1:4001", "irc=127.0.0.1:6667", "web=127.0.0.1:8080"]
        );
        assert_eq!(format!("{:?}", settings.config), format!("{:?}", options::default_config()));
        assert_eq!((settings.log, settings.log_format), (LogFilter::default(), LogFormat::Text));
        assert_eq!(settings.exempt, Exemptions::default());
    }

    #[test]
    fn the_command_line_replaces_what_the_file_sets() {
        let file = "listen = [\"text=:1\", \"classic=:2\"]\nmax-line = 100\nmax-name = 7\nlog = \"warn\"\nexempt = \"none\"\n\
                    [idle-timeout]\ntext = \"5m\"\nclassic = \"6m\"";
        let of_file = settings(file, &[]).expect("a right file");
        assert_eq!(listeners(&of_file), ["text=:1", "classic=:2"]);
        assert_eq!((of_file.config.max_line, of_file.config.max_name), (100, 7));
        assert_eq!((Ok(of_file.log), of_file.exempt), ("warn".parse(), Exemptions::none()));

        let args = "--listen classic=:3 --listen text=:4 --max-line 200 --idle-timeout text=7m --log off --exempt unix";
        let args: Vec<&str> = args.split(' ').collect();
        let of_both = settings(file, &args).expect("right options");
        assert_eq!(listeners(&of_both), ["classic=:3", "text=:4"]);
        assert_eq!((of_both.config.max_line, of_both.config.max_name), (200, 7));
        assert_eq!((Ok(of_both.log), Ok(of_both.exempt)), ("off".parse(), "unix".parse()));
        let minutes = |dialect: &chat_proto::DialectConfig| dialect.idle_timeout.map(|time| time.as_secs() / 60);
        assert_eq!(of_both.config.dialects.iter().map(minutes).collect::<Vec<_>>(), [Some(6), Some(7)]);
    }

    #[test]
    fn metrics_are_served_where_the_last_option_says() {
        let addr = |file: &str, args: &[&str]| settings(file, args).map(|it| it.metrics.map(|addr| addr.to_string()));
        assert_eq!(addr("", &[]), Ok(None));
        assert_eq!(addr("metrics = \":9100\"", &[]), Ok(Some(":9100".into())));
        assert_eq!(addr("metrics = \":9100\"", &["--metrics", "box:1"]), Ok(Some("box:1".into())));
        assert_eq!(addr("metrics = \":9100\"", &["--metrics=off"]), Ok(None));
    }

    #[test]
    fn a_dialect_that_no_listener_speaks_is_left_out() {
        let settings = settings("", &["--listen", "text=127.0.0.1:0", "--backlog", "classic=7", "--backlog", "text=8"]);
        let dialects = settings.expect("right options").config.dialects;
        let [text] = &dialects[..] else { panic!("{dialects:?}") };
        assert_eq!((text.dialect.name(), text.backlog), ("text", 8));
    }

    #[test]
    fn a_limit_out_of_its_range_is_named_where_it_was_set() {
        for (args, message) in [
            ("--max-line 12", "--max-line 12: it must be from 64 to 1048576 bytes"),
            ("--max-sessions 0", "--max-sessions 0: it must be from 1 to 1048576"),
            ("--rate 2000000000/s", "--rate 2000000000/s: it must be from 1 to 1000000000 a second, or off"),
            ("--max-per-address 0", "--max-per-address 0: it must be from 1 to 1048576, or off"),
            ("--max-rooms-per-address 0", "--max-rooms-per-address 0: it must be from 1 to 65536, or off"),
            ("--rate 5/s:2000000", "--rate 5/s:2000000: it must be from 1 to 1000000 at once, or off"),
            ("--linger-timeout 0s", "--linger-timeout 0s: it must be from 1ms to 365d"),
            ("--stall-timeout 366d", "--stall-timeout 366d: it must be from 1ms to 365d, or off"),
            (
                "--idle-timeout text=0s --idle-timeout classic=9s",
                "--idle-timeout text=0s: it must be from 1ms to 365d, or off",
            ),
            ("--listen text=127.0.0.1:0 --backlog 2000", "--backlog 2000: it must be from 0 to 1000"),
        ] {
            let args: Vec<&str> = args.split(' ').collect();
            assert_eq!(settings("max-line = 100\nmax-sessions = 5", &args).expect_err("out of range"), message);
        }
        let in_file = |file: &str| settings(file, &["--max-name", "20"]).expect_err(file);
        assert_eq!(in_file("\nmax-line = 12"), "chat.toml, line 2: max-line = 12: it must be from 64 to 1048576 bytes");
        assert_eq!(
            in_file("[idle-timeout]\nclassic = \"9s\"\ntext = \"0s\""),
            "chat.toml, line 3: idle-timeout.text = \"0s\": it must be from 1ms to 365d, or off"
        );
        assert_eq!(
            in_file("idle-timeout = \"0s\""),
            "chat.toml, line 1: idle-timeout = \"0s\": it must be from 1ms to 365d, or off"
        );
    }

    #[test]
    fn a_room_that_cannot_be_had_is_named_where_it_was_set() {
        let refused = |rooms: &str, args: &[&str]| settings(rooms, args).expect_err(rooms);
        assert_eq!(
            refused("[[room]]\nname = \"tea\"\n[[room]]\nname = \"tea room\"", &[]),
            "chat.toml, line 4: room.name = \"tea room\": the name of a room has letters and digits, and - after the first; 50 bytes at most"
        );
        assert_eq!(
            refused("[[room]]\nname = \"tea\"\n[[room]]\nname = \"Tea\"", &[]),
            "chat.toml, line 4: room.name = \"Tea\": that name looks like the one of another room"
        );
        let topic = refused(&format!("[[room]]\nname = \"tea\"\ntopic = \"{}\"", "t".repeat(391)), &[]);
        assert!(topic.starts_with("chat.toml, line 3: room.topic = \"ttt"), "{topic}");
        assert!(topic.ends_with(": the topic of tea is too long: 390 bytes at most"), "{topic}");
        assert_eq!(
            refused("[[room]]\nname = \"tea\"\n[[room]]\nname = \"cake\"", &["--max-rooms", "2"]),
            "chat.toml, line 4: room.name = \"cake\": it is one too many: max-rooms is 2, the lobby counted"
        );
    }

    /// Writes a message of the day; returns its path.
    fn motd(name: &str, text: &[u8]) -> String {
        let path = std::env::temp_dir().join(format!("chat-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("a file can be written");
        path.display().to_string()
    }

    #[test]
    fn clients_of_irc_are_told_what_the_file_and_the_command_line_say() {
        let irc = |file: &str, args: &[&str]| {
            let settings = settings(file, args).expect(file);
            let [.., irc] = &settings.config.dialects[..] else { panic!("no dialect") };
            format!("{:?}", irc.dialect)
        };
        let of = |settings: IrcSettings| format!("{:?}", Irc::new(settings).expect("right settings"));
        assert_eq!(irc("", &[]), of(IrcSettings::default()));
        let (one, two) = (motd("one", b"Be kind.\r\n\nAnd calm."), motd("two", "\u{e9}\n".as_bytes()));
        let file = format!("[irc]\nserver-name = \"a.example\"\nnetwork = \"A\"\nmotd = \"{one}\"");
        let named = |server_name: &str, network: &str, motd: &[&str]| {
            let motd = motd.iter().map(ToString::to_string).collect();
            let (server_name, network) = (server_name.into(), network.into());
            of(IrcSettings { server_name, network, motd, ..IrcSettings::default() })
        };
        assert_eq!(irc(&file, &[]), named("a.example", "A", &["Be kind.", "", "And calm."]));
        let args = ["--irc-server-name=b.example", "--irc-network=off", &format!("--irc-motd={two}")];
        assert_eq!(irc(&file, &args), named("b.example", "", &["\u{e9}"]));
        assert_eq!(irc(&file, &["--irc-motd=off"]), named("a.example", "A", &[]));
        for path in [one, two] {
            std::fs::remove_file(path).expect("it is there");
        }
    }

    #[test]
    fn a_message_of_the_day_that_cannot_be_had_is_named() {
        let refused = |path: &str| settings("", &["--irc-motd", path]).expect_err(path);
        for (name, text, message) in [
            ("long", format!("short\n{}\n", "x".repeat(401)).into_bytes(), "line 2 of the message of the day has more"),
            ("many", b"\n".repeat(201), "the message of the day has at most 200 lines"),
            ("large", vec![b'\n'; (1 << 20) + 1], "it has more than 1048576 bytes, too many for a message of the day"),
            ("bell", b"a\x07b".to_vec(), "line 1 of the message of the day has more"),
        ] {
            let path = motd(name, &text);
            let refused = refused(&path);
            assert!(refused.starts_with(&format!("{path}: {message}")), "{refused}");
            std::fs::remove_file(path).expect("it is there");
        }
        let path = motd("bytes", b"a\nb\xff");
        assert_eq!(refused(&path), format!("{path}, line 2: it is not valid UTF-8"));
        std::fs::remove_file(path).expect("it is there");

        let missing = refused("/nowhere/motd");
        assert!(missing.starts_with("--irc-motd /nowhere/motd: it cannot be read: "), "{missing}");
        let missing = settings("[irc]\n\nmotd = \"/nowhere/motd\"", &[]).expect_err("it is missing");
        let begin = "chat.toml, line 3: irc.motd = \"/nowhere/motd\": it cannot be read: ";
        assert!(missing.starts_with(begin), "{missing}");
    }

    #[test]
    fn a_default_pushed_out_of_its_range_by_another_limit_is_named() {
        let error = settings("max-line = \"1MiB\"", &["--log-bytes", "64MiB"]).expect_err("too little");
        let asked = "--reply-bytes is 16384 by default: with the other limits given it must be from ";
        assert!(error.starts_with(asked) && error.ends_with(" to 16777216 bytes"), "{error}");
    }
}
