//! A key of the configuration file and its value, as written there.

use std::fmt;
use std::ops::Range;

/// A key and its value, as written in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(super) key: String,
    /// The key in the table `key`: a dialect, or a key of a table such as `[irc]`.
    pub(super) subkey: Option<String>,
    /// The name in the table, if there may be several such tables, as `[[room]]`.
    pub(super) name: Option<String>,
    pub(super) value: String,
    pub(super) line: usize,
    pub(super) span: Range<usize>,
    /// The value is not shown.
    pub(super) is_secret: bool,
}

impl Entry {
    /// Records that its value is at `span`.
    pub(super) fn at(self, text: &str, span: Range<usize>) -> Self {
        let value = if self.is_secret { String::new() } else { excerpt(text, span.clone()) };
        Self { value, line: line_of(text.as_bytes(), span.start), span, ..self }
    }
}

/// Returns the text at `span`, cut to what fits in a message.
pub(super) fn excerpt(text: &str, span: Range<usize>) -> String {
    const LONGEST: usize = 60;
    let line = text.get(span).and_then(|text| text.lines().next()).unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.into(),
    }
}

/// Returns the number of the line in which a byte is.
pub(super) fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, subkey, value, line, name: _, span: _, is_secret: _ } = self;
        write!(f, "line {line}: {key}")?;
        if let Some(subkey) = subkey {
            write!(f, ".{subkey}")?;
        }
        if value.is_empty() { Ok(()) } else { write!(f, " = {value}") }
    }
}
