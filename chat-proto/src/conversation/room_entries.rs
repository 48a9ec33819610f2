//! How entries change rooms, and who is in them.

use arrayvec::ArrayString;

use super::Conversation;
use super::apply::{Rejected, check_len};
use super::entry::{Entry, MAX_KICK_WORDS};
use super::masks::ListedMask;
use super::ring::Kind;
use crate::fault::Fault;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MAX_ROOM_KEY, MAX_ROOM_NAME, MAX_TOPIC, Role, RoomError};
use crate::names::{MAX_NAME, NameBuf, SERVER};

impl Conversation {
    /// Applies an entry about a room. The member who acts is here, and is called `name`.
    #[inline(never)]
    pub(super) fn apply_in_room(&mut self, entry: &Entry<'_>, name: &NameBuf) -> Result<(), Rejected> {
        match *entry {
            Entry::EnterRoom { member, name: room, at } => self.enter_room(member, name, room, at),
            Entry::LeaveRoom { member, room, words } => {
                check_len(words, MAX_KICK_WORDS)?;
                self.check_is_in(member, room, RoomError::NotIn)?;
                let of_room = self.room_name(room);
                self.take_out(member, room);
                self.history.keep_other(Kind::LeftRoom { room }, member, name, &of_room, words);
                Ok(())
            }
            Entry::Kick { by, member, room, words } => {
                check_len(words, MAX_KICK_WORDS)?;
                self.check_is_in(member, room, RoomError::OtherNotIn)?;
                let of_room = self.room_name(room);
                self.take_out(member, room);
                let by_name = by.map_or(SERVER, |_| name);
                let mut text = ArrayString::<{ MAX_NAME + MAX_KICK_WORDS }>::new();
                text.push_str(by_name);
                text.push_str(words);
                let kind = Kind::Kicked { by, room, by_len: by_name.len() as u8 };
                self.history.keep_other(kind, member, self.members.name_of(member).as_str(), &of_room, &text);
                Ok(())
            }
            Entry::Topic { by, room, words, styled, at } => {
                check_len(words, MAX_TOPIC)?;
                check_len(styled, MAX_TOPIC)?;
                self.check_room(room)?;
                let by_name = by.map_or(SERVER, |_| name);
                self.rooms.set_topic(room, words, styled, by_name, at);
                let kind = Kind::TopicSet { by, room, at, len: words.len() as u16 };
                let mut text = ArrayString::<{ 2 * MAX_TOPIC }>::new();
                text.push_str(words);
                text.push_str(styled);
                self.history.keep_other(kind, by.unwrap_or_default(), by_name, self.rooms.name(room), &text);
                Ok(())
            }
            Entry::Role { by, member, room, role, given } => {
                self.check_is_in(member, room, RoomError::OtherNotIn)?;
                self.set_role(member, room, role, given);
                self.keep_silent(Kind::RoleSet { by, room, role, given }, member, "");
                Ok(())
            }
            Entry::Flags { by, room, flags } => {
                self.check_room(room)?;
                self.rooms.set_flags(room, flags);
                self.keep_silent(Kind::FlagsSet { by, room, flags }, MemberId::default(), "");
                Ok(())
            }
            Entry::Key { by, room, key } => {
                check_len(key, MAX_ROOM_KEY)?;
                self.check_room(room)?;
                self.rooms.set_key(room, key);
                self.keep_silent(Kind::KeySet { by, room }, MemberId::default(), key);
                Ok(())
            }
            Entry::Limit { by, room, limit } => {
                self.check_room(room)?;
                self.rooms.set_limit(room, limit);
                self.keep_silent(Kind::LimitSet { by, room, limit }, MemberId::default(), "");
                Ok(())
            }
            Entry::Mask { by, room, list, mask, of, listed, at } => {
                self.check_room(room)?;
                let listing = ListedMask { mask, of, by: by.map_or(SERVER, |_| name), at };
                self.rooms.set_mask(room, list, &listing, listed).map_err(Rejected::Room)?;
                let kind = Kind::MaskSet { by, room, list, listed, at };
                self.history.keep_other(kind, MemberId::default(), of, "", mask);
                Ok(())
            }
            Entry::Invite { by, member, room } => self.invite(by, member, room),
            _ => Ok(()),
        }
    }

