//! chat-std against the conformance suite.

use chat_tests::adapters::Std;

chat_tests::conformance!(&Std);

#[test]
fn what_the_system_keeps_is_bounded() {
    chat_tests::conformance::pace::what_the_system_keeps_is_bounded(&Std);
}
