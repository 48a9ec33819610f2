//! A driver that breaks its contract, which must do no harm.

use chat_proto::Batch;

use super::step::Misuse;
use super::world::{World, Writing};
use crate::model::{Checked, differ};

impl World {
    pub(super) fn misuse(&mut self, peer: u8, how: Misuse) -> Checked {
        let now = self.now();
        match how {
            Misuse::Stale => self.use_stale_ids(),
            Misuse::FireOften => (0..4).try_for_each(|_| self.fire(now)),
            Misuse::DisconnectTwice => self.on_session(peer, |world, id| {
                world.meter.scope(|| world.hub.disconnect(now, id));
                world.meter.scope(|| world.hub.disconnect(now, id));
                world.model.disconnect(now, id.slot());
                Ok(())
            }),
            Misuse::SentTooMuch => self.misreport(peer, usize::MAX),
            Misuse::SentNothing => self.misreport(peer, 0),
            Misuse::BytesAfterEof => {
                let Some(connection) = self.connection(peer) else { return Ok(()) };
                connection.half_closed |= !connection.paused;
                let id = connection.id;
                self.read(peer, usize::MAX)?;
                if self.connection(peer).is_none_or(|connection| !connection.eof_told) {
                    return Ok(());
                }
                let taken = self.meter.scope(|| self.hub.receive(now, id, b"late\n"));
                self.model.receive(now, id.slot(), b"late\n", taken)
            }
            Misuse::OfferAgain => {
                let Some(connection) = self.connection(peer) else { return Ok(()) };
                connection.paused = false;
                self.read(peer, usize::MAX)
            }
            Misuse::OfferNothing => self.on_session(peer, |world, id| {
                let taken = world.meter.scope(|| world.hub.receive(now, id, b""));
                world.model.receive(now, id.slot(), b"", taken)
            }),
        }
    }

    /// Makes every call there is with ids of sessions that are gone, which must have no effect.
    pub(super) fn use_stale_ids(&mut self) -> Checked {
        let now = self.now();
        // A member without a connection ignores calls that concern a connection.
        let bot = self.bot.filter(|_| !self.hub.is_shutting_down());
        for id in self.stale.iter().copied().chain(bot).collect::<Vec<_>>() {
            let is_bot = Some(id) == bot;
            let taken = self.meter.scope(|| {
                let taken = self.hub.receive(now, id, b"/name ghost\nboo\n");
                self.hub.receive_eof(now, id);
                self.hub.peer_ended(now, id);
                self.hub.writable(now, id);
                self.hub.disconnect(now, id);
                self.hub.kick(now, id, "gone");
                self.hub.sent(now, id, &Batch::new(), 7);
                self.hub.set_rate(now, id, None);
                self.hub.set_idle_timeout(now, id, None);
                self.hub.authenticated(now, id, true);
                let is_told = self.hub.tell(now, id, "gone");
                let is_said = !is_bot && {
                    let said = [
                        self.hub.say(now, id, "boo"),
                        self.hub.act(now, id, "boos"),
                        self.hub.say_to(now, id, id, "boo"),
                    ];
                    self.hub.leave(now, id, "gone");
                    self.hub.rename(now, id, "ghost") != Ok(()) || said.contains(&Ok(()))
                };
                if is_told || is_said { usize::MAX } else { taken }
            });
            // The hub may have asked about a password of a session that is over.
            self.model.authenticated(now, id, true);
            self.model.advance(now);
            let filled = self.hub.fill(id, &mut Batch::new(), 100);
            let known = !is_bot && (self.hub.session_stats(id).is_some() || self.hub.name(id).is_some());
            if taken != 16 || filled || known {
                return differ("stale id", format!("{id:?}: took {taken}, filled {filled}, known {known}"));
            }
        }
        Ok(())
    }

    /// Reports another number of bytes than were taken, in place of a write.
    fn misreport(&mut self, peer: u8, n: usize) -> Checked {
        let now = self.now();
        let Some(connection) = self.connection(peer) else { return Ok(()) };
        if matches!(connection.writing, Writing::UnderWay(_)) {
            return Ok(());
        }
        let id = connection.id;
        self.fill_pending(id, usize::MAX)?;
        self.meter.scope(|| self.hub.sent(now, id, &self.pending, n));
        let len = self.pending.as_bytes().len();
        self.model.sent(now, id.slot(), n.min(len), n >= len);
        if n >= len {
            self.connection(peer).expect("it is there").writing = Writing::Done;
        }
        Ok(())
    }
}
