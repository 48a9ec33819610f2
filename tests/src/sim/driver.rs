//! The driver: reads, writes and carries out commands as an adapter does, well or badly.

use chat_proto::{Batch, CloseReason, Command, Hub, SessionId};

use super::episode::Way;
use super::world::{World, Writing};
use crate::model::{Checked, differ};

/// About how many bytes a batch holds.
const BATCH: usize = 1_000;

/// More commands than can be due at once.
const ENDLESS: usize = 100_000;

impl World {
    /// Offers the hub up to `most` bytes of what a peer has typed; then the end of input, if that has come.
    pub(super) fn read(&mut self, peer: u8, most: usize) -> Checked {
        let now = self.now();
        let Some(connection) = self.peers.get_mut(usize::from(peer)).and_then(Option::as_mut) else { return Ok(()) };
        if connection.paused {
            return Ok(());
        }
        let (id, offered) = (connection.id, connection.typed.len().min(most));
        if offered > 0 {
            let bytes = &connection.typed[..offered];
            let taken = self.meter.scope(|| self.hub.receive(now, id, bytes));
            self.digest.number(taken as u64);
            self.model.receive(now, id.slot(), bytes, taken)?;
            connection.paused = taken < offered;
            connection.typed.drain(..taken);
        }
        if connection.half_closed && connection.typed.is_empty() && !connection.paused && !connection.eof_told {
            connection.eof_told = true;
            self.meter.scope(|| self.hub.receive_eof(now, id));
            self.model.eof(now, id.slot());
        }
        Ok(())
    }

    /// Writes once, as much as the peer's socket takes.
    pub(super) fn write(&mut self, peer: u8) -> Checked {
        let Some(connection) = self.peers.get(usize::from(peer)).and_then(Option::as_ref) else { return Ok(()) };
        if matches!(connection.writing, Writing::UnderWay(..)) {
            return Ok(());
        }
        match self.conduct.way(peer) {
            Way::Borrowed => self.write_borrowed(peer),
            Way::Copied => self.write_copied(peer, false),
            // A write without a `Send` is complete before any other call.
            Way::Late => self.write_copied(peer, self.model.is_sending(connection.id.slot())),
        }
    }

    fn write_borrowed(&mut self, peer: u8) -> Checked {
        let now = self.now();
        let connection = self.peers[usize::from(peer)].as_ref().expect("it is there");
        let (id, hub) = (connection.id, &mut self.hub);
        let pending = self.meter.scope(move || hub.pending(id));
        self.model.offered(id.slot(), pending.slices())?;
        let given = pending.len();
        let taken = connection.window.min(given);
        let mut left = taken;
        for piece in pending.slices() {
            let n = left.min(piece.len());
            self.digest.bytes(&piece[..n]);
            left -= n;
        }
        self.wrote(peer, given, taken, |hub| hub.sent(now, id, taken));
        Ok(())
    }

    /// Copies what is pending, and writes it at once or begins a write.
    fn write_copied(&mut self, peer: u8, late: bool) -> Checked {
        let now = self.now();
        let connection = self.peers[usize::from(peer)].as_mut().expect("it is there");
        let id = connection.id;
        let mut batch = std::mem::take(&mut self.batch);
        // A lagging reader is told so here, for which the hub may allocate. From here on only the batch grows.
        self.meter.scope(|| self.hub.pending(id).len());
        let before = self.meter.live;
        let fits = self.hub.fits(id, &batch);
        let copied = batch.as_bytes().len();
        let any = self.meter.scope(|| self.hub.fill(id, &mut batch, BATCH));
        self.batch_size += self.meter.live - before;
        let bytes = batch.as_bytes();
        if any == bytes.is_empty() || fits && bytes.len() != copied {
            return differ("fill", format!("{any}, {fits}, {copied}, {} bytes", bytes.len()));
        }
        self.model.offered(id.slot(), &[bytes])?;
        if late && any {
            let size = std::mem::take(&mut self.batch_size);
            self.writing_size += size;
            connection.writing = Writing::UnderWay(batch, size);
            return Ok(());
        }
        let taken = connection.window.min(bytes.len());
        self.digest.bytes(&bytes[..taken]);
        self.wrote(peer, bytes.len(), taken, |hub| hub.sent_batch(now, id, &batch, taken));
        self.batch = batch;
        Ok(())
    }

