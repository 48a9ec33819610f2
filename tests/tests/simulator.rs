//! The simulator finds no fault in the core, and its results can be repeated.

use chat_proto::dialect::{Dialect, Text, Update};
use chat_tests::sim::Run;

fn simulate(seed: u64, steps: u64) -> u64 {
    let mut run = Run::new(seed, steps);
    while run.episode().unwrap_or_else(|failure| panic!("{failure}")) {}
    assert_eq!(run.done(), steps);
    run.hash()
}

#[test]
fn core_and_model_agree_for_some_seeds() {
    for seed in 1..=4 {
        simulate(seed, 10_000);
    }
}

#[test]
fn the_same_seed_gives_the_same_hash_and_another_another() {
    // In separate threads, so that a thread's state cannot matter.
    let run = |seed| std::thread::spawn(move || simulate(seed, 10_000)).join().expect("core and model agree");
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

/// A new command is easily forgotten in both.
#[test]
fn the_simulator_and_the_fuzzers_use_every_command_of_text() {
    let mut help = Vec::new();
    Text.encode(&Update::Help { command: "" }, &mut help);
    let help = String::from_utf8(help).expect("text");
    let commands: Vec<&str> = help
        .split_whitespace()
        .filter(|word| word.len() > 1 && word.strip_prefix('/').is_some_and(|word| !word.starts_with('/')))
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for (path, known) in [
        ("tests/src/sim/grammar.rs", include_str!("../src/sim/grammar.rs")),
        ("fuzz/dictionaries/text.dict", include_str!("../../fuzz/dictionaries/text.dict")),
    ] {
        for command in &commands {
            let is_known = [' ', '"', '\\'].iter().any(|end| known.contains(&format!("\"{command}{end}")));
            assert!(is_known, "{path} has no {command}");
        }
    }
}
