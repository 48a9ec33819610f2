//! How much there is of what comes and goes, kept so that asking takes the same time however much there is.

use super::Hub;
use crate::config::MAX_DIALECTS;
use crate::id::DialectId;
use crate::wire::framing::{Format, Framing};

/// How much a hub has at this moment of what comes and goes, from [`Hub::gauges`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubGauges {
    /// Members: those in the conversation, with or without a connection.
    pub members: usize,
    /// Rooms, the lobby counted.
    pub rooms: usize,
    /// Places that are [kept](Hub::reserve) for connections which are not sessions yet.
    pub reserved: usize,
    /// Sessions whose line waits for readers, for a recipient, for their own peer or for a password to be checked.
    pub held: usize,
    dialects: [DialectGauges; MAX_DIALECTS],
}

/// The part of [`HubGauges`] that is of one dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialectGauges {
    /// Its sessions that send lines. Counted as [`HubStats::sessions`](crate::HubStats::sessions) are.
    pub in_lines: usize,
    /// Its sessions that send messages of WebSocket.
    pub in_messages: usize,
    /// Bytes of messages that its log of the lobby holds, at most [`Config::log_bytes`](crate::Config::log_bytes).
    pub log_bytes: usize,
    /// Messages that its log of the lobby holds, at most [`Config::log_entries`](crate::Config::log_entries).
    pub log_entries: usize,
}

impl HubGauges {
    /// Returns what is of that dialect.
    ///
    /// # Panics
    ///
    /// May panic if the dialect belongs to another hub.
    #[must_use]
    pub const fn of_dialect(&self, dialect: DialectId) -> DialectGauges {
        self.dialects[dialect.0 as usize]
    }
}

/// How many sessions have each format.
#[derive(Debug, Default)]
pub(super) struct SessionsByFormat([[usize; 2]; MAX_DIALECTS]);

impl SessionsByFormat {
    /// Returns the count to which a session of that format belongs.
    #[inline]
    pub(super) fn count_mut(&mut self, format: Format) -> &mut usize {
        let [lines, messages] = &mut self.0[usize::from(format.dialect()) % MAX_DIALECTS];
        if format.messages().is_none() { lines } else { messages }
    }

    /// Moves a session from one format to another of the same dialect.
    pub(super) fn change(&mut self, from: Format, framing: Framing) -> Format {
        let to = Format::new(from.dialect(), framing);
        *self.count_mut(from) -= 1;
        *self.count_mut(to) += 1;
        to
    }
}

impl Hub {
    /// Returns how much there is of what comes and goes. Takes the same time however much there is.
    #[must_use]
    pub fn gauges(&self) -> HubGauges {
        let mut gauges = HubGauges {
            members: self.open - self.unregistered + self.unconnected,
            rooms: self.conversation.room_count(),
            reserved: self.sessions.reserved(),
            held: self.schedule.turns.waiting() + self.under_check(),
            ..HubGauges::default()
        };
        for (dialect, (rendered, [in_lines, in_messages])) in
            gauges.dialects.iter_mut().zip(self.logs.lobby().rendered.iter().zip(self.by_format.0))
        {
            let [log_bytes, log_entries] = rendered.log.held();
            *dialect = DialectGauges { in_lines, in_messages, log_bytes, log_entries };
        }
        gauges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::config::Config;
    use crate::time::Timestamp;
    use crate::wire::framing::MessageKind;

    const NOW: Timestamp = Timestamp::ZERO;

    #[test]
    fn sessions_are_counted_by_format_until_their_close_is_handed_out() {
        let mut hub = Hub::new(Config::default()).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let [one, _] = [(); 2].map(|()| hub.open(NOW, text).expect("room"));
        let of_text = |hub: &Hub| {
            let gauges = hub.gauges().of_dialect(text);
            (gauges.in_lines, gauges.in_messages)
        };
        assert_eq!(of_text(&hub), (2, 0));
        hub.set_framing(one, Framing::WebSocket(MessageKind::Binary));
        assert_eq!(of_text(&hub), (1, 1));
        hub.disconnect(NOW, one);
        assert_eq!(of_text(&hub), (1, 1));
        while !matches!(hub.poll_command(), Some(Command::Close(..))) {}
        assert_eq!(of_text(&hub), (1, 0));
    }

    #[test]
    fn members_rooms_places_and_the_log_are_counted() {
        let mut hub = Hub::new(Config { max_sessions: 9, ..Config::default() }).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        let id = hub.open(NOW, text).expect("room");
        hub.enter(NOW, "bot").expect("room");
        let place = hub.reserve(NOW, None).expect("room");
        hub.receive(NOW, id, b"/join tea\n");
        let gauges = hub.gauges();
        assert_eq!((gauges.members, gauges.rooms, gauges.reserved, gauges.held), (2, 2, 1, 0));
        hub.receive(NOW, id, b"/leave\n");
        hub.release(place);
        let (gauges, before) = (hub.gauges(), gauges.of_dialect(text));
        assert_eq!((gauges.rooms, gauges.reserved), (1, 0));
        hub.announce(NOW, "hello");
        let after = hub.gauges().of_dialect(text);
        assert_eq!(after.log_entries, before.log_entries + 1);
        assert_eq!(after.log_bytes, before.log_bytes + "* server: hello\n".len());
    }
}
