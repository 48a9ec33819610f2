//! The members, and their names.

use alloc::vec;
use alloc::vec::Vec;

use super::details::Details;
use crate::fault::Fault;
use crate::id::MemberId;
use crate::moderation::Role;
use crate::names::{ANONYMOUS, NameBuf, NameError, NameRules, Names, guest_number, write_guest_name};
use crate::origin::Cloak;
use crate::person::Person;

/// The members, by number.
#[derive(Debug)]
pub(crate) struct Members {
    names: Names,
    /// The state of each member apart from its name: [`HERE`], [`GUEST`], [`JOINED`], and in the lobby.
    flags: Vec<u8>,
    cloaks: Vec<Option<Cloak>>,
    /// What members' clients say of their users; empty until one says something.
    details: Vec<Details>,
    /// The digest of each member that is here, and 0 for all others.
    digests: Vec<u32>,
    /// The sum of those.
    digest: u64,
    /// How many are in the lobby.
    in_lobby: usize,
}

/// The number is in use.
const HERE: u8 = 1;
/// It is a guest until it has a name. This flag stays when it leaves, so that `name_of` still returns its guest name.
const GUEST: u8 = 2;
/// Others have been told that it is here.
const JOINED: u8 = 4;
/// It is in the lobby, and its roles there.
const IN_LOBBY: u8 = 8;
const OPERATOR: u8 = 16;
const VOICE: u8 = 32;

impl Members {
    pub(crate) fn new(rules: NameRules, max_name: usize, max: usize) -> Self {
        let names = Names::new(rules, max_name, max);
        let details = Vec::new();
        Self {
            names,
            flags: vec![0; max],
            cloaks: vec![None; max],
            details,
            digests: vec![0; max],
            digest: 0,
            in_lobby: 0,
        }
    }

    /// Bytes of heap for that many members with names of that length.
    pub(crate) fn memory_bound(max_name: usize, max: usize) -> usize {
        Names::memory_bound(max_name, max) + max * (size_of::<u8>() + size_of::<u32>() + size_of::<Option<Cloak>>())
    }

    /// Bytes of heap for what the clients of that many members say of their users.
    pub(crate) fn details_bound(max: usize) -> usize {
        max * Details::MEMORY_BOUND
    }

    /// Returns which names are valid, and which are the same.
    pub(super) fn rules(&self) -> NameRules {
        self.names.rules()
    }

    /// Returns whether there is a member of that number.
    #[inline]
    pub(crate) fn is_here(&self, member: MemberId) -> bool {
        self.flags.get(member.0 as usize).is_some_and(|flags| flags & HERE != 0)
    }

    /// Returns whether a member can enter under that number.
    pub(crate) fn is_vacant(&self, member: MemberId) -> bool {
        self.flags.get(member.0 as usize).is_some_and(|flags| flags & HERE == 0)
    }

