//! What is logged, and starting the log.

use std::io;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use clap::ValueEnum;
use serde::de::{Deserialize, Deserializer};
use thiserror::Error;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::file_value;
use crate::log_fields::QuotedFields;
use crate::log_output::{LogOutput, LogProgress, MAX_LOG_LINES};
use crate::value::{self, ValueError};

/// Which records are logged, in the syntax of [`EnvFilter`], which has accepted it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for a person: a sentence, and fields as in logfmt.
    #[default]
    Text,
    /// A line with a JSON object.
    Json,
}

/// The log. When this is dropped, what is queued is still written, for as long as that makes progress in time.
pub(crate) struct Log {
    queue: NonBlocking,
    guard: Option<WorkerGuard>,
    progress: LogProgress,
}

/// Starts the log, on standard error.
pub(crate) fn start(filter: &LogFilter, format: LogFormat) -> Log {
    let counter = Arc::new(OnceLock::<ErrorCounter>::new());
    let overflowed = Arc::clone(&counter);
    let output = LogOutput::new(
        io::stderr(),
        move || overflowed.get().map_or(0, ErrorCounter::dropped_lines),
        |lost| tracing::warn!(lost, "log lines were lost: whoever reads the log is too slow"),
    );
    let progress = output.progress();
    let queue = NonBlockingBuilder::default().buffered_lines_limit(MAX_LOG_LINES).thread_name("log");
    let (queue, guard) = queue.finish(output);
    // The only place that sets it.
    let _ = counter.set(queue.error_counter());
    let filter = EnvFilter::new(&filter.0);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(queue.clone()).log_internal_errors(false);
    match format {
        LogFormat::Text => log.fmt_fields(QuotedFields).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Log { queue, guard: Some(guard), progress }
}

impl Log {
    /// Returns a function that tells how many lines were lost so far.
    pub(crate) fn lines_lost(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let (overflowed, progress) = (self.queue.error_counter(), self.progress.clone());
        move || overflowed.dropped_lines().saturating_add(progress.failed())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.progress.end(&mut self.queue, self.guard.take());
    }
}

/// What a log filter lets through, from nothing to everything.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The project's modules; one without a level stands for all its records.
const MODULES: [&str; 3] = ["chat_proto", "chat_smol", "chat_server"];

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".into())
    }
}

/// Parses a filter. Each part is a level or a module, with a level unless it is a module of this project.
///
/// The library takes any word for a module, so a typo would silently log nothing. Filters of spans are left to the
/// library.
impl FromStr for LogFilter {
    type Err = FilterError;

    fn from_str(filter: &str) -> Result<Self, FilterError> {
        let wrong = filter.split(',').find(|part| match part.split_once('=') {
            Some((module, level)) => !is_path(module) || !is_level(level),
            None => !is_level(part) && !is_own_module(part),
        });
        if let (Some(part), false) = (wrong, filter.contains(['[', '{'])) {
            let word =
                part.split_once('=').map_or(part, |(module, level)| if is_path(module) { level } else { module });
            return Err(if word.is_empty() { FilterError::Empty } else { FilterError::Word(word.into()) });
        }
        EnvFilter::try_new(filter).map_err(|error| FilterError::Filter(error.to_string()))?;
        Ok(Self(filter.into()))
    }
}

impl FromStr for LogFormat {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        value::choice(text, "text or json")
    }
}

impl<'de> Deserialize<'de> for LogFormat {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        file_value::from_text(file)
    }
}

impl<'de> Deserialize<'de> for LogFilter {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        file_value::from_text(file)
    }
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

/// Whether it looks like the path of a module of any crate.
fn is_path(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-'))
}

fn is_own_module(word: &str) -> bool {
    is_path(word) && word.split("::").next().is_some_and(|root| MODULES.contains(&root))
}

/// A text that is not a log filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum FilterError {
    /// This word is neither a level nor a module.
    #[error("\"{}\" is none of {}; {FORM}", .0.escape_debug(), LEVELS.join(", "))]
    Word(String),
    /// There is no word where one is needed.
    #[error("a word is missing: it must be one of {}; {FORM}", LEVELS.join(", "))]
    Empty,
    /// The library's own error.
    #[error("{0}; {FORM}")]
    Filter(String),
}

const FORM: &str = "a filter is as in info, or in info,chat_proto=debug";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_in_the_log_filter_is_answered_with_the_valid_words() {
        for (filter, wrong) in [
            ("bogus", "\"bogus\" is none"),
            ("inof", "\"inof\" is none"),
            ("", "a word is missing: it must be one"),
            ("info,", "a word is missing: it must be one"),
            ("3", "\"3\" is none"),
            ("info,chat_prot", "\"chat_prot\" is none"),
            ("chat_proto=loud", "\"loud\" is none"),
            ("chat_proto=", "a word is missing: it must be one"),
            ("=debug", "a word is missing: it must be one"),
            ("info, chat_proto=debug", "\" chat_proto\" is none"),
        ] {
            let right = "off, error, warn, info, debug, trace; a filter is as in info, or in info,chat_proto=debug";
            let error = filter.parse::<LogFilter>().expect_err(filter).to_string();
            assert_eq!(error, format!("{wrong} of {right}"));
        }
    }

    #[test]
    fn levels_modules_and_spans_make_a_filter() {
        for filter in [
            "off",
            "INFO",
            "warn,chat_proto=trace",
            "chat_proto",
            "chat_smol::accept,off",
            "chat_server=debug",
            "polling=warn",
            "chat_proto::hub=debug,error",
            "info,[connection{peer=1}]=debug",
        ] {
            assert_eq!(filter.parse(), Ok(LogFilter(filter.into())), "{filter}");
        }
        assert!(matches!("info,[connection".parse::<LogFilter>(), Err(FilterError::Filter(_))));
    }
}
