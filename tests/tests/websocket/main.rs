//! WebSocket in the core: beside `tungstenite`, beside a hub whose sessions have lines, and what it costs in memory.

mod beside_lines;
mod beside_tungstenite;
mod memory;

use chat_proto::Timestamp;

const NOW: Timestamp = Timestamp::ZERO;
