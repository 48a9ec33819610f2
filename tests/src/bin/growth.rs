//! Measures how the core's costs grow, and draws it: `growth measure`, `growth plot`.

use std::io::{self, Read};
use std::process::ExitCode;
use std::time::Duration;

use chat_tests::growth::{Effort, Table, draw, measure};
use lexopt::prelude::*;

const HELP: &str = "\
Measures how the chat core's costs grow with sessions, message size and senders.

  growth measure [--millis N] > TABLE
               measure, on one thread of an otherwise quiet machine, and print
               a table; N milliseconds for each of 75 figures [500]
  growth plot < TABLE > SVG
               draw a table
";

enum Task {
    Measure(Effort),
    Plot,
    Help,
}

fn main() -> ExitCode {
    let result = match task() {
        Ok(Task::Measure(effort)) => {
            print!("{}", measure(effort, |row| eprintln!("{row}")));
            Ok(())
        }
        Ok(Task::Plot) => plot(),
        Ok(Task::Help) => {
            print!("{HELP}");
            Ok(())
        }
        Err(error) => {
            eprintln!("growth: {error}; --help tells what there is");
            return ExitCode::from(2);
        }
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

fn task() -> Result<Task, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let mut task = None;
    while let Some(argument) = parser.next()? {
        match (argument, &mut task) {
            (Value(name), None) if name == "measure" => {
                task = Some(Task::Measure(Effort { each: Duration::from_millis(500) }));
            }
            (Value(name), None) if name == "plot" => task = Some(Task::Plot),
            (Long("millis"), Some(Task::Measure(effort))) => {
                effort.each = Duration::from_millis(parser.value()?.parse()?);
            }
            (Long("help") | Short('h'), _) => return Ok(Task::Help),
            (argument, _) => return Err(argument.unexpected()),
        }
    }
    task.ok_or_else(|| "`measure` or `plot`?".into())
}
