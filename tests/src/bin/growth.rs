//! Measures how the core's costs grow, and draws a chart: `growth measure`, `growth plot`.

use std::io::{self, Read};
use std::process::ExitCode;
use std::time::Duration;

use chat_tests::growth::{Effort, Table, draw, measure};
use clap::Parser;

/// Measures how the chat core's costs grow with sessions, message size and senders
#[derive(Parser)]
enum Task {
    /// Measure, on one thread of an otherwise quiet machine, and print a table; 75 figures
    Measure {
        /// Milliseconds for each figure
        #[arg(long, value_name = "N", default_value_t = 500)]
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
