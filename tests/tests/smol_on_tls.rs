//! The conformance suite on chat-smol in TLS.

use chat_tests::adapters::SmolOnTls;

chat_tests::conformance!(&SmolOnTls; except {
    deadlines::many_deadlines_at_once: "the time of a hundred handshakes would count",
    resources::descriptors_running_out: "a client that waits makes no handshake meanwhile",
});

#[test]
fn nobody_waits_while_passwords_are_checked() {
    chat_tests::conformance::passwords::nobody_waits_while_passwords_are_checked(&SmolOnTls);
}
