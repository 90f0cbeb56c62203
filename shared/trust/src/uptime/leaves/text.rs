//! Records of one line a field.

use std::str::{FromStr, Split};

use crate::{
    time::Moment,
    uptime::record::{self, LONGEST},
};

/// Bytes that are no record of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than a record can be.
    #[error("a record has at most {LONGEST} bytes")]
    TooLong,
    /// Not text.
    #[error("a record is ASCII text")]
    NotText,
    /// Another kind of record.
    #[error("the first line of this kind of record is {0}")]
    Kind(&'static str),
    /// A line is missing, can not be read, or contradicts the ones before.
    #[error("the line {0:?} is missing, can not be read, or can not be true")]
    Line(&'static str),
    /// The day in it can not be read.
    #[error(transparent)]
    Day(#[from] record::Malformed),
    /// It says what could be said in one way in another: a leading zero, text after the end.
    #[error("the record is not written the one way there is")]
    NotCanonical,
}

/// Reads a record of a kind from its lines. Takes only what `write` makes of what `read` found.
pub(super) fn decode<T>(
    bytes: &[u8],
    kind: &'static str,
    read: impl FnOnce(&mut Lines<'_>) -> Result<T, Malformed>,
    write: impl FnOnce(&T) -> String,
) -> Result<T, Malformed> {
    if bytes.len() > LONGEST {
        return Err(Malformed::TooLong);
    }
    let text = str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).ok_or(Malformed::NotText)?;
    let mut lines = Lines(text.split('\n'));
    if lines.0.next() != Some(kind) {
        return Err(Malformed::Kind(kind));
    }
    let record = read(&mut lines)?;
    // Everything that parsing is lenient about is caught here.
    (write(&record) == text).then_some(record).ok_or(Malformed::NotCanonical)
}

/// The lines after the first.
pub(super) struct Lines<'a>(Split<'a, char>);

impl<'a> Lines<'a> {
    /// What the next line says, which has to have this name.
    pub(super) fn next(&mut self, name: &'static str) -> Result<&'a str, Malformed> {
        let line = self.0.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.ok_or(Malformed::Line(name))
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<T, Malformed> {
        self.next(name)?.parse().map_err(|_| Malformed::Line(name))
    }

    /// The lines that are left, as they were.
    pub(super) fn rest(&mut self) -> String {
        self.0.by_ref().collect::<Vec<_>>().join("\n")
    }

    pub(super) fn moment(&mut self, name: &'static str) -> Result<Moment, Malformed> {
        Moment::parse(self.next(name)?).map_err(|_| Malformed::Line(name))
    }
}
