//! A hub and its model, which is told of every call; after each call, the two must agree.

use chat_proto::dialect::Update;
use chat_proto::{Batch, Command, Config, Framing, Hub, HubStats, Origin, SessionId, SessionStats, Timestamp};

use crate::alloc::Meter;
use crate::model::{Checked, Model, differ};
use crate::output::roomy_batch;

/// A hub and its model.
#[derive(Debug)]
pub(super) struct Lockstep {
    hub: Hub,
    meter: Meter,
    /// Holds whatever is pending, so that filling it allocates nothing.
    pending: Batch,
    /// The memory bound that the hub states.
    bound: i64,
    /// `None` once the driver has reported something false: what the session is sent then is unspecified.
    model: Option<Model>,
    journal_records: u64,
    journal_seen: u64,
    /// The latest time that the hub was given.
    now: Timestamp,
    /// Sessions that were opened and not closed.
    sessions: usize,
}

/// Everything that a hub's queries return.
type Snapshot = (HubStats, Option<Timestamp>, bool, Vec<(SessionId, Option<String>, Option<SessionStats>)>);

impl Lockstep {
    pub(super) fn new(config: Config) -> Self {
        let bound = i64::try_from(config.memory_bound()).expect("a sensible bound");
        let journal_records = config.journal_records as u64;
        let mut meter = Meter::new();
        let hub = meter.scope(|| Hub::new(config.clone()).expect("the limits are in range"));
        let now = Timestamp::ZERO;
        let pending = roomy_batch(&config);
        Self {
            hub,
            meter,
            pending,
            bound,
            model: Some(Model::new(config)),
            journal_records,
            journal_seen: 0,
            now,
            sessions: 0,
        }
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Returns whether the model is still in use.
    pub(super) fn is_followed(&self) -> bool {
        self.model.is_some()
    }

    /// Continues without the model; the rules for any driver must still hold.
    pub(super) fn forget_model(&mut self) {
        self.model = None;
    }

    /// Opens a session of the dialect with that index in the configuration, or of the last dialect.
    pub(super) fn open(&mut self, now: Timestamp, dialect_index: usize) -> Checked<Option<SessionId>> {
        self.open_from(now, dialect_index, None)
    }

    /// The same, for a session of that origin.
    pub(super) fn open_from(
        &mut self,
        now: Timestamp,
        dialect_index: usize,
        origin: Option<Origin>,
    ) -> Checked<Option<SessionId>> {
        let dialects = &self.hub.config().dialects;
        let dialect_index = dialect_index.min(dialects.len() - 1);
        let Some(dialect) = self.hub.dialect(dialects[dialect_index].dialect.name()) else {
            return differ("dialect", "a configured dialect is not found");
        };
        let opened = self.call(now, |hub| hub.open_from(now, dialect, origin));
        if let Some(model) = &mut self.model {
            let expected = model.open(now, dialect, dialect_index, origin, None, opened.ok())?;
            if opened.map(drop) != expected {
                return differ("open", format!("the hub says {opened:?}, the model {expected:?}"));
            }
        }
        self.sessions += usize::from(opened.is_ok());
        if let Err(error) = opened {
            let (mut words, mut expected) = (Vec::new(), Vec::new());
            self.hub.refusal(dialect, error, &mut words);
            self.hub.config().dialects[dialect_index].dialect.encode(&Update::NotOpened(error), &mut expected);
            if words != expected || words.is_empty() {
                return differ("refusal", String::from_utf8_lossy(&words));
            }
        }
        self.check()?;
        Ok(opened.ok())
    }

    /// Sets the framing of a session that was just opened.
    pub(super) fn set_framing(&mut self, id: SessionId, framing: Framing) {
        self.meter.scope(|| self.hub.set_framing(id, framing));
    }

    /// Offers bytes; returns how many were taken.
    pub(super) fn receive(&mut self, now: Timestamp, id: SessionId, bytes: &[u8]) -> Checked<usize> {
        let taken = self.call(now, |hub| hub.receive(now, id, bytes));
        if taken > bytes.len() {
            return differ("receive", format!("{taken} of {} bytes were taken", bytes.len()));
        }
        self.compare(|model| model.receive(now, id.slot(), bytes, taken))?;
        Ok(taken)
    }

    pub(super) fn receive_eof(&mut self, now: Timestamp, id: SessionId) -> Checked {
        self.call(now, |hub| hub.receive_eof(now, id));
        self.tell(|model| model.eof(now, id.slot()))
    }

    pub(super) fn peer_ended(&mut self, now: Timestamp, id: SessionId) -> Checked {
        self.call(now, |hub| hub.peer_ended(now, id));
        self.tell(|model| model.peer_ended(now, id.slot()))
    }

    pub(super) fn writable(&mut self, now: Timestamp, id: SessionId) -> Checked {
        self.call(now, |hub| hub.writable(now, id));
        self.tell(|model| model.writable(now, id.slot()))
    }

    pub(super) fn disconnect(&mut self, now: Timestamp, id: SessionId) -> Checked {
        self.call(now, |hub| hub.disconnect(now, id));
        self.tell(|model| model.disconnect(now, id.slot()))
    }

    pub(super) fn kick(&mut self, now: Timestamp, id: SessionId, why: &str) -> Checked {
        self.call(now, |hub| hub.kick(now, id, why));
        self.tell(|model| model.kick(now, id.slot(), why))
    }

    pub(super) fn announce(&mut self, now: Timestamp, words: &str) -> Checked {
        self.call(now, |hub| hub.announce(now, words));
        self.tell(|model| model.announce(now, words))
    }

    /// Makes a call of the embedding program; hub and model must return the same.
    fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &'static str,
        now: Timestamp,
        hub: impl FnOnce(&mut Hub) -> T,
        model: impl FnOnce(&mut Model) -> T,
    ) -> Checked {
        let said = self.call(now, hub);
        self.compare(|it| {
            let expected = model(it);
            if said == expected {
                return Ok(());
            }
            differ(what, format!("the hub says {said:?}, the model {expected:?}"))
        })
    }

