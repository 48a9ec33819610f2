//! Names: which are valid, and who has which.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::hash::BuildHasher;

use arrayvec::{ArrayString, ArrayVec};
use hashbrown::{DefaultHashBuilder, HashTable};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

/// What the server calls itself where a dialect needs a name for it.
pub(crate) const SERVER: &str = "server";
/// What an unnamed session is called in dialects without guests.
pub(crate) const ANONYMOUS: &str = "anonymous";
/// What the name of a guest begins with.
pub(crate) const GUEST: &str = "guest-";

/// Why a name cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It has no characters.
    Empty,
    /// It is longer than `max_name`.
    TooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// It holds white space, a control or invisible character or a `:`, or begins with `*`, `!`, `/` or a combining
    /// mark.
    Character,
    /// It is reserved: `server`, `anonymous`, `guest-…`, or looks like one of them.
    Reserved,
    /// Someone has it, or one that looks the same.
    Taken,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name needs at least one character"),
            Self::TooLong { max } => write!(f, "a name has at most {max} bytes"),
            Self::Character => f.write_str(
                "a name has no white space, no ':' and no invisible characters, and does not begin with '*', '!' or '/'",
            ),
            Self::Reserved => f.write_str("that name is reserved"),
            Self::Taken => f.write_str("that name is taken, or looks like one that is"),
        }
    }
}

impl core::error::Error for NameError {}

/// What a session is called: a copy, so that the session may change while it is spoken of.
pub(crate) type NameBuf = ArrayString<MAX_NAME>;

/// The most bytes that [`Config::max_name`](crate::Config::max_name) allows.
pub(crate) const MAX_NAME: usize = 255;

/// Copies a name, which is no longer than [`MAX_NAME`].
pub(crate) fn name_buf(name: &str) -> NameBuf {
    // In place: the buffer is larger than most names by far, and is not moved.
    let mut buf = NameBuf::new();
    let fits = buf.try_push_str(name);
    debug_assert!(fits.is_ok(), "no name is longer");
    buf
}

/// Makes the name of the guest with that number.
pub(crate) fn guest_name(mut number: u64) -> NameBuf {
    let mut name = name_buf(GUEST);
    let mut digits = ArrayVec::<u8, 20>::new();
    while number > 0 {
        digits.push(b'0' + (number % 10) as u8);
        number /= 10;
    }
    digits.iter().rev().for_each(|digit| name.push(char::from(*digit)));
    name
}

/// Returns the number of the guest that a name means, written as guests' names are.
pub(crate) fn guest_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix(GUEST)?.parse().ok()?;
    (guest_name(number).as_str() == name).then_some(number)
}

/// Checks what can be said of a name by itself.
fn check(name: &str, max: usize) -> Result<(), NameError> {
    let Some(first) = name.chars().next() else { return Err(NameError::Empty) };
    if name.len() > max {
        return Err(NameError::TooLong { max });
    }
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || c == ':' || is_invisible(c);
    if matches!(first, '*' | '!' | '/') || is_combining_mark(first) || name.chars().any(forbidden) {
        return Err(NameError::Character);
    }
    Ok(())
}

/// Whether a character may be drawn as nothing at all, so that two names with and without it look the same.
///
/// The property `Default_Ignorable_Code_Point` of Unicode 16 (`DerivedCoreProperties.txt`); the interlinear annotation
/// characters U+FFF9 to U+FFFB and the object's place U+FFFC; what is drawn as nothing though it is a sign, the blank
/// Braille pattern and the null notehead; and what fonts draw as they like, private use and noncharacters.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c) & 0xFFFF, 0xFFFE..=0xFFFF)
        || matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFC}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}' | '\u{2800}' | '\u{1D159}' | '\u{FDD0}'..='\u{FDEF}'
        | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}')
}

