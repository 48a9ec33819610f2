//! The driver: reads, writes and carries out commands as an adapter does, well or badly.

use chat_proto::{Batch, CloseReason, Command, Credentials, SessionId};

use super::episode::Way;
use super::world::{Connection, World, Writing};
use crate::model::{Checked, differ};

/// Roughly how many bytes a batch holds.
const BATCH: usize = 1_000;

/// More commands than can be due at once.
pub(super) const ENDLESS: usize = 100_000;

impl World {
    /// Offers the hub up to `most` bytes of a peer's typed input; then the end of input, if it has come.
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
        if matches!(connection.writing, Writing::UnderWay(_)) {
            return Ok(());
        }
        match self.conduct.way(peer) {
            Way::Whole => self.write_whole(peer),
            Way::Shared => self.write_copied(peer, false),
            // A write without a `Send` must be complete before any other call.
            Way::Late => self.write_copied(peer, self.model.is_sending(connection.id.slot())),
        }
    }

    fn write_whole(&mut self, peer: u8) -> Checked {
        let id = self.peers[usize::from(peer)].as_ref().expect("it is there").id;
        self.fill_pending(id, usize::MAX)?;
        let batch = std::mem::take(&mut self.pending);
        self.wrote(peer, &batch);
        self.pending = batch;
        Ok(())
    }

    /// Copies what is pending for a session, at most `most` bytes of the log; counts everything that the hub allocates
    /// for that.
    pub(super) fn fill_pending(&mut self, id: SessionId, most: usize) -> Checked {
        let Self { hub, meter, pending, model, .. } = self;
        let any = meter.scope(|| hub.fill(id, pending, most));
        if any == pending.as_bytes().is_empty() {
            return differ("fill", format!("{any}, {} bytes", pending.as_bytes().len()));
        }
        model.offered(id.slot(), pending.as_bytes())
    }

    /// Copies what is pending, and writes it at once or begins a write.
    fn write_copied(&mut self, peer: u8, late: bool) -> Checked {
        let id = self.peers[usize::from(peer)].as_ref().expect("it is there").id;
        // From here on the hub allocates nothing: only the batch, which is the driver's, grows.
        self.fill_pending(id, 0)?;
        let mut batch = std::mem::take(&mut self.batch);
        let fits = self.hub.fits(id, &batch);
        let copied = batch.as_bytes().len();
        let any = self.hub.fill(id, &mut batch, BATCH);
        let bytes = batch.as_bytes();
        if any == bytes.is_empty() || fits && bytes.len() != copied {
            return differ("fill", format!("{any}, {fits}, {copied}, {} bytes", bytes.len()));
        }
        self.model.offered(id.slot(), bytes)?;
        if late && any {
            self.connection(peer).expect("it is there").writing = Writing::UnderWay(batch);
            return Ok(());
        }
        self.wrote(peer, &batch);
        self.batch = batch;
        Ok(())
    }

    /// Ends the write in progress.
    pub(super) fn write_ends(&mut self, peer: u8) {
        if let Some(batch) = self.connection(peer).and_then(Connection::take_write) {
            self.wrote(peer, &batch);
        }
    }

    /// Reports how much of a write a socket took; a write of nothing is not reported.
    fn wrote(&mut self, peer: u8, batch: &Batch) {
        let connection = self.peers[usize::from(peer)].as_ref().expect("it is there");
        let (id, bytes) = (connection.id, batch.as_bytes());
        let taken = connection.window.min(bytes.len());
        self.digest.bytes(&bytes[..taken]);
        let mut now = self.model.now();
        if !bytes.is_empty() {
            now = self.now();
            self.meter.scope(|| self.hub.sent(now, id, batch, taken));
        }
        // After a write without a `Send`, the driver is told to write again.
        let is_told = self.model.is_sending(id.slot());
        let is_all = taken == bytes.len();
        let connection = self.connection(peer).expect("it is there");
        connection.writing = if !is_all && is_told { Writing::Blocked } else { Writing::Done };
        connection.window -= taken;
        self.model.sent(now, id.slot(), taken, is_all);
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
                Command::Authenticate(id) => self.look_at_credentials(id, command)?,
                Command::Close(id, reason) => self.close(id, reason)?,
            }
        }
        Ok(())
    }

    /// Finds out whether a password is right, which the hub is told later.
    fn look_at_credentials(&mut self, id: SessionId, command: Command) -> Checked {
        self.peer_for(id, command)?;
        let expected = self.model.hand_out_check(id)?;
        let is_right = match self.hub.credentials(id) {
            Some(Credentials::Server { password }) => password == "sesame",
            Some(Credentials::Operator { name, password }) => name == "root" && password == "sesame",
            other => return differ("credentials", format!("{other:?} of {id:?}")),
        };
        if is_right != expected {
            return differ("credentials", format!("{:?} of {id:?}", self.hub.credentials(id)));
        }
        self.checks.push((id, is_right));
        Ok(())
    }

    /// Tells the hub of a password that was checked whether it is right; if `twice`, a second time the opposite, which
    /// must do nothing.
    pub(super) fn answer(&mut self, which: u8, twice: bool) {
        if self.checks.is_empty() {
            return;
        }
        let (now, index) = (self.now(), usize::from(which) % self.checks.len());
        let (id, is_right) = self.checks.remove(index);
        for is_right in [Some(is_right), twice.then_some(!is_right)].into_iter().flatten() {
            self.meter.scope(|| self.hub.authenticated(now, id, is_right));
            self.model.authenticated(now, id, is_right);
        }
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
}