    /// Sends a session a message from the program.
    pub(super) fn tell_session(&mut self, now: Timestamp, id: SessionId, words: &str) -> Checked {
        self.same("tell", now, |hub| hub.tell(now, id, words), |model| model.tell(now, id.slot(), words))
    }

    /// Gives a session, or the bot, a name.
    pub(super) fn rename(&mut self, now: Timestamp, id: SessionId, name: &str) -> Checked {
        self.same("rename", now, |hub| hub.rename(now, id, name), |model| model.rename(now, id.slot(), name))
    }

    /// Lets a bot enter; returns its id.
    pub(super) fn enter(&mut self, now: Timestamp, name: &str) -> Checked<Option<SessionId>> {
        let Some(dialect) = self.hub.dialect(self.hub.config().dialects[0].dialect.name()) else {
            return differ("dialect", "a configured dialect is not found");
        };
        let entered = self.call(now, |hub| hub.enter(now, name));
        if let Some(model) = &mut self.model {
            let expected = model.enter(now, dialect, name, entered.ok())?;
            if entered.map(drop) != expected {
                return differ("enter", format!("the hub says {entered:?}, the model {expected:?}"));
            }
        }
        self.check()?;
        Ok(entered.ok())
    }

    /// Makes the bot say or do something.
    pub(super) fn say(&mut self, now: Timestamp, bot: SessionId, words: &str, is_act: bool) -> Checked {
        let say = |hub: &mut Hub| if is_act { hub.act(now, bot, words) } else { hub.say(now, bot, words) };
        self.same("say", now, say, |model| model.say(now, bot.slot(), words, is_act))
    }

