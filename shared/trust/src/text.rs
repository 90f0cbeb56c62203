//! Short texts that others give us: bounded, so that no sender decides how large a stored item gets.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

/// A text of 1 to `LONGEST` characters, none of them a control or format character: those have no place in a feed, a page or an image, and what
/// turns the direction of writing or is not seen lets a name look like another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const LONGEST: usize>(String);

/// What a provider or an offering is called. A card, a page and a summary each hold it, so a longer one would cost all of them.
pub type Name = Text<200>;

/// A website's address. It is shown and linked to, never fetched; longer ones than this few browsers take.
pub type Website = Text<2048>;

/// A text that is empty, too long, or holds a control or format character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("has 1 to {longest} characters, none of them a control or format character")]
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
        if fits && !text.contains(is_unseen) { Ok(Self(text)) } else { Err(InvalidText { longest: LONGEST }) }
    }
}

/// Whether it is a control character or a format character (general categories Cc and Cf of Unicode 16), other than the two joiners, which
/// names in Persian and in Indian scripts are written with.
pub fn is_unseen(c: char) -> bool {
    // Nearly every character of every page.
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let is_format = matches!(
        c,
        '\u{ad}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0001}'
            | '\u{e0020}'..='\u{e007f}'
    );
    c.is_control() || is_format
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

    #[test]
    fn a_text_has_nothing_in_it_that_turns_it_around_or_is_not_seen_but_joiners() {
        for joined in ["می\u{200c}خواهم", "क्\u{200d}ष"] {
            assert!(Name::try_from(joined.to_owned()).is_ok(), "{joined}");
        }
        for unseen in
            "\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{feff}\u{200b}\u{2060}\u{ad}\u{e0041}"
                .chars()
        {
            assert!(Name::try_from(format!("Acme{unseen}Hosting")).is_err(), "{unseen:?}");
        }
    }
}
