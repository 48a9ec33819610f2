//! Places for connections that are not sessions yet, but count as sessions.

use super::{EnterError, Hub};
use crate::command::OpenError;
use crate::id::{DialectId, SessionId};
use crate::origin::Origin;
use crate::session::origins::{OriginIndex, Origins};
use crate::time::Timestamp;

/// A place that is kept for a connection which may become a session, from [`Hub::reserve`].
///
/// It counts towards [`Config::max_sessions`](crate::Config::max_sessions) and the limits of its origin. Give it back
/// with [`Hub::release`] or [`Hub::open_reserved`]; nobody else can have it until then.
#[derive(Debug)]
#[must_use = "nobody else has the place until it is given back"]
pub struct Reservation {
    origin: Option<Origin>,
    index: Option<OriginIndex>,
}

impl Hub {
    /// Keeps a place for a connection that is not a session yet, such as one that speaks HTTP first. No session is told
    /// of it.
    ///
    /// # Errors
    ///
    /// As [`open_from`](Self::open_from).
    pub fn reserve(&mut self, now: Timestamp, origin: Option<Origin>) -> Result<Reservation, OpenError> {
        let now = self.clock(now);
        let counted = origin.filter(|origin| origin.is_counted() && Origins::is_wanted(&self.config));
        self.check_place(now, counted).inspect_err(|error| self.note_not_opened(now, *error))?;
        self.sessions.reserve();
        Ok(Reservation { origin, index: counted.map(|origin| self.origins.enter(now, origin)) })
    }

    /// Gives back a place.
    #[expect(clippy::needless_pass_by_value, reason = "it cannot be given back twice")]
    pub fn release(&mut self, reservation: Reservation) {
        self.sessions.release();
        if let Some(index) = reservation.index {
            self.origins.leave(index, false);
        }
    }

    /// Opens a session in a place that was kept for it, under a name if one is given.
    ///
    /// # Errors
    ///
    /// The hub is shutting down, or the name cannot be taken. The place is given back.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn open_reserved(
        &mut self,
        now: Timestamp,
        dialect: DialectId,
        reservation: Reservation,
        name: Option<&str>,
    ) -> Result<SessionId, EnterError> {
        let now = self.clock(now);
        let origin = reservation.origin;
        // The reservation has paid for the session.
        if let Some(index) = reservation.index {
            self.origins.give_back(index);
        }
        self.release(reservation);
        match name {
            Some(name) => self.open_named(now, dialect, origin, name),
            None => Ok(self.open_from(now, dialect, origin)?),
        }
    }

    /// Checks whether there is a place for one more session of that origin.
    fn check_place(&self, now: Timestamp, origin: Option<Origin>) -> Result<(), OpenError> {
        if self.shutting_down {
            return Err(OpenError::ShuttingDown);
        }
        self.check_origin(now, origin)?;
        if self.sessions.has_room() { Ok(()) } else { Err(OpenError::Full) }
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;
    use crate::config::{Config, Rate};

    const NOW: Timestamp = Timestamp::ZERO;

    fn hub(config: Config) -> (Hub, DialectId) {
        let hub = Hub::new(Config { max_line: 64, ..config }).expect("limits in range");
        let text = hub.dialect("text").expect("a default dialect");
        (hub, text)
    }

    #[test]
    fn a_place_is_one_of_all_sessions_until_it_is_given_back() {
        let (mut hub, text) = hub(Config { max_sessions: 2, ..Config::default() });
        let place = hub.reserve(NOW, None).expect("room");
        let other = hub.reserve(NOW, None).expect("room");
        assert_eq!(hub.open(NOW, text), Err(OpenError::Full));
        assert_eq!(hub.reserve(NOW, None).err(), Some(OpenError::Full));
        hub.release(other);
        hub.open(NOW, text).expect("the place of the other");
        hub.open_reserved(NOW, text, place, None).expect("its place was kept");
        assert_eq!(hub.open(NOW, text), Err(OpenError::Full));
        assert_eq!((hub.stats().sessions, hub.stats().not_opened), (2, 3));
    }

    #[test]
    fn a_place_counts_once_for_its_origin() {
        let one = NonZeroU32::MIN;
        let connects_per_address = Some(Rate { per_second: one, burst: one });
        let (mut hub, text) =
            hub(Config { max_sessions: 9, max_per_address: Some(1), connects_per_address, ..Config::default() });
        let [origin, other] = [1, 2].map(|byte| Some(Origin::new([byte; 16])));
        let place = hub.reserve(NOW, origin).expect("room");
        assert_eq!(hub.reserve(NOW, origin).err(), Some(OpenError::TooManyFromAddress));
        assert!(hub.open_from(NOW, text, other).is_ok(), "another has its own");
        hub.open_reserved(NOW, text, place, None).expect("it has paid for one");
        assert_eq!(hub.open_from(NOW, text, origin), Err(OpenError::TooManyFromAddress));

        let place = hub.reserve(NOW, Some(Origin::new([3; 16]))).expect("room");
        hub.release(place);
        let again = hub.open_from(NOW, text, Some(Origin::new([3; 16])));
        assert_eq!(again, Err(OpenError::TooFastFromAddress), "it has paid for one");
    }

    #[test]
    fn a_place_does_not_keep_the_hub_from_closing() {
        let (mut hub, text) = hub(Config { max_sessions: 1, ..Config::default() });
        let place = hub.reserve(NOW, None).expect("room");
        hub.shut_down(NOW);
        assert!(hub.is_closed());
        let late = hub.open_reserved(NOW, text, place, None);
        assert_eq!(late, Err(EnterError::Open(OpenError::ShuttingDown)));
    }
}
