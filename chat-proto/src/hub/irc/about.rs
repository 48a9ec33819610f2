//! What a member says about itself: its user and real name when it registers, SETNAME and AWAY.

use alloc::string::String;

use crate::conversation::Entry;
use crate::hub::Hub;
use crate::hub::propose::Objection;
use crate::id::MemberId;
use crate::moderation::RoomError;
use crate::person::{MAX_AWAY, MAX_REAL_NAME, MAX_USER};
use crate::policy::Action;
use crate::session::irc::cut_to;
use crate::wire::dialect::irc::command::Command;
use crate::wire::dialect::irc::numeric::Numeric;
use crate::wire::dialect::{Complaint, Update};
use crate::wire::sanitize::{Clean, clean, cut};

impl Hub {
    /// Keeps what a client says of its user and its real name when it becomes a member, as the policy leaves it.
    ///
    /// If the policy refuses it, the member has neither and is told why: a client could not register otherwise, and
    /// most do not let people choose both.
    pub(super) fn describe(&mut self, slot: u32, user: &str, real_name: &str) {
        let (member, mut rewritten) = (MemberId(slot), String::new());
        match self.consider(slot, Action::Describe { user, words: real_name }, &mut rewritten) {
            Ok(passed) => {
                self.apply(&Entry::Describe { member, user, real_name: passed.map_or(real_name, Clean::as_str) });
            }
            Err(objection) => {
                self.apply(&Entry::Describe { member, user: "~u", real_name: "" });
                self.occasion.set_command(Command::User.name());
                self.object(slot, &objection);
            }
        }
    }

    /// Changes the real name.
    pub(in crate::hub) fn set_real_name(&mut self, slot: u32, words: &str, rewritten: &mut String) {
        let mut scratch = String::new();
        let words = clean(words, &mut scratch);
        if words.as_str().len() > MAX_REAL_NAME {
            return self.refuse(slot, Complaint::Room(RoomError::TooLong { max: MAX_REAL_NAME }));
        }
        let user = cut_to::<MAX_USER>(self.conversation.person(MemberId(slot)).user);
        let words = match self.passed(slot, words, |words| Action::Describe { user: &user, words }, rewritten) {
            Ok(words) => words.as_str(),
            Err(objection) => return self.object(slot, &objection),
        };
        self.apply(&Entry::Describe { member: MemberId(slot), user: &user, real_name: words });
        let name = self.name_of(slot);
        let update = Update::RealNameSet { name: name.as_str(), words };
        self.reply(slot, &update);
        self.publish_to_rooms(slot, &update);
    }

    /// Marks the member as away, or no longer.
    pub(in crate::hub) fn set_away(&mut self, slot: u32, words: &str, rewritten: &mut String) {
        let mut scratch = String::new();
        let words = clean(cut(words, MAX_AWAY), &mut scratch);
        let words = match self.passed(slot, words, |words| Action::Away { words }, rewritten) {
            Ok(words) => words.as_str(),
            Err(objection) => return self.object(slot, &objection),
        };
        let is_changed = self.conversation.person(MemberId(slot)).away != words;
        if is_changed {
            self.apply(&Entry::Away { member: MemberId(slot), words });
        }
        let numeric = if words.is_empty() { Numeric::UnAway } else { Numeric::NowAway };
        self.numeric(slot, numeric, |to| to.standard().end());
        if is_changed {
            let name = self.name_of(slot);
            self.publish_to_rooms(slot, &Update::AwaySet { name: name.as_str(), words });
        }
    }

    /// Returns words as the policy leaves them; it is not asked when there are none.
    pub(super) fn passed<'a>(
        &self,
        slot: u32,
        words: Clean<'a>,
        action: impl FnOnce(&'a str) -> Action<'a>,
        rewritten: &'a mut String,
    ) -> Result<Clean<'a>, Objection> {
        if words.is_empty() {
            return Ok(words);
        }
        Ok(self.consider(slot, action(words.as_str()), rewritten)?.unwrap_or(words))
    }

    /// Tells everyone in the rooms of a member of something that is no message.
    fn publish_to_rooms(&mut self, slot: u32, update: &Update<'_>) {
        let rooms = self.rooms_of(slot);
        if !rooms.is_empty() {
            self.publish_in(rooms.into_iter(), update, Some(slot));
        }
    }
}