    /// Takes a member out of all rooms, and its invitations away.
    pub(super) fn leave_all_rooms(&mut self, member: MemberId) {
        while let Some(room) = self.memberships.latest(member) {
            self.take_out(member, room);
        }
    }

    fn enter_room(&mut self, member: MemberId, name: &NameBuf, of_room: &str, at: u64) -> Result<(), Rejected> {
        let found = self.rooms.find(of_room).map_err(Rejected::Room)?;
        if found.is_some_and(|room| self.is_in(member, room)) {
            return Err(Rejected::Room(RoomError::OtherIsIn));
        }
        let limits = self.rooms.limits();
        if found.is_none() && self.rooms.is_full() {
            return Err(Rejected::Room(RoomError::TooManyRooms { max: limits.rooms }));
        }
        // The invitation to this room is used up; otherwise the oldest gives way if need be.
        let invited_to = found.filter(|room| self.memberships.is_invited(member, *room));
        let is_at_limit = self.rooms_and_invitations(member) >= limits.each;
        let gives_way = if invited_to.is_none() && is_at_limit {
            let oldest = self.memberships.oldest_invitation(member);
            Some(oldest.ok_or(Rejected::Room(RoomError::InTooManyRooms { max: limits.each }))?)
        } else {
            invited_to
        };
        if let Some(invitation) = gives_way {
            self.memberships.remove(member, invitation);
        }
        let since = self.history.entries();
        match found {
            Some(RoomId::LOBBY) => self.members.enter_lobby(member),
            Some(room) => self.memberships.enter(member, room, since),
            None => {
                let room = self.rooms.begin(of_room, at).map_err(Rejected::Room)?;
                self.memberships.enter(member, room, since);
                self.memberships.set_role(member, room, Role::Operator, true);
            }
        }
        let room = self.rooms.find(of_room).ok().flatten().unwrap_or(RoomId::LOBBY);
        self.history.keep_other(Kind::EnteredRoom { room, at }, member, name, self.rooms.name(room), "");
        Ok(())
    }

    fn invite(&mut self, by: Option<MemberId>, member: MemberId, room: RoomId) -> Result<(), Rejected> {
        self.check_room(room)?;
        self.check_is_here(member)?;
        match self.may_be_invited(member, room) {
            Ok(()) => self.memberships.invite(member, room, self.history.entries()),
            Err(RoomError::OtherIsInvited) => {}
            Err(error) => return Err(Rejected::Room(error)),
        }
        self.keep_silent(Kind::Invited { by, room }, member, "");
        Ok(())
    }

    fn set_role(&mut self, member: MemberId, room: RoomId, role: Role, given: bool) {
        if room == RoomId::LOBBY {
            self.members.set_lobby_role(member, role, given);
        } else {
            self.memberships.set_role(member, room, role, given);
        }
    }

    /// Takes a member out of a room, or an invitation to it away. Ends the room if it was the last one there.
    fn take_out(&mut self, member: MemberId, room: RoomId) {
        if room == RoomId::LOBBY && self.members.is_in_lobby(member) {
            return self.members.leave_lobby(member);
        }
        self.memberships.remove(member, room);
        let is_kept = self.room(room).is_none_or(|room| room.is_listed() || room.members() > 0)
            || Fault::RoomNotEnded.is_planted();
        if !is_kept {
            while let Some(invited) = self.memberships.first_invited(room) {
                self.memberships.remove(invited, room);
            }
            self.rooms.end(room);
            self.history.end_room(room);
        }
    }

