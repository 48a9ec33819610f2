//! A chat server's core as a pure state machine: bytes and time in, commands out.
//!
//! People connect, name themselves, and say things; everyone else hears them. This crate is all of that but the
//! connecting: framing, wire formats, names, the shared log, private replies, deadlines, rate limits, closing. It does
//! no I/O, reads no clock, starts no thread and draws no random number, so that it runs under any runtime, in a game
//! loop, on a device, or in a test with a clock of its own. `no_std` with `alloc`, no unsafe code.
//!
//! One idea carries it: **one bounded log, many cursors.** A message is encoded once into a log of fixed size, and a
//! session is a cursor into that log. Saying something costs the same with ten sessions as with a hundred thousand, a
//! reader that stalls costs nothing, and the most memory that the hub can ever use is a
//! [number known beforehand](Config::memory_bound).
//!
//! If you want a server and not its core, take the `chat-smol` crate (async, with the program `chat-server`) or
//! `chat-std` (plain threads); both are thin adapters of this one.
//!
//! # The run loop
//!
//! A driver owns the sockets and a [`Hub`]. It tells the hub what happened, and does what the hub asks:
//!
//! 1. A connection was accepted: [`Hub::open`] gives the session's id. Keep the connection under it before the next
//!    drain, which has a welcome for it: behind a lock, under the same lock. If the hub is full, write the words of [`Hub::refusal`] and close.
//!    [`Hub::open_from`] counts it with others [by address](#limits-by-address), too.
//! 2. Bytes came: [`Hub::receive`]. It says how many it took; keep the rest and read no more until [`Command::Read`].
//! 3. The peer ended its input: [`Hub::receive_eof`]. The transport failed: [`Hub::disconnect`].
//! 4. After any of these, drain [`Hub::poll_command`]: [`Send`](Command::Send), [`Read`](Command::Read),
//!    [`Close`](Command::Close).
//! 5. Sleep until something happens or [`Hub::poll_timeout`] has come; then call [`Hub::handle_timeout`], and drain
//!    again. Any call may change when that is, so ask anew before each sleep. With several threads or tasks, whoever calls
//!    drains under the same lock, and wakes the one that sleeps if `poll_timeout` has become earlier; or one of them does
//!    all draining and is woken after each call that [leaves commands](Hub::has_commands) or an earlier timeout.
//!
//! Here it is with an array for each socket. The peers' sockets take what they get, and time is a number:
//!
//! ```
//! use std::collections::HashMap;
//! use std::time::Duration;
//!
//! use chat_proto::{Command, Config, Hub, SessionId, Timestamp};
//!
//! /// What has been written to each peer.
//! type Sockets = HashMap<SessionId, Vec<u8>>;
//!
//! /// Does all that the hub asks for.
//! fn drain(hub: &mut Hub, now: Timestamp, sockets: &mut Sockets) {
//!     while let Some(command) = hub.poll_command() {
//!         match command {
//!             Command::Send(id) => {
//!                 let socket = sockets.get_mut(&id).expect("it is open");
//!                 let mut written = 0;
//!                 for slice in hub.pending(id).slices() {
//!                     socket.extend_from_slice(slice); // a real one: `write_vectored`, and it may take less
//!                     written += slice.len();
//!                 }
//!                 hub.sent(now, id, written);
//!             }
//!             // Input that was left untaken: offer it again. Nothing was, here.
//!             Command::Read(_) => {}
//!             Command::Close(id, reason) => {
//!                 println!("{id:?} is gone: {reason}");
//!                 sockets.remove(&id);
//!             }
//!         }
//!     }
//! }
//!
//! let mut hub = Hub::new(Config::default())?;
//! let text = hub.dialect("text").expect("it is spoken by default");
//! let mut sockets = Sockets::new();
//! let mut now = Timestamp::ZERO;
//!
//! let alice = hub.open(now, text)?;
//! let bob = hub.open(now, text)?;
//! sockets.extend([(alice, Vec::new()), (bob, Vec::new())]);
//! let taken = hub.receive(now, alice, b"/name alice\nhello\n");
//! assert_eq!(taken, 18);
//! drain(&mut hub, now, &mut sockets);
//! assert!(sockets[&bob].ends_with(b"* alice joined\nalice: hello\n"));
//!
//! // Ten minutes later nobody has said any more.
//! now = now + Duration::from_secs(600);
//! hub.handle_timeout(now);
//! drain(&mut hub, now, &mut sockets);
//! assert!(sockets.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server with many sockets needs more around a hub: the module [`driver`] is a kit that has it, and begins with a guide.
//!
//! Whole drivers to start from are in the crate's folder `examples`:
//! `poller` (one thread, `mio`), `tokio` (a task for each connection) and `stdio` (threads and channels). The first two pass all tests that the project's own servers pass.
//!
//! # What may be called when
//!
//! Anything, at any time, from one thread at a time; put the hub behind a lock to share it. [`Hub`] and [`Batch`] are
//! `Send`.
//!
//! * **Forgetting to drain is no error.** Commands are flags on sessions, not a queue: any number of calls may lie
//!   between two drains, and a drain may stop half-way.
//! * **A stale id is harmless.** A [`SessionId`] carries a generation; a call for a session that is gone does nothing.
//! * **[`Close`](Command::Close) comes exactly once** for every session opened, whoever ended it, also after
//!   [`disconnect`](Hub::disconnect): free what belongs to the session there and nowhere else.
//! * **Of each kind, one command at most is outstanding** for a session: a `Send` until it is reported, a `Read` until you
//!   offer input again. A channel to the task that serves it needs room for three, if what was left untaken is offered on
//!   `Read` only.
//! * **A timeout handled too early changes nothing,** and once [`handle_timeout(t)`](Hub::handle_timeout) has run,
//!   [`poll_timeout`](Hub::poll_timeout) is later than `t`: no driver spins.
//!
//! # Writing
//!
//! After `Send`, write once, and report with [`sent`](Hub::sent) how much the socket took; zero-byte writes need no report.
//! If it took all that was handed out and there is more, another `Send` follows by itself. If it took less, no `Send`
//! comes until you have tried again: when the socket is [`writable`](Hub::writable), ask for the bytes anew, which begin where it left off
//! and end with what has come since. So each session is being written to by one place at a time, and a driver needs no
//! queue and no half-written buffer of its own: what a socket did not take stays in the hub. If you are handed nothing,
//! the `Send` is done with, and another comes when there is something.
//!
//! The stall clock runs from one report of bytes taken to the next. So report each write as it returns; a driver that
//! first waits until a slow socket has taken a whole batch makes its peer look as if it took nothing.
//!
//! Two ways to get at the bytes:
//!
//! * [`pending`](Hub::pending) borrows them, for a vectored write straight out of the log. Report before any other call.
//! * [`fill`](Hub::fill) copies them into a [`Batch`], for a hub behind a lock: copy under the lock, write outside of
//!   it, report with [`sent_batch`](Hub::sent_batch). Readers at the same place in the log share one copy, so a
//!   thousand of them cost one. Leave a batch as it is until all whom it was filled for are reported.
//!
//! Either hands out whole events: what you get ends where a line does, unless the socket left off within one.
//!
//! # Back-pressure
//!
//! A session that sends faster than [`Config::rate`], or does not read what it asked for, has its input left untaken.
//! Keep it, stop reading from its transport, and its kernel and then its peer will stop sending; nothing is dropped.
//!
//! While you do not read from a transport, ask now and then whether its peer is still there (`POLLRDHUP` tells), and say
//! so by [`peer_ended`](Hub::peer_ended), or the session stays until all of its input was taken.
//!
//! # Pace
//!
//! Who keeps pace misses nothing. A reader keeps pace if its socket takes all that it is offered, or at least
//! [`Config::pace`] bytes a second while it is blocked. While such a reader is a *small part* of the log behind (128 KiB,
//! or a quarter of a small log), lines that would publish something wait, each in its session's line buffer, and
//! then have their turns, one line each; every second turn is for one who had been silent for a second. Lines that
//! publish nothing (`/ping`, `/who`, `/quit`) pass, unless an earlier line of their own session waits. So does what the
//! hub says itself: the rest of the log is its reserve.
//!
//! A reader that is blocked for longer than two small parts take at that pace (250 ms by default) before it has read one
//! is *slow*, and not waited for until it has caught up or has taken everything. It falls behind in the log, and when the
//! log has moved past it, it is told how many messages it missed or is closed, as [`Config::on_lag`] says. However many
//! are slow or play at being slow, all others have half of the pace at least, in the dialect whose log grows
//! fastest, where a line counts as 8 bytes or more.
//! One that takes no byte at all is closed after [`Config::stall_timeout`].
//!
//! A private message waits in the same way for the member whom it is for. If that one is slow, it is refused.
//!
//! A session is blocked from the report of a short write until you call [`writable`](Hub::writable), so call that when the
//! transport says that it takes bytes again; what you need until you write is not held against the peer. And bound what the
//! system keeps for a transport (`SO_SNDBUF`), to about a small part: one that may keep megabytes takes bytes again in
//! steps so large that its peer looks slow.
//!
//! When a session begins to close, no [`Read`](Command::Read) comes any more: what it has left is of no use to anybody.
//! If the peer's end of input comes behind what the hub has left, tell it once the hub has taken that: what is offered
//! after [`receive_eof`](Hub::receive_eof) is ignored. Go on with `Send` until `Close`.
//!
//! # Limits by address
//!
//! The hub knows no addresses. A driver tells where a peer comes from with an [`Origin`], in [`Hub::open_from`], and the
//! hub counts all sessions of one origin together: how many there are ([`Config::max_per_address`]), how fast they are
//! opened ([`Config::connects_per_address`]), and how fast they send lines ([`Config::rate_per_address`]). A session that
//! is one too many is refused with a reason of its own. A line that is one too many is left untaken, and its session waits
//! for its turn: each in the order in which they came to wait, however many they are. Sessions opened without an origin
//! are not counted; [`Exemptions`] makes that difference by a list of networks.
//!
//! An origin is remembered when its sessions are gone, so that whoever comes back finds the tokens that it left. It is
//! forgotten when they are all there again, or when more than a thousand others (with more than 4,096 sessions, a quarter
//! as many as those) have left after it. The table is allocated with the hub and has room for as many origins as there are
//! sessions besides: nobody is kept out by how many others there are.
//!
//! Whoever has more addresses than [`Config::max_sessions`] divided by [`Config::max_per_address`], a hundred by default,
//! can still fill the server.
//!
//! # Time
//!
//! A [`Timestamp`] counts from a start of your own; take it from a monotonic clock. The hub never reads one. If `now`
//! runs backwards, the latest that it has seen counts. There is one deadline for the whole hub,
//! [`poll_timeout`](Hub::poll_timeout); it may be earlier than anything that happens then, for activity moves a
//! session's deadline without touching the heap.
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use chat_proto::{Config, Hub, Timestamp};
//!
//! let started = Instant::now();
//! let now = || Timestamp::ZERO + started.elapsed();
//! let mut hub = Hub::new(Config::default())?;
//! hub.handle_timeout(now());
//! // How long to sleep; `None` until something happens.
//! let sleep: Option<Duration> = hub.poll_timeout().map(|deadline| deadline.saturating_duration_since(now()));
//! assert_eq!(sleep, None, "nobody is here");
//! # Ok::<(), chat_proto::ConfigError>(())
//! ```
//!
//! A process may be stopped for a while, and deadlines pass that nobody had a chance to keep. [`driver::LateGuard`] stands
//! between clock and hub for that: it has both functions, and lets a late driver read and write once before anybody is
//! judged.
//!
//! In a test the clock is a number of the test's own, and a year passes in a second: see the example `virtual_clock`.
//!
//! # Closing
//!
//! Closing is a phase. When a session begins to close, others are told, its name is free, and its input is ignored. It is
//! still sent what the log held at that moment, then last words that say why; then, or after
//! [`Config::linger_timeout`], its `Close` comes. After [`shut_down`](Hub::shut_down) all sessions close so, and
//! [`is_closed`](Hub::is_closed) tells when they have.
//!
//! Two ends have no such phase, for there is nobody to speak to: after [`disconnect`](Hub::disconnect), and for a peer
//! that has [stalled](CloseReason::Stalled), `Close` comes at once, without last words and maybe within a line.
//!
//! `Close` means that the hub is done with the transport, not that the peer has read its last words. A TCP socket that is
//! closed while its peer still sends is reset, and a reset may destroy what the peer has not read. So shut down the
//! output only, read and drop what still comes until the peer closes too, and close after a second in any case. Do so for
//! a peer that was [refused](Hub::refusal), too; one that has disconnected or stalled is just dropped.
//!
//! # Order and delivery
//!
//! * All readers see messages in one order. A reader is not shown what it said itself.
//! * A session's replies stand among the messages where they arose.
//! * A line once begun is always finished, even if the log evicts it half-way, unless its reader has disconnected or
//!   stalled. Gaps fall between lines only, and the notice of a gap says how many messages are missing.
//! * A message is not kept for those who are not there, but for the latest few that a newcomer is shown
//!   ([`DialectConfig::backlog`]).
//! * What a socket took is counted as sent. Whether the peer has read it is not known to any server without
//!   acknowledgements, nor to this one.
//!
//! # Memory
//!
//! What has a fixed size is allocated by [`Hub::new`]; replies and half-received lines take buffers when needed, which
//! go from session to session. In the steady state nothing is allocated. An idle session costs some 350 bytes, and
//! 80 more where anything is limited by address.
//! [`Config::memory_bound`] adds up the worst case of everything at once, which takes an attacker in every session:
//!
//! ```
//! use chat_proto::Config;
//!
//! let bound = |max_sessions| Config { max_sessions, ..Config::default() }.memory_bound() >> 20;
//! // MiB, with the default limits: two logs of 4 MiB, and what each session may hold at most.
//! assert_eq!((bound(1_000), bound(10_000), bound(100_000)), (38, 276, 2_661));
//! // Smaller lines and replies make for a smaller bound.
//! let small = Config { max_sessions: 100_000, max_line: 512, reply_bytes: 4 << 10, ..Config::default() };
//! assert_eq!(small.memory_bound() >> 20, 748);
//! ```
//!
//! # The conversation
//!
//! What the hub knows of the *conversation* (who is here, who is called what, what was said) is apart from what it knows of
//! *connections*. A session's line becomes a request; the request, checked against rules and policy, becomes an
//! [`Entry`](conversation::Entry); and [`Conversation::apply`](conversation::Conversation::apply) is the only place that
//! changes the conversation. What an entry does depends on nothing but the conversation and the entry, so whoever applies
//! the same entries in the same order has the same conversation. The module [`conversation`] shows how to follow one.
//!
//! # The way of a message
//!
//! A line that is said goes through these files, top to bottom, and never back:
//!
//! 1. `hub/receive.rs` takes the bytes, if the session may send now.
//! 2. `wire/framing/lines.rs` cuts a line out of them.
//! 3. `wire/dialect/text.rs`, or another dialect, makes a request of the line.
//! 4. `wire/sanitize.rs` cleans the words.
//! 5. `hub/propose.rs` asks the policy, and makes an entry of the request.
//! 6. `conversation/mod.rs` applies the entry; `conversation/history.rs` keeps it.
//! 7. `room/mod.rs` has it written once for each dialect in use, by `room/rendered.rs`, into a `log.rs`.
//! 8. `schedule/ready.rs` queues all who had read everything.
//! 9. `hub/deliver.rs` copies what a reader is to be sent into a `batch.rs`, once for all at the same place.
//! 10. `driver/round.rs` gathers such batches, an adapter writes them, and the hub is told what the sockets took.
//!
//! # Dialects
//!
//! A [`Dialect`] turns lines into requests and events into bytes; sessions of different dialects hold one conversation.
//! [`Text`](dialect::Text) and [`Classic`](dialect::Classic) come with the crate. Others go into
//! [`Config::dialects`] by the same door: implement the trait, and each event is encoded once in your format, however
//! many read it. The example `json` is one, in a conversation with the other two. Where many come and go, a dialect for
//! people may have that as one line a second ([`Dialect::folds_presence`]), as `text` does.
//!
//! A session whose first line is another protocol's, such as a browser's request, is told so and closed before anything
//! is carried out; so is one whose first line is too long or not UTF-8. A dialect whose own lines look like those of
//! another protocol says so with [`Dialect::other_protocol`].
//!
//! # Names and words
//!
//! What a peer sends others see on their screens, so it must not be taken for something else.
//!
//! * **Names** are kept in NFC and held to [`Config::names`]. By the default, [`NameRules::Strict`], a name has letters and
//!   digits in common use, and nobody has one that only case, looks or marks on its letters tell from another's. Nobody
//!   is `server`, `anonymous`, `you` or `guest-…`, or looks so.
//! * **Words** lose control characters and what is drawn as nothing: zero-width characters, tags, blank signs, the
//!   directional marks of UAX #9. Joiners and selectors stay where letters or emoji need them; the flags of England,
//!   Scotland and Wales, which are spelled in tags, become a black flag, and ideographs lose the selectors of their
//!   variants. Of combining marks in a row three stay.
//! * **White space:** tabs and line ends become spaces, none stays at the end, and a row of more than eight becomes one
//!   space. Before the first word there may be 32 spaces, so that pasted code keeps its shape: with a name of 32 columns
//!   before them the words still begin in column 67, and nobody makes them begin the next row of a terminal.
//!
//! # Taking part
//!
//! The program around the hub is not bound to watch:
//!
//! * It speaks: [`announce`](Hub::announce) as the server, [`tell`](Hub::tell) to one session; or as a member with a name
//!   and no connection, which [enters](Hub::enter), speaks by [`say`](Hub::say), [`act`](Hub::act) and
//!   [`say_to`](Hub::say_to), and [leaves](Hub::leave). The policy is not asked about its words and no rate limits it, but
//!   it has to wait for readers who are behind: [`SayError::NotNow`] means to try again later. The example `bot` does so.
//! * It has a say: a [`Policy`] refuses or rewrites what is about to be said, on leaving too, and the names about to be
//!   taken; [`find`](Hub::find) and [`kick`](Hub::kick) show somebody the door.
//! * It follows along: [`events`](Hub::events) tells who joined and left and what was said, in no wire format, each event
//!   with a number by which a follower goes on and learns whether it missed any. No command says that there are new ones:
//!   look in each round.
//! * It looks on: [`stats`](Hub::stats), [`session_stats`](Hub::session_stats), [`sessions`](Hub::sessions) and
//!   [`name`](Hub::name) tell how things stand; the [`journal`](Hub::journal) what happened to whom, with a number on
//!   each record by which a reader goes on, and learns whether it missed any.
//! * It keeps a log: the hub writes records of `tracing` at the level `info` when a session is named and when it has left.
//!   That one is `connected` its driver says, who knows the peer, at once after [`open`](Hub::open). What can happen many
//!   times a second is told by [`driver::LogSummary`], as one line a second. Nobody's words are ever logged.
//!
//! # Features
//!
//! None is on by default, and without them the crate needs no std.
//!
//! * `simd`: base64 and UTF-8 by the processor's vector instructions, which it uses std to find out about. Both adapters
//!   ask for it.
//!
//! # Panics
//!
//! Nothing that a peer sends can make the hub panic. A driver can: by [`Hub::open`] with a [`DialectId`] of another
//! hub. Misuse that can be ignored is ignored. What must hold inside is asserted in debug builds.

#![no_std]

extern crate alloc;

mod batch;
mod command;
pub mod config;
pub mod conversation;
pub mod driver;
mod exemptions;
#[cfg(feature = "fault-injection")]
#[doc(hidden)]
pub mod fault;
#[cfg(not(feature = "fault-injection"))]
mod fault;
mod hub;
mod id;
mod invisible;
mod journal;
mod log;
mod names;
mod origin;
mod policy;
mod pool;
mod rate;
mod room;
mod schedule;
mod session;
mod time;
mod wire;

pub use batch::Batch;
pub use command::{CloseReason, Command, OpenError};
pub use config::{Config, ConfigError, DialectConfig, Limit, OnLag, Rate, RateLimit, RatePart};
pub use dialect::Dialect;
pub use exemptions::{Exemptions, ExemptionsError};
pub use hub::{EnterError, Hub, HubStats, MemoryBound, Pending, SayError};
pub use id::{DialectId, SessionId};
pub use journal::{Record, RecordKind};
pub use names::{NameError, NameRules};
pub use origin::Origin;
pub use policy::{Action, Policy, Proposal, Verdict};
pub use session::SessionStats;
pub use time::Timestamp;
pub use wire::dialect;
