//! How answers of IRC are written.

use alloc::string::String;

use crate::fault::Fault;
use crate::hub::Hub;
use crate::id::MemberId;
use crate::names::NameBuf;
use crate::room::RoomLogs;
use crate::room::scenery::{Place, Scenery};
use crate::time::Timestamp;
use crate::wire::dialect::irc::Irc;
use crate::wire::dialect::irc::caps::Caps;
use crate::wire::dialect::irc::line::{Line, Tag};
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::irc::tagged::View;
use crate::wire::dialect::irc::writer::Writer;
use crate::wire::dialect::{Manner, Update};

/// How lines for one session are written.
pub(super) struct Voice {
    pub(super) irc: Irc,
    reader: NameBuf,
    view: View,
}

impl Voice {
    pub(super) fn reader(&self) -> &str {
        &self.reader
    }

    pub(super) fn view(&self) -> View {
        self.view
    }

    /// Encodes lines as the session is shown them.
    pub(super) fn encode(&self, logs: &mut RoomLogs, now: Timestamp, write: impl FnOnce(&mut Writer<'_>)) {
        let at = Place { room: "", member: None, reader: &self.reader, view: self.view, now, clock: logs.clock() };
        logs.encode_lines(self.view, &at, |out| write(&mut Writer::new(out, self.irc.server_name(), &self.reader)));
    }
}

impl Hub {
    /// Returns what a session of IRC is called in answers: `*` until it is a member, and its last name once it has left.
    pub(super) fn reader_name(&self, slot: u32) -> NameBuf {
        if let Some(name) = self.sessions[slot].irc.as_ref().and_then(|irc| irc.former_name()) {
            return NameBuf::from(name).unwrap_or_default();
        }
        if self.is_registered(slot) {
            return self.name_of(slot);
        }
        let mut name = NameBuf::new();
        name.push('*');
        name
    }

    /// Returns what a session is shown.
    pub(in crate::hub) fn view(&self, slot: u32) -> View {
        self.sessions[slot].view()
    }

    pub(super) fn has_cap(&self, slot: u32, cap: Caps) -> bool {
        self.sessions[slot].irc.as_ref().is_some_and(|irc| irc.caps.has(cap))
    }

    /// Returns how lines for a session of IRC are written; `None` if it speaks something else.
    pub(super) fn voice(&self, slot: u32) -> Option<Voice> {
        let irc = self.spoken(slot).irc.clone()?;
        Some(Voice { irc, reader: self.reader_name(slot), view: self.view(slot) })
    }

    /// Encodes an update as a session of IRC is shown it. `log` is the log of the room that the update is about, if
    /// that is not the room that the session asks about.
    #[cold]
    pub(in crate::hub) fn encode_irc(&mut self, slot: u32, log: Option<u32>, update: &Update<'_>) {
        let Some(Voice { irc, reader, view }) = self.voice(slot) else { return };
        let room = match log {
            Some(log) => self.logs.log(log).name,
            None => self.occasion.room_name(),
        };
        let clock = self.logs.clock();
        let Self { logs, conversation, occasion, now, .. } = self;
        let at = Place { room: &room, member: None, reader: &reader, view, now: *now, clock };
        logs.encode_irc(view, &irc, update, Scenery { people: conversation, occasion }, &at);
    }

    /// Sends lines to a session of IRC.
    pub(super) fn answer(&mut self, slot: u32, write: impl FnOnce(&mut Writer<'_>)) {
        let Some(voice) = self.voice(slot).filter(|_| self.sessions[slot].is_open()) else { return };
        voice.encode(&mut self.logs, self.now, write);
        self.put_encoded(slot);
        self.requeue(slot);
    }

    /// Sends an answer with a number, whose parameters `write` appends; nothing if the command is never answered, as NOTICE.
    pub(super) fn numeric(&mut self, slot: u32, numeric: Numeric, write: impl FnOnce(&mut Writer<'_>)) {
        if self.occasion.is_silent {
            return;
        }
        self.tell_modes(slot);
        self.answer(slot, |to| write(to.numeric(numeric)));
    }

    /// Shows a session what it has done itself, if it has asked for that.
    pub(in crate::hub) fn echo(&mut self, slot: u32, update: &Update<'_>) {
        if self.has_cap(slot, Caps::ECHO_MESSAGE) || Fault::EchoUnasked.is_planted() {
            self.reply(slot, update);
        }
    }

    /// Tells the author of a private message what it has asked to know about it.
    pub(in crate::hub) fn told_in_irc(&mut self, slot: u32, target: u32, words: &str, manner: Manner) {
        let to = self.name_of(target);
        self.echo(slot, &Update::TellPassed { to: to.as_str(), words, manner });
        let away = self.conversation.person(MemberId(target)).away;
        if !away.is_empty() && matches!(manner, Manner::Said | Manner::Acted) {
            let away = String::from(away);
            self.numeric(slot, Numeric::Away, |line| line.word(&to).trailing(&away).end());
        }
    }

    /// Keeps the tags of a line that are passed on with it.
    pub(super) fn keep_tags(&mut self, slot: u32, line: &Line<'_>) {
        if !self.has_cap(slot, Caps::MESSAGE_TAGS) {
            return;
        }
        let tags = self.occasion.tags_mut();
        // Tags for the previous target.
        tags.clear();
        for Tag { key, client_only, escaped } in line.tags() {
            // Characters that control terminals are not passed on.
            if !client_only || [key, escaped].iter().any(|text| text.contains(char::is_control)) {
                continue;
            }
            for piece in [if tags.is_empty() { "+" } else { ";+" }, key] {
                tags.push_str(piece);
            }
            if !escaped.is_empty() {
                tags.push('=');
                tags.push_str(escaped);
            }
        }
    }
}
