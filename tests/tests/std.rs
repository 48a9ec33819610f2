//! chat-std against the conformance suite.

use chat_tests::adapters::Std;

chat_tests::conformance!(&Std);
