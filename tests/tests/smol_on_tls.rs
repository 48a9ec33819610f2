//! The conformance suite on chat-smol in TLS.

use chat_tests::adapters::SmolOnTls;

chat_tests::conformance!(&SmolOnTls; except {
    pace::pages_pasted_by_many_arrive_whole: "its clients speak no TLS",
    pace::pages_pasted_beside_stopped_readers_arrive_whole: "its clients speak no TLS",
    pace::private_messages_wait_for_a_reader: "its clients speak no TLS",
    pace::stopped_readers_delay_others_once: "its clients speak no TLS",
    pace::an_answer_does_not_wait_for_a_flood: "its clients speak no TLS",
    resources::descriptors_running_out: "a client that waits makes no handshake meanwhile",
});

#[test]
fn nobody_waits_while_passwords_are_checked() {
    chat_tests::conformance::passwords::nobody_waits_while_passwords_are_checked(&SmolOnTls);
}
