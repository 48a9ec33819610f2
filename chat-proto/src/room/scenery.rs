//! What wire formats show besides an update itself: who is who, and when.

use alloc::string::String;
use alloc::vec::Vec;

use arrayvec::ArrayString;

use crate::conversation::Conversation;
use crate::id::MemberId;
use crate::moderation::{MAX_MASK, MAX_ROOM_NAME};
use crate::origin::Cloak;
use crate::person::{MAX_REAL_NAME, MAX_USER, Person};
use crate::time::Timestamp;
use crate::wire::dialect::irc::Irc;
use crate::wire::dialect::irc::line::MAX_LABEL;
use crate::wire::dialect::irc::mode_line::ModeLine;
use crate::wire::dialect::irc::render::render;
use crate::wire::dialect::irc::scene::{Asked, Scene};
use crate::wire::dialect::irc::tagged::{Tags, View, message_id};
use crate::wire::dialect::irc::time::WallTime;
use crate::wire::dialect::{Manner, Update};
use crate::wire::sanitize::cut;

/// Where to look up what IRC shows besides an update itself. Looked at only if somebody reads IRC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenery<'a> {
    pub(crate) people: &'a Conversation,
    pub(crate) occasion: &'a Occasion,
}

/// The line of IRC that is being carried out, and what its answers need. Also the member that has just left, in any
/// dialect.
#[derive(Debug, Default)]
pub(crate) struct Occasion {
    /// The member that has just left and is no longer in the conversation.
    pub(crate) gone: Option<Gone>,
    /// The command of IRC that is being carried out, and its target.
    command: ArrayString<32>,
    target: ArrayString<MAX_MASK>,
    /// The room that it is about.
    room: ArrayString<MAX_ROOM_NAME>,
    /// The tags that are passed on with it.
    tags: String,
    /// Its words with colours and styles, if it has any.
    styled: String,
    /// It is never answered with an error.
    pub(crate) is_silent: bool,
    /// The changes of a room's modes that clients of IRC are told of at once, in its end.
    pub(crate) modes: Option<ModeLine>,
    /// The session whose answers are to carry a label, and that label.
    labelled: Option<u32>,
    label: ArrayString<MAX_LABEL>,
    /// Those answers so far.
    answers: Vec<u8>,
}

impl Occasion {
    /// Begins to carry out a command of IRC.
    pub(crate) fn begin(&mut self, command: &str, target: &str) {
        self.end();
        self.set_command(command);
        self.set_target(target);
    }

    /// Ends what was begun.
    pub(crate) fn end(&mut self) {
        self.command.clear();
        self.target.clear();
        self.room.clear();
        self.tags.clear();
        self.styled.clear();
        self.is_silent = false;
        self.modes = None;
        self.labelled = None;
        self.answers.clear();
    }

    /// Keeps the answers to a session until it is known how many there are.
    pub(crate) fn set_label(&mut self, slot: u32, label: &str) {
        self.labelled = Some(slot);
        self.label = ArrayString::from(label).unwrap_or_default();
    }

    /// Returns the label for the answers to a session, if it wants one.
    pub(crate) fn label_for(&self, slot: u32) -> Option<ArrayString<MAX_LABEL>> {
        (self.labelled == Some(slot)).then_some(self.label)
    }

    pub(crate) fn answers_mut(&mut self) -> &mut Vec<u8> {
        &mut self.answers
    }

    pub(crate) fn set_command(&mut self, command: &str) {
        self.command.clear();
        self.command.push_str(cut(command, self.command.capacity()));
    }

    pub(crate) fn set_target(&mut self, target: &str) {
        self.target.clear();
        self.target.push_str(cut(target, self.target.capacity()));
    }

    pub(crate) fn set_room(&mut self, room: &str) {
        self.room.clear();
        self.room.push_str(cut(room, self.room.capacity()));
    }

    /// Sets its words with colours and styles; empty if it has none.
    pub(crate) fn set_styled(&mut self, words: &str) {
        self.styled.clear();
        self.styled.push_str(words);
    }

    /// Returns its words with colours and styles; empty if it has none.
    pub(crate) fn styled(&self) -> &str {
        &self.styled
    }

    pub(crate) fn tags_mut(&mut self) -> &mut String {
        &mut self.tags
    }

    /// Returns the name of the room that it is about; empty if it is about none.
    pub(crate) fn room_name(&self) -> ArrayString<MAX_ROOM_NAME> {
        self.room
    }

