//! Conversations that apply the same entries agree, whatever the entries.

use chat_proto::conversation::{Conversation, Entry, MemberId};
use chat_proto::{CloseReason, Config, NameRules};
use proptest::prelude::*;

/// An entry that owns its text.
#[derive(Clone, Debug)]
struct Owned(u8, MemberId, MemberId, String);

impl Owned {
    fn entry(&self) -> Entry<'_> {
        let Self(kind, member, to, ref words) = *self;
        match kind {
            0 | 1 => Entry::Enter { member, guest: kind == 0 },
            2 => Entry::Name { member, name: words },
            3 => Entry::Join { member },
            4 => Entry::Say { member, words },
            5 => Entry::Act { member, words },
            6 => Entry::Tell { member, to, words },
            7 => Entry::Leave { member, reason: CloseReason::Lagged { missed: u64::from(to.0) << 20 }, words },
            _ => Entry::Announce { words },
        }
    }
}

fn entries() -> impl Strategy<Value = Vec<Owned>> {
    let member = || (0..5_u32).prop_map(MemberId);
    let words = prop_oneof!["[ab]", "[A-Ca-c]{1,3}", "\\PC{0,60}"];
    let entry =
        (0..9_u8, member(), member(), words).prop_map(|(kind, member, to, words)| Owned(kind, member, to, words));
    prop::collection::vec(entry, 0..80)
}

proptest! {
    #![proptest_config(super::config(256))]

    #[test]
    fn three_that_apply_the_same_entries_agree(entries in entries(), loose in any::<bool>(), history in 0..20_usize) {
        let names = if loose { NameRules::Loose } else { NameRules::Strict };
        let config = Config { max_sessions: 4, names, history, ..Config::default() };
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
        }
    }
}
