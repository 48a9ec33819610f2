//! Connections that speak HTTP, until they are sessions or over.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use async_io::Timer;
use chat_proto::driver::Visit;
use chat_proto::http::Action;
use chat_proto::{DialectId, Framing};
use futures_lite::FutureExt;

use crate::connection::Connection;
use crate::reader::Reader;
use crate::shared::Service;

/// Answers requests until the connection is to be closed or a session begins; a reader takes over then.
pub(crate) async fn serve(service: Arc<Service>, dialect: DialectId, mut visit: Visit, connection: Arc<Connection>) {
    let shared = &service.shared;
    let upgrade = loop {
        let now = shared.now();
        let action = visit.action(now);
        match action {
            Action::Read | Action::Write => {}
            Action::Upgrade(kind) => break Some(kind),
            Action::Close => break None,
        }
        let late = Timer::after(visit.wait(now));
        let moved = async {
            if action == Action::Write {
                let sent = connection.stream.write_with(|_| match connection.write(visit.pending()) {
                    Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
                    sent => sent,
                });
                let sent = sent.await?;
                visit.sent(shared.now(), sent);
                return Ok(());
            }
            loop {
                match read(&connection, &mut visit) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return result,
                }
                // `readable` would leave an empty list of wakers in the socket for as long as the session is there.
                poll_fn(|cx| connection.stream.poll_readable(cx)).await?;
            }
        };
        let late = async {
            late.await;
            Ok(())
        };
        let stopped = async {
            shared.stopping.wait().await;
            Err(io::ErrorKind::ConnectionAborted.into())
        };
        if moved.or(late).or(stopped).await.is_err() {
            break None;
        }
    };
    let opened = shared.act(|hub, now| match upgrade {
        Some(kind) => hub.upgrade(now, visit, dialect, Framing::WebSocket(kind), &connection),
        None => Err(hub.leave(now, visit, &connection)),
    });
    let (id, input) = opened.unwrap_or_else(|id| {
        connection.end_output();
        (id, Vec::new())
    });
    if let Some(executor) = service.executor.upgrade() {
        executor.spawn(Reader::new(service, id, connection, input)).detach();
    }
}

/// Reads once.
fn read(connection: &Connection, visit: &mut Visit) -> io::Result<()> {
    let mut bytes = [0; Visit::MAX_READ];
    let n = connection.read(&mut bytes)?;
    visit.receive(&bytes[..n]);
    if n == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