    fn asked(&self) -> Asked<'_> {
        Asked { command: &self.command, target: &self.target }
    }
}

/// What is known of a member that has left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    user: ArrayString<MAX_USER>,
    real_name: ArrayString<MAX_REAL_NAME>,
    cloak: Option<Cloak>,
}

impl Gone {
    pub(crate) fn new(person: Person<'_>) -> Self {
        Self {
            user: ArrayString::from(person.user).unwrap_or_default(),
            real_name: ArrayString::from(person.real_name).unwrap_or_default(),
            cloak: person.cloak,
        }
    }

    fn person(&self) -> Person<'_> {
        Person { user: &self.user, real_name: &self.real_name, away: "", cloak: self.cloak }
    }
}

/// The clock of those who read, and how messages are numbered for them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    /// When the hub's time was zero, in milliseconds since 1970.
    pub(crate) started: u64,
    /// Distinguishes the messages of this hub from those of others.
    pub(crate) life: u64,
}

impl Clock {
    pub(crate) fn at(self, now: Timestamp) -> WallTime {
        WallTime::from_millis(self.started.saturating_add(now.as_nanos() / 1_000_000))
    }
}

/// Where and when an update is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The room in which it is published, or that it is about; empty if there is none.
    pub(crate) room: &'a str,
    /// The member who did it, if that is known.
    pub(crate) member: Option<MemberId>,
    /// Whom it is for, if it is for one session only.
    pub(crate) reader: &'a str,
    /// What the reader has asked for.
    pub(crate) view: View,
    pub(crate) now: Timestamp,
    pub(crate) clock: Clock,
}

impl Place<'_> {
    pub(crate) fn wall_time(&self) -> WallTime {
        self.clock.at(self.now)
    }
}

impl<'a> Scenery<'a> {
    /// Appends an update as IRC keeps it.
    #[inline(never)]
    pub(crate) fn render(&self, irc: &Irc, update: &Update<'_>, at: &Place<'_>, out: &mut Vec<u8>) {
        if self.occasion.modes.is_some() && ModeLine::tells(update) {
            return;
        }
        let is_message = match update {
            Update::Said { .. } | Update::Acted { .. } | Update::Noticed { .. } => true,
            // What is said to one session only is not recorded.
            Update::Announced { .. } => at.reader.is_empty(),
            Update::Told { manner, .. } | Update::TellPassed { manner, .. } => {
                matches!(manner, Manner::Said | Manner::Acted)
            }
            _ => false,
        };
        // Those have been recorded just now.
        let number = self.people.next_event().saturating_sub(1);
        let id = if is_message { message_id(at.clock.life, number) } else { ArrayString::new() };
        let scene = Scene {
            server: irc.server_name(),
            time: at.wall_time(),
            room: at.room,
            actor: self.actor(update, at),
            reader: at.reader,
            view: at.view,
            tags: Tags { id: &id, client: &self.occasion.tags },
            styled: &self.occasion.styled,
            asked: self.occasion.asked(),
        };
        render(update, &scene, out);
    }

    /// Returns whose doing an update is.
    fn actor(&self, update: &Update<'_>, at: &Place<'_>) -> Person<'a> {
        if let Some(gone) = self.occasion.gone.as_ref().filter(|_| matches!(update, Update::Left { .. })) {
            return gone.person();
        }
        let name = match *update {
            // A room's own readers are shown who did it; a reply may be about somebody else than its reader.
            _ if at.member.is_some() => "",
            Update::Told { from: name, .. }
            | Update::Kicked { by: name, .. }
            | Update::KickedOut { by: name, .. }
            | Update::Invited { by: name, .. }
            | Update::TopicSet { by: name, .. }
            | Update::RoleSet { by: name, .. }
            | Update::BanSet { by: name, .. }
            | Update::RoomChanged { by: name, .. }
            | Update::ModesSet { by: name, .. }
            | Update::Parted { name, .. }
            | Update::Said { name, .. }
            | Update::Acted { name, .. }
            | Update::Noticed { name, .. }
            | Update::Joined { name }
            | Update::Entered { name }
            | Update::Renamed { to: name, .. } => name,
            _ => at.reader,
        };
        let member = at.member.or_else(|| self.people.find(name));
        member.map_or(Person::UNKNOWN, |member| self.people.person(member))
    }
}
