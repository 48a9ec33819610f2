//! The simulator finds no fault in the core, and its results can be repeated.

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
