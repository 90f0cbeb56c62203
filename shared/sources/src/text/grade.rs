//! Letter grades.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Doubt, absence};

/// A letter grade, `A+` (best) to `F`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grade {
    /// The letter.
    pub letter: Letter,
    /// What stands behind it.
    pub nuance: Nuance,
}

/// The letters of a grade, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "they are the letters")]
pub enum Letter {
    A,
    B,
    C,
    D,
    E,
    F,
}

/// What stands behind a letter, best first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nuance {
    /// `+`
    Plus,
    /// Nothing.
    #[default]
    Plain,
    /// `-`
    Minus,
}

impl FromStr for Grade {
    type Err = Doubt;

    /// A capital `A` to `F`, with or without `+` or `-`. A small letter is a word.
    fn from_str(text: &str) -> Result<Self, Doubt> {
        let text = text.trim();
        if let Some(absence) = absence(text) {
            return Err(absence);
        }
        let mut characters = text.chars();
        let letter = match characters.next() {
            Some('A') => Letter::A,
            Some('B') => Letter::B,
            Some('C') => Letter::C,
            Some('D') => Letter::D,
            Some('E') => Letter::E,
            Some('F') => Letter::F,
            _ => return Err(Doubt::Unreadable),
        };
        let nuance = match characters.as_str() {
            "" => Nuance::Plain,
            "+" => Nuance::Plus,
            "-" | "\u{2212}" => Nuance::Minus,
            _ => return Err(Doubt::Unreadable),
        };
        Ok(Self { letter, nuance })
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nuance = match self.nuance {
            Nuance::Plus => "+",
            Nuance::Plain => "",
            Nuance::Minus => "-",
        };
        write!(f, "{:?}{nuance}", self.letter)
    }
}

impl TryFrom<String> for Grade {
    type Error = InvalidGrade;
    fn try_from(text: String) -> Result<Self, InvalidGrade> {
        text.parse().map_err(|_| InvalidGrade)
    }
}

impl From<Grade> for String {
    fn from(grade: Grade) -> String {
        grade.to_string()
    }
}

/// A text that is no letter grade.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a grade is a letter from A to F, with + or - behind it or not")]
pub struct InvalidGrade;
