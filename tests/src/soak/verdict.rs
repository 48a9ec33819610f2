//! Whether a server has passed a soak.

use std::fmt;

use super::hostile_clients::Counts;
use super::samples::{Sample, Trend};
use crate::figures::Grouped;
use crate::load::Report;

/// Whether a server has passed. Its `Display` gives the reasons.
#[derive(Debug)]
pub struct Verdict {
    pub(super) resident: Option<Trend>,
    pub(super) honest: Report,
    pub(super) hostile: Counts,
    pub(super) rest: Option<Rest>,
}

/// The resources of a server that has no other users, at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// Its resources before the first client.
    pub(super) before: Sample,
    /// Its resources after the last client.
    pub(super) after: Sample,
    /// Whether it ended in order when told to.
    pub(super) has_ended: bool,
}

impl Verdict {
    /// Returns whether memory stayed flat, honest clients were unharmed and nothing was left of the hostile ones.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.resident.is_none_or(Trend::is_flat) && self.honest.is_clean() && self.rest.is_none_or(Rest::is_clean)
    }
}

impl Rest {
    fn is_clean(self) -> bool {
        let Self { before, after, has_ended } = self;
        after.descriptors <= before.descriptors && after.threads <= before.threads && has_ended
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { opened, failed, closed, .. } = self.hostile;
        let [opened, failed, closed] = [opened, failed, closed].map(Grouped);
        writeln!(f, "hostile clients  {opened} connected, {closed} closed by the server, {failed} could not connect")?;
        match &self.resident {
            Some(trend) => writeln!(f, "memory           {trend}")?,
            None => writeln!(f, "memory           too short a time to tell")?,
        }
        let honest = if self.honest.is_clean() { "unharmed" } else { "HARMED" };
        writeln!(f, "honest clients   {honest}:")?;
        for line in self.honest.to_string().lines().filter(|line| !line.is_empty()) {
            writeln!(f, "    {line}")?;
        }
        if let Some(rest) = self.rest {
            let left = if rest.is_clean() { "nothing" } else { "SOMETHING" };
            let Rest { before, after, has_ended } = rest;
            writeln!(
                f,
                "left of them     {left}: {} descriptors, {} before; {} threads, {} before; {} KiB, {} before; it {}",
                Grouped(after.descriptors),
                Grouped(before.descriptors),
                Grouped(after.threads),
                Grouped(before.threads),
                Grouped(after.resident),
                Grouped(before.resident),
                if has_ended { "ended in order" } else { "DID NOT END in order" },
            )?;
        }
        writeln!(f, "verdict          {}", if self.is_good() { "ok" } else { "FAILED" })
    }
}
