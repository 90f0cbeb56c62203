//! What came of reading a page: facts, or that it was not recognised.
//!
//! A parser never guesses. A page it does not know is [`ParseOutcome::Unrecognised`], with a [`Fingerprint`] of its shape, so that an
//! operator sees whether a hundred pages changed in one way or in a hundred. How much of what could be there was found is counted
//! ([`Recognition`]): a share that falls from one run to the next is a site that has changed under a parser that still finds something.

use serde::{Deserialize, Serialize};

pub use trust::source::recognition::{Fingerprint, InvalidFingerprint, Recognition, Unrecognised};

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

/// A value together with the text it was read from, so that anybody can see what a parser made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading<T> {
    /// What it means.
    pub value: T,
    /// How it stands on the page.
    pub raw: String,
}
