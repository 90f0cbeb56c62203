//! Which label means what: configuration, because labels are what a site changes most often.

use std::collections::{BTreeMap, HashMap};

use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};

/// One fact that a page may state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the readers of each say what it is and in which unit")]
pub enum Fact {
    Provider,
    /// What a site calls a provider in its own addresses.
    Slug,
    /// A provider's own website.
    Website,
    Plan,
    Cores,
    Memory,
    Disk,
    DiskKind,
    Traffic,
    NetworkRate,
    CpuModel,
    Virtualisation,
    Hyperthreading,
    DedicatedCpu,
    BurstableCpu,
    SelfManaged,
    Location,
    Date,
    /// The month-to-month list price.
    MonthlyPrice,
    FirstMonthPrice,
    /// The price of a month under a contract of a year.
    YearlyContractPrice,
    /// The currency of all prices that name none.
    Currency,
    OverallScore,
    OverallGrade,
    WebGrade,
    CpuGrade,
    DiskGrade,
    NetworkGrade,
    StabilityGrade,
    GradeVersion,
    Consistency,
    Provisioning,
    ValueIndex,
    /// The service's uptime in percent. Never the seconds since a box booted.
    Uptime,
    GeekbenchSingle,
    GeekbenchMulti,
    DiskRate4k,
    DiskRate1m,
}

impl Fact {
    /// This fact in a set of facts.
    pub(super) fn bit(self) -> u64 {
        1 << (self as u64)
    }

    /// Whether it is a letter. A label may mean a grade and something else (`CPU`): the letter decides.
    pub(super) fn is_grade(self) -> bool {
        matches!(
            self,
            Self::OverallGrade
                | Self::WebGrade
                | Self::CpuGrade
                | Self::DiskGrade
                | Self::NetworkGrade
                | Self::StabilityGrade
        )
    }
}

/// What a label means, and the unit of a bare number under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) fact: Fact,
    pub(super) unit: Option<String>,
}

/// The labels that are known. Read from a map of facts to labels; a label may end with the unit of bare numbers under it:
/// `"traffic": ["Data Transfer [GB]"]`. Case, punctuation and `camelCase` make no difference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<Fact, Vec<String>>")]
pub struct Synonyms {
    by_label: HashMap<String, Vec<Meaning>>,
    longest: usize,
}

/// Labels that can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSynonyms {
    /// A label without a letter or digit.
    #[error("the label {0:?} of {1:?} has no letter or digit")]
    Empty(String, Fact),
    /// A name of no fact.
    #[error("there is no fact {0:?}")]
    Unknown(String),
    /// A label for two facts of which a value can not tell which is meant.
    #[error(
        "the label {0:?} means {1:?} and {2:?}; only a grade may share its label, with one fact that is none"
    )]
    Clash(String, Fact, Fact),
}

impl Synonyms {
    /// These labels and no others.
    pub fn new(labels: BTreeMap<Fact, Vec<String>>) -> Result<Self, InvalidSynonyms> {
        let mut synonyms = Self { by_label: HashMap::new(), longest: 0 };
        for (fact, labels) in labels {
            for label in labels {
                synonyms.add(fact, &label)?;
            }
        }
        Ok(synonyms)
    }

    /// These labels, and others that an operator has seen: `labels` names facts as the configuration does, such as `yearly-contract-price`.
    pub fn extended(mut self, labels: &BTreeMap<String, Vec<String>>) -> Result<Self, InvalidSynonyms> {
        for (name, labels) in labels {
            let fact = Fact::deserialize(name.as_str().into_deserializer())
                .map_err(|_: serde::de::value::Error| InvalidSynonyms::Unknown(name.clone()))?;
            for label in labels {
                self.add(fact, label)?;
            }
        }
        Ok(self)
    }

    fn add(&mut self, fact: Fact, label: &str) -> Result<(), InvalidSynonyms> {
        let (text, unit) = match label.trim_end().strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
            Some((text, unit)) => (text, Some(unit.trim().to_owned())),
            None => (label, None),
        };
        let text = normal(text);
        if text.is_empty() {
            return Err(InvalidSynonyms::Empty(label.to_owned(), fact));
        }
        self.longest = self.longest.max(text.len());
        let meanings = self.by_label.entry(text).or_default();
        if let Some(other) = meanings.iter().find(|other| other.fact.is_grade() == fact.is_grade()) {
            return if other.fact == fact {
                Ok(())
            } else {
                Err(InvalidSynonyms::Clash(label.to_owned(), other.fact, fact))
            };
        }
        meanings.push(Meaning { fact, unit });
        Ok(())
    }

    /// What a label means; nothing where it is not known.
    pub(super) fn meanings(&self, label: &str, buffer: &mut String) -> &[Meaning] {
        // Punctuation may double its length, not more; what is far longer is no label and not worth normalising.
        if label.is_empty() || label.len() > self.longest * 2 + 8 {
            return &[];
        }
        buffer.clear();
        normalise(label, buffer);
        self.by_label.get(buffer.as_str()).map_or(&[], Vec::as_slice)
    }

    /// The longest text that may be a label.
    pub(super) fn longest_label(&self) -> usize {
        self.longest * 2 + 8
    }
}

impl TryFrom<BTreeMap<Fact, Vec<String>>> for Synonyms {
    type Error = InvalidSynonyms;
    fn try_from(labels: BTreeMap<Fact, Vec<String>>) -> Result<Self, InvalidSynonyms> {
        Self::new(labels)
    }
}

fn normal(label: &str) -> String {
    let mut buffer = String::new();
    normalise(label, &mut buffer);
    buffer
}

/// Lower case, words apart by one space, everything else gone.
fn normalise(label: &str, into: &mut String) {
    let mut was_small = false;
    for character in label.chars() {
        // Nearly all of every page; the tables of Unicode are not needed for it.
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            was_small = character.is_ascii_lowercase();
            into.push(character);
            continue;
        }
        if !character.is_alphanumeric() {
            was_small = false;
            if !into.is_empty() && !into.ends_with(' ') {
                into.push(' ');
            }
            continue;
        }
        if was_small && character.is_uppercase() {
            into.push(' ');
        }
        was_small = character.is_lowercase();
        into.extend(character.to_lowercase());
    }
    if into.ends_with(' ') {
        into.pop();
    }
}
