//! chat-smol against the conformance suite.

use chat_tests::adapters::Smol;

chat_tests::conformance!(&Smol);

#[test]
fn what_the_system_keeps_is_bounded() {
    chat_tests::conformance::pace::what_the_system_keeps_is_bounded(&Smol);
}
