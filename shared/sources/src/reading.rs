//! What a page means, by the parser that the configuration names for it.
//!
//! A parser is a plain function over bytes. One that is added gets a [`Reader`] and a kind of [`Facts`]; fetching, politeness and
//! storage know nothing of either.

use serde::{Deserialize, Serialize};

use crate::{
    outcome::ParseOutcome,
    rates::{self, Rates},
};

/// A parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// Frankfurter's rates of a day.
    FrankfurterRates,
}

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Facts {
    /// Exchange rates of a day.
    Rates(Rates),
}

impl Reader {
    /// Its version. A change that makes it understand other things is a new one: pages are then read anew though they have not changed.
    pub fn version(self) -> u16 {
        match self {
            Self::FrankfurterRates => 1,
        }
    }

    /// Reads a page. Total: any bytes give an outcome.
    pub fn read(self, bytes: &[u8]) -> ParseOutcome<Facts> {
        match self {
            Self::FrankfurterRates => rates::frankfurter(bytes).map(Facts::Rates),
        }
    }
}
