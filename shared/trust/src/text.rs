//! Short texts that others give us: bounded, so that no sender decides how large a stored item gets.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

/// A text of 1 to `LONGEST` characters, none of them a control character: those have no place in a feed, a page or an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const LONGEST: usize>(String);

/// What a provider or an offering is called. A card, a page and a summary each hold it, so a longer one would cost all of them.
pub type Name = Text<200>;

/// A website's address. It is shown and linked to, never fetched; longer ones than this few browsers take.
pub type Website = Text<2048>;

/// A text that is empty, too long, or holds a control character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("has 1 to {longest} characters, none of them a control character")]
pub struct InvalidText {
    longest: usize,
}

impl<const LONGEST: usize> Text<LONGEST> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text<100> {
    /// The label of what has no name.
    pub fn nameless() -> Self {
        Self("(no name)".to_owned())
    }
}

impl<const LONGEST: usize> TryFrom<String> for Text<LONGEST> {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        let fits = (1..=LONGEST).contains(&text.chars().count());
        if fits && !text.contains(char::is_control) {
            Ok(Self(text))
        } else {
            Err(InvalidText { longest: LONGEST })
        }
    }
}

impl<const LONGEST: usize> From<Text<LONGEST>> for String {
    fn from(text: Text<LONGEST>) -> String {
        text.0
    }
}

impl<const LONGEST: usize> Deref for Text<LONGEST> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const LONGEST: usize> fmt::Display for Text<LONGEST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_in_characters_and_has_no_control_characters() {
        for good in ["a".to_owned(), "日".repeat(200), "Ünïcode & <b>".to_owned()] {
            assert_eq!(Name::try_from(good.clone()).unwrap().as_str(), good);
        }
        for bad in [String::new(), "日".repeat(201), "a\nb".to_owned(), "a\u{85}".to_owned()] {
            assert!(Name::try_from(bad).is_err());
        }
    }
}
