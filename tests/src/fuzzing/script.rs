//! Scripts: bytes that are read one after another as calls and operands.

/// The rest of a script.
///
/// Every byte string is a script: what is missing at the end reads as zeros and empty lines. Numbers are single
/// characters and text ends with its line, so a mutation in one place does not change how the rest is read.
#[derive(Clone, Debug)]
pub(super) struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// Reads the next character, if there is one.
    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Reads a number from 0 to 7; a digit stands for itself.
    pub(super) fn small(&mut self) -> usize {
        usize::from(self.next().unwrap_or_default() & 7)
    }

    /// Reads a number from 0 to `usize::MAX`: a digit stands for itself, `*` for the largest, anything else for one of
    /// 10, 20, 40 and so on up to 327,680.
    pub(super) fn amount(&mut self) -> usize {
        match self.next().unwrap_or(b'0') {
            digit @ b'0'..=b'9' => usize::from(digit - b'0'),
            b'*' => usize::MAX,
            other => 10 << (other & 15),
        }
    }

    /// Reads up to the end of the line, including the line end if there is one.
    pub(super) fn line(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |end| end + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        line
    }

    /// Reads so many bytes, or what is left.
    pub(super) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(most.min(self.rest.len()));
        self.rest = rest;
        bytes
    }
}

/// Returns the text of a line without its end; what is not UTF-8 is replaced.
pub(super) fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned()
}
