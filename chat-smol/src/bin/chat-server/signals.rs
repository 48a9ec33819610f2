//! Signals, which end the server, and new certificates.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;
use std::{io, process, thread};

use async_signal::{Signal, Signals};
use chat_smol::{Handle, Tls, TlsError};
use futures_lite::StreamExt;
use futures_lite::future::block_on;

/// Listens for SIGINT, SIGTERM and SIGHUP from now on. SIGHUP stays ignored if it is, as `nohup` wants it, unless there
/// is TLS: then it does not end the server.
pub(crate) fn listen(has_tls: bool) -> io::Result<Signals> {
    let mut signals = Signals::new([Signal::Int, Signal::Term])?;
    if has_tls || !is_hangup_ignored() {
        signals.add_signals([Signal::Hup])?;
    }
    Ok(signals)
}

#[cfg(target_os = "linux")]
fn is_hangup_ignored() -> bool {
    let status = procfs::process::Process::myself().and_then(|myself| myself.status());
    // The lowest bit is for signal 1.
    status.is_ok_and(|status| status.sigign & 1 << (Signal::Hup as u32 - 1) != 0)
}

/// Only unsafe code could ask.
#[cfg(not(target_os = "linux"))]
const fn is_hangup_ignored() -> bool {
    false
}

/// Starts a thread that obeys the signals, and one that looks for a new certificate.
pub(crate) fn obey(signals: Signals, handle: Handle, tls: Option<Tls>) -> io::Result<()> {
    let mut renew = None;
    if let Some(tls) = tls {
        // One request is enough: what is read after it is new.
        let (request, requested) = mpsc::sync_channel(1);
        renew = Some(request);
        thread::Builder::new().name("certificate".into()).spawn(move || watch(&tls, &requested))?;
    }
    thread::Builder::new()
        .name("signals".into())
        // Not async-io's `block_on`, which would make this thread poll the server's sockets.
        .spawn(move || block_on(shut_down(signals, &handle, renew)))
        .map(drop)
}

/// How often the certificate's files are looked at: soon enough for whoever replaces them, and no work to speak of.
const WATCH_EVERY: Duration = Duration::from_secs(5);

/// Reads a certificate again whenever its files have changed, and when that is requested. It has a thread of its own,
/// since a file system that does not answer must not keep the server from obeying signals.
fn watch(tls: &Tls, requested: &Receiver<()>) {
    loop {
        note(match requested.recv_timeout(WATCH_EVERY) {
            Ok(()) => tls.reload().map(|()| true),
            Err(RecvTimeoutError::Timeout) => tls.reload_if_changed(),
            Err(RecvTimeoutError::Disconnected) => return,
        });
    }
}

/// Logs what came of reading the certificate again.
fn note(reloaded: Result<bool, TlsError>) {
    match reloaded {
        Ok(true) => tracing::info!("the certificate was read again"),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "the certificate stays as it was"),
    }
}

/// Shuts down at the first signal, and ends the process at the second. With TLS, SIGHUP is for the certificate.
///
/// SIGHUP never counts as the second. When a terminal hangs up, shell and kernel both send it; service managers may
/// send it right after SIGTERM.
async fn shut_down(mut signals: Signals, handle: &Handle, renew: Option<SyncSender<()>>) {
    let mut shutting_down = false;
    while let Some(signal) = signals.next().await {
        if let (Ok(Signal::Hup), Some(renew), false) = (&signal, &renew, shutting_down) {
            // If a request is waiting already, it is enough.
            let _ = renew.try_send(());
            continue;
        }
        match signal {
            Ok(Signal::Hup) if shutting_down => tracing::info!("SIGHUP changes nothing: already shutting down"),
            Ok(signal) if shutting_down => process::exit(128 + signal as i32),
            Ok(signal) => {
                // Act before logging, here and below: the shutdown must not depend on the log's reader.
                handle.shut_down();
                shutting_down = true;
                tracing::info!(
                    signal = signal as i32,
                    "shutting down; a second SIGINT or SIGTERM ends the process at once"
                );
            }
            Err(error) => {
                handle.shut_down();
                tracing::error!(%error, "cannot listen for signals any longer; shutting down");
                return;
            }
        }
    }
}