    /// Makes the bot say something to a session.
    pub(super) fn say_to(&mut self, now: Timestamp, bot: SessionId, to: SessionId, words: &str) -> Checked {
        let say_to = |model: &mut Model| model.say_to(now, bot.slot(), to.slot(), words);
        self.same("say_to", now, |hub| hub.say_to(now, bot, to, words), say_to)
    }

    /// Makes the bot leave.
    pub(super) fn leave(&mut self, now: Timestamp, bot: SessionId, words: &str) -> Checked {
        self.call(now, |hub| hub.leave(now, bot, words));
        self.tell(|model| model.member_leaves(now, bot.slot(), words))
    }

    pub(super) fn shut_down(&mut self, now: Timestamp) -> Checked {
        self.call(now, |hub| hub.shut_down(now));
        self.tell(|model| model.shut_down(now))
    }

    /// Calls `handle_timeout`. An early call must change nothing; afterwards nothing may be due.
    pub(super) fn handle_timeout(&mut self, now: Timestamp) -> Checked {
        let latest = self.now.max(now);
        let early = self.hub.poll_timeout().is_none_or(|at| at > latest);
        let before = early.then(|| self.snapshot());
        self.call(now, |hub| hub.handle_timeout(now));
        if before.is_some_and(|before| before != self.snapshot()) {
            return differ("early", format!("handle_timeout({now}) changed something, though nothing was due"));
        }
        if let Some(next) = self.hub.poll_timeout().filter(|next| *next <= latest) {
            return differ("spin", format!("after handle_timeout({now}) at {latest} the next is {next}"));
        }
        // The hub chooses the order in which sessions with equal deadlines are handled; its journal says which.
        let records = self.hub.journal(self.journal_seen);
        let order: Vec<usize> = records.filter_map(|record| record.session).map(SessionId::slot).collect();
        self.compare(|model| model.handle_timeout(now, &order))
    }

    /// Polls a command.
    pub(super) fn poll_command(&mut self) -> Checked<Option<Command>> {
        let denied = !self.hub.has_commands();
        let command = self.call(self.now, Hub::poll_command);
        if denied && command.is_some() {
            return differ("has_commands", format!("it was false, but there was {command:?}"));
        }
        self.sessions -= usize::from(matches!(command, Some(Command::Close(..))));
        if let Some(model) = &mut self.model {
            model.take_turns();
            while command.is_none() && model.has_turns() {
                model.take_turns();
            }
        }
        self.compare(|model| match command {
            None => match model.due() {
                Some(slot) => differ("lost wake", format!("no command for slot {slot}, though one is due")),
                None => Ok(()),
            },
            Some(Command::Send(id)) => {
                model.hand_out_send(id.slot());
                Ok(())
            }
            Some(Command::Read(id)) => model.hand_out_read(id.slot()),
            Some(Command::Authenticate(_)) => differ("command", "there are no passwords"),
            Some(Command::Close(id, reason)) => model.hand_out_close(id.slot(), reason),
        })?;
        if let Some(Command::Close(id, _)) = command {
            self.call_stale(self.now, id)?;
        }
        if command.is_none() {
            self.check_sessions()?;
        }
        Ok(command)
    }

    /// Copies the pending bytes and reports that up to `taken` of them were taken; returns whether those were all. The
    /// bytes taken are appended to `out`.
    pub(super) fn write(&mut self, now: Timestamp, id: SessionId, taken: usize, out: &mut Vec<u8>) -> Checked<bool> {
        self.is_quiet(id)?;
        let batch = std::mem::take(&mut self.pending);
        let bytes = batch.as_bytes();
        out.extend_from_slice(&bytes[..taken.min(bytes.len())]);
        let complete = self.wrote(now, id, &batch, taken)?;
        self.pending = batch;
        Ok(complete)
    }

