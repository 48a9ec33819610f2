//! The core's example with a poller against the conformance suite.

use chat_tests::examples::Poller;

chat_tests::conformance!(&Poller);
