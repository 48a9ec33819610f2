//! The report for people: labelled lines, which are not the rows of one table.

use std::fmt;
use std::time::Duration;

use super::{QUANTILES, Report};
use crate::figures::{Grouped, Scaled, Span};
use crate::load::options::Pace;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        for target in &options.targets {
            writeln!(f, "{:<16}{target}", "server")?;
        }
        writeln!(
            f,
            "{:<16}{} readers, {} senders, {} idle: {} connected in {}",
            "sessions",
            Grouped(options.readers as u64),
            Grouped(options.senders as u64),
            Grouped(options.idle as u64),
            Grouped(self.connecting.opened as u64),
            Span(Duration::from_nanos(self.connecting.took)),
        )?;
        writeln!(f, "{:<16}{} bytes, {}", "messages", options.sizes, options.pace)?;
        writeln!(f, "{:<16}{:.1} s after {:.1} s", "measured", self.seconds, options.warm_up.as_secs_f64())?;
        writeln!(f)?;
        if options.senders > 0 {
            self.write_throughput(f)?;
        }
        for (name, count) in [
            ("lost", self.tally.lost),
            ("reordered", self.tally.reordered),
            ("duplicated", self.tally.duplicated),
            ("damaged", self.got.damaged),
            ("unseen", self.got.unseen),
            ("held back", self.got.held_back),
            ("disconnected", self.ended.values().sum()),
        ] {
            writeln!(f, "{name:<16}{:>16}", Grouped(count))?;
        }
        for (reason, count) in &self.ended {
            writeln!(f, "{:>30}  {reason}", Grouped(*count))?;
        }
        if self.got.announced_missed > 0 {
            writeln!(f, "the server announced {} messages as missed", Grouped(self.got.announced_missed))?;
        }
        for (words, count) in &self.told {
            writeln!(f, "the server told {} times: {words}", Grouped(*count))?;
        }
        writeln!(f)?;
        if let Some(server) = self.server {
            write!(f, "{:<16}{:.2} % of a processor", "server uses", server.share * 100.0)?;
            if self.deliveries > 0 {
                write!(f, ", {:.4} s for a million deliveries", server.cpu_per_million)?;
            }
            writeln!(f)?;
            writeln!(
                f,
                "{:<16}{} KiB resident, {} connected, {} at most: {:.2} KiB a connection",
                "",
                Grouped(server.resident[0]),
                Grouped(server.resident[1]),
                Grouped(server.resident[2]),
                server.resident_each
            )?;
        }
        write!(f, "{:<16}{:.0} % of a processor", "this tool uses", self.own_share * 100.0)?;
        if matches!(options.pace, Pace::Rate(_)) {
            write!(f, "; it sent {} late at worst", Span(self.latest))?;
        }
        writeln!(f)?;
        self.notes().iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

impl Report {
    fn write_throughput(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_second = |count: u64| Scaled(count as f64 / self.seconds);
        writeln!(f, "{:<16}{:>16} {:>10}/s", "sent", Grouped(self.messages), per_second(self.messages))?;
        writeln!(
            f,
            "{:<16}{:>16} {:>10}/s {:>10}B/s",
            "delivered",
            Grouped(self.deliveries),
            per_second(self.deliveries),
            per_second(self.bytes),
        )?;
        writeln!(f)?;
        writeln!(f, "latency from {}", self.latency_from())?;
        writeln!(f, "{}", QUANTILES.map(|(name, _)| format!("{name:>10}")).concat())?;
        writeln!(f, "{}", QUANTILES.map(|(_, quantile)| format!("{:>10}", Span(self.latency(quantile)))).concat())?;
        writeln!(f)
    }
}
