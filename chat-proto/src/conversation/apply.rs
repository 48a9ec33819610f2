//! How entries change who is here, who has which name, and what was said.

use core::fmt;

use super::Conversation;
use super::entry::Entry;
use super::ring::Kind;
use crate::command::CloseReason;
use crate::fault::Fault;
use crate::id::{MemberId, RoomId};
use crate::moderation::RoomError;
use crate::names::{ANONYMOUS, NameBuf, NameError};
use crate::origin::Cloak;
use crate::person::{MAX_AWAY, MAX_REAL_NAME, MAX_USER};

/// Why an entry was not applied. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejected {
    /// No member with that number is here.
    NoMember(MemberId),
    /// A member with that number is here already, or the number is out of range.
    NotVacant(MemberId),
    /// The member has joined already.
    HasJoined(MemberId),
    /// The name cannot be taken, at least not now.
    Name(NameError),
    /// No room with that number is there.
    NoRoom(RoomId),
    /// The room, or whoever it is about, does not allow it.
    Room(RoomError),
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMember(member) => write!(f, "there is no member {}", member.0),
            Self::NotVacant(member) => write!(f, "the number {} is taken or out of range", member.0),
            Self::HasJoined(member) => write!(f, "member {} has joined already", member.0),
            Self::Name(error) => error.fmt(f),
            Self::NoRoom(room) => write!(f, "there is no room {}", room.0),
            Self::Room(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Rejected {}

impl Conversation {
    /// Applies an entry.
    ///
    /// # Errors
    ///
    /// The entry does not fit the state: for example, two members take the same name, and this entry comes second.
    /// Nothing has changed then, not even the number of entries.
    #[inline]
    pub fn apply(&mut self, entry: &Entry<'_>) -> Result<(), Rejected> {
        self.apply_and_name(entry, &mut NameBuf::new())
    }

    /// Applies an entry. If it changes or removes a member's name, or is about what a member does in a room and no
    /// message, `name` is set to the member's name before; otherwise it is unspecified.
    ///
    /// Inlined, because nearly all callers know which entry it is.
    #[inline(always)]
    pub(crate) fn apply_and_name(&mut self, entry: &Entry<'_>, name: &mut NameBuf) -> Result<(), Rejected> {
        match *entry {
            Entry::Enter { member, guest, lobby, cloak } => self.enter(member, guest, lobby, cloak),
            Entry::Name { member, name: to } => self.rename(member, to, name),
            Entry::Join { member } => self.join(member, name),
            Entry::Say { member, .. } | Entry::Act { member, .. } | Entry::Notice { member, .. } => {
                self.apply_message(entry, member, name).map(drop)
            }
            Entry::Describe { member, user, real_name } => self.describe(member, user, real_name),
            Entry::Away { member, words } => self.set_away(member, words),
            Entry::Tell { member, to, words } => self.tell(member, to, words, name),
            Entry::Leave { member, reason, words } => self.leave(member, reason, words, name),
            Entry::Announce { .. } => {
                self.history.keep_message(entry, "");
                Ok(())
            }
            _ => self.apply_about_room(entry, name),
        }
    }

    fn enter(&mut self, member: MemberId, guest: bool, lobby: bool, cloak: Option<Cloak>) -> Result<(), Rejected> {
        if !self.members.is_vacant(member) {
            return Err(Rejected::NotVacant(member));
        }
        self.members.enter(member, guest, lobby, cloak);
        self.history.keep_other(Kind::Entered { guest, lobby, cloak }, member, "", "", "");
        Ok(())
    }

    fn describe(&mut self, member: MemberId, user: &str, real_name: &str) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        check_len(user, MAX_USER)?;
        check_len(real_name, MAX_REAL_NAME)?;
        self.members.describe(member, user, real_name);
        self.history.keep_other(Kind::Described, member, user, "", real_name);
        Ok(())
    }

    fn set_away(&mut self, member: MemberId, words: &str) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        check_len(words, MAX_AWAY)?;
        self.members.set_away(member, words);
        self.history.keep_other(Kind::AwaySet, member, "", "", words);
        Ok(())
    }

    fn rename(&mut self, member: MemberId, to: &str, name: &mut NameBuf) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        self.members.write_name(member, name);
        let had_joined = self.members.has_joined(member);
        self.members.name(member, to).map_err(Rejected::Name)?;
        let to = self.members.own_name(member).unwrap_or_default();
        // Whoever has had no name before is new, also outside of the lobby.
        let joined = !had_joined && (self.members.is_in_lobby(member) || *name == *ANONYMOUS);
        let kind = Kind::Named { joined, renamed: name.as_str() != to };
        self.history.keep_other(kind, member, name, to, "");
        Ok(())
    }

    fn join(&mut self, member: MemberId, name: &mut NameBuf) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        if self.members.has_joined(member) {
            return Err(Rejected::HasJoined(member));
        }
        self.members.join(member);
        self.members.write_name(member, name);
        self.history.keep_other(Kind::Joined, member, name, "", "");
        Ok(())
    }

    fn tell(&mut self, member: MemberId, to: MemberId, words: &str, name: &mut NameBuf) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        self.check_is_here(to)?;
        self.members.write_name(member, name);
        self.history.keep_other(Kind::Told { to }, member, name, self.members.name_of(to).as_str(), words);
        Ok(())
    }

    fn leave(
        &mut self,
        member: MemberId,
        reason: CloseReason,
        words: &str,
        name: &mut NameBuf,
    ) -> Result<(), Rejected> {
        self.check_is_here(member)?;
        self.members.write_name(member, name);
        // Others in rooms besides the lobby know of it in any case.
        let had_joined = self.members.has_joined(member) || self.memberships.rooms_of(member).next().is_some();
        self.leave_all_rooms(member);
        self.members.leave(member);
        if !Fault::EntryUnrecorded.is_planted() {
            self.history.keep_other(Kind::Left { reason, had_joined }, member, name, "", words);
        }
        Ok(())
    }

    /// Applies an entry that is about a room.
    #[inline(never)]
    fn apply_about_room(&mut self, entry: &Entry<'_>, name: &mut NameBuf) -> Result<(), Rejected> {
        name.clear();
        if let Some(member) = entry.member() {
            self.check_is_here(member)?;
            self.members.write_name(member, name);
        }
        self.apply_in_room(entry, name)
    }

    pub(super) fn check_is_here(&self, member: MemberId) -> Result<(), Rejected> {
        if self.members.is_here(member) { Ok(()) } else { Err(Rejected::NoMember(member)) }
    }

    /// Applies a member's message to everyone in a room, and returns the member's name and the conversation as it is
    /// now. `made` is a buffer for the name of a member without one of its own. Nearly all have one, which is borrowed
    /// and not copied.
    #[inline(always)]
    pub(crate) fn apply_message<'a>(
        &'a mut self,
        entry: &Entry<'_>,
        member: MemberId,
        made: &'a mut NameBuf,
    ) -> Result<(&'a str, &'a Self), Rejected> {
        if !self.members.is_here(member) {
            return Err(Rejected::NoMember(member));
        }
        if let Entry::Say { room, .. } | Entry::Act { room, .. } | Entry::Notice { room, .. } = *entry
            && room != RoomId::LOBBY
            && self.rooms.get(room).is_none()
        {
            return Err(Rejected::NoRoom(room));
        }
        let name = if let Some(name) = self.members.own_name(member) {
            name
        } else {
            self.members.write_name(member, made);
            made.as_str()
        };
        self.history.keep_message(entry, name);
        Ok((name, self))
    }
}

