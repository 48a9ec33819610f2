//! Numerics: the answers that have a number, with the wording that clients know.

/// Makes the enum and the table of [`Numeric`] from one list.
macro_rules! numerics {
    ($($name:ident $code:literal $symbol:literal $text:literal,)*) => {
        /// An answer with a number, by its symbolic name without `RPL_` or `ERR_`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Numeric {
            $(#[doc = concat!("`", $symbol, "` (", $code, ")")] $name,)*
        }

        /// Each numeric with its code and its text, in the order of the enum.
        const TABLE: &[(Numeric, &str, &str)] = &[$((Numeric::$name, $code, $text),)*];
    };
}

// The names and texts are those of Modern IRC, "Numerics", and for a few those of RFC 2812 or of an IRCv3
// specification. The text is empty if the last parameter depends on the answer, as the welcome does.
numerics! {
    Welcome "001" "RPL_WELCOME" "",
    YourHost "002" "RPL_YOURHOST" "",
    Created "003" "RPL_CREATED" "",
    MyInfo "004" "RPL_MYINFO" "",
    ISupport "005" "RPL_ISUPPORT" "are supported by this server",
    EndOfStats "219" "RPL_ENDOFSTATS" "End of /STATS report",
    UModeIs "221" "RPL_UMODEIS" "",
    StatsUptime "242" "RPL_STATSUPTIME" "",
    LuserClient "251" "RPL_LUSERCLIENT" "",
    LuserOp "252" "RPL_LUSEROP" "operator(s) online",
    LuserUnknown "253" "RPL_LUSERUNKNOWN" "unknown connection(s)",
    LuserChannels "254" "RPL_LUSERCHANNELS" "channels formed",
    LuserMe "255" "RPL_LUSERME" "",
    AdminMe "256" "RPL_ADMINME" "Administrative info",
    AdminLoc1 "257" "RPL_ADMINLOC1" "",
    LocalUsers "265" "RPL_LOCALUSERS" "",
    GlobalUsers "266" "RPL_GLOBALUSERS" "",
    Away "301" "RPL_AWAY" "",
    UserHost "302" "RPL_USERHOST" "",
    IsOn "303" "RPL_ISON" "",
    UnAway "305" "RPL_UNAWAY" "You are no longer marked as being away",
    NowAway "306" "RPL_NOWAWAY" "You have been marked as being away",
    WhoisUser "311" "RPL_WHOISUSER" "",
    WhoisServer "312" "RPL_WHOISSERVER" "",
    WhoisOperator "313" "RPL_WHOISOPERATOR" "is an IRC operator",
    EndOfWho "315" "RPL_ENDOFWHO" "End of WHO list",
    WhoisIdle "317" "RPL_WHOISIDLE" "seconds idle, signon time",
    EndOfWhois "318" "RPL_ENDOFWHOIS" "End of /WHOIS list",
    WhoisChannels "319" "RPL_WHOISCHANNELS" "",
    ListStart "321" "RPL_LISTSTART" "Users  Name",
    List "322" "RPL_LIST" "",
    ListEnd "323" "RPL_LISTEND" "End of /LIST",
    ChannelModeIs "324" "RPL_CHANNELMODEIS" "",
    CreationTime "329" "RPL_CREATIONTIME" "",
    NoTopic "331" "RPL_NOTOPIC" "No topic is set",
    Topic "332" "RPL_TOPIC" "",
    TopicWhoTime "333" "RPL_TOPICWHOTIME" "",
    WhoisBot "335" "RPL_WHOISBOT" "is a bot",
    InviteList "336" "RPL_INVITELIST" "",
    EndOfInviteList "337" "RPL_ENDOFINVITELIST" "End of /INVITE list",
    Inviting "341" "RPL_INVITING" "",
    InvexList "346" "RPL_INVEXLIST" "",
    EndOfInvexList "347" "RPL_ENDOFINVEXLIST" "End of Channel Invite Exception List",
    ExceptList "348" "RPL_EXCEPTLIST" "",
    EndOfExceptList "349" "RPL_ENDOFEXCEPTLIST" "End of channel exception list",
    Version "351" "RPL_VERSION" "",
    WhoReply "352" "RPL_WHOREPLY" "",
    NamReply "353" "RPL_NAMREPLY" "",
    WhoSpcRpl "354" "RPL_WHOSPCRPL" "",
    Links "364" "RPL_LINKS" "",
    EndOfLinks "365" "RPL_ENDOFLINKS" "End of /LINKS list",
    EndOfNames "366" "RPL_ENDOFNAMES" "End of /NAMES list",
    BanList "367" "RPL_BANLIST" "",
    EndOfBanList "368" "RPL_ENDOFBANLIST" "End of channel ban list",
    EndOfWhowas "369" "RPL_ENDOFWHOWAS" "End of WHOWAS",
    Info "371" "RPL_INFO" "",
    Motd "372" "RPL_MOTD" "",
    EndOfInfo "374" "RPL_ENDOFINFO" "End of INFO list",
    MotdStart "375" "RPL_MOTDSTART" "",
    EndOfMotd "376" "RPL_ENDOFMOTD" "End of /MOTD command.",
    YoureOper "381" "RPL_YOUREOPER" "You are now an IRC operator",
    Time "391" "RPL_TIME" "",
    NoSuchNick "401" "ERR_NOSUCHNICK" "No such nick/channel",
    NoSuchChannel "403" "ERR_NOSUCHCHANNEL" "No such channel",
    CannotSendToChan "404" "ERR_CANNOTSENDTOCHAN" "Cannot send to channel",
    TooManyChannels "405" "ERR_TOOMANYCHANNELS" "You have joined too many channels",
    WasNoSuchNick "406" "ERR_WASNOSUCHNICK" "There was no such nickname",
    TooManyTargets "407" "ERR_TOOMANYTARGETS" "Too many targets",
    NoOrigin "409" "ERR_NOORIGIN" "No origin specified",
    InvalidCapCmd "410" "ERR_INVALIDCAPCMD" "Invalid CAP command",
    NoRecipient "411" "ERR_NORECIPIENT" "",
    NoTextToSend "412" "ERR_NOTEXTTOSEND" "No text to send",
    TooManyMatches "416" "ERR_TOOMANYMATCHES" "Output too large, truncated",
    InputTooLong "417" "ERR_INPUTTOOLONG" "Input line was too long",
    UnknownCommand "421" "ERR_UNKNOWNCOMMAND" "Unknown command",
    NoMotd "422" "ERR_NOMOTD" "MOTD File is missing",
    NoNicknameGiven "431" "ERR_NONICKNAMEGIVEN" "No nickname given",
    ErroneusNickname "432" "ERR_ERRONEUSNICKNAME" "Erroneus nickname",
    NicknameInUse "433" "ERR_NICKNAMEINUSE" "Nickname is already in use",
    BanNickChange "435" "ERR_BANNICKCHANGE" "Cannot change nickname while banned on channel",
    UnavailResource "437" "ERR_UNAVAILRESOURCE" "",
    UserNotInChannel "441" "ERR_USERNOTINCHANNEL" "They aren't on that channel",
    NotOnChannel "442" "ERR_NOTONCHANNEL" "You're not on that channel",
    UserOnChannel "443" "ERR_USERONCHANNEL" "is already on channel",
    NotRegistered "451" "ERR_NOTREGISTERED" "You have not registered",
    NeedMoreParams "461" "ERR_NEEDMOREPARAMS" "Not enough parameters",
    AlreadyRegistered "462" "ERR_ALREADYREGISTERED" "You may not reregister",
    PasswdMismatch "464" "ERR_PASSWDMISMATCH" "Password incorrect",
    ChannelIsFull "471" "ERR_CHANNELISFULL" "Cannot join channel (+l)",
    UnknownMode "472" "ERR_UNKNOWNMODE" "is unknown mode char to me",
    InviteOnlyChan "473" "ERR_INVITEONLYCHAN" "Cannot join channel (+i)",
    BannedFromChan "474" "ERR_BANNEDFROMCHAN" "Cannot join channel (+b)",
    BadChannelKey "475" "ERR_BADCHANNELKEY" "Cannot join channel (+k)",
    BadChanMask "476" "ERR_BADCHANMASK" "Bad Channel Mask",
    BanListFull "478" "ERR_BANLISTFULL" "Channel list is full",
    NoPrivileges "481" "ERR_NOPRIVILEGES" "Permission Denied- You're not an IRC operator",
    ChanOPrivsNeeded "482" "ERR_CHANOPRIVSNEEDED" "You're not channel operator",
    CantKillServer "483" "ERR_CANTKILLSERVER" "You cant kill a server!",
    NoOperHost "491" "ERR_NOOPERHOST" "No O-lines for your host",
    UModeUnknownFlag "501" "ERR_UMODEUNKNOWNFLAG" "Unknown MODE flag",
    UsersDontMatch "502" "ERR_USERSDONTMATCH" "Cant change mode for other users",
    HelpNotFound "524" "ERR_HELPNOTFOUND" "No help available on this topic",
    InvalidKey "525" "ERR_INVALIDKEY" "Key is not well-formed",
    InvalidModeParam "696" "ERR_INVALIDMODEPARAM" "",
    HelpStart "704" "RPL_HELPSTART" "",
    HelpTxt "705" "RPL_HELPTXT" "",
    EndOfHelp "706" "RPL_ENDOFHELP" "",
    MonOnline "730" "RPL_MONONLINE" "",
    MonOffline "731" "RPL_MONOFFLINE" "",
    MonList "732" "RPL_MONLIST" "",
    EndOfMonList "733" "RPL_ENDOFMONLIST" "End of MONITOR list",
    MonListFull "734" "ERR_MONLISTFULL" "Monitor list is full.",
    SaslFail "904" "ERR_SASLFAIL" "SASL authentication failed",
}

impl Numeric {
    /// Returns the code: three digits.
    pub(crate) fn code(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// Returns the text of the last parameter; empty if that depends on the answer.
    pub(crate) fn text(self) -> &'static str {
        TABLE[self as usize].2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_three_digits_and_ascend() {
        for (index, (numeric, code, text)) in TABLE.iter().enumerate() {
            assert_eq!(*numeric as usize, index, "{code}");
            assert!(code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{code}");
        }
        assert!(TABLE.is_sorted_by(|(_, one, _), (_, next, _)| one < next));
    }

    #[test]
    fn a_numeric_has_its_code_and_its_text() {
        assert_eq!((Numeric::Welcome.code(), Numeric::Welcome.text()), ("001", ""));
        assert_eq!((Numeric::EndOfMotd.code(), Numeric::EndOfMotd.text()), ("376", "End of /MOTD command."));
        assert_eq!((Numeric::NoSuchNick.code(), Numeric::NoSuchNick.text()), ("401", "No such nick/channel"));
        assert_eq!((Numeric::SaslFail.code(), Numeric::SaslFail.text()), ("904", "SASL authentication failed"));
    }
}
