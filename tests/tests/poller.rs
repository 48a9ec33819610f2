//! The conformance suite on the core's poller example.

use chat_tests::examples::Poller;

chat_tests::conformance!(&Poller);
