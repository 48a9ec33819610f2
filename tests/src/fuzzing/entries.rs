//! Target `entries`: decoding bytes as entries, and applying entries to conversations.
//!
//! An input is decoded as long as it holds entries. Each must encode to exactly the bytes that it was decoded from, and
//! three conversations to which all entries are applied must agree.

use chat_proto::Config;
use chat_proto::conversation::{Conversation, Entry};

use crate::alloc::Meter;
use crate::model::{Checked, differ};

/// How many conversations there are.
const REPLICAS: usize = 3;

/// Plays an input.
pub(super) fn play(mut data: &[u8]) -> Checked {
    let config =
        Config { max_sessions: 6, max_name: 24, max_line: 100, history: 8, log_bytes: 16 << 10, ..Config::default() };
    let mut meter = Meter::new();
    let new = || Conversation::new(&config).expect("the limits are in range");
    let mut replicas: [Conversation; REPLICAS] = meter.scope(|| std::array::from_fn(|_| new()));
    let bound = i64::try_from(REPLICAS * config.memory_bound()).expect("a sensible bound");
    let mut encoded = Vec::new();
    while let Ok((entry, rest)) = Entry::decode(data) {
        encoded.clear();
        entry.encode(&mut encoded);
        if encoded != data[..data.len() - rest.len()] {
            return differ("codec", format!("{entry:?} is encoded as \"{}\"", encoded.escape_ascii()));
        }
        data = rest;
        apply(&mut replicas, &mut meter, &entry)?;
        if meter.live > bound {
            return differ("memory", format!("{} bytes, over {bound}", meter.live));
        }
    }
    let [one, other, _] = &replicas;
    if !one.events(0).eq(other.events(0)) || !one.entries(0).eq(other.entries(0)) {
        return differ("history", "it is not the same everywhere");
    }
    Ok(())
}

/// Applies an entry to all conversations; the results must be equal.
fn apply(replicas: &mut [Conversation; REPLICAS], meter: &mut Meter, entry: &Entry<'_>) -> Checked {
    let before = replicas[0].digest();
    let outcomes = meter.scope(|| replicas.each_mut().map(|replica| replica.apply(entry)));
    let digests = replicas.each_ref().map(Conversation::digest);
    if outcomes.iter().any(|outcome| *outcome != outcomes[0]) || digests.iter().any(|digest| *digest != digests[0]) {
        return differ("replicas", format!("{entry:?}: {outcomes:?}, {digests:?}"));
    }
    if outcomes[0].is_err() != (digests[0] == before) {
        return differ(
            "rejected",
            format!("{entry:?}: {:?}, and the digest was {before}, is {}", outcomes[0], digests[0]),
        );
    }
    Ok(())
}
