//! chat-smol on Unix sockets against the conformance suite.

use chat_tests::adapters::SmolOnUnix;

chat_tests::conformance!(&SmolOnUnix);