    /// Ends the write that is under way.
    pub(super) fn write_ends(&mut self, peer: u8) {
        let now = self.now();
        let Some(connection) = self.connection(peer) else { return };
        let (id, window) = (connection.id, connection.window);
        let Some((batch, size)) = connection.take_write() else { return };
        let bytes = batch.as_bytes();
        let taken = window.min(bytes.len());
        self.digest.bytes(&bytes[..taken]);
        self.wrote(peer, bytes.len(), taken, |hub| hub.sent_batch(now, id, &batch, taken));
        self.meter.scope(|| drop(batch));
        self.writing_size -= size;
    }

    /// Reports how much a socket took of what it was given; a write of nothing is not reported.
    fn wrote(&mut self, peer: u8, given: usize, taken: usize, report: impl FnOnce(&mut Hub)) {
        let mut now = self.model.now();
        if given > 0 {
            now = self.now();
            self.meter.scope(|| report(&mut self.hub));
        }
        let connection = self.peers[usize::from(peer)].as_mut().expect("it is there");
        let slot = connection.id.slot();
        // After a write without a `Send`, the driver is told to write again.
        let is_told = self.model.is_sending(slot);
        connection.writing = if taken < given && is_told { Writing::Blocked } else { Writing::Done };
        connection.window -= taken;
        self.model.sent(now, slot, taken, taken == given);
    }

    /// Carries out up to `most` commands.
    pub(super) fn drain(&mut self, most: usize) -> Checked {
        for carried_out in 0..most {
            if carried_out == ENDLESS {
                return differ("endless", "there are always more commands");
            }
            let sure = !self.hub.has_commands();
            let command = self.meter.scope(|| self.hub.poll_command());
            self.model.take_turns();
            while command.is_none() && self.model.has_turns() {
                self.model.take_turns();
            }
            let Some(command) = command else { return self.check_drained() };
            if sure {
                return differ("has_commands", format!("it was false, but there was {command:?}"));
            }
            self.saw(command);
            match command {
                Command::Send(id) => {
                    let peer = self.peer_for(id, command)?;
                    self.model.hand_out_send(id.slot());
                    let writing = self.connection(peer).map(|connection| &connection.writing);
                    if !matches!(writing, Some(Writing::Done)) {
                        return differ("send twice", format!("peer {peer} is being written to"));
                    }
                    self.write(peer)?;
                }
                Command::Read(id) => {
                    let peer = self.peer_for(id, command)?;
                    self.model.hand_out_read(id.slot())?;
                    self.connection(peer).expect("it is there").paused = false;
                    self.read(peer, self.conduct.read_again)?;
                }
                Command::Close(id, reason) => self.close(id, reason)?,
            }
        }
        Ok(())
    }

    fn close(&mut self, id: SessionId, reason: CloseReason) -> Checked {
        self.peer_for(id, Command::Close(id, reason))?;
        self.model.hand_out_close(id.slot(), reason)?;
        self.drop_connection(id);
        Ok(())
    }

    fn peer_for(&self, id: SessionId, command: Command) -> Checked<u8> {
        let peer = self.peer_of.get(id.slot()).copied().flatten();
        let known = peer.and_then(|peer| self.peers[usize::from(peer)].as_ref()).is_some_and(|c| c.id == id);
        match peer {
            Some(peer) if known => Ok(peer),
            _ => differ("command for nobody", format!("{command:?}")),
        }
    }

    /// Drops the driver's own buffers, so that the measured heap is the hub's alone.
    pub(super) fn drop_batch(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Batch::new());
        self.meter.scope(|| drop(batch));
        self.batch_size = 0;
    }
}
