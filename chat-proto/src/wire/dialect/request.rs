//! What peers ask for.

use super::complaint::Complaint;
use crate::moderation::{MaskList, Role, RoomFlags};

/// What a peer asks for with one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Nothing: an empty line, or a keepalive that wants no answer.
    Nothing,
    /// To say something in the room in which the session speaks. A session without a name takes the claimed one if it
    /// may.
    Say {
        /// What to say.
        words: &'a str,
        /// The name that the line itself claims, in dialects whose lines carry one.
        claim: Option<&'a str>,
        /// The words as they are on the line, in dialects that encode them.
        ///
        /// If cleaning changed nothing, [`Update::Said`](super::Update::Said) carries this back to the same dialect,
        /// which may copy it instead of encoding the words again. Only for formats in which the same words have only
        /// one form.
        wire: Option<&'a [u8]>,
    },
    /// To do something that others see (`/me waves`).
    Act(&'a str),
    /// To say something that no program should answer, in the room in which the session speaks.
    Notice(&'a str),
    /// To pass on the tags of the line, in the room in which the session speaks. Only IRC has tags.
    Tag,
    /// To take a name.
    Name(&'a str),
    /// To be away, with words for those who write; without, to be back. Only IRC has it.
    Away(&'a str),
    /// To take a real name, which stands beside the name. Only IRC has it.
    RealName(&'a str),
    /// To say something to one other.
    Tell {
        /// The other's name.
        to: &'a str,
        /// What to say.
        words: &'a str,
        /// How it is said.
        manner: Manner,
    },
    /// To see the latest messages of the room in which the session speaks.
    History {
        /// How many at most.
        last: usize,
    },
    /// To see who is in a room; `None`: in the one in which the session speaks.
    Who {
        /// The room's name.
        room: Option<&'a str>,
    },
    /// To enter a room, and to speak there from now on. If there is no room of that name, it begins.
    Join {
        /// The room's name.
        room: &'a str,
        /// The room's key; empty if none is given.
        key: &'a str,
    },
    /// To leave a room; `None`: the one in which the session speaks.
    Leave {
        /// The room's name.
        room: Option<&'a str>,
        /// What to say on leaving; may be empty.
        words: &'a str,
    },
    /// To see which rooms there are.
    Rooms,
    /// To see the topic of the room in which the session speaks, or to set it.
    Topic {
        /// The new topic; `None` to see the present one.
        words: Option<&'a str>,
    },
    /// To throw somebody out of the room in which the session speaks.
    Kick {
        /// Whom.
        name: &'a str,
        /// Why; may be empty.
        words: &'a str,
    },
    /// To keep somebody out of the room in which the session speaks, or no longer.
    Ban {
        /// Whom. To end a ban, this may also be the mask that is listed, or `#N` for the number N of
        /// [`Update::BanListed`](super::Update::BanListed).
        name: &'a str,
        /// Whether the ban begins, or ends.
        banned: bool,
    },
    /// To see who is banned from the room in which the session speaks.
    Bans,
    /// To list a mask in the room in which the session speaks, or no longer.
    Mask {
        /// In which of its lists.
        list: MaskList,
        /// The [mask](crate::conversation#masks).
        mask: &'a str,
        /// Whether it is listed from now on.
        listed: bool,
    },
    /// To set a flag of the room in which the session speaks, or to unset it.
    Flag {
        /// Which.
        flag: RoomFlags,
        /// Whether it is set from now on.
        set: bool,
    },
    /// To give the room in which the session speaks a key; `None`: to remove it.
    Key(Option<&'a str>),
    /// To give the room in which the session speaks a limit of members; `None`: to remove it.
    Limit(Option<u32>),
    /// To give somebody a role in the room in which the session speaks, or to take it away.
    Role {
        /// To whom.
        name: &'a str,
        /// Which.
        role: Role,
        /// Whether it is given, or taken away.
        given: bool,
    },
    /// To invite somebody to the room in which the session speaks.
    Invite {
        /// Whom.
        name: &'a str,
    },
    /// To see whether the server answers.
    Ping {
        /// What the answer repeats; may be empty.
        token: &'a str,
    },
    /// To see which commands there are, or more about one.
    Help {
        /// The command, which the dialect has; empty for all.
        command: &'a str,
    },
    /// To leave, with last words that may be empty and are cut at 256 bytes.
    Quit(&'a str),
    /// Something that cannot be understood.
    Invalid(Complaint<'a>),
}

/// How something is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Manner {
    /// As a message.
    #[default]
    Said,
    /// As an action (`/me`).
    Acted,
    /// As a message that no program should answer.
    Noticed,
    /// As a request to the other's program (CTCP), such as `VERSION`.
    Queried,
    /// As its answer.
    Answered,
    /// It has no words: the line has tags that are passed on.
    Tagged,
}

impl Request<'_> {
    /// Returns where carrying this out may publish something that has to wait for readers.
    ///
    /// Leaving does not count, although others are told: nobody is kept from leaving.
    #[inline]
    pub(crate) fn publishes(&self) -> Publishes {
        match self {
            Self::Say { .. }
            | Self::Act(_)
            | Self::Notice(_)
            | Self::Tag
            | Self::Topic { words: Some(_) }
            | Self::Kick { .. }
            | Self::Ban { .. }
            | Self::Mask { .. }
            | Self::Flag { .. }
            | Self::Key(_)
            | Self::Limit(_)
            | Self::Role { .. }
            | Self::Invite { .. } => Publishes::Here,
            Self::Name(_) | Self::Away(_) | Self::RealName(_) => Publishes::Everywhere,
            Self::Join { .. } => Publishes::There,
            _ => Publishes::Nowhere,
        }
    }
}

/// Where a request may publish something that has to wait for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publishes {
    Nowhere,
    /// In the room in which the session speaks.
    Here,
    /// In all rooms that the session is in.
    Everywhere,
    /// In the room that it enters.
    There,
}