    /// Returns whether a session has nothing pending.
    pub(super) fn is_quiet(&mut self, id: SessionId) -> Checked<bool> {
        let Self { hub, meter, pending, model, .. } = self;
        let any = meter.scope(|| hub.fill(id, pending, usize::MAX));
        let bytes = pending.as_bytes();
        if any == bytes.is_empty() {
            return differ("fill", format!("{any}, {} bytes", bytes.len()));
        }
        if let Some(model) = model {
            model.offered(id.slot(), bytes)?;
        }
        Ok(!any)
    }

    /// Copies what is pending; returns whether there is anything.
    pub(super) fn fill(&mut self, id: SessionId, batch: &mut Batch, most: usize) -> Checked<bool> {
        let had = batch.as_bytes().len();
        // From here on the hub allocates nothing: only the batch, which is the driver's, grows in `fill`.
        let Self { hub, meter, pending, .. } = self;
        meter.scope(|| hub.fill(id, pending, 0));
        let fits = self.hub.fits(id, batch);
        let any = self.hub.fill(id, batch, most);
        let bytes = batch.as_bytes();
        if any == bytes.is_empty() || fits && bytes.len() != had {
            return differ("fill", format!("{any}, {fits}, {} bytes where {had} were", bytes.len()));
        }
        self.compare(|model| model.offered(id.slot(), bytes))?;
        Ok(any)
    }

    /// Reports that up to `taken` bytes of a batch filled for the session were taken; returns whether all were.
    pub(super) fn wrote(&mut self, now: Timestamp, id: SessionId, batch: &Batch, taken: usize) -> Checked<bool> {
        let len = batch.as_bytes().len();
        self.call(now, |hub| hub.sent(now, id, batch, taken));
        self.tell(|model| model.sent(now, id.slot(), taken.min(len), taken >= len))?;
        Ok(taken >= len)
    }

    /// Makes every call with the id of a closed session; nothing may change.
    pub(super) fn call_stale(&mut self, now: Timestamp, id: SessionId) -> Checked {
        let before = self.snapshot();
        let mut batch = Batch::new();
        let taken = self.call(now, |hub| {
            let taken = hub.receive(now, id, b"/name ghost\nboo\n");
            hub.receive_eof(now, id);
            hub.peer_ended(now, id);
            hub.writable(now, id);
            hub.disconnect(now, id);
            hub.kick(now, id, "gone");
            hub.sent(now, id, &batch, 7);
            taken
        });
        let filled = self.hub.fill(id, &mut batch, 100) || self.hub.fits(id, &batch);
        let known = self.hub.session_stats(id).is_some() || self.hub.name(id).is_some();
        if taken != 16 || filled || known || before != self.snapshot() {
            return differ("stale id", format!("{id:?}: took {taken}, filled {filled}, known {known}"));
        }
        self.tell(|model| model.advance(now))
    }

    /// Drops the hub once it is closed; no memory may be left.
    pub(super) fn end(mut self) -> Checked {
        if !self.hub.is_closed() || self.hub.poll_timeout().is_some() {
            return differ(
                "hung",
                format!("everyone has taken everything, and something is left: {:?}", self.hub.stats()),
            );
        }
        // Dialects and policy were allocated with the configuration, and the last owner frees them.
        let _config = self.hub.config().clone();
        let hub = self.hub;
        self.meter.scope(|| drop(hub));
        if self.meter.live == 0 { Ok(()) } else { differ("leak", format!("{} bytes", self.meter.live)) }
    }

    fn call<T>(&mut self, now: Timestamp, f: impl FnOnce(&mut Hub) -> T) -> T {
        self.now = self.now.max(now);
        self.meter.scope(|| f(&mut self.hub))
    }

    /// Makes the same call on the model, and checks.
    fn tell(&mut self, f: impl FnOnce(&mut Model)) -> Checked {
        self.model.as_mut().map(f);
        self.check()
    }

