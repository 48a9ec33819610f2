//! Commands: their names, how many parameters they need, and which may come before registration.

/// Makes the enum and the table of [`Command`] from one list.
macro_rules! commands {
    ($($command:ident $name:literal $min_params:literal $when:ident,)*) => {
        /// What a client can ask for. Modern IRC and the IRCv3 specifications say what each means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Command {
            $(#[doc = concat!("`", $name, "`")] $command,)*
        }

        /// Each command with what is said of it, in the order of the enum.
        const TABLE: &[(Command, &str, usize, When)] =
            &[$((Command::$command, $name, $min_params, When::$when),)*];
    };
}

/// When a command may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Always.
    Always,
    /// Once the client is registered; before, it is answered with 451.
    Registered,
}

// The most frequent come first, because names are looked for from the start. Commands whose missing parameters have a
// numeric of their own need none here: 409, 411, 412 and 431. So do those that mean something without: INVITE lists.
commands! {
    Privmsg "PRIVMSG" 0 Registered,
    Pong "PONG" 0 Always,
    Ping "PING" 0 Always,
    Tagmsg "TAGMSG" 0 Registered,
    Join "JOIN" 1 Registered,
    Part "PART" 1 Registered,
    Mode "MODE" 1 Registered,
    Who "WHO" 1 Registered,
    Notice "NOTICE" 0 Registered,
    Nick "NICK" 0 Always,
    User "USER" 4 Always,
    Cap "CAP" 1 Always,
    Pass "PASS" 1 Always,
    Quit "QUIT" 0 Always,
    Topic "TOPIC" 1 Registered,
    Names "NAMES" 0 Registered,
    List "LIST" 0 Registered,
    Invite "INVITE" 0 Registered,
    Kick "KICK" 2 Registered,
    Whois "WHOIS" 0 Registered,
    Whowas "WHOWAS" 0 Registered,
    Away "AWAY" 0 Registered,
    Ison "ISON" 1 Registered,
    Userhost "USERHOST" 1 Registered,
    Monitor "MONITOR" 1 Registered,
    Setname "SETNAME" 1 Registered,
    Chathistory "CHATHISTORY" 0 Registered,
    Batch "BATCH" 1 Registered,
    Authenticate "AUTHENTICATE" 1 Always,
    Motd "MOTD" 0 Registered,
    Lusers "LUSERS" 0 Registered,
    Version "VERSION" 0 Registered,
    Time "TIME" 0 Registered,
    Info "INFO" 0 Registered,
    Admin "ADMIN" 0 Registered,
    Help "HELP" 0 Registered,
    Links "LINKS" 0 Registered,
    Stats "STATS" 1 Registered,
    Oper "OPER" 2 Registered,
    Kill "KILL" 2 Registered,
    Wallops "WALLOPS" 1 Registered,
    Error "ERROR" 0 Always,
}

impl Command {
    /// Returns the command of that name, in any case.
    pub(crate) fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, ..)| known.eq_ignore_ascii_case(name)).map(|(command, ..)| *command)
    }

    /// Returns its name, in upper case.
    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    /// Returns how many parameters it needs at least. With fewer the answer is 461.
    pub(crate) fn min_params(self) -> usize {
        self.row().2
    }

    /// Returns whether it may be used before registration. If not, the answer is 451.
    pub(crate) fn is_for_registration(self) -> bool {
        self.row().3 == When::Always
    }

    fn row(self) -> &'static (Self, &'static str, usize, When) {
        &TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_found_by_its_name() {
        for (index, (command, name, min_params, _)) in TABLE.iter().enumerate() {
            assert_eq!((*command as usize, Command::find(name)), (index, Some(*command)), "{name}");
            assert_eq!((command.name(), command.min_params()), (*name, *min_params));
            assert!(name.bytes().all(|byte| byte.is_ascii_uppercase()), "{name}");
        }
    }

    #[test]
    fn case_does_not_matter() {
        assert_eq!(Command::find("pRivMsg"), Some(Command::Privmsg));
        for name in ["", "PRIVMSGS", "PRIV", "001", "žofie", "PRIVMSG "] {
            assert_eq!(Command::find(name), None, "{name}");
        }
    }

    #[test]
    fn only_what_registration_needs_comes_before_it() {
        let before = TABLE.iter().filter(|(command, ..)| command.is_for_registration()).map(|(_, name, ..)| *name);
        assert!(before.eq(["PONG", "PING", "NICK", "USER", "CAP", "PASS", "QUIT", "AUTHENTICATE", "ERROR"]));
    }
}
