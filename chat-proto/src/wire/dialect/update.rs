//! What peers are shown.

use core::time::Duration;

use super::complaint::Complaint;
use super::request::Manner;
use crate::command::{CloseReason, OpenError};
use crate::moderation::{MaskList, Role, RoomFlags};

/// What happened, to be encoded by a dialect.
///
/// The first group is for everyone and goes into the log. The second is for one session and goes into its replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update<'a> {
    /// Someone said something.
    Said {
        /// Who.
        name: &'a str,
        /// What it said.
        words: &'a str,
        /// The words as this same dialect received them, if it offered that in [`Request::Say`](super::Request::Say)
        /// and cleaning changed nothing.
        wire: Option<&'a [u8]>,
    },
    /// Someone did something (`/me`).
    Acted {
        /// Who.
        name: &'a str,
        /// What it did.
        words: &'a str,
    },
    /// Someone said something that no program should answer.
    Noticed {
        /// Who.
        name: &'a str,
        /// What it said.
        words: &'a str,
    },
    /// Someone passes on tags, without words. Only IRC shows it.
    Tagged {
        /// Who.
        name: &'a str,
    },
    /// Someone has taken a name or is about to say something for the first time.
    Joined {
        /// Who.
        name: &'a str,
    },
    /// Someone has another name.
    Renamed {
        /// The name before.
        from: &'a str,
        /// The name now.
        to: &'a str,
    },
    /// Someone who had joined is gone.
    Left {
        /// Who.
        name: &'a str,
        /// Why.
        reason: CloseReason,
        /// What it said on leaving, or the embedding program's reason; may be empty.
        words: &'a str,
    },
    /// Someone has entered this room, which is not the lobby.
    Entered {
        /// Who.
        name: &'a str,
    },
    /// Someone has left this room, and is not gone.
    Parted {
        /// Who.
        name: &'a str,
        /// What it said on leaving; may be empty.
        words: &'a str,
    },
    /// Someone was thrown out of this room.
    Kicked {
        /// Who.
        name: &'a str,
        /// By whom.
        by: &'a str,
        /// Why; may be empty.
        words: &'a str,
    },
    /// Someone has set the topic of this room.
    TopicSet {
        /// Who.
        by: &'a str,
        /// The topic; empty if it was removed.
        words: &'a str,
    },
    /// Someone was given a role in this room, or has lost it.
    RoleSet {
        /// By whom.
        by: &'a str,
        /// Who.
        name: &'a str,
        /// Which.
        role: Role,
        /// Whether it was given, or taken away.
        given: bool,
    },
    /// Someone is banned from this room, or no longer.
    BanSet {
        /// By whom.
        by: &'a str,
        /// Who.
        name: &'a str,
        /// The masks that are listed from now on, or no longer.
        masks: &'a [&'a str],
        /// Whether the ban begins, or ends.
        banned: bool,
    },
    /// Someone has changed how this room works.
    RoomChanged {
        /// By whom.
        by: &'a str,
        /// What is different now.
        change: RoomChange<'a>,
    },
    /// Someone has changed several things of this room at once, of which others than IRC are told one by one.
    ModesSet {
        /// By whom.
        by: &'a str,
        /// The letters of the modes, with signs.
        letters: &'a str,
        /// Their arguments, with a space before each.
        arguments: &'a str,
    },
    /// Someone is away, or no longer.
    AwaySet {
        /// Who.
        name: &'a str,
        /// Why; empty if it is not away any more.
        words: &'a str,
    },
    /// Someone has another real name. Only IRC has those.
    RealNameSet {
        /// Who.
        name: &'a str,
        /// The real name.
        words: &'a str,
    },
    /// Someone was invited to this room.
    OtherInvited {
        /// By whom.
        by: &'a str,
        /// Who.
        name: &'a str,
    },
    /// The embedding program speaks to everyone.
    Announced {
        /// What it says.
        words: &'a str,
    },
    /// How many have joined and left, in place of a line for each, in dialects that [fold
    /// presence](super::Dialect::folds_presence).
    CameAndWent {
        /// How many joined.
        joined: u64,
        /// How many left.
        left: u64,
    },

    /// The session is open.
    Welcome {
        /// Its name.
        name: &'a str,
        /// How long it may be silent; `None`: for ever.
        idle_timeout: Option<Duration>,
    },
    /// Messages of the history follow.
    BacklogBegins,
    /// Messages since the session was opened, or since it asked, follow.
    BacklogEnds,
    /// The session has another name.
    Named {
        /// The name before.
        from: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// Someone said something to this session only.
    Told {
        /// Who.
        from: &'a str,
        /// What it said.
        words: &'a str,
        /// How.
        manner: Manner,
    },
    /// What this session said to one other was delivered.
    TellPassed {
        /// To whom.
        to: &'a str,
        /// What it said.
        words: &'a str,
        /// How.
        manner: Manner,
    },
    /// The session speaks in another room from now on.
    InRoom {
        /// The room.
        room: &'a str,
        /// How many are in it.
        count: usize,
        /// The session has begun it, and is its operator.
        began: bool,
    },
    /// The session has left a room.
    LeftRoom {
        /// The room.
        room: &'a str,
        /// What it said on leaving; may be empty.
        words: &'a str,
    },
    /// The session was thrown out of a room.
    KickedOut {
        /// The room.
        room: &'a str,
        /// By whom; empty if the session's replies were full at that time, so that it is told later.
        by: &'a str,
        /// Why; may be empty, and is if `by` is.
        words: &'a str,
    },
    /// The session speaks in no room from now on: it has left its last one, or was thrown out of the one in which it
    /// spoke. What it has typed for that room must not be said elsewhere.
    InNoRoom,
    /// The topic of a room.
    Topic {
        /// The room.
        room: &'a str,
        /// The topic; empty if there is none.
        words: &'a str,
        /// Who has set it.
        by: &'a str,
        /// How long ago.
        age: Duration,
    },
    /// A room, in the list of all.
    RoomListed {
        /// The room.
        room: &'a str,
        /// How many are in it.
        count: usize,
        /// Its topic; may be empty.
        topic: &'a str,
    },
    /// The list of all rooms ends.
    RoomsEnd {
        /// How many were listed.
        count: usize,
    },
    /// An item of the list of a room's bans.
    BanListed {
        /// Its number in the list, from 1.
        number: usize,
        /// The name, or the pattern of names, that is banned; `*`: any.
        name: &'a str,
        /// Whether only those who come from certain addresses are banned. The addresses are not told.
        is_by_address: bool,
        /// The name with which this address was banned; empty if it was not banned as somebody's.
        of: &'a str,
    },
    /// The list of bans ends.
    BansEnd {
        /// The room.
        room: &'a str,
        /// How many were listed.
        count: usize,
    },
    /// Someone invites this session to a room.
    Invited {
        /// The room.
        room: &'a str,
        /// Who.
        by: &'a str,
    },
    /// This session has invited someone to a room.
    InvitePassed {
        /// The room.
        room: &'a str,
        /// Whom.
        name: &'a str,
    },
    /// Who is here, or in another room.
    Who {
        /// The room, if it is not the one in which the session speaks.
        room: Option<&'a str>,
        /// The first of them, separated by a comma and a space.
        names: &'a str,
        /// How many are here in all.
        count: usize,
        /// How many of them are not in `names`.
        left_out: usize,
    },
    /// The answer to a ping.
    Pong {
        /// What the ping had; may be empty.
        token: &'a str,
    },
    /// Which commands there are, or more about one.
    Help {
        /// The command, which the dialect has; empty for all.
        command: &'a str,
    },
    /// The session has been silent for so long that it will be closed in a minute.
    SilenceWarning,
    /// This reader was too slow for some messages.
    Missed {
        /// How many, 1 or more.
        count: u64,
    },
    /// The peer's line could not be carried out.
    Refused(Complaint<'a>),
    /// The last words to a session that is being closed.
    Closing {
        /// Why.
        reason: CloseReason,
        /// The embedding program's own reason; may be empty.
        words: &'a str,
    },
    /// The only text for a connection for which no session could be opened.
    NotOpened(OpenError),
}

/// What is different in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomChange<'a> {
    /// A flag.
    Flag {
        /// Which.
        flag: RoomFlags,
        /// Whether it is set now.
        set: bool,
    },
    /// Its key; `None`: it has none any more.
    Key(Option<&'a str>),
    /// The most members; `None`: there is no limit any more.
    Limit(Option<u32>),
    /// A mask of one of its lists.
    Listed {
        /// Which list.
        list: MaskList,
        /// The mask.
        mask: &'a str,
        /// Whether it is listed now.
        listed: bool,
    },
}

impl Update<'_> {
    /// Returns the update for dialects other than the author's.
    #[inline(never)] // Inlined, every update would be copied, and most need no copy.
    pub(crate) fn without_wire(&self) -> Self {
        match *self {
            Self::Said { name, words, .. } => Self::Said { name, words, wire: None },
            update => update,
        }
    }
}