    /// Keeps an entry that is no event.
    fn keep_silent(&mut self, kind: Kind, member: MemberId, words: &str) {
        self.history.keep_other(kind, member, "", "", words);
    }

    pub(super) fn rooms_and_invitations(&self, member: MemberId) -> usize {
        let (rooms, invitations) = self.memberships.count(member);
        usize::from(self.members.is_in_lobby(member)) + rooms + invitations
    }

    /// Returns a copy of a room's name, for a room that may end.
    fn room_name(&self, room: RoomId) -> ArrayString<MAX_ROOM_NAME> {
        ArrayString::from(self.rooms.name(room)).unwrap_or_default()
    }

    fn check_room(&self, room: RoomId) -> Result<(), Rejected> {
        self.rooms.get(room).map(|_| ()).ok_or(Rejected::NoRoom(room))
    }

    /// Checks that there is such a room and such a member, and that the member is in the room.
    fn check_is_in(&self, member: MemberId, room: RoomId, otherwise: RoomError) -> Result<(), Rejected> {
        self.check_room(room)?;
        self.check_is_here(member)?;
        if self.is_in(member, room) { Ok(()) } else { Err(Rejected::Room(otherwise)) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::command::CloseReason;
    use crate::config::{Config, RoomConfig};
    use crate::conversation::Event;
    use crate::moderation::{MAX_MASK, MAX_MASKS, MaskList, RoomFlags};

    pub(in super::super) const ANN: MemberId = MemberId(4);
    pub(in super::super) const BOB: MemberId = MemberId(1);
    pub(in super::super) const CAT: MemberId = MemberId(2);
    const NOBODY: MemberId = MemberId(3);
    const LOBBY: RoomId = RoomId::LOBBY;
    /// The room that the configuration lists, and the first that is begun.
    pub(in super::super) const HELP: RoomId = RoomId(1);
    pub(in super::super) const TEA: RoomId = RoomId(2);

    pub(in super::super) fn config() -> Config {
        let help = RoomConfig { name: "Help".into(), topic: "ask here".into(), flags: RoomFlags::MODERATED };
        Config { max_sessions: 6, max_rooms: 5, max_rooms_per_session: 3, rooms: vec![help], ..Config::default() }
    }

    /// Ann, Bob and Cat are in the lobby and have these names.
    pub(in super::super) fn conversation() -> Conversation {
        let mut conversation = Conversation::new(&config()).expect("the limits are in range");
        for (member, name) in [(ANN, "ann"), (BOB, "bob"), (CAT, "cat")] {
            apply(
                &mut conversation,
                &[Entry::Enter { member, guest: true, lobby: true, cloak: None }, Entry::Name { member, name }],
            );
        }
        conversation
    }

    #[track_caller]
    pub(in super::super) fn apply(conversation: &mut Conversation, entries: &[Entry<'_>]) {
        for entry in entries {
            assert_eq!(conversation.apply(entry), Ok(()), "{entry:?}");
            assert_eq!(conversation.digest(), conversation.digest_afresh(), "{entry:?}");
        }
    }

    #[track_caller]
    fn refuse(conversation: &mut Conversation, entry: &Entry<'_>, rejected: Rejected) {
        let before = (conversation.digest(), conversation.applied());
        assert_eq!(conversation.apply(entry), Err(rejected), "{entry:?}");
        assert_eq!((conversation.digest(), conversation.applied()), before, "{entry:?}");
    }

    fn enter(member: MemberId, name: &str) -> Entry<'_> {
        Entry::EnterRoom { member, name, at: 0 }
    }

    fn members(conversation: &Conversation, room: RoomId) -> Vec<MemberId> {
        conversation.members_of(room).collect()
    }

    #[test]
    fn who_begins_a_room_is_its_operator() {
        let mut conversation = conversation();
        apply(&mut conversation, &[enter(BOB, "Tea"), enter(ANN, "tea"), enter(CAT, "help")]);
        let room = conversation.room(TEA).expect("it is there");
        assert_eq!((room.name(), room.members(), room.flags(), room.is_listed()), ("Tea", 2, RoomFlags::NEW, false));
        assert_eq!((room.topic(), room.key(), room.limit()), (None, None, None));
        let operators = [BOB, ANN].map(|member| conversation.has_role(member, TEA, Role::Operator));
        assert_eq!(operators, [true, false]);
        assert!(!conversation.has_role(CAT, HELP, Role::Operator), "that room was there before");
        assert_eq!(members(&conversation, TEA), [BOB, ANN]);
        assert!(conversation.rooms_of(BOB).eq([TEA, LOBBY]) && conversation.rooms().eq([LOBBY, HELP, TEA]));
    }

    #[test]
    fn a_room_that_is_empty_ends_and_its_number_is_used_again() {
        let mut conversation = conversation();
        apply(
            &mut conversation,
            &[enter(ANN, "tea"), enter(ANN, "rust"), Entry::Invite { by: None, member: BOB, room: TEA }],
        );
        let said = Entry::Say { member: ANN, room: TEA, words: "hello", at: 0 };
        let topic = Entry::Topic { by: Some(ANN), room: TEA, words: "leaves", styled: "", at: 5 };
        apply(&mut conversation, &[said, topic, Entry::LeaveRoom { member: ANN, room: TEA, words: "" }]);
        assert!(conversation.room(TEA).is_none() && conversation.find_room("tea").is_none());
        assert!(!conversation.is_invited(BOB, TEA) && conversation.messages(TEA, ..).count() == 0);
        apply(&mut conversation, &[enter(BOB, "tea-2")]);
        assert_eq!(conversation.find_room("tea-2"), Some(TEA));
        assert!(conversation.room(TEA).is_some_and(|room| room.topic().is_none()));
        assert_eq!(conversation.history.kept_messages(TEA), 0..0);
        // A kick and a leave end a room, too.
        let kick = Entry::Kick { by: None, member: BOB, room: TEA, words: "" };
        let leave = Entry::Leave { member: ANN, reason: CloseReason::Quit, words: "" };
        apply(&mut conversation, &[kick, leave]);
        assert!(conversation.rooms().eq([LOBBY, HELP]));
    }

    #[test]
    fn a_listed_room_stays_as_it_was_left() {
        let mut conversation = conversation();
        let set = Entry::Topic { by: Some(BOB), room: HELP, words: "", styled: "", at: 9 };
        let said = Entry::Say { member: BOB, room: HELP, words: "hello", at: 0 };
        apply(
            &mut conversation,
            &[enter(BOB, "HELP"), set, said, Entry::LeaveRoom { member: BOB, room: HELP, words: "" }],
        );
        let room = conversation.room(HELP).expect("it is always there");
        assert_eq!((room.name(), room.members(), room.topic()), ("Help", 0, None));
        assert_eq!(conversation.messages(HELP, ..).count(), 1);
        let first = Conversation::new(&config()).expect("the limits are in range");
        let topic = first.room(HELP).and_then(|room| room.topic()).expect("it has one");
        assert_eq!((topic.words, topic.by, topic.at), ("ask here", "server", 0));
    }

    #[test]
    fn the_lobby_can_be_left_and_entered() {
        let mut conversation = conversation();
        let role = Entry::Role { by: None, member: BOB, room: LOBBY, role: Role::Operator, given: true };
        apply(&mut conversation, &[role, Entry::LeaveRoom { member: ANN, room: LOBBY, words: "" }]);
        assert!(conversation.has_role(BOB, LOBBY, Role::Operator));
        assert_eq!(members(&conversation, LOBBY), [BOB, CAT]);
        apply(
            &mut conversation,
            &[Entry::Kick { by: Some(BOB), member: BOB, room: LOBBY, words: "" }, enter(ANN, "Lobby")],
        );
        assert_eq!(members(&conversation, LOBBY), [CAT, ANN]);
        assert_eq!(conversation.room(LOBBY).map(|room| (room.name(), room.members())), Some(("lobby", 2)));
        apply(&mut conversation, &[enter(BOB, "lobby")]);
        assert!(!conversation.has_role(BOB, LOBBY, Role::Operator), "it has lost its role");
        apply(&mut conversation, &[Entry::Enter { member: NOBODY, guest: false, lobby: false, cloak: None }]);
        assert!(!conversation.is_in(NOBODY, LOBBY) && conversation.rooms_of(NOBODY).next().is_none());
    }

    #[test]
    fn settings_are_what_the_last_entry_made_them() {
        let mut conversation = conversation();
        let list = MaskList::BanExceptions;
        let mask = |mask, listed| Entry::Mask { by: Some(ANN), room: TEA, list, mask, of: "", listed, at: 0 };
        apply(
            &mut conversation,
            &[
                enter(ANN, "tea"),
                enter(BOB, "tea"),
                Entry::Flags { by: None, room: TEA, flags: RoomFlags::HIDDEN },
                Entry::Key { by: None, room: TEA, key: "sesame" },
                Entry::Limit { by: None, room: TEA, limit: 7 },
                Entry::Topic { by: Some(ANN), room: TEA, words: "leaves", styled: "", at: 77 },
                Entry::Name { member: ANN, name: "anna" },
                Entry::Role { by: Some(ANN), member: BOB, room: TEA, role: Role::Voice, given: true },
                Entry::Role { by: Some(ANN), member: ANN, room: TEA, role: Role::Operator, given: false },
                mask("cat!*", true),
                mask("dog!*", true),
                mask("CAT!*", true),
                mask("Cat!*", false),
            ],
        );
        let room = conversation.room(TEA).expect("it is there");
        assert_eq!((room.flags(), room.key(), room.limit()), (RoomFlags::HIDDEN, Some("sesame"), Some(7)));
        let topic = room.topic().expect("it has one");
        assert_eq!((topic.words, topic.by, topic.at), ("leaves", "ann", 77), "the name at that time");
        assert!(room.masks(list).eq(["dog!*"]) && room.masks(MaskList::Bans).len() == 0);
        let roles = |member| [Role::Operator, Role::Voice].map(|role| conversation.has_role(member, TEA, role));
        assert_eq!([roles(ANN), roles(BOB)], [[false, false], [false, true]]);
        let none = [
            Entry::Flags { by: None, room: TEA, flags: RoomFlags::NONE },
            Entry::Key { by: None, room: TEA, key: "" },
            Entry::Limit { by: None, room: TEA, limit: 0 },
            Entry::Topic { by: None, room: TEA, words: "", styled: "", at: 80 },
        ];
        apply(&mut conversation, &none);
        let room = conversation.room(TEA).expect("it is there");
        assert_eq!((room.flags(), room.key(), room.limit(), room.topic()), (RoomFlags::NONE, None, None, None));
    }

    #[test]
    fn a_list_has_so_many_masks_and_no_more() {
        let mut conversation = conversation();
        let names: Vec<String> = (0..=MAX_MASKS).map(|n| alloc::format!("bot-{n}!*")).collect();
        let mask = |mask, list, listed| Entry::Mask { by: None, room: LOBBY, list, mask, of: "", listed, at: 0 };
        for name in &names[..MAX_MASKS] {
            apply(&mut conversation, &[mask(name, MaskList::Bans, true)]);
        }
        let full = Rejected::Room(RoomError::ListFull { max: MAX_MASKS });
        refuse(&mut conversation, &mask(&names[MAX_MASKS], MaskList::Bans, true), full);
        apply(&mut conversation, &[mask(&names[0], MaskList::Bans, true)]);
        apply(&mut conversation, &[mask(&names[MAX_MASKS], MaskList::InviteExceptions, true)]);
        apply(
            &mut conversation,
            &[mask(&names[0], MaskList::Bans, false), mask(&names[MAX_MASKS], MaskList::Bans, true)],
        );
        let room = conversation.room(LOBBY).expect("it is always there");
        assert!(room.masks(MaskList::Bans).eq(names[1..].iter().map(String::as_str)));
    }

    #[test]
    fn the_oldest_invitation_gives_way_to_a_room() {
        let mut conversation = conversation();
        apply(&mut conversation, &[enter(ANN, "tea"), enter(ANN, "rust")]);
        let (rust, invite) = (RoomId(3), |room| Entry::Invite { by: Some(ANN), member: BOB, room });
        apply(&mut conversation, &[invite(TEA), invite(rust), invite(TEA)]);
        assert!(
            conversation.is_invited(BOB, TEA) && conversation.is_invited(BOB, rust) && !conversation.is_in(BOB, TEA)
        );
        assert_eq!(members(&conversation, TEA), [ANN]);
        // It is in the lobby: a room and two invitations are as many as there may be.
        refuse(&mut conversation, &invite(HELP), Rejected::Room(RoomError::TooManyInvitations));
        apply(&mut conversation, &[enter(BOB, "help")]);
        assert!(!conversation.is_invited(BOB, TEA) && conversation.is_invited(BOB, rust));
        // What it is invited to takes no more room than the invitation.
        apply(&mut conversation, &[enter(BOB, "rust")]);
        assert!(!conversation.is_invited(BOB, rust) && conversation.is_in(BOB, rust));
        refuse(&mut conversation, &invite(TEA), Rejected::Room(RoomError::TooManyInvitations));
        refuse(&mut conversation, &invite(rust), Rejected::Room(RoomError::OtherIsIn));
        refuse(&mut conversation, &enter(BOB, "tea"), Rejected::Room(RoomError::InTooManyRooms { max: 3 }));
        apply(&mut conversation, &[Entry::LeaveRoom { member: BOB, room: HELP, words: "" }, invite(TEA)]);
        apply(&mut conversation, &[Entry::Leave { member: BOB, reason: CloseReason::Eof, words: "" }]);
        assert!(!conversation.is_invited(BOB, TEA) && conversation.memberships.first_invited(TEA).is_none());
    }

    #[test]
    fn who_has_left_the_lobby_may_be_invited_to_it() {
        let mut conversation = conversation();
        let invite = Entry::Invite { by: None, member: ANN, room: LOBBY };
        refuse(&mut conversation, &invite, Rejected::Room(RoomError::OtherIsIn));
        apply(&mut conversation, &[Entry::LeaveRoom { member: ANN, room: LOBBY, words: "" }, invite]);
        assert!(conversation.is_invited(ANN, LOBBY) && !conversation.is_in(ANN, LOBBY));
        apply(&mut conversation, &[enter(ANN, "lobby")]);
        assert!(!conversation.is_invited(ANN, LOBBY) && conversation.is_in(ANN, LOBBY));
    }

    #[test]
    fn an_entry_that_does_not_fit_the_rooms_changes_nothing() {
        let mut conversation = conversation();
        apply(&mut conversation, &[enter(ANN, "tea"), enter(ANN, "rust"), enter(BOB, "bugs")]);
        let (gone, by, list, invites) = (RoomId(9), Some(NOBODY), MaskList::Bans, MaskList::InviteExceptions);
        let (room, member) = (TEA, ANN);
        let over = |max: usize| "x".repeat(max + 1);
        let (words, key, mask, kick) = (over(MAX_TOPIC), over(MAX_ROOM_KEY), over(MAX_MASK), over(MAX_KICK_WORDS));
        let too_long = |max| Rejected::Room(RoomError::TooLong { max });
        for (entry, rejected) in [
            (Entry::Say { member: NOBODY, room: TEA, words: "hi", at: 0 }, Rejected::NoMember(NOBODY)),
            (Entry::Say { member, room: gone, words: "hi", at: 0 }, Rejected::NoRoom(gone)),
            (Entry::Act { member, room: RoomId(u32::MAX), words: "hi", at: 0 }, Rejected::NoRoom(RoomId(u32::MAX))),
            (enter(NOBODY, "tea"), Rejected::NoMember(NOBODY)),
            (enter(ANN, "TEA"), Rejected::Room(RoomError::OtherIsIn)),
            (enter(ANN, "lobby"), Rejected::Room(RoomError::OtherIsIn)),
            (enter(BOB, "t\u{e9}a"), Rejected::Room(RoomError::LooksLikeAnother)),
            (enter(BOB, "tea room"), Rejected::Room(RoomError::InvalidName)),
            (enter(BOB, "more"), Rejected::Room(RoomError::TooManyRooms { max: 5 })),
            (enter(ANN, "help"), Rejected::Room(RoomError::InTooManyRooms { max: 3 })),
            (Entry::LeaveRoom { member: NOBODY, room, words: "" }, Rejected::NoMember(NOBODY)),
            (Entry::LeaveRoom { member, room: gone, words: "" }, Rejected::NoRoom(gone)),
            (Entry::LeaveRoom { member: BOB, room, words: &words }, too_long(256)),
            (Entry::LeaveRoom { member: BOB, room, words: "" }, Rejected::Room(RoomError::NotIn)),
            (Entry::Kick { by, member, room, words: "" }, Rejected::NoMember(NOBODY)),
            (Entry::Kick { by: None, member: NOBODY, room, words: "" }, Rejected::NoMember(NOBODY)),
            (Entry::Kick { by: None, member: BOB, room, words: "" }, Rejected::Room(RoomError::OtherNotIn)),
            (Entry::Kick { by: None, member, room: gone, words: "" }, Rejected::NoRoom(gone)),
            (Entry::Kick { by: None, member, room, words: &kick }, too_long(256)),
            (Entry::Topic { by, room, words: "", styled: "", at: 0 }, Rejected::NoMember(NOBODY)),
            (Entry::Topic { by: None, room: gone, words: "", styled: "", at: 0 }, Rejected::NoRoom(gone)),
            (Entry::Topic { by: None, room, words: &words, styled: "", at: 0 }, too_long(390)),
            (
                Entry::Role { by: None, member: BOB, room, role: Role::Voice, given: true },
                Rejected::Room(RoomError::OtherNotIn),
            ),
            (Entry::Role { by: None, member, room: gone, role: Role::Voice, given: true }, Rejected::NoRoom(gone)),
            (Entry::Flags { by: None, room: gone, flags: RoomFlags::NONE }, Rejected::NoRoom(gone)),
            (Entry::Flags { by, room, flags: RoomFlags::NONE }, Rejected::NoMember(NOBODY)),
            (Entry::Key { by: None, room: gone, key: "" }, Rejected::NoRoom(gone)),
            (Entry::Key { by: None, room, key: &key }, too_long(32)),
            (Entry::Limit { by: None, room: gone, limit: 0 }, Rejected::NoRoom(gone)),
            (
                Entry::Mask { by: None, room: gone, list, mask: "a", of: "", listed: true, at: 0 },
                Rejected::NoRoom(gone),
            ),
            (Entry::Mask { by: None, room, list, mask: &mask, of: "", listed: true, at: 0 }, too_long(128)),
            (Entry::Mask { by: None, room, list, mask: "a", of: &mask, listed: true, at: 0 }, too_long(32)),
            (Entry::Mask { by: None, room, list: invites, mask: "a", of: "b", listed: true, at: 0 }, too_long(0)),
            (
                Entry::Mask { by: None, room, list, mask: "a", of: "", listed: false, at: 0 },
                Rejected::Room(RoomError::NotListed),
            ),
            (Entry::Invite { by: None, member: NOBODY, room }, Rejected::NoMember(NOBODY)),
            (Entry::Invite { by: None, member, room: gone }, Rejected::NoRoom(gone)),
            (Entry::Invite { by: None, member, room }, Rejected::Room(RoomError::OtherIsIn)),
        ] {
            refuse(&mut conversation, &entry, rejected);
        }
    }

    #[test]
    fn followers_see_who_comes_and_goes_and_what_the_topic_is() {
        let mut conversation = conversation();
        let next = conversation.next_event();
        let story = [
            enter(ANN, "Tea"),
            enter(BOB, "Tea"),
            Entry::Act { member: BOB, room: TEA, words: "sits", at: 0 },
            Entry::Topic { by: Some(ANN), room: TEA, words: "leaves", styled: "", at: 1 },
            Entry::Flags { by: Some(ANN), room: TEA, flags: RoomFlags::MODERATED },
            Entry::Kick { by: Some(ANN), member: BOB, room: TEA, words: "out" },
            Entry::Key { by: Some(ANN), room: TEA, key: "k" },
            Entry::Limit { by: Some(ANN), room: TEA, limit: 3 },
            Entry::Role { by: Some(ANN), member: ANN, room: TEA, role: Role::Voice, given: true },
            Entry::Mask { by: Some(ANN), room: TEA, list: MaskList::Bans, mask: "b!*", of: "", listed: true, at: 0 },
            Entry::Invite { by: Some(ANN), member: BOB, room: TEA },
            Entry::Say { member: CAT, room: LOBBY, words: "hi", at: 0 },
            Entry::Say { member: ANN, room: TEA, words: "tea", at: 0 },
            Entry::Kick { by: None, member: CAT, room: LOBBY, words: "" },
            Entry::Topic { by: None, room: HELP, words: "", styled: "", at: 2 },
            Entry::Announce { words: "soon", at: 0 },
        ];
        let first = conversation.applied();
        apply(&mut conversation, &story);
        assert!(conversation.entries(first).eq((first..).zip(story)), "the same entries in the same order");
        let (tea, name) = ("Tea", "ann");
        let expected = [
            (Some(ANN), Some(TEA), Event::EnteredRoom { name, room: tea }),
            (Some(BOB), Some(TEA), Event::EnteredRoom { name: "bob", room: tea }),
            (Some(BOB), Some(TEA), Event::Acted { name: "bob", words: "sits" }),
            (Some(ANN), Some(TEA), Event::TopicSet { by: name, room: tea, words: "leaves" }),
            (Some(BOB), Some(TEA), Event::Kicked { name: "bob", room: tea, by: name, words: "out" }),
            (Some(CAT), Some(LOBBY), Event::Said { name: "cat", words: "hi" }),
            (Some(ANN), Some(TEA), Event::Said { name, words: "tea" }),
            (Some(CAT), Some(LOBBY), Event::Kicked { name: "cat", room: "lobby", by: "server", words: "" }),
            (None, Some(HELP), Event::TopicSet { by: "server", room: "Help", words: "" }),
            (None, None, Event::Announced { words: "soon" }),
        ];
        let events =
            conversation.events(next).map(|recorded| (recorded.seq, (recorded.member, recorded.room, recorded.event)));
        assert!(events.eq((next..).zip(expected)));
        // The others' events go with the room, its messages do not stay.
        apply(&mut conversation, &[Entry::LeaveRoom { member: ANN, room: TEA, words: "bye" }]);
        let left = conversation.events(next).map(|recorded| recorded.seq - next);
        assert!(left.eq([0, 1, 3, 4, 5, 7, 8, 9, 10]));
        let last = conversation.events(next).last().map(|recorded| recorded.event);
        assert_eq!(last, Some(Event::LeftRoom { name, room: tea, words: "bye" }));
    }
}
