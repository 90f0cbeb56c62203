//! What came of reading a page: facts, or that it was not recognised.
//!
//! A parser never guesses. A page it does not know is [`ParseOutcome::Unrecognised`], with a [`Fingerprint`] of its shape, so that an
//! operator sees whether a hundred pages changed in one way or in a hundred. How much of what could be there was found is counted
//! ([`Recognition`]): a share that falls from one run to the next is a site that has changed under a parser that still finds something.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What came of reading a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseOutcome<Facts> {
    /// The page is of a kind the parser knows.
    Recognised {
        /// What it says.
        facts: Facts,
        /// How much of what such a page could say was found.
        recognition: Recognition,
    },
    /// It is not, and nothing is taken from it.
    Unrecognised {
        /// What it looks like.
        fingerprint: Fingerprint,
        /// In which way it is not.
        why: Unrecognised,
    },
}

impl<Facts> ParseOutcome<Facts> {
    /// The same outcome about other facts.
    pub fn map<Other>(self, of: impl FnOnce(Facts) -> Other) -> ParseOutcome<Other> {
        match self {
            Self::Recognised { facts, recognition } => {
                ParseOutcome::Recognised { facts: of(facts), recognition }
            }
            Self::Unrecognised { fingerprint, why } => ParseOutcome::Unrecognised { fingerprint, why },
        }
    }

    /// The facts, if there are some.
    pub fn facts(self) -> Option<Facts> {
        match self {
            Self::Recognised { facts, .. } => Some(facts),
            Self::Unrecognised { .. } => None,
        }
    }
}

/// In which way a page is not recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unrecognised {
    /// Whole and readable, but with none of what the parser looks for.
    Layout,
    /// It ends before it is complete, or is empty.
    Truncated,
    /// It asks whether we are human, or to sign in. Asking again at once would be rude.
    Challenge,
    /// It is not in the format at all: no JSON, no XML, not text.
    Format,
    /// Larger, deeper or longer than anything the parser works through.
    TooLarge,
}

/// How much of what a page could say was found: fields, or rows of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognition {
    /// How much was found.
    pub found: u32,
    /// Out of how much that such a page may have. Not less than `found`.
    pub of: u32,
}

impl Recognition {
    /// So much of so much; never more than all.
    pub fn new(found: u32, of: u32) -> Self {
        Self { found, of: of.max(found) }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { found: self.found.saturating_add(other.found), of: self.of.saturating_add(other.of) }
    }

    /// The share found, in basis points (0 to 10,000), rounded down; `None` of nothing.
    pub fn basis_points(self) -> Option<u16> {
        let share = (u64::from(self.found) * 10_000).checked_div(u64::from(self.of))?;
        u16::try_from(share).ok()
    }
}

/// A value together with the text it was read from, so that anybody can see what a parser made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading<T> {
    /// What it means.
    pub value: T,
    /// How it stands on the page.
    pub raw: String,
}

/// What a page looks like, without what it says: equal for pages of one shape. 16 hexadecimal digits when written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(u64);

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 16 hexadecimal digits in lower case")]
pub struct InvalidFingerprint;

impl Fingerprint {
    /// The fingerprint of a shape, given part by part: names of elements, labels, keys. The same parts give the same fingerprint on
    /// every machine; parts that are cut differently give another one.
    pub fn of<Part: AsRef<[u8]>>(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            let part = part.as_ref();
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut first = [0; 8];
        for (byte, of_hash) in first.iter_mut().zip(hash.finalize()) {
            *byte = of_hash;
        }
        Self(u64::from_be_bytes(first))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(is_digit) {
            return Err(InvalidFingerprint);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| InvalidFingerprint)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = InvalidFingerprint;

    fn try_from(text: String) -> Result<Self, InvalidFingerprint> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shapes_have_one_fingerprint_and_others_another() {
        let of = |parts: &[&str]| Fingerprint::of(parts).to_string();
        assert_eq!(of(&["table", "tr"]), of(&["table", "tr"]));
        assert_ne!(of(&["table", "tr"]), of(&["tr", "table"]));
        assert_ne!(of(&["table", "tr"]), of(&["tabletr"]));
        // The first bytes of SHA-256 of nothing (FIPS 180-4).
        assert_eq!(of(&[]), "e3b0c44298fc1c14");
    }

    #[test]
    fn a_fingerprint_reads_back_as_it_is_written_and_nothing_else_does() {
        let fingerprint = Fingerprint::of(["dl", "dt", "dd"]);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert_eq!("00000000000000ff".parse(), Ok(Fingerprint(255)));
        for bad in ["", "ff", "00000000000000FF", "+0000000000000ff", "00000000000000ff0"] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(InvalidFingerprint), "{bad}");
        }
    }

    #[test]
    fn recognition_is_a_share_that_never_exceeds_all() {
        for (found, of, share) in
            [(0, 0, None), (0, 5, Some(0)), (1, 3, Some(3_333)), (3, 3, Some(10_000)), (4, 3, Some(10_000))]
        {
            assert_eq!(Recognition::new(found, of).basis_points(), share, "{found} of {of}");
        }
        assert_eq!(Recognition::new(1, 2).and(Recognition::new(2, 2)), Recognition::new(3, 4));
    }
}
