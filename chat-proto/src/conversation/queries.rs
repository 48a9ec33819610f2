//! What can be asked about rooms: which there are, who is in them, and who may do what.

use core::ops::Range;

use arrayvec::ArrayString;

use super::masks::{Mask, Subject, are_same, mask_of_name};
use super::{Conversation, Recorded, Room};
use crate::fault::Fault;
use crate::id::{MemberId, RoomId};
use crate::moderation::{MAX_ROOM_NAME, MaskList, Role, RoomError, RoomFlags};
use crate::names::MAX_NAME;
use crate::person::Person;

impl Conversation {
    /// Finds the room of that name, without regard to case.
    #[must_use]
    pub fn find_room(&self, name: &str) -> Option<RoomId> {
        self.rooms.find(name).ok().flatten()
    }

    /// Returns how many rooms there are, the lobby counted.
    #[must_use]
    pub fn room_count(&self) -> usize {
        self.rooms.count()
    }

    /// Returns a room, if there is one with that number.
    #[must_use]
    pub fn room(&self, room: RoomId) -> Option<Room<'_>> {
        let state = self.rooms.get(room)?;
        let members = if room == RoomId::LOBBY { self.members.in_lobby() } else { self.memberships.len(room) };
        Some(Room { name: self.rooms.name(room), members, state })
    }

    /// Returns a copy of a room's name, empty if there is no such room, for use while the conversation changes.
    pub(crate) fn name_of_room(&self, room: RoomId) -> ArrayString<MAX_ROOM_NAME> {
        ArrayString::from(self.room(room).map_or("", |room| room.name())).unwrap_or_default()
    }

    /// Returns all rooms, by number.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> + '_ {
        core::iter::successors(self.next_room(0), |room| self.next_room(room.0 + 1))
    }

    /// Returns the first room whose number is `from` or more, for answers that resume.
    #[must_use]
    pub fn next_room(&self, from: u32) -> Option<RoomId> {
        self.rooms.next(from)
    }

    /// Returns whether a member is in a room. The cost grows with the number of rooms that the member is in.
    #[inline]
    #[must_use]
    pub fn is_in(&self, member: MemberId, room: RoomId) -> bool {
        if room == RoomId::LOBBY { self.members.is_in_lobby(member) } else { self.memberships.is_in(member, room) }
    }

    /// Returns whether a member may know of a room: it is not hidden, or the member is in it.
    pub(crate) fn may_see(&self, member: MemberId, room: RoomId) -> bool {
        let is_hidden = self.rooms.get(room).is_none() || self.rooms.flags(room).has(RoomFlags::HIDDEN);
        !is_hidden || self.is_in(member, room)
    }

    /// Returns what is known of a member besides its name. Nothing is known of a member that is not here.
    #[must_use]
    pub fn person(&self, member: MemberId) -> Person<'_> {
        self.members.person(member)
    }

    /// Returns the rooms that a member is in: the latest entered first, and the lobby last.
    pub fn rooms_of(&self, member: MemberId) -> impl Iterator<Item = RoomId> + '_ {
        let lobby = self.members.is_in_lobby(member).then_some(RoomId::LOBBY);
        self.memberships.rooms_of(member).chain(lobby)
    }

    /// Returns the members of a room in the order in which they entered it, and those of the lobby by number.
    pub fn members_of(&self, room: RoomId) -> impl Iterator<Item = MemberId> + '_ {
        let of_lobby = (room == RoomId::LOBBY).then(|| self.members.of_lobby());
        of_lobby.into_iter().flatten().chain(self.memberships.members_of(room))
    }

    /// Returns the members of a room from a number on, 0 for all, each with the number from which on the next one is
    /// found. For answers that resume.
    pub(crate) fn members_from(&self, room: RoomId, from: u64) -> impl Iterator<Item = (u64, MemberId)> + '_ {
        let of_lobby = (room == RoomId::LOBBY).then(|| self.members.of_lobby_from(from));
        of_lobby.into_iter().flatten().chain(self.memberships.members_from(room, from))
    }

    /// Returns the members from a number on, each with the number from which on the next one is found.
    pub(crate) fn everyone_from(&self, from: u64) -> impl Iterator<Item = (u64, MemberId)> + '_ {
        self.members.everyone_from(from)
    }

    /// Returns whether a member is in a room and has that role there.
    #[must_use]
    pub fn has_role(&self, member: MemberId, room: RoomId, role: Role) -> bool {
        if room == RoomId::LOBBY {
            self.members.has_lobby_role(member, role)
        } else {
            self.memberships.has_role(member, room, role)
        }
    }

    /// Returns whether a member is invited to a room that it is not in.
    #[must_use]
    pub fn is_invited(&self, member: MemberId, room: RoomId) -> bool {
        self.memberships.is_invited(member, room)
    }

    /// Checks whether a member may be invited to a room, whoever invites it.
    ///
    /// # Errors
    ///
    /// The reason: it is there or invited already, or has too many invitations.
    pub fn may_be_invited(&self, member: MemberId, room: RoomId) -> Result<(), RoomError> {
        if self.is_in(member, room) {
            return Err(RoomError::OtherIsIn);
        }
        if self.is_invited(member, room) {
            return Err(RoomError::OtherIsInvited);
        }
        let is_at_limit = self.rooms_and_invitations(member) >= self.rooms.limits().each;
        if is_at_limit || self.memberships.is_full() { Err(RoomError::TooManyInvitations) } else { Ok(()) }
    }

    /// Returns the room of that name if the member may enter it with that key, or is in it already; `None` if the room
    /// would begin.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn may_enter(&self, member: MemberId, name: &str, key: &str) -> Result<Option<RoomId>, RoomError> {
        let limits = self.rooms.limits();
        let found = self.rooms.find(name)?;
        match found {
            None if !limits.new_rooms => return Err(RoomError::NoNewRooms),
            None if self.rooms.is_full() => return Err(RoomError::TooManyRooms { max: limits.rooms }),
            None => {}
            Some(room) if self.is_in(member, room) => return Ok(found),
            Some(room) => self.may_pass(member, room, key)?,
        }
        let rooms = usize::from(self.members.is_in_lobby(member)) + self.memberships.count(member).0;
        // Invitations give way.
        if rooms < limits.each { Ok(found) } else { Err(RoomError::InTooManyRooms { max: limits.each }) }
    }

    /// Checks whether a room lets a member in, whatever other rooms it is in.
    fn may_pass(&self, member: MemberId, id: RoomId, key: &str) -> Result<(), RoomError> {
        let Some(room) = self.room(id).filter(|_| self.members.is_here(member)) else {
            return Err(RoomError::NoSuchRoom);
        };
        let flags = room.flags();
        let is_asked_for = |list| room.masks(list).len() > 0;
        if is_asked_for(MaskList::Bans) || flags.has(RoomFlags::INVITED_ONLY) {
            let subject =
                Subject::new(&self.members.name_of(member), self.members.person(member), self.members.rules());
            let is_listed = |list| subject.is_matched_by(room.state.masks(list));
            let is_banned = is_listed(MaskList::Bans) && !is_listed(MaskList::BanExceptions);
            if is_banned && !Fault::BanIgnored.is_planted() {
                return Err(RoomError::Banned);
            }
            if flags.has(RoomFlags::INVITED_ONLY)
                && !self.is_invited(member, id)
                && !is_listed(MaskList::InviteExceptions)
            {
                return Err(RoomError::InvitedOnly);
            }
        }
        if self.is_invited(member, id) {
            return Ok(());
        }
        if room.key().is_some_and(|needed| needed != key) {
            return Err(RoomError::WrongKey);
        }
        if room.limit().is_some_and(|limit| room.members() >= limit as usize) {
            return Err(RoomError::RoomFull);
        }
        Ok(())
    }

    /// Returns whether any room that a member is in has bans.
    pub(crate) fn is_where_bans_are(&self, member: MemberId) -> bool {
        let has_bans = |room| self.rooms.get(room).is_some_and(|room| room.masks(MaskList::Bans).len() > 0);
        self.rooms_of(member).any(has_bans)
    }

    /// Checks whether a member may take a name while it is in its rooms: not if a ban of one of them matches the name and
    /// does not match the present one.
    ///
    /// # Errors
    ///
    /// [`RoomError::NameBanned`].
    pub fn may_be_called(&self, member: MemberId, name: &str) -> Result<(), RoomError> {
        self.where_banned_as(member, name).map_or(Ok(()), |_| Err(RoomError::NameBanned))
    }

    /// Returns a room that a member is in and that keeps it from taking a name.
    pub(crate) fn where_banned_as(&self, member: MemberId, name: &str) -> Option<RoomId> {
        // Names that are too long are refused elsewhere, and could not be compared.
        if name.len() > MAX_NAME || !self.members.is_here(member) || !self.is_where_bans_are(member) {
            return None;
        }
        let masks = |room, list| self.rooms.get(room).into_iter().flat_map(move |room| room.masks(list));
        let rules = self.members.rules();
        let person = self.members.person(member);
        let before = Subject::new(&self.members.name_of(member), person, rules);
        let after = Subject::new(name, person, rules);
        let is_banned = |room| {
            // A ban of an address does not keep from renaming: its neighbours may be here.
            masks(room, MaskList::Bans).any(|ban| after.matches(ban) && !before.matches(ban))
                && !after.is_matched_by(masks(room, MaskList::BanExceptions))
        };
        self.rooms_of(member).find(|room| is_banned(*room))
    }

    /// Returns whether a member may speak in a room.
    ///
    /// # Errors
    ///
    /// The reason: it is not in the room, and only members may speak there; or it has no role there, and the room is
    /// moderated or a ban matches.
    #[inline]
    pub fn may_speak(&self, member: MemberId, room: RoomId) -> Result<(), RoomError> {
        if !self.is_in(member, room) {
            self.may_speak_from_outside(member, room)
        } else if self.rooms.is_restricted(room) {
            self.may_speak_where_not_all_may(member, room)
        } else {
            Ok(())
        }
    }

    /// Checks whether a member may speak in a room where not every member may.
    #[cold]
    fn may_speak_where_not_all_may(&self, member: MemberId, room: RoomId) -> Result<(), RoomError> {
        if self.has_voice(member, room) {
            Ok(())
        } else if self.rooms.flags(room).has(RoomFlags::MODERATED) {
            Err(RoomError::NoVoice)
        } else if self.is_banned(member, room) {
            Err(RoomError::Silenced)
        } else {
            Ok(())
        }
    }

    /// Returns the bans of a name, of the addresses that were banned as those of the name, and of that address, the oldest
    /// first.
    pub(crate) fn bans_of<'a>(
        &'a self,
        room: RoomId,
        name: &'a str,
        address: Option<&'a str>,
    ) -> impl Iterator<Item = &'a str> {
        let owner = Subject::new(name, Person::UNKNOWN, self.members.rules());
        // Loose names with `*` are banned by a pattern.
        let named = mask_of_name(name).ok();
        let is_theirs = move |ban: &&Mask| {
            let is = |mask: &str| are_same(ban.text(), mask);
            address.is_some_and(is) || named.as_deref().is_some_and(is) || owner.is_named_in(ban)
        };
        let bans = self.rooms.get(room).into_iter().flat_map(|room| room.masks(MaskList::Bans));
        bans.filter(is_theirs).map(Mask::text)
    }

    /// Returns whether a ban of a room matches a member, and no exception does.
    fn is_banned(&self, member: MemberId, room: RoomId) -> bool {
        let Some(state) = self.rooms.get(room) else { return false };
        let rules = self.members.rules();
        let subject = Subject::new(&self.members.name_of(member), self.members.person(member), rules);
        let is_listed = |list| subject.is_matched_by(state.masks(list));
        is_listed(MaskList::Bans) && !is_listed(MaskList::BanExceptions)
    }

    /// Checks whether a member may speak in a room that it is not in: only if the room allows that, and no ban matches.
    #[cold]
    fn may_speak_from_outside(&self, member: MemberId, room: RoomId) -> Result<(), RoomError> {
        let flags = self.rooms.flags(room);
        let is_closed = room == RoomId::LOBBY || flags.has(RoomFlags::MEMBERS_SPEAK);
        if is_closed || self.rooms.get(room).is_none() || !self.members.is_here(member) {
            Err(RoomError::NotIn)
        } else if self.is_banned(member, room) {
            Err(RoomError::Banned)
        } else if flags.has(RoomFlags::MODERATED) {
            Err(RoomError::NoVoice)
        } else {
            Ok(())
        }
    }

    /// Returns whether not every member of the lobby may speak there.
    #[inline]
    pub(crate) fn is_lobby_restricted(&self) -> bool {
        self.rooms.is_restricted(RoomId::LOBBY)
    }

    /// Returns the numbers of a room's oldest kept message and of its next one, counting only the messages of that
    /// room.
    pub(crate) fn kept_messages(&self, room: RoomId) -> Range<u64> {
        self.history.kept_messages(room)
    }

    /// Returns a message by its number among the room's messages, if it is kept.
    pub(crate) fn message(&self, room: RoomId, number: u64) -> Option<Recorded<'_>> {
        self.history.message(room, number)
    }

    /// Returns the number, among a room's messages, of the first one that `is_late`; all messages after it are late,
    /// too. `is_late` takes a message's number among events and the time at which it was said.
    pub(crate) fn first_message(&self, room: RoomId, is_late: impl Fn(u64, u64) -> bool) -> u64 {
        self.history.first_message(room, is_late)
    }

    fn has_voice(&self, member: MemberId, room: RoomId) -> bool {
        [Role::Operator, Role::Voice].into_iter().any(|role| self.has_role(member, room, role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::conversation::Entry;
    use crate::conversation::room_entries::tests::{ANN, BOB, CAT, HELP, TEA, apply, config, conversation};

    /// Ann is operator of `tea`.
    fn with_tea(entries: &[Entry<'_>]) -> Conversation {
        let mut conversation = conversation();
        apply(&mut conversation, &[Entry::EnterRoom { member: ANN, name: "tea", at: 0 }]);
        apply(&mut conversation, entries);
        conversation
    }

    fn mask(list: MaskList, mask: &str) -> Entry<'_> {
        Entry::Mask { by: None, room: TEA, list, mask, of: "", listed: true, at: 0 }
    }

    #[test]
    fn a_name_decides_first_whether_a_room_may_be_entered() {
        let conversation = with_tea(&[]);
        let may_enter = |name| conversation.may_enter(BOB, name, "");
        assert_eq!(may_enter("a b"), Err(RoomError::InvalidName));
        assert_eq!(may_enter("t\u{e9}a"), Err(RoomError::LooksLikeAnother));
        assert_eq!((may_enter("TEA"), may_enter("lobby")), (Ok(Some(TEA)), Ok(Some(RoomId::LOBBY))));
        assert_eq!((may_enter("new"), may_enter("Help")), (Ok(None), Ok(Some(HELP))));
        let closed = Conversation::new(&Config { new_rooms: false, ..config() }).expect("the limits are in range");
        assert_eq!(closed.may_enter(BOB, "new", ""), Err(RoomError::NoNewRooms));
        assert_eq!(closed.may_enter(BOB, "help", ""), Err(RoomError::NoSuchRoom), "nobody is here");
        let full = with_tea(&[
            Entry::EnterRoom { member: BOB, name: "one", at: 0 },
            Entry::EnterRoom { member: CAT, name: "two", at: 0 },
        ]);
        assert_eq!(full.may_enter(BOB, "new", ""), Err(RoomError::TooManyRooms { max: 5 }));
    }

    #[test]
    fn a_member_cannot_take_a_name_that_its_room_has_banned_since_nor_one_that_looks_like_it() {
        let mut conversation = with_tea(&[Entry::EnterRoom { member: BOB, name: "tea", at: 0 }]);
        assert_eq!(conversation.may_be_called(BOB, "zoe"), Ok(()));
        apply(&mut conversation, &[mask(MaskList::Bans, "zoe!*"), mask(MaskList::Bans, "b*!*")]);
        for (name, may) in [
            ("zoe", Err(RoomError::NameBanned)),
            ("z0e", Err(RoomError::NameBanned)),
            ("zoey", Ok(())),
            ("bill", Ok(())), // So was `bob`, which is here.
        ] {
            assert_eq!(conversation.may_be_called(BOB, name), may, "{name}");
        }
        assert_eq!(conversation.may_be_called(CAT, "zoe"), Ok(()), "it is not in the room");
        apply(&mut conversation, &[mask(MaskList::BanExceptions, "z0e!*")]);
        assert_eq!(conversation.may_be_called(BOB, "zoe"), Ok(()));
    }

    #[test]
    fn no_ban_matches_what_is_too_long_for_a_name() {
        let conversation = with_tea(&[mask(MaskList::Bans, "zoe!*"), mask(MaskList::Bans, "m*!*")]);
        for name in ["m".repeat(100_000), "\u{fdfa}".repeat(100_000), "m".repeat(256)] {
            assert_eq!(conversation.may_be_called(ANN, &name), Ok(()));
        }
    }

    #[test]
    fn a_ban_keeps_out_who_has_no_exception() {
        let bans = MaskList::Bans;
        for (banned, entries) in [
            (true, &[mask(bans, "bo?!*")][..]),
            (true, &[mask(bans, "*!~us?r@-")]),
            (false, &[mask(bans, "ann!*"), mask(bans, "*!*@0*")]),
            (false, &[mask(bans, "*"), mask(MaskList::BanExceptions, "BOB!*")]),
            (true, &[mask(bans, "*"), mask(MaskList::InviteExceptions, "bob!*")]),
            (true, &[mask(bans, "bob!*"), Entry::Invite { by: Some(ANN), member: BOB, room: TEA }]),
        ] {
            let expected = if banned { Err(RoomError::Banned) } else { Ok(Some(TEA)) };
            assert_eq!(with_tea(entries).may_enter(BOB, "tea", ""), expected, "{entries:?}");
        }
        // Who is in the room already stays.
        let within = with_tea(&[mask(bans, "*")]);
        assert_eq!(within.may_enter(ANN, "tea", ""), Ok(Some(TEA)));
    }

    #[test]
    fn an_invitation_opens_what_is_closed() {
        let closed = Entry::Flags { by: None, room: TEA, flags: RoomFlags::INVITED_ONLY };
        let key = Entry::Key { by: None, room: TEA, key: "k" };
        let limit = Entry::Limit { by: None, room: TEA, limit: 1 };
        let excepted = mask(MaskList::InviteExceptions, "b*!*");
        for (entries, error) in [
            (&[closed, key, limit][..], RoomError::InvitedOnly),
            (&[closed, key, limit, excepted], RoomError::WrongKey),
            (&[key, limit], RoomError::WrongKey),
            (&[limit], RoomError::RoomFull),
        ] {
            let mut conversation = with_tea(entries);
            assert_eq!(conversation.may_enter(BOB, "tea", "j"), Err(error), "{entries:?}");
            apply(&mut conversation, &[Entry::Invite { by: Some(ANN), member: BOB, room: TEA }]);
            assert_eq!(conversation.may_enter(BOB, "tea", ""), Ok(Some(TEA)), "{entries:?}");
        }
        assert_eq!(with_tea(&[key]).may_enter(BOB, "tea", "k"), Ok(Some(TEA)));
        let two = Entry::Limit { by: None, room: TEA, limit: 2 };
        assert_eq!(with_tea(&[two]).may_enter(BOB, "tea", ""), Ok(Some(TEA)));
    }

    #[test]
    fn invitations_do_not_count_among_the_rooms_that_one_is_in() {
        let mut conversation = with_tea(&[Entry::EnterRoom { member: BOB, name: "one", at: 0 }]);
        apply(&mut conversation, &[Entry::Invite { by: Some(ANN), member: BOB, room: TEA }]);
        assert_eq!(conversation.may_enter(BOB, "help", ""), Ok(Some(HELP)));
        apply(&mut conversation, &[Entry::EnterRoom { member: BOB, name: "help", at: 0 }]);
        let max = RoomError::InTooManyRooms { max: 3 };
        assert_eq!(conversation.may_enter(BOB, "tea", ""), Err(max));
        assert_eq!(conversation.may_enter(BOB, "two", ""), Err(max));
        assert_eq!(conversation.may_enter(BOB, "one", "").map(|room| room.is_some()), Ok(true));
    }

    #[test]
    fn in_a_moderated_room_a_role_is_needed_to_speak() {
        let flags = RoomFlags::MODERATED;
        for room in [TEA, RoomId::LOBBY] {
            let mut conversation = with_tea(&[Entry::EnterRoom { member: BOB, name: "tea", at: 0 }]);
            assert_eq!(conversation.may_speak(BOB, room), Ok(()));
            apply(&mut conversation, &[Entry::Flags { by: None, room, flags }]);
            for role in [Role::Operator, Role::Voice] {
                let set = |given| Entry::Role { by: None, member: BOB, room, role, given };
                assert_eq!(conversation.may_speak(BOB, room), Err(RoomError::NoVoice));
                apply(&mut conversation, &[set(true)]);
                assert_eq!(conversation.may_speak(BOB, room), Ok(()));
                apply(&mut conversation, &[set(false)]);
            }
        }
        let conversation = with_tea(&[]);
        assert_eq!(conversation.may_speak(BOB, TEA), Err(RoomError::NotIn));
        assert_eq!(conversation.may_speak(MemberId(0), RoomId::LOBBY), Err(RoomError::NotIn));
        assert_eq!(conversation.may_speak(MemberId(9), RoomId(9)), Err(RoomError::NotIn));
    }

    #[test]
    fn who_is_banned_speaks_only_with_a_role_or_an_exception() {
        for room in [TEA, RoomId::LOBBY] {
            let mut conversation = with_tea(&[Entry::EnterRoom { member: BOB, name: "tea", at: 0 }]);
            let mask = |list, mask, listed| Entry::Mask { by: None, room, list, mask, of: "", listed, at: 0 };
            apply(&mut conversation, &[mask(MaskList::Bans, "bob!*@*", true)]);
            let may_speak = |conversation: &Conversation| conversation.may_speak(BOB, room);
            assert_eq!(may_speak(&conversation), Err(RoomError::Silenced));
            assert_eq!(conversation.may_speak(ANN, room), Ok(()));
            for role in [Role::Operator, Role::Voice] {
                let set = |given| Entry::Role { by: None, member: BOB, room, role, given };
                apply(&mut conversation, &[set(true)]);
                assert_eq!(may_speak(&conversation), Ok(()));
                apply(&mut conversation, &[set(false)]);
            }
            apply(&mut conversation, &[mask(MaskList::BanExceptions, "b*!*", true)]);
            assert_eq!(may_speak(&conversation), Ok(()));
            apply(&mut conversation, &[mask(MaskList::BanExceptions, "b*!*", false)]);
            assert_eq!(may_speak(&conversation), Err(RoomError::Silenced));
            apply(&mut conversation, &[mask(MaskList::Bans, "bob!*@*", false)]);
            assert_eq!(may_speak(&conversation), Ok(()));
        }
    }

    #[test]
    fn rooms_can_be_listed_bit_by_bit() {
        let mut conversation = with_tea(&[Entry::EnterRoom { member: BOB, name: "one", at: 0 }]);
        apply(&mut conversation, &[Entry::LeaveRoom { member: ANN, room: TEA, words: "" }]);
        assert!(conversation.rooms().eq([RoomId::LOBBY, HELP, RoomId(3)]));
        assert_eq!(
            [0, 1, 2, 3, 4].map(|from| conversation.next_room(from).map(|room| room.0)),
            [Some(0), Some(1), Some(3), Some(3), None]
        );
        assert_eq!(conversation.next_room(u32::MAX), None);
    }
}
