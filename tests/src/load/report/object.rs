//! The report as a JSON object.

use std::collections::BTreeMap;

use super::json::{Object, array, text};
use super::{QUANTILES, Report};
use crate::load::options::Pace;

impl Report {
    /// Returns the report as a JSON object in one line.
    #[must_use]
    pub fn json(&self) -> String {
        let options = &self.options;
        let pace = match options.pace {
            Pace::Window(size) => Object::new().with("window", size),
            Pace::Rate(rate) => Object::new().with("rate", rate),
        };
        let counts = |counts: &BTreeMap<String, u64>| {
            counts.iter().fold(Object::new(), |object, (name, count)| object.with(name, count)).end()
        };
        let latency = QUANTILES.iter().fold(Object::new(), |object, (name, quantile)| {
            object.with(name, self.latencies.value_at_quantile(*quantile))
        });
        let connect = Object::new()
            .with("opened", self.connecting.opened)
            .with_float("seconds", self.connecting.took as f64 / 1e9, 3)
            .with("unreached", self.connecting.unreached);
        let measured = Object::new()
            .with_float("seconds", self.seconds, 3)
            .with("messages", self.messages)
            .with_float("messages_per_second", self.messages as f64 / self.seconds, 1)
            .with("deliveries", self.deliveries)
            .with_float("deliveries_per_second", self.deliveries as f64 / self.seconds, 1)
            .with_float("bytes_per_second", self.bytes as f64 / self.seconds, 0)
            .with_float("bytes_per_read", self.bytes as f64 / self.reads as f64, 0);
        let checks = Object::new()
            .with("lost", self.tally.lost)
            .with("announced_missed", self.got.announced_missed)
            .with("reordered", self.tally.reordered)
            .with("duplicated", self.tally.duplicated)
            .with("damaged", self.got.damaged)
            .with("unseen", self.got.unseen)
            .with("held_back", self.got.held_back);
        let server = self.server.map(|server| {
            Object::new()
                .with_float("cpu_share", server.share, 4)
                .with_float("cpu_seconds_per_million", server.cpu_per_million, 5)
                .with("resident_kib_before", server.resident[0])
                .with("resident_kib_connected", server.resident[1])
                .with("resident_kib_most", server.resident[2])
                .with_float("kib_per_connection", server.resident_each, 3)
                .end()
        });
        Object::new()
            .with("connect_to", array(options.targets.iter().map(|target| text(&target.to_string()))))
            .with("readers", options.readers)
            .with("senders", options.senders)
            .with("idle", options.idle)
            .with("size", array([options.sizes.min.to_string(), options.sizes.max.to_string()]))
            .with("pace", pace.end())
            .with("connect", connect.end())
            .with("measured", measured.end())
            .with("latency_from", text(self.latency_from()))
            .with("latency_ns", latency.end())
            .with("checks", checks.end())
            .with("disconnects", counts(&self.ended))
            .with("told", counts(&self.told))
            .with("server", server.as_deref().unwrap_or("null"))
            .with_float("own_cpu_share", self.own_share, 4)
            .with_float("own_cpu_wait_share", self.own_wait, 4)
            .with("sent_late_ns", self.latest.as_nanos())
            .with("held_back", self.is_held_back())
            .with("notes", array(self.notes().iter().map(|note| text(note))))
            .with("clean", self.is_clean())
            .end()
    }
}
