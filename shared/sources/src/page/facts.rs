//! What a page or a row of it says, label by label, and the reading of one fact from it.

use std::borrow::Cow;
use std::cell::Cell;

use serde::{Deserialize, Serialize};

use super::synonyms::{Fact, Meaning};
use crate::outcome::Recognition;
use crate::text::{Doubt, Grade, absence, collapsed};

/// The longest raw text that is kept, in characters. It is evidence for people, and a page must not choose its size.
const LONGEST_RAW: usize = 120;

/// How sure the place is at which something was found, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// Data for programs: JSON in a script or an attribute.
    Json,
    /// A label with its value beside it.
    Pair,
    /// A column of a table with a header.
    Table,
    /// Not on the page but in its title or address.
    Name,
}

/// One fact as a page states it: always the text, and its value or why it has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said<T> {
    /// How it stands there, shortened to 120 characters.
    pub raw: String,
    /// Where it stands.
    pub rung: Rung,
    /// What it means.
    #[serde(flatten)]
    pub spoken: Spoken<T>,
}

/// A value, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spoken<T> {
    /// The only value the text can have.
    Value(T),
    /// Why it has none.
    Doubt(Doubt),
}

impl<T> Said<T> {
    /// A reading of a text that stands at this rung.
    pub fn new(raw: &str, rung: Rung, read: Result<T, Doubt>) -> Self {
        let raw = collapsed(raw, LONGEST_RAW);
        let spoken = match read {
            Ok(value) => Spoken::Value(value),
            Err(doubt) => Spoken::Doubt(doubt),
        };
        Self { raw, rung, spoken }
    }

    /// The value, if it has one.
    pub fn value(&self) -> Option<&T> {
        match &self.spoken {
            Spoken::Value(value) => Some(value),
            Spoken::Doubt(_) => None,
        }
    }

    /// Why it has no value, if it has none.
    pub fn doubt(&self) -> Option<Doubt> {
        match &self.spoken {
            Spoken::Value(_) => None,
            Spoken::Doubt(doubt) => Some(*doubt),
        }
    }

    /// Whether the page was understood here: a value, or a word that says there is none. An empty place says nothing: a script may fill
    /// it in a browser.
    fn is_understood(&self) -> bool {
        match self.spoken {
            Spoken::Value(_) | Spoken::Doubt(Doubt::Busy) => true,
            Spoken::Doubt(Doubt::Absent) => !self.raw.is_empty(),
            Spoken::Doubt(_) => false,
        }
    }
}

/// A label's meanings with the text that stands for them.
#[derive(Debug, Clone)]
pub(super) struct Pair<'p> {
    pub(super) meanings: &'p [Meaning],
    pub(super) value: Cow<'p, str>,
    pub(super) rung: Rung,
    /// The element of the label.
    pub(super) at: u32,
}

/// All that was found for one subject: a page, or an entry of a list. It counts what is asked of it and what it could answer.
#[derive(Debug, Clone, Default)]
pub struct Facts<'p> {
    pub(super) pairs: Vec<Pair<'p>>,
    /// The facts that some label is for, one bit each: most are asked for in vain, and of hundreds of entries.
    present: u64,
    asked: Cell<u32>,
    answered: Cell<u32>,
}

impl<'p> Facts<'p> {
    pub(super) fn of(pairs: Vec<Pair<'p>>) -> Self {
        let meanings = pairs.iter().flat_map(|pair| pair.meanings);
        let present = meanings.fold(0, |present, meaning| present | meaning.fact.bit());
        Self { pairs, present, ..Self::default() }
    }

    /// What is said of one fact, read by `read` (which also gets the unit of bare numbers). `None` where there is no such label.
    ///
    /// The surest rung that has the label counts. Texts there that mean different values contradict each other; those that mean
    /// nothing do not.
    pub fn say<T: PartialEq>(
        &self,
        fact: Fact,
        read: impl Fn(&str, Option<&str>) -> Result<T, Doubt>,
    ) -> Option<Said<T>> {
        self.asked.set(self.asked.get() + 1);
        let said = self.say_uncounted(fact, read)?;
        if said.is_understood() {
            self.answered.set(self.answered.get() + 1);
        }
        Some(said)
    }

    /// How many facts were asked for, and how many the page answered understandably.
    pub fn recognition(&self) -> Recognition {
        Recognition::new(self.answered.get(), self.asked.get())
    }

    /// The text of a fact that only helps to read another one.
    pub(crate) fn text(&self, fact: Fact) -> Option<&str> {
        let mut texts = self.candidates(fact).map(|(pair, _)| pair.value.as_ref());
        let first = texts.next()?;
        texts.all(|other| other == first).then_some(first)
    }

    fn say_uncounted<T: PartialEq>(
        &self,
        fact: Fact,
        read: impl Fn(&str, Option<&str>) -> Result<T, Doubt>,
    ) -> Option<Said<T>> {
        if self.present & fact.bit() == 0 {
            return None;
        }
        let rung = self.candidates(fact).map(|(pair, _)| pair.rung).min()?;
        let mut best: Option<Said<T>> = None;
        for (pair, unit) in self.candidates(fact).filter(|(pair, _)| pair.rung == rung) {
            let said = Said::new(&pair.value, rung, read(&pair.value, unit));
            match (&best, said.value()) {
                (None, _) => best = Some(said),
                (Some(before), Some(value)) => match before.value() {
                    None => best = Some(said),
                    Some(other) if other == value => {}
                    Some(_) => {
                        let both = format!("{} | {}", before.raw, said.raw);
                        return Some(Said::new(&both, rung, Err(Doubt::Contradictory)));
                    }
                },
                (Some(_), None) => {}
            }
        }
        best
    }

    /// The texts that stand for a fact. Where a label means a grade or something else, a letter is the grade and nothing else is.
    fn candidates(&self, fact: Fact) -> impl Iterator<Item = (&Pair<'p>, Option<&str>)> {
        self.pairs.iter().filter_map(move |pair| {
            let meaning = pair.meanings.iter().find(|meaning| meaning.fact == fact)?;
            if pair.meanings.len() > 1 && absence(&pair.value).is_none() {
                let is_letter = pair.value.parse::<Grade>().is_ok();
                if is_letter != fact.is_grade() {
                    return None;
                }
            }
            Some((pair, meaning.unit.as_deref()))
        })
    }
}
