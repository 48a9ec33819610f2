//! The measurements, as a file of columns separated by tabs.
//!
//! Read and written here, because libraries for such files do not keep the notes before the columns.

use std::fmt;
use std::str::FromStr;

/// What is made larger while everything else stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// How many sessions there are.
    Sessions,
    /// How many bytes a message has.
    Bytes,
    /// How many of the sessions speak.
    Senders,
    /// How many rooms of ten members there are, in each of which one speaks.
    Rooms,
}

impl Sweep {
    /// All sweeps, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Sessions, Self::Bytes, Self::Senders, Self::Rooms];

    /// Returns its name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Bytes => "bytes",
            Self::Senders => "senders",
            Self::Rooms => "rooms",
        }
    }
}

/// Costs in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Publishing a line.
    pub say: f64,
    /// Delivering one line to a reader for whom nothing else is pending.
    pub alone: f64,
    /// Delivering one line to a reader together with a hundred others.
    pub among_100: f64,
}

/// The costs at one position of a sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The sweep.
    pub sweep: Sweep,
    /// The position: the swept number.
    pub at: u32,
    /// The costs.
    pub figures: Figures,
}

/// Measurements, and where they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Further notes, a line each: when, on which machine.
    pub notes: Vec<String>,
    /// The measurements.
    pub rows: Vec<Row>,
}

impl Table {
    /// Returns the rows of a sweep.
    pub fn sweep(&self, sweep: Sweep) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.sweep == sweep)
    }
}

const HEADER: &str = "sweep\tat\tsay_ns\talone_ns\tamong_100_ns";

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(f, "# {note}")?;
        }
        writeln!(f, "{HEADER}")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sweep, at, figures: Figures { say, alone, among_100 } } = self;
        write!(f, "{}\t{at}\t{say:.2}\t{alone:.2}\t{among_100:.2}", sweep.name())
    }
}

impl FromStr for Table {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut table = Self::default();
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
        for (_, line) in lines.by_ref() {
            match line.strip_prefix("# ") {
                Some(note) => table.notes.push(note.to_owned()),
                None if line == HEADER => break,
                None => return Err(format!("expected the columns `{HEADER}`, got `{line}`")),
            }
        }
        for (i, line) in lines {
            table.rows.push(row(line).ok_or_else(|| format!("line {} is no row: `{line}`", i + 1))?);
        }
        Ok(table)
    }
}

fn row(line: &str) -> Option<Row> {
    let mut columns = line.split('\t');
    let name = columns.next()?;
    let sweep = Sweep::ALL.into_iter().find(|sweep| sweep.name() == name)?;
    let at = columns.next()?.parse().ok().filter(|at| *at > 0)?;
    // A number without a logarithm cannot be drawn.
    let mut figure = || columns.next()?.parse::<f64>().ok().filter(|figure| figure.is_normal() && *figure > 0.0);
    let figures = Figures { say: figure()?, alone: figure()?, among_100: figure()? };
    columns.next().is_none().then_some(Row { sweep, at, figures })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_table_can_be_read() {
        let row = |sweep, at| Row { sweep, at, figures: Figures { say: 120.5, alone: 40.25, among_100: 0.75 } };
        let rows = vec![row(Sweep::Sessions, 10), row(Sweep::Bytes, 4_096), row(Sweep::Senders, 1)];
        let table = Table { notes: vec!["on a machine".into()], rows };
        assert_eq!(table.to_string().parse(), Ok(table));
    }

    #[test]
    fn an_invalid_table_is_refused() {
        let with = |row: &str| format!("{HEADER}\n{row}\n").parse::<Table>();
        assert_eq!(with("sessions\t10\t1\t1\t1").map(|table| table.rows.len()), Ok(1));
        for row in ["places\t10\t1\t1\t1", "sessions\t0\t1\t1\t1", "sessions\t10\t1\t0\t1", "sessions\t10\t1\t1"] {
            assert!(with(row).is_err(), "{row}");
        }
        assert!("sessions\t10\t1\t1\t1".parse::<Table>().is_err());
    }
}
