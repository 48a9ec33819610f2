//! Properties of the built-in dialects.

use std::time::Duration;

use chat_proto::dialect::{Classic, Complaint, Dialect, Event, MAX_NOTICE, Request, Text};
use chat_proto::{CloseReason, NameError, OpenError};
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

fn encoded(dialect: &dyn Dialect, event: &Event<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    dialect.encode(event, &mut out);
    out
}

/// Every kind of event with these names and texts, and how many bytes of those it contains.
fn events<'a>(name: &'a str, other: &'a str, words: &'a str, count: u64) -> Vec<(Event<'a>, usize)> {
    let (n, o, w) = (name.len(), other.len(), words.len());
    let reasons = [
        CloseReason::Quit,
        CloseReason::Eof,
        CloseReason::Disconnected,
        CloseReason::Idle,
        CloseReason::Stalled,
        CloseReason::Lagged { missed: count },
        CloseReason::WrongProtocol,
        CloseReason::FirstLine,
        CloseReason::Kicked,
        CloseReason::ShutDown,
    ];
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
    ];
    let mut events = vec![
        (Event::Said { name, words, wire: None }, n + w),
        (Event::Acted { name, words }, n + w),
        (Event::Joined { name }, n),
        (Event::Renamed { from: name, to: other }, n + o),
        (Event::Announced { words }, w),
        (Event::Welcome { name, idle_timeout: None }, n),
        (Event::Welcome { name, idle_timeout: Some(Duration::from_millis(31_536_000_000 - 1)) }, n),
        (Event::BacklogBegins, 0),
        (Event::BacklogEnds, 0),
        (Event::SilenceWarning, 0),
        (Event::Named { name }, n),
        (Event::Told { from: name, words }, n + w),
        (Event::TellPassed { to: name, words }, n + w),
        (Event::Who { names: words, count: max, left_out: max }, w),
        (Event::Who { names: words, count: max, left_out: 0 }, w),
        (Event::Pong, 0),
        (Event::Missed { count }, 0),
        (Event::NotOpened(OpenError::Full), 0),
        (Event::NotOpened(OpenError::ShuttingDown), 0),
    ];
    for reason in reasons {
        events.push((Event::Left { name, reason, words: "" }, n));
        events.push((Event::Left { name, reason, words }, n + w));
        events.push((Event::Closing { reason, words: "" }, 0));
        events.push((Event::Closing { reason, words }, w));
    }
    events.extend(complaints.map(|complaint| (Event::Refused(complaint), 0)));
    events
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
            for (event, payload) in events(&name, &other, &words, count) {
                let bytes = encoded(dialect, &event);
                prop_assert!(bytes.len() <= dialect.encoded_len(payload), "{}: {event:?}", dialect.name());
                if let Some((end, line)) = bytes.split_last() {
                    let line = std::str::from_utf8(line).expect("what is encoded is text");
                    prop_assert!(*end == b'\n' && !line.contains(char::is_control), "{event:?}: {line:?}");
                }
            }
            prop_assert!(encoded(dialect, &Event::Help).len() <= dialect.encoded_len(MAX_NOTICE));
        }
    }

    #[test]
    fn classic_lines_are_decoded_as_encoded(name in name(), words in words()) {
        let line = encoded(&Classic, &Event::Said { name: &name, words: &words, wire: None });
        let line = line.strip_suffix(b"\n").expect("a line");
        let mut scratch = Vec::new();
        let Request::Say { words: decoded, claim, wire } = Classic.decode(line, false, &mut scratch) else {
            panic!("somebody said something");
        };
        prop_assert_eq!((decoded, claim), (words.as_str(), Some(name.as_str())));
        // Each message has only one form in base64, so input may be passed on unchanged.
        let again = encoded(&Classic, &Event::Said { name: &name, words: &words, wire });
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
        is(format!("/msg {name} {words}"), Request::Tell { to: &name, words })?;
        is(format!("/quit {words}"), Request::Quit(words))?;
    }

    #[test]
    fn decoded_text_is_no_longer_than_its_line(line in vec(any::<u8>(), 0..200), named in any::<bool>()) {
        for dialect in DIALECTS {
            let mut scratch = Vec::new();
            let len = match dialect.decode(&line, named, &mut scratch) {
                Request::Say { words, claim, .. } => words.len() + claim.map_or(0, str::len),
                Request::Act(words) | Request::Name(words) | Request::Quit(words) => words.len(),
                Request::Tell { to, words } => to.len() + words.len(),
                _ => 0,
            };
            prop_assert!(len <= line.len());
        }
    }
}
