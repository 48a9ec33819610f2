//! Metrics: what programs that watch over the server ask for, on a port of its own.
//!
//! A connection here is no session and takes none's place. It costs the hub's lock once for each request, for as long as
//! it takes to copy the numbers. The server's other tasks have their turns between any two steps of it.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_io::{Async, Timer};
use chat_proto::driver::Exposition;
use chat_proto::http::{Action, Connection, Resource, Site};
use futures_lite::{FutureExt, future};
use smol::Task;
use socket2::Socket;
use tracing::info;

use crate::accept::{accept_one, is_peers_own};
use crate::send::FLAGS;
use crate::shared::{Service, Shared};

/// The most connections at once. For one more the oldest is closed, so whoever keeps many without asking for anything
/// keeps nobody out. A collector needs one, and few servers have more than three.
pub(crate) const MAX_CONNECTIONS: usize = 16;

/// How long a connection is read after its end, or what the peer still sends would discard the last answer.
const LINGER: Duration = Duration::from_secs(1);

/// The most bytes read at once. Requests are some 300.
const MAX_READ: usize = 1 << 10;

/// An address at which metrics are served.
#[derive(Debug)]
pub(crate) struct MetricsListener {
    pub(crate) socket: Async<Socket>,
    /// For the log.
    pub(crate) addr: String,
    pub(crate) site: Arc<Site>,
}

/// Makes what is served: `/metrics`, with what the program adds, and `/healthz`, which answers as long as the hub does.
///
/// Any page of a browser that reaches this port may read the numbers: collectors ask under any name, and there is
/// nothing else here.
pub(crate) fn site(shared: &Arc<Shared>, own: impl Fn(&mut Exposition) + Send + Sync + 'static) -> Arc<Site> {
    let config = shared.act(|hub, _| {
        hub.measure();
        hub.hub().config().clone()
    });
    let (of_metrics, of_health) = (Arc::downgrade(shared), Arc::downgrade(shared));
    let metrics = move || {
        let mut text = Exposition::default();
        if let Some(shared) = of_metrics.upgrade() {
            shared.act(|hub, _| hub.metrics()).write(&config, &mut text);
            let failed = shared.failed_handshakes.load(Ordering::Relaxed);
            text.counter("chat_tls_handshakes_failed_total", "TLS handshakes that came to nothing.")
                .sample(&[], failed);
        }
        own(&mut text);
        String::from(text).into_bytes()
    };
    let health = move || {
        of_health.upgrade().inspect(|shared| shared.act(|_, _| ()));
        b"ok\n".to_vec()
    };
    let site = Site::new().any_host().resource(Resource::made("/metrics", Exposition::CONTENT_TYPE, metrics));
    Arc::new(site.resource(Resource::made("/healthz", "text/plain; charset=utf-8", health)))
}

/// Serves connections until this task is dropped, and them with it.
pub(crate) async fn serve(service: Arc<Service>, MetricsListener { socket, addr, site }: MetricsListener) {
    info!(dialect = "metrics", addr, "listening");
    let mut connections: VecDeque<Task<io::Result<()>>> = VecDeque::new();
    loop {
        match accept_one(&socket).await {
            Ok((stream, _)) => {
                let Some(executor) = service.executor.upgrade() else { return };
                connections.retain(|connection| !connection.is_finished());
                if connections.len() == MAX_CONNECTIONS {
                    connections.pop_front();
                }
                connections.push_back(executor.spawn(answer(Arc::clone(&service), stream, Arc::clone(&site))));
            }
            Err(error) if is_peers_own(&error) => {}
            Err(error) => {
                Timer::after(service.shared.act(|hub, now| hub.accept_failed(now, &error))).await;
            }
        }
        future::yield_now().await;
    }
}

/// Answers the requests of a connection until its end.
async fn answer(service: Arc<Service>, stream: Async<Socket>, site: Arc<Site>) -> io::Result<()> {
    let shared = &service.shared;
    let (mut http, mut input) = (Connection::new(shared.now()), Vec::new());
    loop {
        let now = shared.now();
        http.handle_timeout(now, &site);
        let taken = http.receive(now, &site, &input);
        input.drain(..taken);
        let action = http.action();
        let late = Timer::after(http.poll_timeout().saturating_duration_since(now));
        let moved = async {
            match action {
                Action::Read => input = read(&stream).await?,
                Action::Write => {
                    let sent = stream.write_with(|socket| socket.send_with_flags(http.pending(), FLAGS)).await?;
                    http.sent(shared.now(), sent);
                }
                Action::Upgrade(_) | Action::Close => {}
            }
            Ok::<_, io::Error>(())
        };
        if matches!(action, Action::Upgrade(_) | Action::Close) {
            break;
        }
        let late = async {
            late.await;
            Ok(())
        };
        moved.or(late).await?;
        future::yield_now().await;
    }
    stream.get_ref().shutdown(Shutdown::Write)?;
    let drained = async {
        loop {
            read(&stream).await?;
            future::yield_now().await;
        }
    };
    let late = async {
        Timer::after(LINGER).await;
        Ok(())
    };
    drained.or(late).await
}

/// Reads some bytes; the end is an error.
async fn read(stream: &Async<Socket>) -> io::Result<Vec<u8>> {
    let mut bytes = [0; MAX_READ];
    match stream.read_with(|mut socket: &Socket| socket.read(&mut bytes)).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        n => Ok(bytes[..n].to_vec()),
    }
}