/// Checks that a text has at most that many bytes.
pub(super) fn check_len(text: &str, max: usize) -> Result<(), Rejected> {
    if text.len() <= max { Ok(()) } else { Err(Rejected::Room(RoomError::TooLong { max })) }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::config::{Config, RoomConfig};
    use crate::conversation::Room;
    use crate::conversation::room_entries::tests::{ANN, BOB, apply};
    use crate::conversation::tests::{STORY, conversation};
    use crate::moderation::{MaskList, Role, RoomFlags};

    #[test]
    fn an_entry_that_does_not_fit_the_state_changes_nothing() {
        let mut conversation = conversation(100);
        apply(&mut conversation, &STORY[..6]);
        let before = conversation.digest();
        let (nobody, too_high) = (MemberId(2), MemberId(6));
        for (entry, rejected) in [
            (Entry::Enter { member: BOB, guest: true, lobby: true, cloak: None }, Rejected::NotVacant(BOB)),
            (Entry::Enter { member: too_high, guest: true, lobby: true, cloak: None }, Rejected::NotVacant(too_high)),
            (Entry::Join { member: ANN }, Rejected::HasJoined(ANN)),
            (Entry::Name { member: BOB, name: "ANN" }, Rejected::Name(NameError::Taken)),
            (Entry::Say { member: nobody, room: RoomId::LOBBY, words: "boo", at: 0 }, Rejected::NoMember(nobody)),
            (Entry::Act { member: too_high, room: RoomId::LOBBY, words: "waves", at: 0 }, Rejected::NoMember(too_high)),
            (Entry::Tell { member: ANN, to: nobody, words: "psst" }, Rejected::NoMember(nobody)),
            (Entry::Leave { member: nobody, reason: CloseReason::Eof, words: "" }, Rejected::NoMember(nobody)),
        ] {
            assert_eq!(conversation.apply(&entry), Err(rejected), "{entry:?}");
        }
        assert_eq!((conversation.digest(), conversation.applied()), (before, 6));
    }

    /// Three that apply the same entries agree, and a digest is what one computed from the whole state would be.
    #[test]
    fn conversations_with_the_same_entries_agree() {
        let rooms = vec![RoomConfig { name: "help".into(), ..RoomConfig::default() }];
        let (max_sessions, max_rooms, max_rooms_per_session) = (5, 5, 3);
        // Few messages and others, so that many are overwritten.
        let (history, room_history) = (9, 3);
        let config = Config {
            max_sessions,
            history,
            max_rooms,
            max_rooms_per_session,
            rooms,
            room_history,
            ..Config::default()
        };
        let mut all = [0; 3].map(|_| Conversation::new(&config).expect("the limits are in range"));
        let mut random = 1_u64;
        let mut next = |range: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % range
        };
        let (mut applied, mut refused) = ([0; 21], [0; 21]);
        for _ in 0..24_000 {
            let words = ["", "tea", "Tea", "rust", "bugs", "help", "lobby", "a b", "ann", "bob!*"][next(10)];
            let [member, other] = [next(6), next(6)].map(|number| MemberId(number as u32));
            let room = RoomId(next(6) as u32);
            let by = (next(2) == 0).then_some(other);
            let (yes, bits) = (next(2) == 0, next(32) as u8);
            let kind = next(23).saturating_sub(2);
            let entry = match kind {
                0 => Entry::Enter {
                    member,
                    guest: yes,
                    lobby: bits % 2 == 0,
                    cloak: yes.then_some(Cloak::new(bits.into())),
                },
                1 => Entry::Name { member, name: words },
                2 => Entry::Join { member },
                3 => Entry::Say { member, room, words, at: bits.into() },
                4 => Entry::Act { member, room, words, at: 0 },
                5 => Entry::Tell { member, to: other, words },
                6 => Entry::Leave { member, reason: CloseReason::Eof, words },
                7 => Entry::Announce { words, at: 7 },
                8 => Entry::EnterRoom { member, name: words, at: 0 },
                9 => Entry::LeaveRoom { member, room, words },
                10 => Entry::Kick { by, member, room, words },
                11 => Entry::Topic { by, room, words, styled: "", at: bits.into() },
                12 => Entry::Role {
                    by,
                    member,
                    room,
                    role: if yes { Role::Voice } else { Role::Operator },
                    given: bits % 2 == 0,
                },
                13 => Entry::Flags { by, room, flags: RoomFlags::from_bits(bits).unwrap_or_default() },
                14 => Entry::Key { by, room, key: words },
                15 => Entry::Limit { by, room, limit: bits.into() },
                16 => Entry::Mask { by, room, list: MaskList::BanExceptions, mask: words, of: "", listed: yes, at: 0 },
                17 => Entry::Notice { member, room, words, at: 0 },
                18 => Entry::Describe { member, user: words, real_name: words },
                19 => Entry::Away { member, words },
                _ => Entry::Invite { by, member, room },
            };
            let mut bytes = Vec::new();
            entry.encode(&mut bytes);
            assert_eq!(Entry::decode(&bytes), Ok((entry, &[][..])));
            let before = all[0].digest();
            let outcomes = all.each_mut().map(|one| one.apply(&entry));
            assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
            let digests = all.each_ref().map(Conversation::digest);
            assert_eq!(digests, [all[0].digest_afresh(); 3], "{entry:?}");
            assert_eq!(digests[0] == before, outcomes[0].is_err(), "{entry:?}");
            if outcomes[0].is_ok() {
                applied[kind] += 1;
            } else {
                refused[kind] += 1;
            }
            let [one, .., other] = &all;
            assert_eq!(one.entries(0).last(), other.entries(0).last());
            let is_whole = |room: Room<'_>| room.is_listed() || room.members() > 0;
            assert!(one.rooms().all(|room| one.room(room).is_some_and(is_whole)));
            assert!(one.rooms_of(member).count() <= 3);
        }
        let [one, .., other] = &all;
        assert!(one.entries(0).eq(other.entries(0)) && one.events(0).eq(other.events(0)));
        assert!(one.entries(0).is_sorted_by(|before, after| before.0 < after.0));
        assert!(one.events(0).is_sorted_by(|before, after| before.seq < after.seq));
        assert!(applied.iter().all(|count| *count > 50), "{applied:?}");
        assert!(refused.iter().enumerate().all(|(kind, count)| *count > 50 || kind == 7), "{refused:?}");
    }
}
