//! Measures how the core's costs grow, and draws a chart: `growth measure`, `growth rooms`, `growth
//! plot`.

use std::io::{self, Read};
use std::process::ExitCode;
use std::time::Duration;

use chat_tests::growth::{Effort, Table, compare_rooms, draw, measure};
use clap::Parser;

/// Measures how the chat core's costs grow with sessions, message size, senders and rooms
#[derive(Parser)]
enum Task {
    /// Measure, on one thread of an otherwise quiet machine, and print a table; 96 figures
    Measure {
        /// Milliseconds for each figure
        #[arg(long, value_name = "N", default_value_t = 500)]
        millis: u64,
    },
    /// Compare one message outstanding in each of 1,000 rooms of ten members with the same in one such room
    Rooms {
        /// Milliseconds for both
        #[arg(long, value_name = "N", default_value_t = 5_000)]
        millis: u64,
    },
    /// Read a table from standard input and draw it as SVG
    Plot,
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Measure { millis } => {
            print!("{}", measure(Effort { each: Duration::from_millis(millis) }, |row| eprintln!("{row}")));
            Ok(())
        }
        Task::Rooms { millis } => {
            println!("{}", compare_rooms(Effort { each: Duration::from_millis(millis / 2) }));
            Ok(())
        }
        Task::Plot => plot(),
    };
    result.map_or_else(
        |error| {
            eprintln!("growth: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn plot() -> Result<(), String> {
    let mut table = String::new();
    io::stdin().read_to_string(&mut table).map_err(|error| format!("cannot read the table: {error}"))?;
    print!("{}", draw(&table.parse::<Table>()?)?);
    Ok(())
}
