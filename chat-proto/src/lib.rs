//! A chat server's core as a pure state machine: bytes and time in, commands out.
//!
//! People connect, choose a name and send messages; everyone else receives them. This crate does all of that except the
//! connecting: framing, wire formats, names, shared logs, private replies, deadlines, rate limits and closing. It does
//! no I/O, reads no clock, starts no thread and draws no random number. It therefore runs under any runtime, in a game
//! loop, on a device, or in a test with its own clock. It is `no_std` with `alloc` and has no unsafe code.
//!
//! The design rests on one idea: **bounded logs and many cursors.** For each [room](#rooms) the hub keeps one log of
//! fixed size for each wire format in use. What is said there is encoded once into each of them, and a session has a
//! cursor into the log of its format in each room that it is in; most are in one, the lobby. Publishing costs the same
//! with ten sessions as with a hundred thousand. A stalled reader costs no extra memory for what it has not read. The
//! most memory that the hub can ever use is a [number known beforehand](Config::memory_bound).
//!
//! If you want a server and not its core, use the `chat-smol` crate (async, with the program `chat-server`) or
//! `chat-std` (plain threads). Both are thin adapters of this one.
//!
//! # The run loop
//!
//! A driver owns the sockets and a [`Hub`]. It tells the hub what happened, and does what the hub asks:
//!
//! 1. A connection was accepted: [`Hub::open`] returns the session's id. Store the connection under that id before the
//!    next drain, because the drain returns a `Send` for the welcome. If the hub is behind a lock, store it under the
//!    same lock. If the hub is full, write the text of [`Hub::refusal`] and close. [`Hub::open_from`] also counts the
//!    session [by address](#limits-by-address).
//! 2. Bytes arrived: call [`Hub::receive`]. It returns how many it took. Keep the rest and read no more until
//!    [`Command::Read`].
//! 3. The peer ended its input: call [`Hub::receive_eof`]. The transport failed: call [`Hub::disconnect`].
//! 4. After any of these, drain [`Hub::poll_command`]. The commands are [`Send`](Command::Send),
//!    [`Read`](Command::Read), [`Close`](Command::Close) and, where IRC [asks for passwords](#passwords),
//!    [`Authenticate`](Command::Authenticate).
//! 5. Sleep until something happens or until [`Hub::poll_timeout`]. When that time has come, call
//!    [`Hub::handle_timeout`] and drain again. Any call may change the timeout, so ask again before each sleep.
//!
//! With several threads or tasks there are two ways. Either each caller drains under the lock and wakes the sleeper if
//! `poll_timeout` has become earlier; or one task does all the draining, and is woken after each call that [leaves
//! commands](Hub::has_commands) or an earlier timeout.
//!
//! Here is the loop with a byte array for each socket. The peers' sockets take everything they are given, and time is a
//! number:
//!
//! ```
//! use std::collections::HashMap;
//! use std::time::Duration;
//!
//! use chat_proto::{Batch, Command, Config, Hub, SessionId, Timestamp};
//!
//! /// What has been written to each peer.
//! type Sockets = HashMap<SessionId, Vec<u8>>;
//!
//! /// Carries out every command of the hub.
//! fn drain(hub: &mut Hub, now: Timestamp, sockets: &mut Sockets) {
//!     let mut batch = Batch::new();
//!     while let Some(command) = hub.poll_command() {
//!         match command {
//!             Command::Send(id) => {
//!                 let socket = sockets.get_mut(&id).expect("it is open");
//!                 if hub.fill(id, &mut batch, 64 << 10) {
//!                     socket.extend_from_slice(batch.as_bytes()); // with a real socket: `write`, which may take less
//!                     hub.sent(now, id, &batch, batch.as_bytes().len());
//!                 }
//!             }
//!             // Offer untaken input again. In this example there is none.
//!             Command::Read(_) => {}
//!             // Only IRC asks for passwords.
//!             Command::Authenticate(_) => {}
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
//! // Ten minutes later nobody has said anything more.
//! now = now + Duration::from_secs(600);
//! hub.handle_timeout(now);
//! drain(&mut hub, now, &mut sockets);
//! assert!(sockets.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server with many sockets needs more around a hub. The module [`driver`] is a kit for that and begins with a guide.
//!
//! Complete drivers to start from are in the crate's folder `examples`: `poller` (one thread, `mio`), `tokio` (a task
//! for each connection) and `stdio` (threads and channels). The first two pass all tests that the project's own servers
//! pass.
//!
//! # What may be called when
//!
//! Any method may be called at any time, from one thread at a time. To share a hub, put it behind a lock. [`Hub`] and
//! [`Batch`] are `Send`.
//!
//! * **Forgetting to drain is no error.** Commands are flags on sessions, not a queue. Any number of calls may lie
//!   between two drains, and a drain may stop half-way.
//! * **A stale id is harmless.** A [`SessionId`] carries a generation. A call for a session that is gone does nothing.
//! * **[`Close`](Command::Close) comes exactly once** for every session opened, whoever ended it, also after
//!   [`disconnect`](Hub::disconnect). Free what belongs to the session there and nowhere else.
//! * **At most one command of each kind is outstanding** for a session: a `Send` until you report it, a `Read` until
//!   you offer input again, an `Authenticate` until you answer it. A channel to the task that serves a session needs
//!   room for four commands, if that task offers untaken input only on `Read`.
//! * **A timeout handled too early changes nothing.** Once [`handle_timeout(t)`](Hub::handle_timeout) has run,
//!   [`poll_timeout`](Hub::poll_timeout) is later than `t`, so no driver spins.
//!
//! # Writing
//!
//! After `Send`, [fill](Hub::fill) a [`Batch`], write once, and report with [`sent`](Hub::sent) how much the socket
//! took. Zero-byte writes need no report. A driver that is not told when a socket is writable tries again now and then,
//! and calls [`writable`](Hub::writable) when a try takes something.
//!
//! * If the socket took everything that was handed out and there is more, another `Send` follows.
//! * If it took less, no `Send` comes until you have tried again. When the socket is [`writable`](Hub::writable), ask
//!   for the bytes again: they begin where the last write stopped, and end with what has arrived since.
//! * If you are handed nothing, the `Send` is complete. Another one comes when there is something to write.
//!
//! So only one place writes to a session at a time, and a driver needs neither a queue nor a half-written buffer of its
//! own. What a socket did not take stays in the hub.
//!
//! The stall clock runs from one report of bytes taken to the next, so report each write as it returns. A driver that
//! waits until a slow socket has taken a whole batch makes its peer look stalled.
//!
//! [`fill`](Hub::fill) copies the bytes into a [`Batch`]. If the hub is behind a lock, copy under the lock and write
//! outside it. Readers at the same position in the log share one copy. Do not change a batch until every session it was
//! filled for has been reported. The bytes are whole updates: they end at a line's end, unless the socket last stopped
//! within a line.
//!
//! # Back-pressure
//!
//! The hub leaves a session's input untaken if the session sends faster than [`Config::rate`], or does not read its
//! replies. Keep that input and stop reading from the transport. The kernel's buffers fill, and the peer has to stop
//! sending. Nothing is dropped.
//!
//! While you do not read from a transport, ask every half a second whether its peer is still there, with `poll(2)`:
//! after `POLLERR` call [`disconnect`](Hub::disconnect), after `POLLRDHUP` or `POLLHUP`
//! [`peer_ended`](Hub::peer_ended). Otherwise the session stays until all of its input was taken. The standard library
//! cannot tell: its `peek` sees neither behind unread bytes.
//!
//! # Pace
//!
//! A reader that keeps pace misses nothing. A reader keeps pace if its socket takes all that it is offered, or at least
//! [`Config::pace`] bytes a second while it is blocked.
//!
//! While such a reader is a *small part* of the log behind (128 KiB, or a quarter of a small log), lines that would
//! publish something wait, each in its session's line buffer. Then they take turns, one line each. Every second turn
//! goes to a session that had been silent for a second. Lines that publish nothing (`/ping`, `/who`, `/quit`) do not
//! wait, unless an earlier line of the same session does. The hub's own notices do not wait either: the rest of the log
//! is reserved for them.
//!
//! A reader is *slow* if, before it has read one small part, it has been blocked for longer than two small parts take
//! at that pace (250 ms by default). Nobody waits for a slow reader until it has caught up or has taken everything. It
//! falls behind in the log. When the log has evicted what it has not read, it is told how many messages it missed or is
//! closed, as [`Config::on_lag`] says. One that takes no byte at all is closed after [`Config::stall_timeout`].
//!
//! However many readers are slow, or pretend to be, all others get at least half of the pace. This is measured in the
//! dialect whose log grows fastest, with each line counted as 8 bytes or more.
//!
//! A private message waits in the same way for its recipient. If the recipient is slow, the message is refused.
//!
//! While a reader is given an answer that is longer than its replies may be, such as the history, that takes from its
//! allowance as if it were blocked: it could ask again and again. A reader that needs longer for it is slow.
//!
//! A session is blocked from the report of a short write until you call [`writable`](Hub::writable). Call that as soon
//! as the transport takes bytes again; the time that you need until the next write is not held against the peer. Limit
//! what the system buffers for a transport (`SO_SNDBUF`) to about a small part. A socket that buffers megabytes takes
//! bytes in steps so large that its peer looks slow.
//!
//! # Rooms
//!
//! Everyone begins in the room `lobby`, and a program that wants one room needs to know no more than that. Where a
//! dialect [has rooms](Dialect::has_rooms), its sessions may enter others, such as with `/join tea` in `text`.
//! `classic` has none: its sessions are in the lobby and nowhere else.
//!
//! A *room* is a set of members with a name, logs and a history of its own. It may have a topic, a key, a limit of
//! members, [flags](RoomFlags), and [lists of masks](conversation#masks) of who may not enter, or may in spite of that.
//! Somebody who enters a room that is not there begins it, and is its operator. It ends, with all that it has, when
//! nobody is in it any more. The lobby and the rooms of [`Config::rooms`] are always there, and nobody becomes an
//! operator of these by entering them.
//!
//! A session may be in several rooms. It speaks in one of them, its *focus*, which is the room that it has asked for
//! last. When it leaves its focus, the focus moves to the lobby, else to the room that it entered last. When it is
//! thrown out of its focus it has none, so that nothing that it has typed for that room is said in another one. If it
//! is in no room, it is still here: it reads announcements and private messages.
//!
//! * **Places.** A session has a *place* in the log of each of its rooms: a cursor, and an end once it has left. It is
//!   still sent what was said before it left, and then the place goes. Until then the room counts among those that the
//!   session is in, and keeps its log, even if it has ended meanwhile. So does a room that it was thrown out of while
//!   its replies were full, until it has been told.
//! * **One order.** Each publication has a number, its *stamp*, which counts those of all rooms. A session is sent the
//!   lines of all its rooms by their stamps, and its replies where they arose. What is published in several rooms at
//!   once, such as a change of name, has one stamp, and who reads several of them is sent it once.
//! * **Labels.** A line of a room that is not the focus begins with what [`Dialect::label`] writes: `[tea] ` in `text`.
//!   A line of the focus has a label if it was said before the focus moved there. Replies have none.
//! * **Bounds.** There are [`Config::max_rooms`] rooms, and a session is in [`Config::max_rooms_per_session`] of them;
//!   rooms to which it is invited count as well, but give way to those that it enters. The log of a room other than the
//!   lobby has [`Config::room_log_bytes`], its history [`Config::room_history_bytes`]. They grow when more is
//!   needed, are freed when the room has ended, and are all counted in [`Config::memory_bound`]. Names have at most 50
//!   bytes, topics 390, keys 32, and each list 64 masks of 128 bytes.
//! * **Hidden rooms** are shown to their members only: `/rooms`, `/who` and `/leave` do not tell others that they are
//!   there. `/join` does, to whoever guesses the name, because that name, and those that look like it, cannot begin
//!   another room. It then says why the room is not open to them. So choose a name that nobody guesses.
//! * **Names of rooms** consist of letters and digits, and of `-` after the first, whatever [`Config::names`] says. No
//!   two rooms have names that [look alike](#names-and-words).
//! * **Pace.** Lines wait for the readers of the room in which they would be said, and for no others. Each room has
//!   marks of its own and a small part of its own: a quarter of its log at most. A line that would be published in
//!   several rooms waits for all of them. A session in several rooms may be behind in each of them, but its allowance
//!   is one, as large as that of a session in the lobby alone. Each byte that it takes restores twice the time that the
//!   byte takes at the pace, so others wait only for those who take at least half of it, counted over all their rooms.
//!   Once it is slow, nobody waits for it in any room until it has taken everything.
//! * **Bans.** `/ban alice` lists two masks: one for the name, and one for the [origin](#limits-by-address) of whoever
//!   has it now. So somebody who comes back under another name is kept out, but only if the driver gives origins to
//!   [`Hub::open_from`], and only where anything is limited by address. Sessions without one, such as those that
//!   [`Exemptions`] contains, are banned by name alone. A ban by origin also keeps out all others who come from the
//!   same address. `/ban` alone lists the bans; of origins it shows only whose they are, since anybody can begin a room
//!   and look there. A ban of a name keeps out names that [look alike](#names-and-words), too, and nobody who is in the
//!   room may take one. `/unban alice` ends the bans of all these names, of the origins that were first banned as hers,
//!   and of the one that she has now; `/unban #2` ends the second ban of the list only. Whoever is in the room and matches a ban may stay, but does not speak there
//!   without a role or an exception.
//!
//! # Limits by address
//!
//! The hub knows no addresses. A driver says where a peer comes from with an [`Origin`], in [`Hub::open_from`]. The hub
//! limits all sessions of one origin together:
//!
//! * how many there are ([`Config::max_per_address`]),
//! * how fast they are opened ([`Config::connects_per_address`]),
//! * how fast they send lines ([`Config::rate_per_address`]), and
//! * how many [rooms](#rooms) they have begun ([`Config::max_rooms_per_address`]).
//!
//! A session beyond the limit is refused with a reason of its own. A line beyond the limit is left untaken, and its
//! session waits for its turn. Sessions get their turns in the order in which they began to wait, however many there
//! are. A room beyond the limit does not begin; one counts as long as it is there, whoever is in it. Sessions opened
//! without an origin are not counted; [`Exemptions`] decides which ones by a list of networks.
//!
//! An origin is remembered after its last session is gone, so that a peer who comes back finds the bucket as it left
//! it. The origin is forgotten when its buckets are full again, or when enough other origins have left after it: 1,024,
//! or a quarter of [`Config::max_sessions`] if that is more. The table is allocated with the hub. It has room for that
//! many origins and for one more per session and per room, so other origins, however many, cannot keep anybody out.
//!
//! Somebody with more addresses than [`Config::max_sessions`] divided by [`Config::max_per_address`], a hundred by
//! default, can still fill the server. Eight addresses can begin all rooms that there may be by default.
//!
//! # Time
//!
//! A [`Timestamp`] counts from a start that the driver chooses. Take it from a monotonic clock; the hub never reads
//! one. If `now` runs backwards, the hub uses the latest time that it has seen. There is one deadline for the whole
//! hub, [`poll_timeout`](Hub::poll_timeout). It may be earlier than the next thing that happens, because activity moves
//! a session's deadline without touching the heap.
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
//! // How long to sleep; `None`: until something happens.
//! let sleep: Option<Duration> = hub.poll_timeout().map(|deadline| deadline.saturating_duration_since(now()));
//! assert_eq!(sleep, None, "nobody is here");
//! # Ok::<(), chat_proto::ConfigError>(())
//! ```
//!
//! A process may be stopped for a while, and deadlines may pass that nobody had a chance to meet. [`driver::LateGuard`]
//! stands between clock and hub for that case. It offers both functions, and lets a late driver read and write once
//! before any session is timed out.
//!
//! # Passwords
//!
//! Clients of IRC may need a password to register ([`IrcSettings::asks_password`](dialect::IrcSettings::asks_password)),
//! and some may become operators of the server ([`has_operators`](dialect::IrcSettings::has_operators)), who close the
//! sessions of others. The hub knows no password and no hash: whether one is right is a question to the driver. A check
//! takes long on purpose, so it is no call out of the hub:
//!
//! 1. [`Authenticate`](Command::Authenticate) comes for a session. The line with the password waits, and so does
//!    whatever its peer sends after it. Nobody else waits.
//! 2. Copy what [`Hub::credentials`] returns, and check it without the hub's lock.
//! 3. Report the result to [`Hub::authenticated`], once for each command, whatever has become of the session.
//!
//! At most [`Hub::MAX_AUTHENTICATIONS`] are asked for at once, and addresses have turns. A client's time to register (60
//! seconds) stands still while it waits, and begins again after a right password. A wrong password of the server closes the session, and so does the third wrong one
//! of an operator; each costs 40 tokens of the session's and the address's [rate](Config::rate). Passwords are in no
//! log, no journal and no `Debug` output, and a line that has waited is wiped. [`driver::Verifier`] does all this for a
//! driver that uses the kit.
//!
//! # Testing
//!
//! In a test the clock is a number that the test sets, and a year passes in a second. [`testing::TestHub`] is a hub
//! with its driver and all its peers, for tests of a bot, a policy or a dialect:
//!
//! ```
//! use std::time::Duration;
//!
//! use chat_proto::testing::TestHub;
//! use chat_proto::{CloseReason, Config};
//!
//! let mut test = TestHub::new(Config::default());
//! let (alice, bob) = (test.join("alice"), test.join("bob"));
//! test.say(alice, "hello");
//! assert_eq!(test.read(bob), "alice: hello\n");
//! test.advance(Duration::from_secs(600));
//! assert_eq!(test.close_reason(bob), Some(CloseReason::Idle));
//! ```
//!
//! The example `virtual_clock` tests a bot that is a client, with deadlines of its own.
//!
//! # Closing
//!
//! Closing is a phase. When a session begins to close, the others are told, its name becomes free, and its input is
//! ignored. It is still sent what the log held at that moment, then last words that say why. Its `Close` comes after
//! that, or after [`Config::linger_timeout`] at the latest. After [`shut_down`](Hub::shut_down) all sessions close in
//! this way, and [`is_closed`](Hub::is_closed) says when all are gone.
//!
//! When a session begins to close, no [`Read`](Command::Read) comes any more, because its remaining input is of no use.
//! Go on with `Send` until `Close`. If the peer ends its input while the driver still keeps untaken bytes, call
//! [`receive_eof`](Hub::receive_eof) only after the hub has taken them: bytes offered after it are ignored.
//!
//! Two kinds of end have no such phase, because the peer cannot be reached. After [`disconnect`](Hub::disconnect), and
//! for a peer that has [stalled](CloseReason::Stalled), `Close` comes at once, without last words and possibly within a
//! line.
//!
//! `Close` means that the hub is done with the transport, not that the peer has read its last words. A TCP socket that
//! is closed while its peer still sends is reset, and a reset may destroy what the peer has not read. So shut down only
//! the output, read and drop what still arrives until the peer closes too, and close after a second in any case. Do the
//! same for a peer that was [refused](Hub::refusal). A peer that has disconnected or stalled is simply dropped.
//!
//! # Order and delivery
//!
//! * All readers see messages in one order, over all [rooms](#rooms) that they are in. A reader is not shown its own
//!   messages.
//! * A session's replies stand among the messages where they arose.
//! * A line that was begun is always finished, even if the log evicts it half-way, unless its reader has disconnected
//!   or stalled. Gaps fall between lines only, and the notice of a gap says how many messages are missing.
//! * Messages are not kept for those who are absent, except in the history of each room ([`Config::history`],
//!   [`Config::room_history`]), whose latest messages are shown to whoever enters ([`DialectConfig::backlog`]), and to
//!   members who ask for them.
//! * A long answer, such as the history, is encoded as its reader reads. The session's next lines and what others say
//!   stand behind it. Until its end private messages and notices to that session wait or are refused. If messages are
//!   evicted from the history before they are read, the answer says how many.
//! * What a socket took is counted as sent. Without acknowledgements no server, this one included, knows whether the
//!   peer has read it.
//!
//! # Memory
//!
//! [`Hub::new`] allocates everything of fixed size. Replies and half-received lines take buffers when they need them,
//! and these buffers are reused by other sessions. A room other than the lobby takes more memory when more is said
//! there. In the steady state nothing is allocated. Comparing names that are not ASCII takes up to 16 KiB of stack. An
//! idle session costs some 370 bytes, and 80 more where anything is limited by address. [`Config::memory_bound`] adds
//! up the worst case of everything at once, which takes an attacker in every session:
//!
//! ```
//! use chat_proto::Config;
//!
//! let bound = |max_sessions| Config { max_sessions, ..Config::default() }.memory_bound() >> 20;
//! // MiB, with the default limits: the lobby's two logs of 4 MiB, the logs and histories of 255 other rooms, and what
//! // each session may hold at most.
//! assert_eq!((bound(1_000), bound(10_000), bound(100_000)), (93, 346, 2_885));
//! // A server for one room.
//! let lobby = Config { max_rooms: 1, max_rooms_per_session: 1, ..Config::default() };
//! assert_eq!(lobby.memory_bound() >> 20, 280);
//! // Smaller lines and replies make for a smaller bound.
//! let small = Config { max_sessions: 100_000, max_line: 512, reply_bytes: 4 << 10, ..Config::default() };
//! assert_eq!(small.memory_bound() >> 20, 943);
//! ```
//!
//! # The conversation
//!
//! The hub keeps the *conversation* (who is here, who has which name, which rooms there are and who is in them, what
//! was said) apart from *connections*. A session's line becomes a request. The request, checked against rules and
//! policy, becomes an [`Entry`](conversation::Entry). [`Conversation::apply`](conversation::Conversation::apply) is the
//! only place that changes the conversation. The effect of an entry depends only on the conversation and the entry, so
//! everyone who applies the same entries in the same order has the same conversation. The module [`conversation`] shows
//! how to follow one.
//!
//! # The way of a message
//!
//! A message passes through these files, top to bottom, and never back:
//!
//! 1. `hub/receive.rs` takes the bytes, if the session may send now; those of WebSocket `hub/messages.rs`.
//! 2. `wire/framing/lines.rs` cuts a line out of them, or `wire/framing/websocket.rs` a message. A session's first line
//!    is judged by `hub/first_line.rs`.
//! 3. `wire/dialect/text.rs`, or another dialect, decodes the line into a request; `wire/dialect/text/command.rs` has
//!    the commands of `text`. A line of IRC may make several requests, one after the other, in `hub/irc/mod.rs`. While
//!    readers are behind, it waits in `schedule/turns.rs`.
//! 4. `wire/sanitize.rs` cleans the message.
//! 5. `hub/propose.rs` asks the policy, and turns the request into an entry of the room in which the session speaks.
//! 6. `conversation/apply.rs` applies the entry; `conversation/history.rs` keeps it, in the history of that room.
//! 7. `room/mod.rs` gives it the next stamp and publishes it: for each dialect with readers in the room,
//!    `room/rendered.rs` has it encoded once, and `log.rs` keeps the bytes.
//! 8. `schedule/ready.rs` queues all readers that had read everything.
//! 9. `hub/deliver.rs` copies what a reader is to be sent into a `batch.rs`, once for all readers at the same position.
//!    For a reader of several rooms, `hub/place.rs` merges their lines by stamp. `wire/framing/wrap.rs` wraps them for
//!    readers of messages.
//! 10. `driver/round.rs` gathers such batches, an adapter writes them, and the hub is told what the sockets took.
//!
//! Requests about rooms are carried out by `hub/rooms.rs` and `hub/operators.rs`, and their entries by
//! `conversation/room_entries.rs`.
//!
//! # Framings
//!
//! A [`Framing`] cuts a connection's bytes into lines, and wraps the lines that it is sent. It is chosen for each
//! session and apart from the dialect: call [`Hub::set_framing`] right after the session was opened. Without that call
//! it is [`Framing::Lines`].
//!
//! With [`Framing::WebSocket`] each message is a line, and each line is a message; [`websocket`] has the rules. The
//! driver first answers the handshake, for which there is [`websocket::accept_key`]. Then it offers what the peer sends
//! and writes what it is given, as for any session. Readers at the same position with the same framing share one copy,
//! and the logs hold lines only.
//!
//! ```
//! use chat_proto::{Batch, Config, Framing, Hub, MessageKind, Timestamp};
//!
//! let now = Timestamp::ZERO;
//! let mut hub = Hub::new(Config::default())?;
//! let text = hub.dialect("text").expect("it is spoken by default");
//! let id = hub.open(now, text)?;
//! hub.set_framing(id, Framing::WebSocket(MessageKind::Text));
//! let mut batch = Batch::new();
//! hub.fill(id, &mut batch, 64 << 10);
//! hub.sent(now, id, &batch, batch.as_bytes().len());
//!
//! // A masked frame with the text `/ping`, answered by one without a mask.
//! hub.receive(now, id, b"\x81\x85\x01\x02\x03\x04.rjjf");
//! hub.fill(id, &mut batch, 64 << 10);
//! assert_eq!(batch.as_bytes(), b"\x81\x06* pong");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Servers that are no chat use [`websocket::Decoder`] alone, as the example `echo` does.
//!
//! # Dialects
//!
//! A [`Dialect`] decodes lines into requests and encodes updates into bytes. An [`Update`](dialect::Update) is anything
//! that a session is shown, replies and notices included; what a program follows are [`conversation::Event`]s. Sessions
//! of different dialects hold one conversation. [`Text`](dialect::Text) and [`Classic`](dialect::Classic) come with the
//! crate. Add others to [`Config::dialects`] in the same way: implement the trait, and each update is encoded once in
//! your format, however many sessions read it. The example `json` adds one and runs it beside the other two. A dialect
//! for people may fold many joins and leaves into one line a second ([`Dialect::folds_presence`]), as `text` does. One
//! that lets its sessions enter [rooms](#rooms) says so with [`Dialect::has_rooms`], decodes requests such as
//! [`dialect::Request::Join`], and labels the lines of other rooms with [`Dialect::label`].
//!
//! A session whose first line belongs to another protocol, such as a browser's request, is told so and closed before
//! anything is carried out. So is one whose first line is too long or not UTF-8. A dialect whose own lines look like
//! those of another protocol says so with [`Dialect::other_protocol`].
//!
//! # Names and words
//!
//! What a peer sends appears on other people's screens, so it must not pass for something else.
//!
//! * **Names** are kept in NFC and checked against [`Config::names`]. By default, [`NameRules::Strict`], a name
//!   consists of letters and digits in common use. No two members have names that differ only in case, in look-alike
//!   characters or in marks on their letters. Nobody may be called `server`, `anonymous`, `you`, `guest-…` or, as
//!   services of IRC are, `…serv`, or anything that looks like these.
//! * **Words** lose control characters and characters that are drawn as nothing: zero-width characters, tags, blank
//!   signs, and the directional marks of UAX #9. Joiners and selectors stay where letters or emoji need them. The flags
//!   of England, Scotland and Wales, which are spelled in tags, become a black flag, and ideographs lose their
//!   variation selectors. At most three combining marks in a row stay.
//! * **White space:** tabs and line ends become spaces. Spaces at the end are removed, and a row of more than eight
//!   becomes one. Before the first word up to 32 spaces stay, so that pasted code keeps its shape. After a name of 32
//!   columns the words then begin in column 67 at the latest, so nobody can make them begin on the next row of a
//!   terminal.
//!
//! # Taking part
//!
//! The program around the hub can do more than serve connections:
//!
//! * It speaks: with [`announce`](Hub::announce) as the server, with [`tell`](Hub::tell) to one session, or as a member
//!   with a name and no connection, such as a bot. That one [enters](Hub::enter) the lobby, speaks there with
//!   [`say`](Hub::say) and [`act`](Hub::act), speaks to one other with [`say_to`](Hub::say_to), and
//!   [leaves](Hub::leave). The policy is not asked about its words and no rate limits it. While readers are behind it
//!   has to wait: [`SayError::NotNow`] means to try again later. The example `bot` does all this.
//! * It knows its peers. [`open_named`](Hub::open_named) and [`rename`](Hub::rename) give a session the name under
//!   which the driver knows its peer; [`set_rate`](Hub::set_rate) and [`set_idle_timeout`](Hub::set_idle_timeout) give
//!   it limits of its own.
//! * It moderates. A [`Policy`] refuses or rewrites what others can read: messages, reasons for leaving, names,
//!   topics, and what clients of IRC say about themselves; it refuses rooms before they begin.
//!   [`find`](Hub::find) and [`kick`](Hub::kick) remove somebody; a member without a connection is not kicked, it
//!   leaves. In a room, [`set_topic`](Hub::set_topic), [`set_room_flags`](Hub::set_room_flags),
//!   [`set_room_key`](Hub::set_room_key), [`set_room_limit`](Hub::set_room_limit), [`set_mask`](Hub::set_mask),
//!   [`set_role`](Hub::set_role) and [`kick_from`](Hub::kick_from) do as an operator would, under the name `server`.
//!   [`Conversation::find_room`](conversation::Conversation::find_room) leads from a room's name to its number.
//! * It follows the conversation. [`events`](Hub::events) returns who joined, who left and what was said, in no wire
//!   format, as [`conversation::Event`]s. Each event has a number, from which a follower continues and learns whether
//!   it missed any. No command says that there are new ones: look in each round.
//! * It observes. [`stats`](Hub::stats), [`gauges`](Hub::gauges), [`session_stats`](Hub::session_stats),
//!   [`sessions`](Hub::sessions) and [`name`](Hub::name) show the present state. The [`journal`](Hub::journal) shows
//!   what happened to which session; its records have numbers in the same way. Members without a connection are not
//!   sessions: of them, the journal has their names only.
//! * It logs. The hub writes `tracing` records at the level `info` when a session gets a name and when it has left. The
//!   driver, which knows the peer, writes `connected` right after [`open`](Hub::open). [`driver::LogSummary`] reports
//!   what can happen many times a second, as one line a second. What people say is never logged.
//!
//! # Features
//!
//! None is on by default, and without them the crate needs no std.
//!
//! * `simd`: base64 and UTF-8 by the processor's vector instructions. It needs std to find out which of them there are.
//!   Both adapters enable it.
//!
//! # Panics
//!
//! Nothing that a peer sends can make the hub panic. A driver can, by passing a [`DialectId`] of another hub to a call
//! that takes one. Misuse that can be ignored is ignored. Internal invariants are asserted in debug builds.

