//! Pages of sites whose markup nobody has promised: read by what they say, not by how they are built.
//!
//! The ladder, from the surest rung down: data that the page carries for programs (JSON in scripts and attributes), labels with their
//! values beside them (rows, definition lists, neighbouring elements), and tables keyed by their header. Which label means what is
//! configuration ([`Synonyms`]). What is on none of the rungs is not guessed: the page is unrecognised, with a fingerprint.
//!
//! Work is linear in the page and bounded. A browser's tree construction is not: `scraper` (html5ever) needs 7.6 s for 200 KB of nested
//! `<div>` and grows with the square, and misnested formatting multiplies its nodes. So only the tokenizer is a library
//! (`html5gum`, which passes the HTML5 test suite), and its tokens become a flat list of elements of which each knows where it ends.

mod build;
mod facts;
mod items;
mod json;
mod pairs;
mod shape;
mod synonyms;
#[cfg(test)]
pub(crate) mod tests;

use std::ops::Range;

use build::{Element, Name};

use crate::outcome::{Fingerprint, ParseOutcome, Recognition, Unrecognised};

pub use facts::{Facts, Rung, Said, Spoken};
pub use items::{Beside, Item, Sayings};
pub use json::{records, shape_of};
pub use synonyms::{Fact, InvalidSynonyms, Synonyms};

/// The largest page that is read, in bytes. The sources' largest known page is 320 KB; what is larger than this is no such page, and
/// would take memory that a small function does not have.
pub const LARGEST: usize = 2 * 1024 * 1024;

/// The most elements of a page. A page of 320 KB has about 24,000; a page of nothing but tags would have thirty times that.
const MOST_ELEMENTS: usize = 131_072;

/// The deepest nesting. Pages written by people stay below fifty; each level costs a step for each misplaced end tag.
const DEEPEST: usize = 256;

/// A page, taken apart. It borrows nothing and holds text and structure only.
#[derive(Debug, Default)]
pub struct Page {
    elements: Vec<Element>,
    /// All text in reading order, whitespace collapsed; a line break stands where two pieces must not be read as one.
    text: String,
    /// Links and labels in attributes, one after the other.
    attributes: String,
    /// JSON in scripts and attributes, unparsed.
    json: Vec<String>,
    flaw: Option<Unrecognised>,
    asks_for_a_password: bool,
}

impl Page {
    /// Takes a page apart. Any bytes are a page; whether it is whole is asked by [`Page::flaw`].
    pub fn read(bytes: &[u8]) -> Self {
        if bytes.len() > LARGEST {
            return Self { flaw: Some(Unrecognised::TooLarge), ..Self::default() };
        }
        build::build(&build::text(bytes))
    }

    /// Why nothing should be taken from this page, whatever it says: it is cut off, too large, no HTML, or a question whether we are human.
    pub fn flaw(&self) -> Option<Unrecognised> {
        self.flaw.or_else(|| self.has_challenge_title().then_some(Unrecognised::Challenge))
    }

    /// What the page looks like, without what it says.
    pub fn fingerprint(&self) -> Fingerprint {
        self.shape()
    }

    /// The outcome for a page on which nothing was recognised.
    pub fn unrecognised<T>(&self) -> ParseOutcome<T> {
        let why = self.flaw().unwrap_or_else(|| self.why_nothing_was_found());
        ParseOutcome::Unrecognised { fingerprint: self.fingerprint(), why }
    }

    /// The outcome of reading this page as `facts`, of which so much was recognised; nothing of it if the page is flawed, or if less
    /// than `least` was found.
    pub fn outcome<T>(&self, facts: T, recognition: Recognition, least: u32) -> ParseOutcome<T> {
        if self.flaw().is_some() || recognition.found < least {
            return self.unrecognised();
        }
        ParseOutcome::Recognised { facts, recognition }
    }

    /// The title, or an empty text.
    pub fn title(&self) -> &str {
        self.first(Name::Title)
    }

    /// The first heading, or an empty text.
    pub fn heading(&self) -> &str {
        self.first(Name::Heading)
    }

    /// Where the page links to.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.elements
            .iter()
            .filter(|element| !element.link.is_empty())
            .map(|element| self.attribute(&element.link))
    }

    fn first(&self, name: Name) -> &str {
        let found = self.elements.iter().find(|element| element.name == name);
        found.map_or("", |element| self.slice(&element.text))
    }

    fn element(&self, at: u32) -> Option<&Element> {
        self.elements.get(at as usize)
    }

    /// The text of an element and all within it.
    fn text_of(&self, at: u32) -> &str {
        self.element(at).map_or("", |element| self.slice(&element.text))
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or("").trim()
    }

    /// The element right behind this one, with the same parent.
    fn next_sibling(&self, at: u32) -> Option<u32> {
        let this = self.element(at)?;
        let next = self.element(this.end)?;
        (next.parent == this.parent).then_some(this.end)
    }

    fn children(&self, at: u32) -> impl Iterator<Item = u32> {
        let end = self.element(at).map_or(0, |element| element.end);
        let first = at.checked_add(1).filter(|&first| first < end);
        std::iter::successors(first, move |&child| {
            let next = self.element(child)?.end;
            (next < end).then_some(next)
        })
    }

    fn attribute(&self, range: &Range<u32>) -> &str {
        self.attributes.get(range.start as usize..range.end as usize).unwrap_or("")
    }
}
