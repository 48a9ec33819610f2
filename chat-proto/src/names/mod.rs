//! Names: which are valid, which are the same, and which member has which.

mod likeness;
mod of_rooms;
mod rules;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use arrayvec::{ArrayString, ArrayVec};
use hashbrown::{DefaultHashBuilder, HashTable};

use self::likeness::write_look;
pub(crate) use self::likeness::{Key, are_caseless_equal};
pub(crate) use self::of_rooms::RoomNames;
pub use self::rules::{NameError, NameRules};

/// The server's name, where a dialect needs one.
pub(crate) const SERVER: &str = "server";
/// The name of the room that is always there.
pub(crate) const LOBBY: &str = "lobby";
/// What an unnamed session is called in dialects without guests.
pub(crate) const ANONYMOUS: &str = "anonymous";
/// What dialects call the reader.
pub(crate) const YOU: &str = "you";
/// The start of a guest's name.
pub(crate) const GUEST: &str = "guest-";
/// The end of the names of services. Clients of IRC send passwords to `NickServ` by themselves.
const SERVICE: &str = "serv";

/// The most bytes of a name that is made for a member: `guest-` and a number of 64 bits, or `anonymous`.
pub(crate) const MAX_MADE_NAME: usize = GUEST.len() + 20;

/// A member's name, copied so that the session may change meanwhile.
pub(crate) type NameBuf = ArrayString<MAX_NAME>;

/// The most bytes that [`Config::max_name`](crate::Config::max_name) allows.
pub(crate) const MAX_NAME: usize = 255;

/// What fills the rest of the bytes for a name.
const PADDING: &str = match str::from_utf8(&[0; MAX_NAME]) {
    Ok(padding) => padding,
    Err(_) => "",
};

/// Makes the name of the guest with that number.
fn guest_name(number: u64) -> NameBuf {
    let mut name = NameBuf::new();
    write_guest_name(number, &mut name);
    name
}

/// Appends the name of the guest with that number.
pub(crate) fn write_guest_name(mut number: u64, out: &mut NameBuf) {
    out.push_str(GUEST);
    let mut digits = ArrayVec::<u8, 20>::new();
    while number > 0 {
        digits.push(b'0' + (number % 10) as u8);
        number /= 10;
    }
    digits.iter().rev().for_each(|digit| out.push(char::from(*digit)));
}

/// Returns the number in a guest's name, if the name has exactly that form.
pub(crate) fn guest_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix(GUEST)?.parse().ok()?;
    (guest_name(number).as_str() == name).then_some(number)
}

/// Half of a hash: the table has at most a few million entries, and a key is compared whenever the hash is equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hash(u32);

impl Hash {
    /// Returns 64 bits for the table, which uses the lowest and the highest.
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Which member has which name. No two names are alike at any time.
#[derive(Debug)]
pub(crate) struct Names {
    rules: NameRules,
    max_name: usize,
    /// The names by slot, `max_name` bytes each, padded with NUL. Kept as text, so that reading one needs no UTF-8
    /// check.
    text: String,
    /// Their lengths; 0 for none.
    lengths: Vec<u8>,
    /// The numbers that sessions have as guests, or had before they took a name.
    numbers: Vec<u64>,
    /// How many guests there were. Their numbers are 1 to this, and none is given twice.
    guests: u64,
    /// The hashes of their keys, or of their numbers. If two hashes are equal, which is rare, the keys are made again.
    hashes: Vec<Hash>,
    /// Those who have a name, and the guests.
    slots: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// What the reserved names look like, and what the start of a guest's name and the end of a service's look like.
    reserved: [String; 3],
    guest: String,
    service: String,
}

impl Names {
    pub(crate) fn new(rules: NameRules, max_name: usize, sessions: usize) -> Self {
        let look = |name| {
            let mut key = Key::new();
            write_look(name, &mut key);
            String::from(key.as_str())
        };
        Self {
            rules,
            max_name,
            text: String::from_utf8(vec![0; max_name * sessions]).unwrap_or_default(),
            lengths: vec![0; sessions],
            numbers: vec![0; sessions],
            guests: 0,
            hashes: vec![Hash::default(); sessions],
            // Twice the number of entries: with spare room it cleans up after removals in place and never grows.
            slots: HashTable::with_capacity(2 * sessions),
            hasher: DefaultHashBuilder::default(),
            reserved: [SERVER, ANONYMOUS, YOU].map(look),
            guest: look(GUEST),
            service: look(SERVICE),
        }
    }