#![no_std]
// Where the links to this crate lead in documentation that was built without it, as by `cargo doc -p chat-smol
// --no-deps`. Rustdoc would show bare brackets instead.
#![doc(html_root_url = "https://docs.rs/chat-proto/latest")]

extern crate alloc;

mod batch;
mod command;
pub mod config;
pub mod conversation;
mod credentials;
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
mod moderation;
mod names;
mod origin;
mod pattern;
mod person;
mod policy;
mod pool;
mod rate;
mod room;
mod schedule;
mod session;
mod tally;
pub mod testing;
mod time;
mod wire;

pub use batch::Batch;
pub use command::{CloseReason, Command, OpenError};
pub use config::{Config, ConfigError, DialectConfig, Limit, OnLag, Rate, RateLimit, RatePart, RoomConfig};
pub use credentials::{Credentials, MAX_PASSWORD};
pub use dialect::Dialect;
pub use exemptions::{Exemptions, ExemptionsError};
pub use hub::{DialectGauges, EnterError, Hub, HubGauges, HubStats, MemoryBound, Reservation, SayError};
pub use id::{DialectId, RoomId, SessionId};
pub use journal::{Record, RecordKind};
pub use moderation::{MaskList, Role, RoomError, RoomFlags};
pub use names::{NameError, NameRules};
pub use origin::{Cloak, Origin};
pub use policy::{Action, Policy, Proposal, Verdict};
pub use session::SessionStats;
pub use tally::{Reason, Tally};
pub use time::Timestamp;
pub use wire::dialect;
pub use wire::framing::{Framing, MessageKind, websocket};
#[cfg(feature = "web")]
pub use wire::http;
