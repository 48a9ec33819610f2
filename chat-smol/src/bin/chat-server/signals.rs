//! Signals, which end the server, and new certificates.

use std::time::Duration;
use std::{io, process, thread};

use async_signal::{Signal, Signals};
use chat_smol::{Handle, Tls, TlsError};
use futures_lite::StreamExt;
use futures_lite::future::block_on;

/// Listens for SIGINT, SIGTERM and SIGHUP from now on. SIGHUP stays ignored if it is, as `nohup` wants it.
pub(crate) fn listen() -> io::Result<Signals> {
    let mut signals = Signals::new([Signal::Int, Signal::Term])?;
    if !is_hangup_ignored() {
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
    if let Some(tls) = tls.clone() {
        thread::Builder::new().name("certificate".into()).spawn(move || watch(&tls))?;
    }
    thread::Builder::new()
        .name("signals".into())
        // Not async-io's `block_on`, which would make this thread poll the server's sockets.
        .spawn(move || block_on(shut_down(signals, &handle, tls.as_ref())))
        .map(drop)
}

/// How often the certificate's files are looked at: soon enough for whoever replaces them, and no work to speak of.
const WATCH_EVERY: Duration = Duration::from_secs(5);

/// Reads a certificate again whenever its files have changed.
fn watch(tls: &Tls) {
    loop {
        thread::sleep(WATCH_EVERY);
        note(tls.reload_if_changed());
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
async fn shut_down(mut signals: Signals, handle: &Handle, tls: Option<&Tls>) {
    let mut shutting_down = false;
    while let Some(signal) = signals.next().await {
        if let (Ok(Signal::Hup), Some(tls), false) = (&signal, tls, shutting_down) {
            note(tls.reload().map(|()| true));
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
