//! Replays the committed corpus of every fuzz target with the toolchain of the tests.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use chat_proto::conversation::Entry;
use chat_tests::fuzzing::TARGETS;

/// Returns the inputs of a target, in the same order everywhere.
fn inputs(target: &str) -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.expect("the directory can be read").path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", corpus.display());
    inputs
}

#[test]
fn every_input_is_played_without_fault() {
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        for input in inputs(name) {
            let data = fs::read(&input).expect("an input can be read");
            if catch_unwind(|| target(&data)).is_err() {
                failed.push(input);
            }
        }
    }
    assert!(failed.is_empty(), "these inputs break a rule: {failed:#?}");
}

/// A fuzzer tries the empty input first.
#[test]
fn an_empty_input_is_played_without_fault() {
    for (_, target) in TARGETS {
        target(b"");
    }
}

/// An input of an earlier version would be played as nothing.
#[test]
fn inputs_of_entries_are_of_this_version_unless_their_names_say_otherwise() {
    const BROKEN: [&str; 3] = ["another-version", "cut", "not-the-shortest-number"];
    for input in inputs("entries") {
        let data = fs::read(&input).expect("an input can be read");
        let mut rest = &data[..];
        while let Ok((_, following)) = Entry::decode(rest) {
            rest = following;
        }
        let is_broken = BROKEN.iter().any(|name| input.ends_with(name));
        assert_eq!(rest.is_empty(), !is_broken, "{}", input.display());
    }
}