/// Writes to `key` what two names have in common that must not both be in use.
///
/// That is the skeleton of UTS #39 ("confusable detection"), taken without regard to case before and after: `Alice`,
/// `ALICE` and `аlice` with a Cyrillic а are one name. So are `paypal` and `paypaI` with a capital i.
fn key_of<'a>(name: &str, folded: &mut String, key: &'a mut String) -> &'a str {
    folded.clear();
    folded.extend(caseless(name));
    key.clear();
    // A capital I looks like an l and is an i: where case does not count, one letter joins the three.
    key.extend(skeleton(folded).flat_map(fold).map(|c| if c == 'i' { 'l' } else { c }));
    key
}

/// Returns a name without regard to case: two that are canonically equivalent are the same (Unicode's D145).
fn caseless(name: &str) -> impl Iterator<Item = char> + '_ {
    name.nfd().flat_map(fold).nfd()
}

/// Folds case. By way of the upper case, so that letters with several lower cases, as σ and ς, become one.
fn fold(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

/// Who has which name: no two that are alike, at any moment.
#[derive(Debug)]
pub(crate) struct Names {
    max_name: usize,
    /// The names by slot, `max_name` bytes each, filled up with NUL: text, so that to read one is to check nothing.
    text: String,
    /// Their lengths; 0 for none.
    lengths: Vec<u8>,
    /// The numbers that sessions have as guests, or had before they took a name.
    numbers: Vec<u64>,
    /// How many guests there were: their numbers are 1 to this, none of them given twice.
    guests: u64,
    /// The hashes of their keys, or of their numbers. The keys are made again when two hashes are equal, which is rare.
    hashes: Vec<u64>,
    /// Those who have a name, and the guests.
    slots: HashTable<u32>,
    hasher: DefaultHashBuilder,
    reserved: [String; 3],
    /// To make keys in.
    scratch: [String; 3],
}

impl Names {
    pub(crate) fn new(max_name: usize, sessions: usize) -> Self {
        let key = |name| String::from(key_of(name, &mut String::new(), &mut String::new()));
        Self {
            max_name,
            text: String::from_utf8(vec![0; max_name * sessions]).unwrap_or_default(),
            lengths: vec![0; sessions],
            numbers: vec![0; sessions],
            guests: 0,
            hashes: vec![0; sessions],
            // Twice as many as will be in it: with room to spare it tidies up after removals in place and never grows.
            slots: HashTable::with_capacity(2 * sessions),
            hasher: DefaultHashBuilder::default(),
            reserved: [key(SERVER), key(ANONYMOUS), key(GUEST)],
            scratch: core::array::from_fn(|_| String::with_capacity(Self::max_key(max_name))),
        }
    }

    /// Bytes of heap for names of that length and number.
    pub(crate) fn memory_bound(max_name: usize, sessions: usize) -> usize {
        // hashbrown: a power of two of buckets, an eighth of them free, a control byte each and 16 more.
        let buckets = (2 * sessions * 8 / 7).next_power_of_two().max(16);
        let table = buckets * (size_of::<u32>() + 1) + 64;
        let reserved = 64;
        // While a key is made, normalising may hold a run of combining marks on the heap, 8 bytes a character.
        let keys = 3 * Self::max_key(max_name) + 2 * 8 * 2 * Self::max_key(max_name);
        sessions * (max_name + size_of::<u8>() + 2 * size_of::<u64>()) + table + reserved + keys
    }

    /// The most bytes of a key: a character's prototype in UTS #39 has up to 18 others (U+FDFA), of two bytes and more.
    fn max_key(max_name: usize) -> usize {
        max_name * 24
    }

    /// Returns whether the session in that slot has a name.
    pub(crate) fn has(&self, slot: u32) -> bool {
        self.lengths[slot as usize] > 0
    }

    /// Returns the name of the session in that slot, if it has one.
    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<&str> {
        let length = self.lengths[slot as usize] as usize;
        (length > 0).then(|| &self.text[slot as usize * self.max_name..][..length])
    }

    /// Makes a guest of the session in that slot, which is new: with a number that none had before.
    pub(crate) fn admit_guest(&mut self, slot: u32) {
        self.guests += 1;
        self.numbers[slot as usize] = self.guests;
        let hash = self.hasher.hash_one(self.guests);
        self.hashes[slot as usize] = hash;
        self.slots.insert_unique(hash, slot, |slot| self.hashes[*slot as usize]);
    }

    /// Returns the number of the guest in that slot.
    pub(crate) fn number(&self, slot: u32) -> u64 {
        self.numbers[slot as usize]
    }

    /// Finds the guest of that number, unless it has a name or is gone.
    pub(crate) fn find_guest(&self, number: u64) -> Option<u32> {
        let is_it = |slot: &u32| self.numbers[*slot as usize] == number && !self.has(*slot);
        self.slots.find(self.hasher.hash_one(number), is_it).copied()
    }

    /// Returns whether there ever was a guest of that number.
    pub(crate) fn was_guest(&self, number: u64) -> bool {
        (1..=self.guests).contains(&number)
    }

    /// Gives the name to the session in that slot, in place of the one it had.
    pub(crate) fn claim(&mut self, slot: u32, name: &str) -> Result<(), NameError> {
        check(name, self.max_name)?;
        let [folded, key, other] = &mut self.scratch;
        key_of(name, folded, key);
        let [server, anonymous, guest] = &self.reserved;
        if key == server || key == anonymous || key.starts_with(guest.as_str()) {
            return Err(NameError::Reserved);
        }
        let hash = self.hasher.hash_one(key.as_bytes());
        let (text, lengths, max) = (&self.text, &self.lengths, self.max_name);
        let holder = self.slots.find(hash, |holder| {
            let holder = *holder as usize;
            let name = || &text[holder * max..][..lengths[holder] as usize];
            self.hashes[holder] == hash && key_of(name(), folded, other) == key
        });
        if holder.is_some_and(|holder| *holder != slot) {
            return Err(NameError::Taken);
        }
        self.release(slot);
        let [padded, ..] = &mut self.scratch;
        padded.clear();
        padded.push_str(name);
        padded.extend(core::iter::repeat_n('\0', self.max_name - name.len()));
        let start = slot as usize * self.max_name;
        self.text.replace_range(start..start + self.max_name, padded);
        self.lengths[slot as usize] = name.len() as u8;
        self.hashes[slot as usize] = hash;
        self.slots.insert_unique(hash, slot, |slot| self.hashes[*slot as usize]);
        Ok(())
    }

    /// Frees the name of the session in that slot, if it has one, or forgets the guest.
    pub(crate) fn release(&mut self, slot: u32) {
        if let Ok(entry) = self.slots.find_entry(self.hashes[slot as usize], |other| *other == slot) {
            entry.remove();
        }
        self.lengths[slot as usize] = 0;
    }

    /// Finds the session that a name means: the one that has it, but for case.
    pub(crate) fn find(&mut self, name: &str) -> Option<u32> {
        check(name, self.max_name).ok()?;
        let [folded, key, _] = &mut self.scratch;
        let hash = self.hasher.hash_one(key_of(name, folded, key).as_bytes());
        let slot = *self.slots.find(hash, |slot| self.hashes[*slot as usize] == hash)?;
        // What merely looks like a name does not reach the one who has it.
        caseless(name).eq(caseless(self.get(slot)?)).then_some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_that_can_be_seen() {
        for name in ["a", "Žofie", "李小龍", "x_y-z.0", "o'neil", "🦀", "%s%n", "[bob]", "\u{5d3}\u{5d5}\u{5d3}"]
        {
            assert_eq!(check(name, 32), Ok(()), "{name}");
        }
        for name in [
            " ",
            "   ",
            "a b",
            "a\u{a0}b",
            "a:b",
            "*a",
            "!a",
            "/a",
            "a\nb",
            "a\0",
            "\u{1b}[31m",
            "a\u{9b}",
            "a\u{200b}",
            "\u{202e}a",
            "\u{301}",
            "\u{301}\u{301}",
            "a\u{fe0f}",
            "\u{feff}a",
            "\u{3164}",
            "alice\u{2800}",
            "\u{1D159}",
            "\u{FFFC}",
            "\u{E000}",
            "\u{10FFFD}",
            "\u{FDD0}",
            "\u{1FFFE}",
        ] {
            assert_eq!(check(name, 32), Err(NameError::Character), "{name:?}");
        }
        assert_eq!(check("", 32), Err(NameError::Empty));
        assert_eq!(check("žž", 4), Ok(()));
        assert_eq!(check("žžž", 4), Err(NameError::TooLong { max: 4 }));
    }

    #[test]
    fn twins_cannot_both_be_had() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("alice", "аlice"),
            ("straße", "STRASSE"),
            ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("é", "e\u{301}"),
            ("bob", "b0b"),
            ("paypal", "paypaI"),
            ("Lan", "Ian"),
            ("modern", "rnodern"),
            ("K", "\u{212a}"),
            ("α\u{345}\u{301}", "ΆΙ"),
            ("ﬁ", "fi"),
            ("o'neil", "o’neil"),
        ] {
            let mut names = Names::new(32, 2);
            assert_eq!(names.claim(0, one), Ok(()));
            assert_eq!(names.claim(1, other), Err(NameError::Taken), "{one} and {other}");
            assert_eq!(names.claim(0, other), Ok(()), "one may change one's own");
            names.release(0);
            assert_eq!(names.claim(1, one), Ok(()), "free again at once");
        }
        let mut names = Names::new(32, 3);
        assert_eq!([names.claim(0, "alice"), names.claim(1, "alicia"), names.claim(2, "a2")], [Ok(()); 3]);
    }

    #[test]
    fn the_reserved_and_their_twins_are_nobodys() {
        let mut names = Names::new(32, 1);
        for name in ["server", "SERVER", "ѕеrvеr", "anonymous", "Anonymous", "guest-1", "GUEST-x", "guest-"] {
            assert_eq!(names.claim(0, name), Err(NameError::Reserved), "{name}");
        }
        assert_eq!(names.claim(0, "guest"), Ok(()));
    }

    #[test]
    fn a_look_alike_finds_nobody() {
        let mut names = Names::new(32, 2);
        assert_eq!(names.claim(1, "Bob"), Ok(()));
        assert_eq!((names.find("bob"), names.find("BOB")), (Some(1), Some(1)));
        assert_eq!((names.find("b0b"), names.find("rob"), names.find("")), (None, None, None));
        assert_eq!(names.get(1), Some("Bob"));
    }

    #[test]
    fn a_longest_name_of_the_longest_keys_fits_its_bound() {
        // U+FDFA has the longest prototype of all characters.
        let name = "\u{fdfa}".repeat(85);
        let mut names = Names::new(255, 2);
        assert_eq!(names.claim(0, &name), Ok(()));
        assert_eq!(names.claim(1, &name), Err(NameError::Taken));
        assert!(names.scratch.iter().all(|scratch| scratch.capacity() == Names::max_key(255)), "no key grew");
    }

    #[test]
    fn the_table_is_as_large_as_the_bound_has_it() {
        for sessions in (1..=64).chain((1..=10).flat_map(|k| [(7 << k) - 1, 7 << k, (7 << k) + 1])) {
            let names = Names::new(1, sessions);
            let numbers = names.hashes.capacity() + names.numbers.capacity();
            let vectors = names.text.capacity() + names.lengths.capacity() + size_of::<u64>() * numbers;
            let keys: usize = names.reserved.iter().chain(&names.scratch).map(String::capacity).sum();
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
        let mut names = Names::new(32, 2);
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
        let mut names = Names::new(16, 8);
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
        let mut names = Names::new(16, 8);
        let capacity = names.slots.capacity();
        for i in 0..20_000 {
            assert_eq!(names.claim(i % 8, &alloc::format!("n{i}")), Ok(()));
        }
        assert_eq!((names.slots.len(), names.slots.capacity()), (8, capacity));
    }
}