    /// Returns which names are valid, and which are the same.
    pub(crate) fn rules(&self) -> NameRules {
        self.rules
    }

    /// Bytes of heap for names of that length and number.
    pub(crate) fn memory_bound(max_name: usize, sessions: usize) -> usize {
        // hashbrown: a power of two of buckets, an eighth of them free, a control byte each and 16 more.
        let buckets = (2 * sessions * 8 / 7).next_power_of_two().max(16);
        let table = buckets * (size_of::<u32>() + 1) + 64;
        let reserved = 64;
        // While a key is made, normalizing may hold a run of combining marks on the heap, 8 bytes a character.
        let keys = 2 * 8 * 2 * 10 * max_name;
        sessions * (max_name + size_of::<u8>() + size_of::<u64>() + size_of::<Hash>()) + table + reserved + keys
    }

    /// Returns whether the session in that slot has a name.
    pub(crate) fn has(&self, slot: u32) -> bool {
        self.lengths[slot as usize] > 0
    }

    /// Returns the name of the session in that slot, if it has one.
    #[inline(always)]
    pub(crate) fn get(&self, slot: u32) -> Option<&str> {
        let length = self.lengths[slot as usize] as usize;
        if length > 0 { Some(&self.text[slot as usize * self.max_name..][..length]) } else { None }
    }

    /// Makes a guest of the new session in that slot, with a number that no guest had before.
    pub(crate) fn admit_guest(&mut self, slot: u32) {
        self.guests += 1;
        self.numbers[slot as usize] = self.guests;
        self.insert(slot, self.hash(self.guests));
    }

    /// Returns the number of the guest in that slot.
    pub(crate) fn number(&self, slot: u32) -> u64 {
        self.numbers[slot as usize]
    }

    /// Finds the guest of that number, unless it has a name or is gone.
    pub(crate) fn find_guest(&self, number: u64) -> Option<u32> {
        let is_it = |slot: &u32| self.numbers[*slot as usize] == number && !self.has(*slot);
        self.slots.find(self.hash(number).spread(), is_it).copied()
    }

    /// Returns whether there ever was a guest of that number.
    pub(crate) fn was_guest(&self, number: u64) -> bool {
        (1..=self.guests).contains(&number)
    }

    /// Returns how many guests there were.
    pub(crate) fn guests(&self) -> u64 {
        self.guests
    }

    /// Gives the name, in NFC, to the session in that slot, in place of the one it had.
    pub(crate) fn claim(&mut self, slot: u32, name: &str) -> Result<(), NameError> {
        let mut composed = NameBuf::new();
        let (name, hash) = self.may_have(Some(slot), name, &mut composed)?;
        self.release(slot);
        let mut padded = NameBuf::new();
        padded.push_str(name);
        padded.push_str(&PADDING[name.len()..self.max_name]);
        let start = slot as usize * self.max_name;
        self.text.replace_range(start..start + self.max_name, &padded);
        self.lengths[slot as usize] = name.len() as u8;
        self.insert(slot, hash);
        Ok(())
    }

    fn hash(&self, key: impl core::hash::Hash) -> Hash {
        Hash(self.hasher.hash_one(key) as u32)
    }

    fn insert(&mut self, slot: u32, hash: Hash) {
        self.hashes[slot as usize] = hash;
        self.slots.insert_unique(hash.spread(), slot, |slot| self.hashes[*slot as usize].spread());
    }

    /// Returns the name in NFC and the hash of its key, if the session in that slot may have it; `None`: a new session.
    /// `composed` is a buffer for the name.
    pub(crate) fn may_have<'a>(
        &self,
        slot: Option<u32>,
        name: &'a str,
        composed: &'a mut NameBuf,
    ) -> Result<(&'a str, Hash), NameError> {
        let name = self.rules.check(name, self.max_name, composed)?;
        // Names that look like these are reserved, even under rules that compare names differently.
        let mut key = Key::new();
        write_look(name, &mut key);
        let is_reserved = self.reserved.iter().any(|reserved| **reserved == *key);
        if is_reserved || key.starts_with(&self.guest) || key.ends_with(&self.service) {
            return Err(NameError::Reserved);
        }
        if self.rules != NameRules::Strict {
            self.rules.write_key(name, &mut key);
        }
        let hash = self.hash(key.as_bytes());
        let holder = self.slots.find(hash.spread(), |holder| {
            self.hashes[*holder as usize] == hash && self.get(*holder).is_some_and(|name| self.has_key(name, &key))
        });
        if holder.is_some_and(|holder| Some(*holder) != slot) {
            return Err(NameError::Taken);
        }
        Ok((name, hash))
    }

