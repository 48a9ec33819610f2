//! What is logged: words that a log filter would take for modules, and that are slips.

use alloc::format;
use alloc::string::String;

use super::{Program, UsageError};

/// What a log filter lets through, from nothing to everything.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Modules of the project, which may stand without a level for all that they log.
const MODULES: [&str; 3] = ["chat_proto", "chat_smol", "chat_std"];

/// Returns the filter if each of its parts is a level or a module of this program, with a level or without.
///
/// A filter takes any word for a module: with a slip in it, it would silently log nothing. What is about spans is left to
/// the one who reads the filter.
pub(super) fn check(program: &Program, filter: String) -> Result<String, UsageError> {
    if filter.contains(['[', '{']) {
        return Ok(filter);
    }
    let is_wrong = |part: &&str| match part.split_once('=') {
        Some((module, level)) => !is_path(module) || !is_level(level),
        None => !is_level(part) && !is_own_module(program, part),
    };
    match filter.split(',').find(is_wrong) {
        None => Ok(filter),
        Some(part) => {
            let part =
                part.split_once('=').map_or(part, |(module, level)| if is_path(module) { level } else { module });
            let expected = format!(
                "{} is none of {}; a filter is as in info, or in info,chat_proto=debug",
                if part.is_empty() { String::from("nothing") } else { format!("\"{}\"", part.escape_debug()) },
                LEVELS.join(", ")
            );
            Err(UsageError::Value { option: "log", value: filter, expected })
        }
    }
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

/// Whether it looks like the path of a module, in whatever library.
fn is_path(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-'))
}

fn is_own_module(program: &Program, word: &str) -> bool {
    let root = word.split("::").next().unwrap_or_default();
    is_path(word) && (MODULES.contains(&root) || root == program.name.replace('-', "_"))
}
