//! Whose network a machine is in, by what registries and geolocation databases call it.
//!
//! That is no claim, contradicts none and is not part of the score: many providers rent their place in another's network, and databases keep the
//! names of former holders. But a network that bears the provider's own name ties a run to him, as its number does where he claims one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Evidence, Figure, KEPT_DAYS, Source};
use crate::{id::RenterId, source::mapping::Domain, time::Day};

/// Forms of companies, which one writes behind a name and the next leaves out.
const LEGAL_FORMS: &[&str] = &[
    "ab",
    "ag",
    "aps",
    "as",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "doo",
    "ek",
    "gmbh",
    "inc",
    "kft",
    "kg",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "nv",
    "ou",
    "oy",
    "oü",
    "plc",
    "private",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "sas",
    "se",
    "sl",
    "spa",
    "srl",
    "sro",
    "uab",
    "ug",
    "zrt",
];

/// Words that stand in the names of many networks: a name of nothing else says whose it is only where it is the whole of it.
const COMMON: &[&str] = &[
    "center",
    "centers",
    "centre",
    "cloud",
    "communications",
    "compute",
    "computing",
    "data",
    "datacenter",
    "datacentre",
    "dedicated",
    "digital",
    "global",
    "group",
    "host",
    "hosting",
    "international",
    "internet",
    "isp",
    "media",
    "net",
    "network",
    "networks",
    "online",
    "server",
    "servers",
    "service",
    "services",
    "solutions",
    "systems",
    "technologies",
    "technology",
    "telecom",
    "the",
    "virtual",
    "vps",
    "web",
];

/// What stands before a country's domain and is nobody's name: `acme.co.uk`.
const SECOND_LEVEL: &[&str] = &["ac", "co", "com", "ne", "net", "or", "org", "gov"];

/// The shortest name that is looked for among others' words. A shorter one has to be the whole of a name.
const SHORTEST: usize = 3;

/// The most bytes kept of what a network is called. With fewer, a long name would be taken for a shorter one; more would let whoever measures fill
/// an item.
const LONGEST: usize = 120;

/// What a network, or who sells its addresses, is called: its words in lower case, apart by a space, as many as fit into 120 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkName(String);

/// A text of no word that is kept of a network's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no word of up to {LONGEST} bytes")]
pub struct InvalidNetworkName;

impl NetworkName {
    /// What is kept of a name; `None` where that is nothing.
    pub fn of(name: &str) -> Option<Self> {
        let mut kept = String::new();
        for word in split(name) {
            let space = usize::from(!kept.is_empty());
            if kept.len() + space + word.len() > LONGEST {
                break;
            }
            kept.extend(std::iter::repeat_n(' ', space));
            kept.push_str(&word);
        }
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NetworkName {
    type Error = InvalidNetworkName;
    fn try_from(text: String) -> Result<Self, InvalidNetworkName> {
        Self::of(&text).ok_or(InvalidNetworkName)
    }
}

impl From<NetworkName> for String {
    fn from(name: NetworkName) -> String {
        name.0
    }
}

/// What a provider is called: each of his names in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeSet<Vec<String>>);

impl Names {
    /// By these names of his, and by where his website is.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>, website: Option<&Domain>) -> Self {
        let of_website = website.and_then(|domain| own_label(domain.as_str()));
        let named = names.into_iter().map(words).chain(of_website.map(words));
        Self(named.filter(|words| !words.is_empty()).collect())
    }

    /// Whether one of them stands in what a network is called: as whole words, however they are spaced.
    pub fn stand_in(&self, called: &str) -> bool {
        let called = words(called);
        let whole = called.concat();
        self.0.iter().any(|name| {
            let joined = name.concat();
            joined == whole || (is_telling(name) && is_within(&joined, &called))
        })
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whose networks the machines of an offering are in that renters have measured: one of each renter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Networks {
    /// In one that bears the provider's name.
    pub of_provider: usize,
    /// In one that bears another: somebody else's, or one of the provider's that is not known.
    pub of_another: usize,
    /// In one of which nothing says what it is called, or of a provider of whom nothing does.
    pub unnamed: usize,
}

impl Networks {
    /// By what was seen, of those of whose figures the latest is still evidence on a day.
    pub fn of<'a>(provider: &Names, evidence: impl IntoIterator<Item = &'a Evidence>, as_of: Day) -> Self {
        let mut by_renter: BTreeMap<&RenterId, (Day, Vec<&NetworkName>)> = BTreeMap::new();
        for Evidence { source, figure, seen_on } in evidence {
            let Source::Renter { renter } = source else { continue };
            let (latest, called) = by_renter.entry(renter).or_insert((*seen_on, Vec::new()));
            *latest = (*latest).max(*seen_on);
            if let Figure::Network(name) = figure {
                called.push(name);
            }
        }
        let since = as_of.minus(KEPT_DAYS - 1);
        let mut networks = Self::default();
        for (_, called) in by_renter.into_values().filter(|(latest, _)| (since..=as_of).contains(latest)) {
            if called.is_empty() || provider.is_empty() {
                networks.unnamed += 1;
            } else if called.iter().any(|called| provider.stand_in(called.as_str())) {
                networks.of_provider += 1;
            } else {
                networks.of_another += 1;
            }
        }
        networks
    }
}

/// What of a domain is its owner's name: of `acme.example` and `acme.co.uk`, `acme`. Of any other it is not known who owns which part.
fn own_label(domain: &str) -> Option<&str> {
    let labels: Vec<&str> = domain.split('.').collect();
    let own = match labels[..] {
        [own, _] => own,
        [own, second, country] if country.len() == 2 && SECOND_LEVEL.contains(&second) => own,
        _ => return None,
    };
    // An encoded name is not in words.
    Some(own).filter(|own| !own.starts_with("xn--"))
}

fn is_telling(name: &[String]) -> bool {
    let letters: usize = name.iter().map(|word| word.chars().count()).sum();
    let is_own = |word: &String| !COMMON.contains(&word.as_str()) && !LEGAL_FORMS.contains(&word.as_str());
    letters >= SHORTEST && name.iter().any(is_own)
}

/// Whether words that follow each other make up a name.
fn is_within(name: &str, words: &[String]) -> bool {
    (0..words.len()).any(|first| {
        let mut left = name;
        for word in words.iter().skip(first) {
            match left.strip_prefix(word.as_str()) {
                Some("") => return true,
                Some(rest) => left = rest,
                None => return false,
            }
        }
        false
    })
}

/// The words of a name, without a company's form at the end.
fn words(name: &str) -> Vec<String> {
    let mut words = split(name);
    while words.len() > 1 && words.last().is_some_and(|last| LEGAL_FORMS.contains(&last.as_str())) {
        words.pop();
    }
    words
}

/// The words of a name in lower case, with letters that a sign joins as one: `B.V.`, `1&1`, `A/S`, `S. A.`
fn split(name: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}');
    let mut words: Vec<String> = Vec::new();
    let mut was_letter = false;
    let mut rest = name;
    while let Some(start) = rest.find(is_part) {
        let (gap, from) = rest.split_at(start);
        let (word, behind) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        let is_letter = word.chars().nth(1).is_none();
        let joins = was_letter && is_letter && matches!(gap, "." | ". " | "&" | "/");
        match words.last_mut() {
            Some(last) if joins => last.push_str(&word.to_lowercase()),
            _ => words.push(word.to_lowercase()),
        }
        (was_letter, rest) = (is_letter, behind);
    }
    words
}

#[cfg(test)]
mod tests;
