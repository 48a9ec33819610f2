//! The conformance suite on chat-smol with Unix sockets.

use std::env;
use std::process::Command;

use chat_tests::adapters::SmolOnUnix;

chat_tests::conformance!(&SmolOnUnix; except {
    pace::a_reset_is_noticed_while_input_is_left_untaken: "a Unix socket has no reset",
});

#[test]
fn a_case_that_is_left_out_is_named_in_the_output_with_the_reason() {
    let case = "pace::a_reset_is_noticed_while_input_is_left_untaken";
    let harness = env::current_exe().expect("a test knows its own file");
    let output = Command::new(harness).args([case, "--exact"]).output().expect("a test can be started again");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains(&format!("test {case} ... ignored, a Unix socket has no reset\n")), "{told}");
}
