//! Properties of the built-in dialects.

use std::time::Duration;

use chat_proto::dialect::{Classic, Complaint, Dialect, MAX_NOTICE, Manner, Request, RoomChange, Text, Update};
use chat_proto::{Config, Hub, MaskList, NameError, OpenError, Role, RoomError};
use chat_tests::fuzzing::close_reasons;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::config;

const DIALECTS: [&dyn Dialect; 2] = [&Classic, &Text];

/// Text as the hub passes it to a dialect: not empty, without control characters and trailing white space.
fn words() -> impl Strategy<Value = String> {
    "[^\\p{C}]{0,79}[^\\p{C}\\p{Z}]"
}

/// A name, or something like one.
fn name() -> impl Strategy<Value = String> {
    "[^\\p{C}\\p{Z}\\p{M}:*!/][^\\p{C}\\p{Z}:]{0,20}"
}

/// Returns that a mask exempts from invitations no longer, which takes the most words.
fn listed(mask: &str) -> RoomChange<'_> {
    RoomChange::Listed { list: MaskList::InviteExceptions, mask, listed: false }
}

fn encoded(dialect: &dyn Dialect, update: &Update<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    dialect.encode(update, &mut out);
    out
}

/// Every kind of update with these names and texts, and how many bytes of those it contains.
fn updates<'a>(name: &'a str, other: &'a str, words: &'a str, count: u64) -> Vec<(Update<'a>, usize)> {
    let (n, o, w) = (name.len(), other.len(), words.len());
    let max = usize::try_from(count).unwrap_or(usize::MAX);
    let complaints = [
        Complaint::LineTooLong { max },
        Complaint::NotUtf8,
        Complaint::NotBase64,
        Complaint::NotUnderstood,
        Complaint::Usage("/msg NAME WORDS"),
        Complaint::Name(NameError::Empty),
        Complaint::Name(NameError::TooLong { max }),
        Complaint::Name(NameError::Character),
        Complaint::Name(NameError::Reserved),
        Complaint::Name(NameError::Taken),
        Complaint::NobodyThere,
        Complaint::GuestGone { number: count },
        Complaint::NotReading,
        Complaint::WrongProtocol("IRC, POP3 or FTP"),
        Complaint::Room(RoomError::InTooManyRooms { max }),
        Complaint::Room(RoomError::TooManyRooms { max }),
        Complaint::Room(RoomError::TooManyRoomsFromAddress { max }),
        Complaint::Room(RoomError::ListFull { max }),
        Complaint::Room(RoomError::NoNewRooms),
    ];
    let mut updates = vec![
        (Update::Said { name, words, wire: None }, n + w),
        (Update::Acted { name, words }, n + w),
        (Update::Joined { name }, n),
        (Update::Renamed { from: name, to: other }, n + o),
        (Update::Entered { name }, n),
        (Update::Parted { name, words: "" }, n),
        (Update::Parted { name, words }, n + w),
        (Update::Noticed { name, words }, n + w),
        (Update::RoomChanged { by: name, change: RoomChange::Limit(Some(u32::MAX)) }, n),
        (Update::RoomChanged { by: name, change: listed(words) }, n + w),
        (Update::Kicked { name, by: other, words }, n + o + w),
        (Update::Kicked { name, by: other, words: "" }, n + o),
        (Update::TopicSet { by: name, words }, n + w),
        (Update::TopicSet { by: name, words: "" }, n),
        (Update::BanSet { by: name, name: other, masks: &[], banned: true }, n + o),
        (Update::BanSet { by: name, name: other, masks: &[], banned: false }, n + o),
        (Update::Announced { words }, w),
        (Update::CameAndWent { joined: count, left: count }, 0),
        (Update::Welcome { name, idle_timeout: None }, n),
        (Update::Welcome { name, idle_timeout: Some(Duration::from_millis(31_536_000_000 - 1)) }, n),
        (Update::BacklogBegins, 0),
        (Update::BacklogEnds, 0),
        (Update::SilenceWarning, 0),
        (Update::Named { from: other, name }, n + o),
        (Update::Told { from: name, words, manner: Manner::Acted }, n + w),
        (Update::TellPassed { to: name, words, manner: Manner::Queried }, n + w),
        (Update::InRoom { room: name, count: max, began: false }, n),
        (Update::InRoom { room: name, count: max, began: true }, n),
        (Update::LeftRoom { room: name, words: "" }, n),
        (Update::KickedOut { room: name, by: other, words }, n + o + w),
        (Update::InNoRoom, 0),
        (Update::Topic { room: name, words: "", by: "", age: Duration::ZERO }, n),
        (Update::Topic { room: name, words, by: other, age: Duration::from_nanos(count) }, n + o + w),
        (Update::RoomListed { room: name, count: max, topic: words }, n + w),
        (Update::RoomListed { room: name, count: max, topic: "" }, n),
        (Update::RoomsEnd { count: max }, 0),
        (Update::BanListed { number: max, name, is_by_address: false, of: "" }, n),
        (Update::BanListed { number: max, name, is_by_address: true, of: "" }, n),
        (Update::BanListed { number: max, name: "*", is_by_address: true, of: name }, n),
        (Update::BansEnd { room: name, count: max }, n),
        (Update::BansEnd { room: name, count: 0 }, n),
        (Update::Invited { room: name, by: other }, 2 * n + o),
        (Update::InvitePassed { room: name, name: other }, n + o),
        (Update::Who { room: None, names: words, count: max, left_out: max }, w),
        (Update::Who { room: Some(name), names: words, count: max, left_out: 0 }, n + w),
        (Update::Pong { token: "" }, 0),
        (Update::Missed { count }, 0),
        (Update::NotOpened(OpenError::Full), 0),
        (Update::NotOpened(OpenError::ShuttingDown), 0),
    ];
    for (role, given) in [Role::Operator, Role::Voice].into_iter().flat_map(|role| [(role, true), (role, false)]) {
        updates.push((Update::RoleSet { by: name, name: other, role, given }, n + o));
    }
    for reason in close_reasons(count as u32) {
        updates.push((Update::Left { name, reason, words: "" }, n));
        updates.push((Update::Left { name, reason, words }, n + w));
        updates.push((Update::Closing { reason, words: "" }, 0));
        updates.push((Update::Closing { reason, words }, w));
    }
    updates.extend(complaints.map(|complaint| (Update::Refused(complaint), 0)));
    updates
}

