//! chat-smol against the conformance suite.

use chat_tests::adapters::Smol;

chat_tests::conformance!(&Smol);