    /// Returns whether that is the name's key.
    #[inline(never)]
    fn has_key(&self, name: &str, key: &Key) -> bool {
        let mut of_name = Key::new();
        self.rules.write_key(name, &mut of_name);
        of_name == *key
    }

    /// Frees the name of the session in that slot, if it has one, or forgets the guest.
    pub(crate) fn release(&mut self, slot: u32) {
        if let Ok(entry) = self.slots.find_entry(self.hashes[slot as usize].spread(), |other| *other == slot) {
            entry.remove();
        }
        self.lengths[slot as usize] = 0;
    }

    /// Finds the session with that name, regardless of case.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let mut composed = NameBuf::new();
        let name = self.rules.check(name, self.max_name, &mut composed).ok()?;
        let mut key = Key::new();
        self.rules.write_key(name, &mut key);
        let hash = self.hash(key.as_bytes());
        // A name that only looks alike does not find its owner.
        let is_it = |slot: &u32| {
            self.hashes[*slot as usize] == hash && self.get(*slot).is_some_and(|other| are_caseless_equal(name, other))
        };
        self.slots.find(hash.spread(), is_it).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(sessions: usize) -> Names {
        Names::new(NameRules::Strict, 32, sessions)
    }

    fn loose(sessions: usize) -> Names {
        Names::new(NameRules::Loose, 32, sessions)
    }

    #[track_caller]
    fn are_twins(mut names: Names, one: &str, other: &str) {
        assert_eq!(names.claim(0, one), Ok(()), "{one}");
        assert_eq!(names.claim(1, other), Err(NameError::Taken), "{one} and {other}");
        assert_eq!(names.claim(0, other), Ok(()), "one may change one's own");
        names.release(0);
        assert_eq!(names.claim(1, one), Ok(()), "free again at once");
    }