    /// Returns whether others have been told that the member is here.
    #[inline]
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        self.flags[member.0 as usize] & JOINED != 0
    }

    /// Returns whether there is a member of that number, and it is in the lobby.
    #[inline]
    pub(super) fn is_in_lobby(&self, member: MemberId) -> bool {
        self.flags.get(member.0 as usize).is_some_and(|flags| flags & IN_LOBBY != 0)
    }

    /// Returns whether the member is in the lobby and has that role there.
    pub(super) fn has_lobby_role(&self, member: MemberId, role: Role) -> bool {
        self.flags.get(member.0 as usize).is_some_and(|flags| flags & bit_of(role) != 0)
    }

    /// Returns how many members are in the lobby.
    pub(super) fn in_lobby(&self) -> usize {
        self.in_lobby
    }

    /// Returns the members in the lobby, by number.
    pub(super) fn of_lobby(&self) -> impl Iterator<Item = MemberId> + '_ {
        (0..self.flags.len() as u32).map(MemberId).filter(|member| self.is_in_lobby(*member))
    }

    /// Returns the members in the lobby from that number on, each with the number after.
    pub(super) fn of_lobby_from(&self, from: u64) -> impl Iterator<Item = (u64, MemberId)> + '_ {
        self.everyone_from(from).filter(|(_, member)| self.is_in_lobby(*member))
    }

    /// Returns all members from that number on, each with the number after.
    pub(super) fn everyone_from(&self, from: u64) -> impl Iterator<Item = (u64, MemberId)> + '_ {
        let numbers = u32::try_from(from).unwrap_or(u32::MAX)..self.flags.len() as u32;
        numbers.map(|number| (u64::from(number) + 1, MemberId(number))).filter(|(_, member)| self.is_here(*member))
    }

    /// Returns whether the member has a name of its own.
    #[inline]
    pub(crate) fn has_name(&self, member: MemberId) -> bool {
        self.names.has(member.0)
    }

    /// Returns the member's own name, if it has one.
    #[inline]
    pub(crate) fn own_name(&self, member: MemberId) -> Option<&str> {
        self.names.get(member.0)
    }

    /// Returns a member's name: `alice`, `guest-7`, `anonymous`. A member that has left has lost its own name.
    pub(crate) fn name_of(&self, member: MemberId) -> NameBuf {
        let mut name = NameBuf::new();
        self.write_name(member, &mut name);
        name
    }

    /// Writes a member's name into a buffer.
    pub(super) fn write_name(&self, member: MemberId, out: &mut NameBuf) {
        out.clear();
        match self.names.get(member.0) {
            Some(name) => out.push_str(name),
            None if self.flags[member.0 as usize] & GUEST != 0 => write_guest_name(self.names.number(member.0), out),
            None => out.push_str(ANONYMOUS),
        }
    }

    /// Finds the member of that name, guests included.
    pub(crate) fn find(&self, name: &str) -> Option<MemberId> {
        self.names.find(name).or_else(|| self.names.find_guest(guest_number(name)?)).map(MemberId)
    }

    /// Returns the number in a guest's name, if there ever was such a guest.
    pub(crate) fn former_guest(&self, name: &str) -> Option<u64> {
        guest_number(name).filter(|number| self.names.was_guest(*number))
    }

    /// Returns a number that is equal for all who have the same members with the same names. It is updated with each
    /// change.
    pub(crate) fn digest(&self) -> u64 {
        mix(self.digest, self.names.guests())
    }

    /// Returns whether a new member may take the name.
    pub(crate) fn may_have(&self, name: &str) -> Result<(), NameError> {
        self.names.may_have(None, name, &mut NameBuf::new()).map(drop)
    }

    /// Returns what is known of a member besides its name.
    pub(crate) fn person(&self, member: MemberId) -> Person<'_> {
        let index = member.0 as usize;
        let cloak = self.cloaks.get(index).copied().flatten();
        match self.details.get(index).filter(|details| !details.is_empty()).map(Details::parts) {
            Some([user, real_name, away]) => Person { user, real_name, away, cloak },
            None => Person { cloak, ..Person::UNKNOWN },
        }
    }

    pub(super) fn describe(&mut self, member: MemberId, user: &str, real_name: &str) {
        let details = self.details_mut(member);
        let [_, _, away] = details.parts();
        *details = Details::new(user, real_name, away);
        self.update_digest(member);
    }

    pub(super) fn set_away(&mut self, member: MemberId, words: &str) {
        let details = self.details_mut(member);
        let [user, real_name, _] = details.parts();
        let user = if user.is_empty() { Person::UNKNOWN.user } else { user };
        *details = Details::new(user, real_name, words);
        self.update_digest(member);
    }

    fn details_mut(&mut self, member: MemberId) -> &mut Details {
        if self.details.is_empty() {
            self.details.resize_with(self.flags.len(), Details::default);
        }
        &mut self.details[member.0 as usize]
    }

    pub(super) fn enter(&mut self, member: MemberId, guest: bool, lobby: bool, cloak: Option<Cloak>) {
        self.cloaks[member.0 as usize] = cloak;
        self.flags[member.0 as usize] = HERE | if guest { GUEST } else { 0 } | if lobby { IN_LOBBY } else { 0 };
        self.in_lobby += usize::from(lobby);
        if guest {
            self.names.admit_guest(member.0);
        }
        self.update_digest(member);
    }

    pub(super) fn name(&mut self, member: MemberId, name: &str) -> Result<(), NameError> {
        self.names.claim(member.0, name)?;
        self.join(member);
        Ok(())
    }

    pub(super) fn join(&mut self, member: MemberId) {
        self.flags[member.0 as usize] |= JOINED;
        self.update_digest(member);
    }

    /// Lets a member that is here enter the lobby.
    pub(super) fn enter_lobby(&mut self, member: MemberId) {
        self.in_lobby += usize::from(!self.is_in_lobby(member));
        self.flags[member.0 as usize] |= IN_LOBBY;
        self.update_digest(member);
    }

    /// Takes a member out of the lobby.
    pub(super) fn leave_lobby(&mut self, member: MemberId) {
        self.in_lobby -= usize::from(self.is_in_lobby(member));
        self.flags[member.0 as usize] &= !(IN_LOBBY | OPERATOR | VOICE);
        self.update_digest(member);
    }

    /// Gives a member that is in the lobby a role there, or takes it away.
    pub(super) fn set_lobby_role(&mut self, member: MemberId, role: Role, given: bool) {
        let flags = &mut self.flags[member.0 as usize];
        *flags = *flags & !bit_of(role) | if given { bit_of(role) } else { 0 };
        self.update_digest(member);
    }

    pub(super) fn leave(&mut self, member: MemberId) {
        self.in_lobby -= usize::from(self.is_in_lobby(member));
        self.set_digest(member, 0);
        if !Fault::NameNotFreed.is_planted() {
            self.names.release(member.0);
        }
        self.flags[member.0 as usize] &= GUEST;
        self.cloaks[member.0 as usize] = None;
        if let Some(details) = self.details.get_mut(member.0 as usize) {
            *details = Details::default();
        }
    }

    /// Updates the digest after a change of a member that is here.
    fn update_digest(&mut self, member: MemberId) {
        self.set_digest(member, self.digest_of(member));
    }

    fn digest_of(&self, member: MemberId) -> u32 {
        let flags = self.flags[member.0 as usize];
        let number = if flags & GUEST != 0 { self.names.number(member.0) } else { 0 };
        let mut start = mix(u64::from(member.0) << 8 | u64::from(flags), number);
        if let Some(cloak) = self.cloaks[member.0 as usize] {
            start = mix(start, cloak.number());
        }
        if let Some(details) = self.details.get(member.0 as usize).filter(|details| !details.is_empty()) {
            start = details.parts().iter().fold(start, |start, text| mix_bytes(start, text.as_bytes()));
        }
        summand(mix_bytes(start, self.names.get(member.0).unwrap_or_default().as_bytes())) as u32
    }

    /// Computes the digest from all members.
    #[cfg(test)]
    pub(super) fn digest_afresh(&self) -> u64 {
        let here = (0..self.flags.len() as u32).map(MemberId).filter(|member| self.is_here(*member));
        mix(here.map(|member| u64::from(self.digest_of(member))).sum(), self.names.guests())
    }

    fn set_digest(&mut self, member: MemberId, digest: u32) {
        let before = core::mem::replace(&mut self.digests[member.0 as usize], digest);
        self.digest = self.digest - u64::from(before) + u64::from(digest);
    }
}

const fn bit_of(role: Role) -> u8 {
    match role {
        Role::Operator => OPERATOR,
        Role::Voice => VOICE,
    }
}

/// Mixes a number into a digest, so that the result depends on the number and on the order. This is not for security:
/// it shows that two states differ because of a bug.
pub(super) fn mix(digest: u64, number: u64) -> u64 {
    (digest ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// Makes a digest ready to be added to others: the last steps of `SplitMix64`. Without them two digests that differ in
/// the same field would most often have the same difference, and a sum would not show which of the two has which value.
pub(super) fn summand(digest: u64) -> u64 {
    let digest = (digest ^ digest >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let digest = (digest ^ digest >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    digest ^ digest >> 31
}

/// Mixes bytes and their length into a digest.
pub(super) fn mix_bytes(digest: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let digest = words.iter().fold(digest, |digest, word| mix(digest, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    mix(mix(digest, rest), bytes.len() as u64)
}
