//! The four repairs that mend what the script is known to send broken. Each is one pass over the text, outside of strings.
//!
//! 1. Control characters become spaces: a line break within a CPU's name.
//! 2. `"iperf":]` becomes `"iperf":[]`: a machine without any network.
//! 3. A key without a value gets `null`: `"disk":,`.
//! 4. Commas before a closing bracket go.

/// The text after all four.
pub(super) fn mend(body: &[u8]) -> String {
    let text: String =
        String::from_utf8_lossy(body).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut mended = String::with_capacity(text.len() + 64);
    let mut strings = InString::default();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let outside = !strings.is_in();
        strings.take(c);
        rest = &rest[c.len_utf8()..];
        // Looked for only where it matters: a body of nothing but blanks would cost their square.
        let next = if outside && matches!(c, ':' | ',') { rest.trim_start().chars().next() } else { None };
        match c {
            ':' if next == Some(']') && mended.trim_end().ends_with("\"iperf\"") => mended.push_str(":["),
            ':' if matches!(next, Some(',' | '}' | ']')) => mended.push_str(":null"),
            ',' if matches!(next, Some('}' | ']')) => {}
            c => mended.push(c),
        }
    }
    mended
}

/// Whether one is within a string, character by character.
#[derive(Default)]
enum InString {
    #[default]
    Outside,
    Inside,
    Escaped,
}

impl InString {
    fn is_in(&self) -> bool {
        !matches!(self, Self::Outside)
    }

    fn take(&mut self, c: char) {
        *self = match (&self, c) {
            (Self::Outside, '"') | (Self::Escaped, _) => Self::Inside,
            (Self::Inside, '\\') => Self::Escaped,
            (Self::Inside, '"') | (Self::Outside, _) => Self::Outside,
            (Self::Inside, _) => Self::Inside,
        };
    }
}
