//! Lines for clients: how they are written, and what each reader is shown of them.

/// The most bytes of a line without its line end.
const MAX_LINE: usize = 510;

/// A line that is being written.
#[derive(Clone, Debug)]
pub(super) struct Line(String);

impl Line {
    /// Begins a line with its source, or with its command.
    pub(super) fn begin(start: impl Into<String>) -> Self {
        Self(start.into())
    }

    /// Appends a parameter that has to be one word; what is none becomes `*`.
    pub(super) fn word(self, word: &str) -> Self {
        let is_word = !word.is_empty() && !word.starts_with(':') && !word.contains([' ', '\r', '\n', '\0']);
        self.plain(if is_word { word } else { "*" })
    }

    /// Appends a word as it is.
    pub(super) fn plain(mut self, word: &str) -> Self {
        self.0 += " ";
        self.0 += word;
        self
    }

    pub(super) fn channel(self, room: &str) -> Self {
        if room.contains(' ') { self.plain("*") } else { self.plain(&format!("#{room}")) }
    }

    pub(super) fn number(self, number: u64) -> Self {
        self.plain(&number.to_string())
    }

    /// Appends the last parameter.
    pub(super) fn trailing(mut self, words: &str) -> Self {
        self.0 += " :";
        self.0 += words;
        self
    }

    /// Returns how many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Ends the line, which is cut if it is too long.
    pub(super) fn end(mut self) -> String {
        if self.0.len() > MAX_LINE {
            self.0.truncate(super::super::requests::cut(&self.0, MAX_LINE).len());
        }
        self.0 += "\r\n";
        self.0
    }
}

/// Lines that belong together, with what stands before them for some readers.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct Block {
    /// Only who has this capability is shown them, and who has not the other.
    pub(super) to: Option<&'static str>,
    pub(super) unless: Option<&'static str>,
    pub(super) time: String,
    /// What clients know a message by.
    pub(super) id: String,
    /// Tags of its author's.
    pub(super) client: String,
    pub(super) lines: String,
}

/// What a reader has asked for.
pub(super) type Caps = Vec<&'static str>;

impl Block {
    /// Returns how many bytes the log needs for it: its text, the time, and 9 bytes for lengths and capabilities.
    pub(in crate::model) fn kept_len(&self) -> usize {
        9 + self.time.len() + self.id.len() + self.client.len() + self.lines.len()
    }

    pub(in crate::model) fn is_for(&self, caps: &Caps) -> bool {
        self.to.is_none_or(|cap| caps.contains(&cap)) && !self.unless.is_some_and(|cap| caps.contains(&cap))
    }

    /// Appends what a reader is shown.
    pub(in crate::model) fn show(&self, caps: &Caps, out: &mut Vec<u8>) {
        if !self.is_for(caps) {
            return;
        }
        let has_time = caps.contains(&"server-time");
        for (index, line) in self.lines.split_inclusive('\n').enumerate() {
            let mut tags = Vec::new();
            if has_time {
                tags.push(format!("time={}", self.time));
            }
            if index == 0 && caps.contains(&"message-tags") {
                if !self.id.is_empty() {
                    tags.push(format!("msgid={}", self.id));
                }
                if !self.client.is_empty() {
                    tags.push(self.client.clone());
                }
            }
            if !tags.is_empty() {
                out.extend_from_slice(format!("@{} ", tags.join(";")).as_bytes());
            }
            out.extend_from_slice(line.as_bytes());
        }
    }
}

/// Puts a tag before each line, but not a second batch.
pub(super) fn tag_lines(lines: &[u8], tag: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"@") {
            Some(tagged) if tagged.starts_with(b"batch=") && tag.starts_with("batch=") => out.push(b'@'),
            Some(_) => out.extend_from_slice(format!("@{tag};").as_bytes()),
            None => out.extend_from_slice(format!("@{tag} ").as_bytes()),
        }
        out.extend_from_slice(line.strip_prefix(b"@").unwrap_or(line));
    }
    out
}
