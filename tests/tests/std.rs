//! The conformance suite on chat-std.

use chat_tests::adapters::Std;

chat_tests::conformance!(&Std);

#[test]
fn the_systems_buffers_are_bounded() {
    chat_tests::conformance::pace::the_systems_buffers_are_bounded(&Std);
}

#[test]
fn nobody_waits_while_passwords_are_checked() {
    chat_tests::conformance::passwords::nobody_waits_while_passwords_are_checked(&Std);
}
