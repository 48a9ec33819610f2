//! Conversations that apply the same entries agree, whatever the entries.

use chat_proto::conversation::{
    Conversation, Entry, MAX_AWAY, MAX_MASK, MAX_REAL_NAME, MAX_ROOM_KEY, MAX_ROOM_NAME, MAX_USER, MemberId,
};
use chat_proto::{Cloak, CloseReason, Config, MaskList, NameRules, Role, RoomFlags, RoomId};
use proptest::prelude::*;

/// An entry that owns its text.
#[derive(Clone, Debug)]
struct Owned(u8, MemberId, MemberId, String);

impl Owned {
    fn entry(&self) -> Entry<'_> {
        let Self(kind, member, to, ref words) = *self;
        // Longer ones are not decoded.
        let (room_name, key, mask) = (cut(words, MAX_ROOM_NAME), cut(words, MAX_ROOM_KEY), cut(words, MAX_MASK));
        let (room, by) = (RoomId(to.0), (member != to).then_some(to));
        match kind {
            0 | 1 => {
                let cloak = (to.0 % 2 == 0).then_some(Cloak::new(to.0.into()));
                Entry::Enter { member, guest: kind == 0, lobby: to.0 < 4, cloak }
            }
            2 => Entry::Name { member, name: words },
            3 => Entry::Join { member },
            4 => Entry::Say { member, room, words, at: 1 << 41 },
            5 => Entry::Act { member, room, words, at: 1 << 41 },
            6 => Entry::Tell { member, to, words },
            7 => Entry::Leave { member, reason: CloseReason::Lagged { missed: to.0 << 20 }, words },
            8 => Entry::Announce { words, at: 1 << 41 },
            9..12 => Entry::EnterRoom { member, name: room_name, at: 0 },
            12 => Entry::LeaveRoom { member, room, words },
            13 => Entry::Kick { by, member, room, words },
            14 => Entry::Topic { by, room, words, styled: "", at: 1 << 40 },
            15 => Entry::Role { by, member, room, role: Role::Operator, given: words.len() > 1 },
            16 => Entry::Role { by, member, room, role: Role::Voice, given: words.len() > 1 },
            17 => Entry::Flags { by, room, flags: RoomFlags::from_bits(words.len() as u8 % 32).expect("five bits") },
            18 => Entry::Key { by, room, key },
            19 => Entry::Limit { by, room, limit: words.len() as u32 },
            20 => Entry::Mask { by, room, list: MaskList::Bans, mask, of: cut(words, 9), listed: true, at: 0 },
            21 => Entry::Mask { by, room, list: MaskList::BanExceptions, mask, of: "", listed: words.len() > 1, at: 0 },
            22 => {
                Entry::Mask { by, room, list: MaskList::InviteExceptions, mask, of: "", listed: words.len() > 1, at: 0 }
            }
            23 => Entry::Notice { member, room, words, at: 1 << 41 },
            24 => Entry::Describe { member, user: cut(words, MAX_USER), real_name: cut(words, MAX_REAL_NAME) },
            25 => Entry::Away { member, words: cut(words, MAX_AWAY) },
            _ => Entry::Invite { by, member, room },
        }
    }
}

/// Cuts a text to at most `max` bytes, between characters.
fn cut(words: &str, max: usize) -> &str {
    let end = (0..=max.min(words.len())).rev().find(|end| words.is_char_boundary(*end));
    &words[..end.expect("0 is one")]
}

fn entries() -> impl Strategy<Value = Vec<Owned>> {
    let member = || (0..5_u32).prop_map(MemberId);
    let words = prop_oneof!["[ab]", "[A-Ca-c]{1,3}", "\\PC{0,60}"];
    let entry =
        (0..27_u8, member(), member(), words).prop_map(|(kind, member, to, words)| Owned(kind, member, to, words));
    prop::collection::vec(entry, 0..80)
}

proptest! {
    #![proptest_config(super::config(256))]

    #[test]
    fn three_that_apply_the_same_entries_agree(entries in entries(), loose in any::<bool>(), history in 0..20_usize) {
        let names = if loose { NameRules::Loose } else { NameRules::Strict };
        let config = Config {
            max_sessions: 4,
            names,
            history,
            max_rooms: 4,
            max_rooms_per_session: 3,
            room_history: history / 2,
            ..Config::default()
        };
        // Boxed, so that their addresses differ.
        let mut replicas: Vec<_> = (0..3).map(|_| Box::new(Conversation::new(&config).expect("limits in range"))).collect();
        for owned in &entries {
            let entry = owned.entry();
            let mut bytes = Vec::new();
            entry.encode(&mut bytes);
            let (decoded, rest) = Entry::decode(&bytes).expect("what was encoded");
            prop_assert_eq!((decoded, rest), (entry, &[][..]));
            let outcomes: Vec<_> = replicas.iter_mut().map(|replica| replica.apply(&decoded)).collect();
            let digests: Vec<_> = replicas.iter().map(|replica| replica.digest()).collect();
            prop_assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{:?}", outcomes);
            prop_assert!(digests.iter().all(|digest| *digest == digests[0]), "{:?}", digests);
        }
        let [one, .., other] = &replicas[..] else { unreachable!("there are three") };
        prop_assert!(one.entries(0).eq(other.entries(0)) && one.events(0).eq(other.events(0)));
        for member in (0..4).map(MemberId) {
            prop_assert_eq!(one.name(member), other.name(member));
            prop_assert!(one.rooms_of(member).eq(other.rooms_of(member)));
        }
        prop_assert!(one.rooms().eq(other.rooms()));
        for room in one.rooms() {
            prop_assert!(one.members_of(room).eq(other.members_of(room)));
        }
    }
}