#[test]
fn no_reason_for_closing_is_left_out() {
    let counted = Hub::new(Config::default()).expect("limits in range").stats().closed_by;
    assert_eq!(close_reasons(1).len(), counted.iter().count(), "add it to close_reasons");
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn every_event_is_one_line_within_its_bound(
        name in name(),
        other in name(),
        words in words(),
        count in select(vec![0, 1, 2, 12, 999_999, u64::MAX]),
    ) {
        for dialect in DIALECTS {
            for (update, payload) in updates(&name, &other, &words, count) {
                let bytes = encoded(dialect, &update);
                prop_assert!(bytes.len() <= dialect.encoded_len(payload), "{}: {update:?}", dialect.name());
                if let Some((end, line)) = bytes.split_last() {
                    let line = std::str::from_utf8(line).expect("what is encoded is text");
                    prop_assert!(*end == b'\n' && !line.contains(char::is_control), "{update:?}: {line:?}");
                }
            }
            for command in ["", "join"] {
                let help = Update::Help { command };
                prop_assert!(encoded(dialect, &help).len() <= dialect.encoded_len(MAX_NOTICE));
            }
            let mut label = Vec::new();
            dialect.label(&name, &mut label);
            prop_assert!(label.len() <= 2 * name.len().max(3), "{}", dialect.name());
        }
    }

    #[test]
    fn classic_lines_are_decoded_as_encoded(name in name(), words in words()) {
        let line = encoded(&Classic, &Update::Said { name: &name, words: &words, wire: None });
        let line = line.strip_suffix(b"\n").expect("a line");
        let mut scratch = Vec::new();
        let Request::Say { words: decoded, claim, wire } = Classic.decode(line, false, &mut scratch) else {
            panic!("somebody said something");
        };
        prop_assert_eq!((decoded, claim), (words.as_str(), Some(name.as_str())));
        // Each message has only one form in base64, so input may be passed on unchanged.
        let again = encoded(&Classic, &Update::Said { name: &name, words: &words, wire });
        prop_assert_eq!(again.strip_suffix(b"\n"), Some(line));
    }

    #[test]
    fn text_lines_are_decoded_as_meant(name in name(), words in words()) {
        let words = words.trim_start();
        let is = |line: String, request: Request<'_>| {
            let mut scratch = Vec::new();
            prop_assert_eq!(Text.decode(line.as_bytes(), true, &mut scratch), request);
            Ok(())
        };
        let said = |words| Request::Say { words, claim: None, wire: None };
        is(if words.starts_with('/') { format!("/{words}") } else { words.into() }, said(words))?;
        is(format!("/me {words}"), Request::Act(words))?;
        is(format!("/name {name}"), Request::Name(&name))?;
        is(format!("/msg {name} {words}"), Request::Tell { to: &name, words, manner: Manner::Said })?;
        is(format!("/quit {words}"), Request::Quit(words))?;
        let room = name.strip_prefix('#').unwrap_or(&name);
        is(format!("/join {name}"), Request::Join { room, key: "" })?;
        is(format!("/join {name} {words}"), Request::Join { room, key: words })?;
        is(format!("/leave {name}"), Request::Leave { room: Some(room), words: "" })?;
        is(format!("/who {name}"), Request::Who { room: Some(room) })?;
        is(format!("/topic {words}"), Request::Topic { words: Some(words) })?;
        is(format!("/invite {name}"), Request::Invite { name: &name })?;
        is(format!("/kick {name} {words}"), Request::Kick { name: &name, words })?;
        is(format!("/unban {name}"), Request::Ban { name: &name, banned: false })?;
        is(format!("/op {name}"), Request::Role { name: &name, role: Role::Operator, given: true })?;
        is(format!("/voice {name}"), Request::Role { name: &name, role: Role::Voice, given: true })?;
    }

    #[test]
    fn decoded_text_is_no_longer_than_its_line(line in vec(any::<u8>(), 0..200), named in any::<bool>()) {
        for dialect in DIALECTS {
            let mut scratch = Vec::new();
            let len = match dialect.decode(&line, named, &mut scratch) {
                Request::Say { words, claim, .. } => words.len() + claim.map_or(0, str::len),
                Request::Act(words)
                | Request::Name(words)
                | Request::Quit(words)
                | Request::Leave { room: Some(words), .. }
                | Request::Who { room: Some(words) }
                | Request::Topic { words: Some(words) }
                | Request::Ban { name: words, .. }
                | Request::Role { name: words, .. }
                | Request::Invite { name: words }
                | Request::Help { command: words } => words.len(),
                Request::Tell { to: other, words, .. }
                | Request::Kick { name: other, words }
                | Request::Join { room: other, key: words } => other.len() + words.len(),
                _ => 0,
            };
            prop_assert!(len <= line.len());
        }
    }
}
