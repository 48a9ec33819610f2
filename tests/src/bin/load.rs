//! Loads a chat server and measures it; `load --help` says how.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use chat_tests::load::{Invocation, Progress, RunId, compare, parse, run};

fn main() -> ExitCode {
    let options = match parse(env::args_os()).unwrap_or_else(|error| error.exit()) {
        Invocation::Run(options) => options,
        Invocation::Compare(comparison) => {
            return match compare(&comparison, &mut io::stdout()) {
                Ok(is_clean) => {
                    if is_clean {
                        ExitCode::SUCCESS
                    } else {
                        ExitCode::FAILURE
                    }
                }
                Err(error) => {
                    eprintln!("load: {error}");
                    ExitCode::FAILURE
                }
            };
        }
    };
    let id = RunId::new(RandomState::new().hash_one("run"));
    let mut progress = Progress::new(options.quiet);
    let result = run(&options, id, &mut |status| {
        progress.show(status);
        ControlFlow::Continue(())
    });
    progress.end();
    match result {
        Ok(report) => {
            let text = if options.json { format!("{}\n", report.json()) } else { report.to_string() };
            print(&text, if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints; a closed output is ignored.
fn print(text: &str, status: ExitCode) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    status
}
