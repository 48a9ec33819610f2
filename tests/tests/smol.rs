//! The conformance suite on chat-smol.

use chat_tests::adapters::Smol;

chat_tests::conformance!(&Smol);

#[test]
fn the_systems_buffers_are_bounded() {
    chat_tests::conformance::pace::the_systems_buffers_are_bounded(&Smol);
}

#[test]
fn nobody_waits_while_passwords_are_checked() {
    chat_tests::conformance::passwords::nobody_waits_while_passwords_are_checked(&Smol);
}
