//! Framings: how a transport's bytes are cut into lines.

pub(crate) mod lines;
