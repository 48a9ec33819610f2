//! A client for metrics: asks for them as Prometheus does, and finds a number in them.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Metrics that were asked for: a number for each name with labels, as in `chat_sessions{dialect="text"}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scraped {
    /// The lines in their order.
    pub text: String,
    values: BTreeMap<String, f64>,
}

impl Scraped {
    /// Asks for the metrics of a server.
    ///
    /// # Errors
    ///
    /// If the answer is another one, or none.
    pub fn get(addr: SocketAddr) -> io::Result<Self> {
        let answer = ask(addr, "GET /metrics HTTP/1.1\r\nHost: metrics.example\r\nConnection: close\r\n\r\n")?;
        let (head, text) = answer.split_once("\r\n\r\n").unwrap_or_default();
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(io::Error::other(answer));
        }
        let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        let values = samples.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect();
        Ok(Self { text: text.to_owned(), values })
    }

    /// Returns the number with that name and these labels.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }
}

/// Sends a request and returns all that comes back.
///
/// # Errors
///
/// If there is no connection, or it does not end.
pub fn ask(addr: SocketAddr, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
