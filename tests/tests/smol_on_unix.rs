//! The conformance suite on chat-smol with Unix sockets.

use chat_tests::adapters::SmolOnUnix;

chat_tests::conformance!(&SmolOnUnix);
