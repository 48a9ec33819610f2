//! The core's example on tokio against the conformance suite.

use chat_tests::examples::Tokio;

chat_tests::conformance!(&Tokio);