    #[test]
    fn two_names_that_look_alike_cannot_both_be_taken() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("alice", "ALİCE"),
            ("alice", "alıce"),
            ("alice", "аlice"),
            ("alice", "álice"),
            ("alice", "a\u{327}lice"),
            ("Žofie", "zofie"),
            ("Łukasz", "lukasz"),
            ("straße", "STRASSE"),
            ("groß", "groẞ"),
            ("Γιώργος", "ΓΙΏΡΓΟΣ"),
            ("é", "e\u{301}"),
            ("bob", "b0b"),
            ("paypal", "paypaI"),
            ("Lan", "Ian"),
            ("modern", "rnodern"),
            ("K", "\u{212a}"),
            ("йога", "ЙОГА"),
        ] {
            are_twins(strict(2), one, other);
        }
        let mut names = strict(3);
        assert_eq!([names.claim(0, "alice"), names.claim(1, "alicia"), names.claim(2, "a2")], [Ok(()); 3]);
    }

    #[test]
    fn loose_names_are_alike_only_by_case() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("straße", "STRASSE"),
            ("groß", "groẞ"),
            ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("é", "e\u{301}"),
            ("K", "\u{212a}"),
            ("α\u{345}\u{301}", "ΆΙ"),
            ("Å", "\u{212b}"),
        ] {
            are_twins(loose(2), one, other);
        }
        for (one, other) in
            [("alice", "аlice"), ("alice", "ALİCE"), ("alice", "álice"), ("bob", "b0b"), ("o'neil", "o’neil")]
        {
            let mut names = loose(2);
            assert_eq!([names.claim(0, one), names.claim(1, other)], [Ok(()); 2], "{one} and {other}");
            assert_eq!((names.find(one), names.find(other)), (Some(0), Some(1)));
        }
    }

    #[test]
    fn a_name_is_stored_in_nfc() {
        for mut names in [strict(1), loose(1)] {
            assert_eq!(names.claim(0, "Z\u{30c}ofie"), Ok(()));
            assert_eq!(names.get(0), Some("Žofie"));
            assert_eq!((names.find("Z\u{30c}OFIE"), names.find("zofie")), (Some(0), None));
        }
    }

    #[test]
    fn reserved_names_and_their_look_alikes_cannot_be_taken() {
        for mut names in [strict(1), loose(1)] {
            for name in [
                "server",
                "SERVER",
                "ѕеrvеr",
                "sérver",
                "anonymous",
                "Anonymous",
                "you",
                "YOU",
                "Yοu",
                "y0u",
                "yöu",
                "guest-1",
                "GUEST-x",
                "guest-",
                "guést-1",
                "NickServ",
                "ChanSеrv",
                "serv",
            ] {
                assert_eq!(names.claim(0, name), Err(NameError::Reserved), "{name}");
            }
            for name in ["guest", "youth", "servers", "services", "anon"] {
                assert_eq!(names.claim(0, name), Ok(()), "{name}");
            }
        }
    }

    #[test]
    fn a_look_alike_finds_nobody() {
        let mut names = strict(2);
        assert_eq!(names.claim(1, "Bob"), Ok(()));
        assert_eq!((names.find("bob"), names.find("BOB")), (Some(1), Some(1)));
        assert_eq!((names.find("b0b"), names.find("rob"), names.find("")), (None, None, None));
        assert_eq!(names.get(1), Some("Bob"));
    }

    #[test]
    fn the_table_is_as_large_as_the_bound_has_it() {
        for sessions in (1..=64).chain((1..=10).flat_map(|k| [(7 << k) - 1, 7 << k, (7 << k) + 1])) {
            let names = Names::new(NameRules::Strict, 1, sessions);
            let numbers = size_of::<u64>() * names.numbers.capacity() + size_of::<Hash>() * names.hashes.capacity();
            let vectors = names.text.capacity() + names.lengths.capacity() + numbers;
            let keys = names.reserved.iter().chain([&names.guest, &names.service]).map(String::capacity).sum::<usize>();
            let held = vectors + keys + names.slots.allocation_size();
            // What making a key takes for a moment is in the bound, too.
            let spare = Names::memory_bound(1, sessions).checked_sub(held).expect("within the bound");
            assert!(spare < 1_024, "{spare} bytes too many for {sessions}");
        }
    }

    #[test]
    fn guests_are_counted_from_one() {
        for (number, name) in [(1, "guest-1"), (10, "guest-10"), (u64::MAX, "guest-18446744073709551615")] {
            assert_eq!((guest_name(number).as_str(), guest_number(name)), (name, Some(number)));
        }
        for name in ["guest-", "guest-x", "guest-01", "guest-+1", "guest-0", "guest-18446744073709551616", "Guest-1"] {
            assert_eq!(guest_number(name), None, "{name}");
        }
    }

    #[test]
    fn a_guests_number_is_never_used_twice() {
        let mut names = strict(2);
        names.admit_guest(0);
        names.admit_guest(1);
        assert_eq!([1, 2, 3].map(|number| names.find_guest(number)), [Some(0), Some(1), None]);
        // One leaves, and another comes in its place; one takes a name.
        names.release(1);
        assert_eq!((names.find_guest(2), names.was_guest(2)), (None, true));
        names.admit_guest(1);
        assert_eq!(names.claim(0, "alice"), Ok(()));
        assert_eq!([1, 2, 3].map(|number| names.find_guest(number)), [None, None, Some(1)]);
        assert_eq!([0, 1, 3, 4].map(|number| names.was_guest(number)), [false, true, true, false]);
        assert_eq!((names.find("alice"), names.get(1), names.number(1)), (Some(0), None, 3));
    }

    #[test]
    fn guests_who_come_and_go_for_ever_never_grow_the_table() {
        let mut names = Names::new(NameRules::Strict, 16, 8);
        let capacity = names.slots.capacity();
        for i in 0..20_000 {
            names.release(i % 8);
            names.admit_guest(i % 8);
            if i % 3 == 0 {
                assert_eq!(names.claim(i % 8, &alloc::format!("n{i}")), Ok(()));
            }
        }
        assert_eq!((names.slots.len(), names.slots.capacity()), (8, capacity));
    }

    #[test]
    fn renaming_for_ever_never_grows_the_table() {
        let mut names = Names::new(NameRules::Strict, 16, 8);
        let capacity = names.slots.capacity();
        for i in 0..20_000 {
            assert_eq!(names.claim(i % 8, &alloc::format!("n{i}")), Ok(()));
        }
        assert_eq!((names.slots.len(), names.slots.capacity()), (8, capacity));
    }
}
