//! One suite for all adapters: what a chat server must do, over real sockets, on any runtime.
//!
//! To test an adapter, implement [`Adapter`] and [`ServerHandle`] for it, which takes some thirty lines. One call in a
//! test file of its own then makes a `#[test]` of each case:
//!
//! ```no_run
//! # use std::io;
//! # use chat_proto::Config;
//! # use chat_std as my_adapter; // whose handle has `ServerHandle` already
//! # use chat_tests::conformance::{Adapter, LOOPBACK, Running};
//! struct Mine;
//!
//! impl Adapter for Mine {
//!     fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running> {
//!         let mut server = my_adapter::Server::new(config).map_err(io::Error::other)?;
//!         let mut ports = Vec::new();
//!         for dialect in dialects {
//!             ports.push((*dialect, server.listen(dialect, LOOPBACK)?));
//!         }
//!         Ok(Running::new(ports, server.handle(), move || server.run()))
//!     }
//! }
//!
//! chat_tests::conformance!(&Mine);
//! # fn main() {}
//! ```
//!
//! - [`scripts`]: conversations as terminals show them, with one outcome each, the same for every adapter.
//! - [`conversation`]: announcements, counters, and a thousand clients at once.
//! - [`irc`]: clients of IRC among the others.
//! - [`passwords`]: a slow check of passwords, for adapters that are given one.
//! - [`closing`]: every way in which a connection ends, and the end of the server.
//! - [`pressure`]: readers that do not read, senders that flood, a full server.
//! - [`pace`]: many senders at once, readers that keep pace and readers that do not, peers that are gone.
//! - [`deadlines`]: things happen on time; these run while no other case of the test file does.
//! - [`resources`]: descriptors, threads and processor time; each case runs in a process of its own.
//!
//! No case sleeps and hopes that something has happened by then. It waits for what it expects, and fails after
//! [`PATIENCE`]. A case that takes longer than [`CASE_DEADLINE`](isolation::CASE_DEADLINE) fails, too.
//!
//! A case that cannot hold for an adapter is left out by name, with the reason, which `cargo test` prints beside it.
//! The others are run, and so is this one with `cargo test -- --ignored`:
//!
//! ```text
//! chat_tests::conformance!(&Mine; except {
//!     pace::a_reset_is_noticed_while_input_is_left_untaken: "a Unix socket has no reset",
//! });
//! ```
//!
//! A server that is a program is a [`ServerProgram`]; [`conformance_of_program!`](crate::conformance_of_program) runs
//! the cases that need no handle.
//!
//! # What no case can see
//!
//! Clients cannot tell whether a driver calls [`Hub::writable`](chat_proto::Hub::writable) before it writes again to a
//! socket that was full. The call says that the time until the next write is the driver's and not the reader's. A
//! driver that writes at once needs next to none, so all cases pass without the call. The harm comes when the driver is
//! busy for longer than the allowance of a reader, 250 ms by default: readers that keep pace then count as slow, nobody
//! waits for them, and they miss messages.
//!
//! In a driver that uses the kit the call cannot be forgotten: without
//! [`note_writable`](chat_proto::driver::ConnectedHub::note_writable) nothing more is written to that socket, and many
//! cases fail. A driver that calls the hub itself has to be read for it. The test
//! `from_writable_on_the_time_is_the_drivers` in `chat-proto/tests/conversation.rs` shows what the call does.

// A case fails by a panic.
#![expect(clippy::missing_panics_doc)]

mod client;
pub mod closing;
pub mod conversation;
pub mod deadlines;
pub mod irc;
pub mod isolation;
pub mod pace;
pub mod passwords;
pub mod pressure;
mod program;
pub mod resources;
mod running;
pub mod script;
pub mod scripts;
pub(crate) mod tls;

use std::num::NonZeroU32;

use chat_proto::{Config, Rate};

pub use self::client::{Client, PATIENCE, Received, classic_line, classic_words, new_socket};
pub use self::program::ServerProgram;
pub use self::running::{Adapter, LOOPBACK, Running, ServerHandle, eventually};
pub use self::tls::speak_tls;
use crate::exact::Exact;

