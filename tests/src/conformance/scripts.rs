//! Conversations with one outcome, the same for every adapter. `scripts/` has them as terminals show them.

use super::script::{Stage, Typing};
use super::{Adapter, calm_with_backlog, start};

macro_rules! scripts {
    ($($case:ident: $rule:literal,)*) => {
        $(#[doc = $rule]
        pub fn $case(adapter: &dyn Adapter) {
            play_alone(adapter, stringify!($case), $case::SCRIPT, Typing::Lines);
        }

        mod $case {
            pub(super) const SCRIPT: &str = include_str!(concat!("scripts/", stringify!($case), ".txt"));
        })*

        const ALL: &[(&str, &str)] = &[$((stringify!($case), $case::SCRIPT)),*];
    };
}

scripts! {
    conversation: "Text and classic users share one conversation, under the right names and in one order.",
    names: "Only one member has a name; it can be changed, and is free again at once.",
    whispers: "A private message reaches its target only.",
    actions: "The commands of the text dialect do what they say.",
    rooms: "Rooms are read in one order, and their lines are labelled.",
    moderation: "Operators keep order in their rooms.",
    no_room: "Who has left all rooms is still here.",
    leaving: "Every way to leave ends the connection, and the others are told.",
    newcomer: "A newcomer is sent the backlog of its dialect.",
    original: "The original's clients work unchanged, and nobody speaks in another's name.",
    invisible_characters: "Invisible characters are not shown.",
    rubbish: "A line that is not understood is answered, and the session stays.",
}

/// CRLF line ends make no difference.
pub fn typed_with_crlf(adapter: &dyn Adapter) {
    for (title, script) in ALL {
        play_alone(adapter, title, script, Typing::CrLf);
    }
}

/// How the input is cut makes no difference: here each byte is a segment.
pub fn typed_byte_by_byte(adapter: &dyn Adapter) {
    for (title, script) in ALL {
        play_alone(adapter, title, script, Typing::Bytes);
    }
}

/// Plays a script on a server of its own, and checks that no client is sent anything more.
fn play_alone(adapter: &dyn Adapter, title: &str, script: &str, typing: Typing) {
    let server = start(adapter, calm_with_backlog());
    let mut stage = Stage::new(title, typing, |port| server.addr(if port == 4001 { "classic" } else { "text" }));
    stage.play(script);
    let cast = stage.into_cast();
    server.stop(cast);
}
