//! The keys that the log is signed with.

use std::{fmt, str::FromStr};

use super::text::{Lines, Malformed, decode};
use crate::time::Moment;

/// A public key of the log, as it is written in C2SP `signed-note`: `<origin>+<8 hex digits>+<base64>`. Of
/// this form only; whether it is a key is for who verifies with it to find out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogKey(String);

/// Text that does not have the form of a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is <origin>+<8 hex digits>+<base64>, in ASCII without spaces")]
pub struct InvalidLogKey;

impl LogKey {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose key it is: what stands before the first `+`.
    pub fn origin(&self) -> &str {
        self.0.split('+').next().unwrap_or_default()
    }
}

impl FromStr for LogKey {
    type Err = InvalidLogKey;
    fn from_str(text: &str) -> Result<Self, InvalidLogKey> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or(InvalidLogKey);
        let (origin, id, key) = (part()?, part()?, part()?);
        let is_id = id.len() == 8 && id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        let is_base64 = key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='));
        let is_sound = origin.bytes().all(|c| c.is_ascii_graphic()) && is_id && is_base64;
        is_sound.then(|| Self(text.to_owned())).ok_or(InvalidLogKey)
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The record `key/1`: from when on the log is signed with another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLeaf {
    from: Moment,
    key: LogKey,
    replaces: LogKey,
}

/// Keys that do not take each other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is replaced by another one of the same log")]
pub struct InvalidKeyChange;

impl KeyLeaf {
    /// The kind of these records: the first line of each.
    pub const KIND: &str = "key/1";

    /// The record of a key that takes the place of another of the same log.
    pub fn new(from: Moment, key: LogKey, replaces: LogKey) -> Result<Self, InvalidKeyChange> {
        let is_change = key != replaces && key.origin() == replaces.origin();
        is_change.then_some(Self { from, key, replaces }).ok_or(InvalidKeyChange)
    }

    /// From when on.
    pub fn from(&self) -> Moment {
        self.from
    }

    /// The new key.
    pub fn key(&self) -> &LogKey {
        &self.key
    }

    /// The old one.
    pub fn replaces(&self) -> &LogKey {
        &self.replaces
    }

    /// The record's text, the one there is.
    pub fn encode(&self) -> String {
        format!("{}\nfrom {}\nkey {}\nreplaces {}\n", Self::KIND, self.from, self.key, self.replaces)
    }

    /// Reads a record. Takes only what [`KeyLeaf::encode`] writes, byte for byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        decode(bytes, Self::KIND, Self::read, Self::encode)
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, Malformed> {
        let from = lines.moment("from")?;
        let (key, replaces) = (lines.parsed("key")?, lines.parsed("replaces")?);
        Self::new(from, key, replaces).map_err(|_| Malformed::Line("replaces"))
    }
}
