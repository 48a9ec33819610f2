//! Signals, which end the server.

use std::{io, process, thread};

use async_signal::{Signal, Signals};
use chat_smol::Handle;
use futures_lite::StreamExt;
use futures_lite::future::block_on;

/// Listens for SIGINT and SIGTERM from now on.
pub(crate) fn listen() -> io::Result<Signals> {
    Signals::new([Signal::Int, Signal::Term])
}

/// Starts a thread that obeys the signals.
pub(crate) fn obey(signals: Signals, handle: Handle) -> io::Result<()> {
    thread::Builder::new()
        .name("signals".into())
        // Not async-io's `block_on`, which would make this thread poll the server's sockets.
        .spawn(move || block_on(shut_down(signals, &handle)))
        .map(drop)
}

/// Shuts down at the first signal, and ends the process at the second.
async fn shut_down(mut signals: Signals, handle: &Handle) {
    let mut shutting_down = false;
    while let Some(signal) = signals.next().await {
        match signal {
            Ok(signal) if shutting_down => process::exit(128 + signal as i32),
            Ok(signal) => {
                // Act before logging, here and below: the shutdown must not depend on the log's reader.
                handle.shut_down();
                shutting_down = true;
                tracing::info!(signal = signal as i32, "shutting down; a second signal ends the process at once");
            }
            Err(error) => {
                handle.shut_down();
                tracing::error!(%error, "cannot listen for signals any longer; shutting down");
                return;
            }
        }
    }
}
