//! Just enough JSON to write a report.

use std::fmt::{Display, Write as _};

/// An object in the making.
#[derive(Debug, Default)]
pub(super) struct Object {
    fields: String,
}

impl Object {
    /// Begins without fields.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a field whose value is written as it is: a number, a truth value, another object.
    pub(super) fn with(mut self, name: &str, value: impl Display) -> Self {
        let comma = if self.fields.is_empty() { "" } else { ", " };
        // Writing to memory does not fail.
        let _ = write!(self.fields, "{comma}{}: {value}", text(name));
        self
    }

    /// Adds a number with decimals, or null if it is none that JSON knows.
    pub(super) fn with_float(self, name: &str, value: f64, decimals: usize) -> Self {
        if value.is_finite() { self.with(name, format_args!("{value:.decimals$}")) } else { self.with(name, "null") }
    }

    /// Returns the object.
    pub(super) fn end(self) -> String {
        format!("{{{}}}", self.fields)
    }
}

/// Returns an array of values written as they are.
pub(super) fn array(values: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", values.into_iter().collect::<Vec<_>>().join(", "))
}

/// Returns a string.
pub(super) fn text(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_nested_and_strings_escaped() {
        let inner = Object::new().with("a \"b\"\n", 1).with_float("ratio", 0.5, 3).with_float("nothing", f64::NAN, 3);
        let outer = Object::new().with("inner", inner.end()).with("list", array([text("\\"), "true".into()]));
        assert_eq!(
            outer.end(),
            r#"{"inner": {"a \"b\"\u000a": 1, "ratio": 0.500, "nothing": null}, "list": ["\\", true]}"#
        );
        assert_eq!(Object::new().end(), "{}");
    }
}
