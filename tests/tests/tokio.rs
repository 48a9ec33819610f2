//! The conformance suite on the core's tokio example.

use chat_tests::examples::Tokio;

chat_tests::conformance!(&Tokio);
