//! The names of rooms: which are valid, which are the same, and which room has which.

use alloc::string::String;
use alloc::vec::Vec;
use core::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::likeness::{Key, are_caseless_equal};
use super::{Hash, NameBuf, NameRules};
use crate::id::RoomId;
use crate::moderation::{MAX_ROOM_NAME, RoomError};

/// Which room has which name. No two names are alike at any time.
///
/// A room's name has the letters and digits of [`NameRules::Strict`], whatever rules the members' names follow, and no
/// sign but `-`, which does not come first. So no dialect has to quote one.
#[derive(Debug)]
pub(crate) struct RoomNames {
    /// The names by room; empty for a number that no room has.
    names: Vec<String>,
    /// The hashes of their keys.
    hashes: Vec<Hash>,
    /// The rooms that have a name.
    rooms: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl RoomNames {
    /// Makes room for as many names.
    pub(crate) fn new(max_rooms: usize) -> Self {
        Self {
            names: Vec::with_capacity(max_rooms),
            hashes: Vec::with_capacity(max_rooms),
            // Twice the number of entries, as for members.
            rooms: HashTable::with_capacity(2 * max_rooms),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Bytes of heap for that many names.
    pub(crate) fn memory_bound(max_rooms: usize) -> u64 {
        // hashbrown: a power of two of buckets, an eighth of them free, a control byte each and 16 more.
        let buckets = (2 * max_rooms * 8 / 7).next_power_of_two().max(16) as u64;
        let table = buckets * (size_of::<u32>() + 1) as u64 + 64;
        // While a key is made, normalizing may hold a run of combining marks on the heap, 8 bytes a character.
        let keys = 2 * 8 * 2 * 10 * MAX_ROOM_NAME as u64;
        max_rooms as u64 * (size_of::<String>() + MAX_ROOM_NAME + size_of::<Hash>()) as u64 + table + keys
    }

    /// Returns a name in NFC if a room may have it. `composed` is a buffer for it.
    pub(crate) fn check<'a>(name: &'a str, composed: &'a mut NameBuf) -> Result<&'a str, RoomError> {
        let name = NameRules::Strict.check(name, MAX_ROOM_NAME, composed).map_err(|_| RoomError::InvalidName)?;
        let is_plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-';
        if name.chars().all(is_plain) { Ok(name) } else { Err(RoomError::InvalidName) }
    }

    /// Returns whether two valid names in NFC are too much alike for two rooms.
    #[cfg(test)]
    fn are_alike(one: &str, other: &str) -> bool {
        key_of(one) == key_of(other)
    }

    /// Checks the names of rooms that are there from the start, besides `first`: each is valid, and no two are alike.
    ///
    /// # Errors
    ///
    /// The index of the first name that cannot be had, and why.
    pub(crate) fn check_all<'a>(
        first: &str,
        names: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<(), (usize, RoomError)> {
        let mut taken = Self::new(names.len() + 1);
        taken.insert(RoomId(0), first);
        for (i, name) in names.enumerate() {
            match taken.find(name) {
                Ok(None) => taken.insert(RoomId(i as u32 + 1), name),
                Ok(Some(_)) => return Err((i, RoomError::LooksLikeAnother)),
                Err(error) => return Err((i, error)),
            }
        }
        Ok(())
    }

    /// Returns a room's name, in NFC.
    pub(crate) fn get(&self, room: RoomId) -> Option<&str> {
        self.names.get(room.0 as usize).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Finds the room of that name, regardless of case.
    ///
    /// # Errors
    ///
    /// It is no name for a room, or only looks like that of another.
    pub(crate) fn find(&self, name: &str) -> Result<Option<RoomId>, RoomError> {
        let mut composed = NameBuf::new();
        let name = Self::check(name, &mut composed)?;
        let key = key_of(name);
        let hash = self.hash(&key);
        let is_it = |room: &u32| {
            self.hashes[*room as usize] == hash && self.get(RoomId(*room)).is_some_and(|other| key_of(other) == key)
        };
        let Some(room) = self.rooms.find(hash.spread(), is_it).map(|room| RoomId(*room)) else { return Ok(None) };
        if self.get(room).is_some_and(|other| are_caseless_equal(name, other)) {
            Ok(Some(room))
        } else {
            Err(RoomError::LooksLikeAnother)
        }
    }

    /// Gives a valid name, in NFC, to a room that has none. No other may have one that is alike.
    pub(crate) fn insert(&mut self, room: RoomId, name: &str) {
        let mut composed = NameBuf::new();
        let name = Self::check(name, &mut composed).unwrap_or_default();
        let (index, hash) = (room.0 as usize, self.hash(&key_of(name)));
        if self.names.len() <= index {
            self.names.resize(index + 1, String::new());
            self.hashes.resize(index + 1, Hash::default());
        }
        self.names[index] = name.into();
        self.hashes[index] = hash;
        self.rooms.insert_unique(hash.spread(), room.0, |room| self.hashes[*room as usize].spread());
    }

    /// Frees a room's name.
    pub(crate) fn remove(&mut self, room: RoomId) {
        let Some(hash) = self.hashes.get(room.0 as usize) else { return };
        if let Ok(entry) = self.rooms.find_entry(hash.spread(), |other| *other == room.0) {
            entry.remove();
            self.names[room.0 as usize] = String::new();
        }
    }

    fn hash(&self, key: &Key) -> Hash {
        Hash(self.hasher.hash_one(key.as_bytes()) as u32)
    }
}

/// Returns what a valid name looks like.
fn key_of(name: &str) -> Key {
    let mut key = Key::new();
    NameRules::Strict.write_key(name, &mut key);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str) -> Result<String, RoomError> {
        RoomNames::check(name, &mut NameBuf::new()).map(String::from)
    }

    #[test]
    fn a_name_has_letters_digits_and_hyphens() {
        for name in ["a", "lobby", "rust-2024", "a-", "Žofie", "комната", "部屋", "किताब", "z\u{30c}", "server", "you"]
        {
            assert!(checked(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "a.b",
            "o'neil",
            "a_b",
            "a`",
            "a^",
            "a|b",
            "a\\b",
            "[a]",
            "a]",
            "{a}",
            "a}",
            "a b",
            "#a",
            "-a",
            "a:b",
            "a,b",
            "a!b",
            "*",
            "\u{301}",
            "a\u{301}\u{301}",
            "a\u{200b}",
            "a\n",
            "\u{1f980}",
        ] {
            assert_eq!(checked(name), Err(RoomError::InvalidName), "{name:?}");
        }
    }

    #[test]
    fn a_name_is_measured_in_nfc() {
        assert_eq!(checked(&"z\u{30c}".repeat(25)).as_deref(), Ok(&*"ž".repeat(25)));
        assert_eq!(checked(&"ž".repeat(26)), Err(RoomError::InvalidName));
        assert_eq!(checked(&"a".repeat(50)).map(|name| name.len()), Ok(50));
        assert_eq!(checked(&"a".repeat(51)), Err(RoomError::InvalidName));
    }

    #[test]
    fn a_room_is_found_by_case_only() {
        let mut names = RoomNames::new(4);
        names.insert(RoomId(3), "Paypal");
        assert_eq!(names.find("pAYPAL"), Ok(Some(RoomId(3))));
        for alike in ["paypaI", "pаypal", "páypal"] {
            assert_eq!(names.find(alike), Err(RoomError::LooksLikeAnother), "{alike}");
            assert!(RoomNames::are_alike("paypal", alike));
        }
        assert_eq!((names.find("paypals"), names.find("pay pal")), (Ok(None), Err(RoomError::InvalidName)));
        assert_eq!((names.get(RoomId(3)), names.get(RoomId(2)), names.get(RoomId(9))), (Some("Paypal"), None, None));
        names.remove(RoomId(3));
        names.remove(RoomId(3));
        assert_eq!((names.find("paypal"), names.get(RoomId(3))), (Ok(None), None));
        names.insert(RoomId(3), "paypaI");
        assert_eq!(names.find("paypaI"), Ok(Some(RoomId(3))));
    }

    #[test]
    fn a_table_never_grows() {
        let mut names = RoomNames::new(8);
        let capacity = names.rooms.capacity();
        for n in 0..1_000 {
            let room = RoomId(n % 8);
            names.remove(room);
            names.insert(room, &alloc::format!("room-{n}"));
        }
        assert_eq!((names.rooms.capacity(), names.names.capacity(), names.rooms.len()), (capacity, 8, 8));
    }
}