/// Makes a `#[test]` of each case of the [suite](mod@crate::conformance) for an adapter: a `&'static dyn Adapter`.
/// Cases named after `except` are ignored.
#[macro_export]
macro_rules! conformance {
    ($adapter:expr $(; except { $($left_out:ident :: $case:ident: $reason:literal),+ $(,)? })?) => {
        $crate::conformance! { @define_test ($) $($($left_out $case $reason)+)? }
        $crate::conformance! { @each $adapter;
            scripts, beside_others {
                conversation names whispers actions rooms moderation no_room leaving newcomer original
                invisible_characters rubbish
                typed_with_crlf typed_byte_by_byte
            }
            conversation, beside_others {
                a_thousand_at_once
                rooms_are_read_in_one_order
                an_announcement_reaches_everyone
                an_announcement_is_read_once_wherever_its_readers_are
                a_long_history_is_sent_as_its_reader_reads
                counters_add_up
                an_unknown_dialect_is_refused
                two_ports_of_one_dialect
            }
            irc, beside_others {
                irc_and_text_share_one_conversation
                a_ping_is_answered
                no_address_is_shown
            }
            closing, beside_others {
                a_kicked_session_is_told_why
                a_half_closed_client_gets_pending_output
                a_line_before_the_end_of_input_is_published
                input_after_a_quit_does_not_reset_the_connection
                a_refused_peer_is_not_reset_before_it_can_read_why
                resets_at_every_stage
                a_storm_of_reconnects
                shut_down_tells_everyone
                shut_down_under_load_loses_nothing
                shut_down_does_not_wait_for_ever
                a_handle_outlives_its_server
            }
            pressure, beside_others {
                a_reader_that_never_reads_finds_a_gap
                a_reader_that_never_reads_is_closed_if_so_configured
                a_reader_that_takes_nothing_is_closed
                a_flood_is_left_untaken
                a_full_server_says_so
            }
            deadlines, exclusively {
                silence_is_closed_on_time
                a_line_postpones_the_idle_deadline
                half_a_line_does_not_postpone_the_idle_deadline
                many_deadlines_at_once
                a_stalled_reader_is_closed_on_time
                the_rate_is_kept_and_nothing_is_lost
            }
            pace, exclusively {
                pages_pasted_by_many_arrive_whole
                pages_pasted_beside_stopped_readers_arrive_whole
                private_messages_wait_for_a_reader
                stopped_readers_delay_others_once
                input_of_an_ended_peer_is_taken_for_the_linger_timeout_only
                ended_peers_keep_nobody_out
                an_answer_does_not_wait_for_a_flood
                a_reader_at_the_pace_misses_nothing
                a_reset_is_noticed_while_input_is_left_untaken
            }
            resources, in_a_process_of_its_own {
                descriptors_running_out
                a_hundred_starts_and_stops
                idle_clients_cost_no_processor_time
            }
        }
    };
    (@each $adapter:expr; $($theme:ident, $how:ident { $($case:ident)* })*) => {
        $(mod $theme {
            use super::*;

            $(conformance_test! { $theme $case
                fn $case() {
                    let name = concat!(module_path!(), "::", stringify!($case));
                    $crate::conformance::isolation::$how(name, || $crate::conformance::$theme::$case($adapter));
                }
            })*
        })*
    };
    // Defines a macro that makes a test of a function: one that is ignored, if its case is left out. `$dollar` is a
    // dollar sign, which belongs to that macro.
    (@define_test ($dollar:tt) $($theme:ident $case:ident $reason:literal)*) => {
        // Does not compile if there is no such case.
        $(const _: fn(&dyn $crate::conformance::Adapter) = $crate::conformance::$theme::$case;)*

        macro_rules! conformance_test {
            $(($theme $case $dollar($dollar function:tt)*) => {
                #[test]
                #[ignore = $reason]
                $dollar($dollar function)*
            };)*
            ($dollar theme:ident $dollar case:ident $dollar($dollar function:tt)*) => {
                #[test]
                $dollar($dollar function)*
            };
        }
    };
}

/// Makes a `#[test]` of each case of the [suite](mod@crate::conformance) that needs no handle, for a server that is a
/// program: a `&ServerProgram`. Cases named after `except` are ignored. Cases with many joins and leaves in a second
/// are left out, since `text` folds them.
///
/// The limits that the cases set are `max_sessions`, each dialect's backlog, and no rate, idle timeout or stall
/// timeout.
#[macro_export]
macro_rules! conformance_of_program {
    ($program:expr $(; except { $($left_out:ident :: $case:ident: $reason:literal),+ $(,)? })?) => {
        $crate::conformance! { @define_test ($) $($($left_out $case $reason)+)? }
        $crate::conformance! { @each $program;
            scripts, beside_others {
                conversation names whispers actions rooms moderation no_room newcomer invisible_characters rubbish
            }
            conversation, beside_others {
                two_ports_of_one_dialect
            }
            closing, beside_others {
                a_half_closed_client_gets_pending_output
                a_line_before_the_end_of_input_is_published
                a_refused_peer_is_not_reset_before_it_can_read_why
            }
        }
    };
}

/// Limits without a rate, timeouts or a backlog, and a dialect that shows every join and leave, so that clients are
/// sent only what others cause.
fn calm() -> Config {
    let mut config = calm_with_backlog();
    for dialect in &mut config.dialects {
        dialect.backlog = 0;
    }
    config
}

/// The same with the default backlog.
fn calm_with_backlog() -> Config {
    let mut config = Config { max_sessions: 200, rate: None, stall_timeout: None, ..Config::default() };
    for dialect in &mut config.dialects {
        dialect.idle_timeout = None;
    }
    Exact::replace_text(&mut config);
    config
}

/// Returns a rate of `per_second` lines a second after a burst of `burst`.
fn rate(per_second: u32, burst: u32) -> Rate {
    let not_zero = |n| NonZeroU32::new(n).expect("a rate is not zero");
    Rate { per_second: not_zero(per_second), burst: not_zero(burst) }
}

/// Starts a server with both dialects.
#[track_caller]
fn start(adapter: &dyn Adapter, config: Config) -> Running {
    adapter.start(config, &["text", "classic"]).expect("a server starts")
}