    /// Makes the same call on the model, with the hub's result, and checks.
    fn compare(&mut self, f: impl FnOnce(&mut Model) -> Checked) -> Checked {
        self.model.as_mut().map_or(Ok(()), f)?;
        self.check()
    }

    fn snapshot(&self) -> Snapshot {
        let hub = &self.hub;
        let sessions = hub.sessions().map(|id| (id, hub.name(id), hub.session_stats(id)));
        (hub.stats(), hub.poll_timeout(), hub.has_commands(), sessions.collect())
    }

    /// Checks what must hold after every call.
    fn check(&mut self) -> Checked {
        if self.meter.live > self.bound || self.meter.peak > self.bound {
            return differ(
                "memory",
                format!("{} bytes, {} at most, over {}", self.meter.live, self.meter.peak, self.bound),
            );
        }
        if self.hub.poll_timeout() == Some(Timestamp::MAX) {
            return differ("poll_timeout", "a deadline at the end of time should be none");
        }
        let stats = self.hub.stats();
        if stats.sessions != self.sessions || stats.opened - stats.closed > self.sessions as u64 {
            return differ("sessions", format!("{} are there; the hub counts {stats:?}", self.sessions));
        }
        let Some(model) = &mut self.model else { return Ok(()) };
        model.stats.sessions = model.count();
        if stats != model.stats {
            return differ("counters", format!("\n     hub {stats:?}\n   model {:?}", model.stats));
        }
        if let Some(due) = model.deadline()
            && self.hub.poll_timeout().is_none_or(|at| at > due)
        {
            return differ("poll_timeout", format!("the hub says {:?}, though {due} is due", self.hub.poll_timeout()));
        }
        if self.hub.is_closed() != model.is_closed() {
            return differ("is_closed", format!("the hub says {}", self.hub.is_closed()));
        }
        if !self.hub.has_commands() && (model.has_turns() || model.due().is_some()) {
            return differ("lost wake", "the hub has no command, though one is due");
        }
        model.check_pace()?;
        self.check_journal()
    }

    /// Checks the names and counters of all sessions, that there are no others, and the rooms.
    fn check_sessions(&self) -> Checked {
        let Some(model) = &self.model else { return Ok(()) };
        let mut live = model.live();
        for id in self.hub.sessions() {
            let (name, stats) = (self.hub.name(id), self.hub.session_stats(id));
            match live.next() {
                Some((slot, _)) if slot != id.slot() || stats != model.stats_of(slot) => {
                    return differ("session", format!("{id:?}: {stats:?}, {:?}", model.stats_of(slot)));
                }
                Some((slot, true)) if name.as_deref() != Some(&model.name(slot)) => {
                    return differ("name", format!("{id:?} is called {name:?}, not {}", model.name(slot)));
                }
                Some(_) => {}
                None => return differ("sessions", format!("{id:?} is not there")),
            }
        }
        if let Some((slot, _)) = live.next() {
            return differ("sessions", format!("the hub forgot slot {slot}"));
        }
        model.check_rooms(&self.hub)
    }

    fn check_journal(&mut self) -> Checked {
        let Some(model) = &mut self.model else { return Ok(()) };
        let written = model.journal.len() as u64;
        let lost = written.saturating_sub(self.journal_records);
        let mut records = self.hub.journal(self.journal_seen);
        for (seq, (slot, kind)) in (self.journal_seen..).zip(&model.journal).skip(lost as usize) {
            let record = records.next();
            let same = record.is_some_and(|r| {
                (r.session.map(SessionId::slot), r.kind, r.seq) == (*slot, *kind, seq) && r.at <= self.now
            });
            if !same {
                return differ("journal", format!("the hub wrote {record:?}, the model {slot:?} {kind:?}"));
            }
        }
        if let Some(record) = records.next() {
            return differ("journal", format!("the model does not know of {record:?}"));
        }
        self.journal_seen += written;
        model.journal.clear();
        Ok(())
    }
}
