//! Writes the fields of a log record for a person who may want to take them apart: `name=value`, as in logfmt.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing_subscriber::field::{MakeVisitor, VisitFmt, VisitOutput};
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};

/// The library's own form of fields, but that every value is one word or quoted.
///
/// The library quotes text, and writes whatever else can be displayed as it is: `reason=server shutting down`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotedFields;

/// Writes the fields of one record.
#[derive(Debug)]
pub(crate) struct QuotedVisitor<'a>(DefaultVisitor<'a>);

impl<'a> MakeVisitor<Writer<'a>> for QuotedFields {
    type Visitor = QuotedVisitor<'a>;

    fn make_visitor(&self, writer: Writer<'a>) -> QuotedVisitor<'a> {
        QuotedVisitor(DefaultVisitor::new(writer, true))
    }
}

impl Visit for QuotedVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.record_str(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            return self.0.record_debug(field, value);
        }
        let text = format!("{value:?}");
        if is_word(&text) {
            self.0.record_debug(field, &format_args!("{text}"));
        } else {
            // Quoted and escaped, as text.
            self.0.record_str(field, &text);
        }
    }
}

/// Whether a value can stand without quotes.
fn is_word(value: &str) -> bool {
    !value.is_empty() && !value.contains([' ', '=']) && value.escape_debug().eq(value.chars())
}

impl VisitOutput<fmt::Result> for QuotedVisitor<'_> {
    fn finish(self) -> fmt::Result {
        self.0.finish()
    }
}

impl VisitFmt for QuotedVisitor<'_> {
    fn writer(&mut self) -> &mut dyn fmt::Write {
        self.0.writer()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Logs a record, and returns its line after the name of this module.
    fn logged(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().fmt_fields(QuotedFields).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, log);
        let line = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("UTF-8");
        line.split_once("tests: ").expect("a record").1.trim_end().to_owned()
    }

    #[test]
    fn a_value_that_is_no_single_word_is_quoted() {
        for (value, written) in [
            ("12.3", "12.3"),
            ("[::1]:4000", "[::1]:4000"),
            ("server shutting down", r#""server shutting down""#),
            ("a=b", r#""a=b""#),
            ("", r#""""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r#"""#, r#""\"""#),
            (r"C:\chat", r#""C:\\chat""#),
            ("two\nlines", r#""two\nlines""#),
            ("\x1b[31m", r#""\u{1b}[31m""#),
            ("\u{a0}", r#""\u{a0}""#),
            ("grün", "grün"),
        ] {
            let line = logged(|| tracing::info!(before = 1, %value, after = 2, "something happened"));
            assert_eq!(line, format!("something happened before=1 value={written} after=2"));
        }
    }

    #[test]
    fn text_is_quoted_in_any_case_and_the_message_never() {
        let name = "alice";
        assert_eq!(logged(|| tracing::info!(name, "a = \"b\"")), "a = \"b\" name=\"alice\"");
    }
}
