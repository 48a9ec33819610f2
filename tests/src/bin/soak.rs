//! Runs hostile clients against a chat server and watches the server; `soak --help` says how.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use chat_tests::soak::{Invocation, parse, run, serve};

fn main() -> ExitCode {
    let result = match parse(env::args_os()).unwrap_or_else(|error| error.exit()) {
        Invocation::Serve { adapter, clients } => {
            serve(adapter, clients).map(|()| true).map_err(|error| error.to_string())
        }
        Invocation::Run(options) => match run(&options, &mut io::stdout()) {
            Ok(verdict) => {
                // A reader that is gone does not change the exit status.
                let _ = write!(io::stdout(), "\n{verdict}");
                Ok(verdict.is_good())
            }
            Err(error) => Err(error.to_string()),
        },
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}
