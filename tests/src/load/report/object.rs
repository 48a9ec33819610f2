//! The report as a JSON object.

use serde_json::{Map, Value, json};

use super::{QUANTILES, Report};
use crate::load::options::Pace;

impl Report {
    /// Returns the report as a JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let options = &self.options;
        let pace = match options.pace {
            Pace::Window(size) => json!({ "window": size }),
            Pace::Rate(rate) => json!({ "rate": rate }),
        };
        let latency = QUANTILES
            .iter()
            .map(|(name, quantile)| (String::from(*name), Value::from(self.latencies.value_at_quantile(*quantile))));
        let server = self.server.map(|server| {
            json!({
                "cpu_share": rounded(server.share, 4),
                "cpu_seconds_per_million": rounded(server.cpu_per_million, 5),
                "resident_kib_before": server.resident[0],
                "resident_kib_connected": server.resident[1],
                "resident_kib_most": server.resident[2],
                "kib_per_connection": rounded(server.resident_each, 3),
            })
        });
        json!({
            "connect_to": options.targets.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "readers": options.readers,
            "senders": options.senders,
            "idle": options.idle,
            "size": [options.sizes.min, options.sizes.max],
            "pace": pace,
            "connect": {
                "opened": self.connecting.opened,
                "seconds": rounded(self.connecting.took as f64 / 1e9, 3),
                "unreached": self.connecting.unreached,
            },
            "measured": {
                "seconds": rounded(self.seconds, 3),
                "messages": self.messages,
                "messages_per_second": rounded(self.messages as f64 / self.seconds, 1),
                "deliveries": self.deliveries,
                "deliveries_per_second": rounded(self.deliveries as f64 / self.seconds, 1),
                "bytes_per_second": rounded(self.bytes as f64 / self.seconds, 0),
                "bytes_per_read": rounded(self.bytes as f64 / self.reads as f64, 0),
            },
            "latency_from": self.latency_from(),
            "latency_ns": latency.collect::<Map<_, _>>(),
            "checks": {
                "lost": self.tally.lost,
                "announced_missed": self.got.announced_missed,
                "reordered": self.tally.reordered,
                "duplicated": self.tally.duplicated,
                "damaged": self.got.damaged,
                "unseen": self.got.unseen,
                "held_back": self.got.held_back,
            },
            "disconnects": self.ended,
            "told": self.told,
            "server": server,
            "own_cpu_share": rounded(self.own_share, 4),
            "own_cpu_wait_share": rounded(self.own_wait, 4),
            "sent_late_ns": u64::try_from(self.latest.as_nanos()).unwrap_or(u64::MAX),
            "held_back": self.is_held_back(),
            "notes": self.notes(),
            "clean": self.is_clean(),
        })
    }
}

/// Rounds to that many decimals; what is not a number becomes null in JSON.
fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}
