//! `ServerVerify`: benchmark results, from a result's own page and from the lists on the home, benchmark and leaderboard pages.
//!
//! The score has no upper end, a part that failed is `N/A` and no zero, and dates put the month first. No page is known to state a
//! service's uptime: the field is there for the day one does. What YABS calls uptime is the time since a box booted, which is never
//! taken for it: only a percentage is.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use trust::offering::Label;
use trust::time::Day;

use crate::outcome::{ParseOutcome, Recognition};
use crate::page::{Beside, Fact, Facts, InvalidSynonyms, Page, Said, Synonyms};
use crate::published::{self, Grades, Machine, Prices};
use crate::text::{self, Decimal};

#[cfg(test)]
mod tests;

/// A result: the UUID of `/benchmarks/<uuid>`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResultId(String);

/// A text that is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a result is a UUID of 36 characters")]
pub struct InvalidResultId;

impl ResultId {
    /// The UUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of the result's page.
    pub fn path(&self) -> String {
        format!("/benchmarks/{}", self.0)
    }

    /// The result that a link on the site leads to.
    pub fn of_link(link: &str) -> Option<Self> {
        let path = match link.split_once("://") {
            None => link,
            Some(("https" | "http", rest)) => {
                let host = rest.split('/').next()?;
                let is_site = matches!(host, "serververify.com" | "www.serververify.com");
                rest.get(host.len()..).filter(|_| is_site)?
            }
            Some(_) => return None,
        };
        let id = path.split(['?', '#']).next()?.strip_prefix("/benchmarks/")?;
        id.trim_end_matches('/').parse().ok()
    }
}

impl FromStr for ResultId {
    type Err = InvalidResultId;
    fn from_str(text: &str) -> Result<Self, InvalidResultId> {
        let is_right = |(at, byte): (usize, u8)| {
            if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        };
        if text.len() == 36 && text.bytes().enumerate().all(is_right) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidResultId)
        }
    }
}

impl TryFrom<String> for ResultId {
    type Error = InvalidResultId;
    fn try_from(text: String) -> Result<Self, InvalidResultId> {
        text.parse()
    }
}

impl From<ResultId> for String {
    fn from(id: ResultId) -> String {
        id.0
    }
}

/// A benchmark result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Whose machine.
    pub provider: Option<Said<Label>>,
    /// Which plan.
    pub plan: Option<Said<Label>>,
    /// Score and letter. Its parts have no letters of their own.
    pub grades: Grades,
    /// Score by monthly price, where the price is known.
    pub value_index: Option<Said<Decimal>>,
    /// The machine.
    pub machine: Machine,
    /// Where it is.
    pub location: Option<Said<Label>>,
    /// When it was run.
    pub date: Option<Said<Day>>,
    /// What it costs.
    pub prices: Prices,
    /// The service's uptime in percent; no page is known to state one.
    pub uptime: Option<Said<Decimal>>,
}

impl Benchmark {
    fn said(facts: &Facts<'_>) -> Self {
        Self {
            provider: published::name(facts, Fact::Provider),
            plan: published::name(facts, Fact::Plan),
            grades: Grades::said(facts),
            value_index: facts.say(Fact::ValueIndex, |text, _| text::score(text)),
            machine: Machine::said(facts),
            location: published::name(facts, Fact::Location),
            date: facts.say(Fact::Date, |text, _| text::day(text)),
            prices: Prices::said(facts),
            uptime: facts.say(Fact::Uptime, |text, _| text::percent(text)),
        }
    }
}

/// Reads a result's page. Fewer than three facts are no result.
pub fn benchmark(page: &Page, id: &ResultId, synonyms: &Synonyms) -> ParseOutcome<Benchmark> {
    let is_other = |link: &str| ResultId::of_link(link).is_some_and(|other| other != *id);
    let facts = page.sayings(synonyms).own(|link| is_other(link).then_some(Beside::Another));
    page.outcome(Benchmark::said(&facts), facts.recognition(), 3)
}

/// Reads a list of results: home, benchmarks or leaderboards. Entries of which nothing is understood are left out, and counted.
pub fn list(page: &Page, synonyms: &Synonyms) -> ParseOutcome<Vec<(ResultId, Benchmark)>> {
    let (items, _) = page.sayings(synonyms).items(ResultId::of_link);
    let mut recognition = Recognition::default();
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        let benchmark = Benchmark::said(&item.facts);
        let of_item = item.facts.recognition();
        recognition = recognition.and(of_item);
        if of_item.found > 0 {
            results.push((item.key, benchmark));
        }
    }
    page.outcome(results, recognition, 1)
}

/// The labels that the site's pages are said to have, and others that mean the same.
pub fn labels() -> BTreeMap<Fact, Vec<String>> {
    let labels: [(Fact, &[&str]); 17] = [
        (Fact::Provider, &["Provider", "Host", "Company"]),
        (Fact::Plan, &["Plan", "Plan name", "Product"]),
        (Fact::OverallScore, &["Score", "ServerVerify Score", "Overall score"]),
        (Fact::OverallGrade, &["Grade", "Score", "Letter grade", "Overall grade"]),
        (Fact::ValueIndex, &["Value Index", "Value Score", "Value"]),
        (Fact::CpuModel, &["CPU", "Processor", "CPU model"]),
        (Fact::Cores, &["Cores", "vCPU", "vCPUs", "CPU cores"]),
        (Fact::Memory, &["Memory", "RAM"]),
        (Fact::Disk, &["Disk", "Storage"]),
        (Fact::DiskKind, &["Disk type", "Storage type"]),
        (Fact::Traffic, &["Bandwidth", "Traffic", "Transfer"]),
        (Fact::Virtualisation, &["Virtualization", "Virtualisation", "VM type"]),
        (Fact::Location, &["Location", "Datacenter", "Region"]),
        (Fact::Date, &["Date", "Tested", "Test date", "Benchmarked"]),
        (Fact::MonthlyPrice, &["Price", "Monthly price", "Price per month"]),
        (Fact::Currency, &["Currency", "Price currency"]),
        (Fact::Uptime, &["Service uptime", "Uptime percentage", "Monitored uptime"]),
    ];
    let owned = labels.map(|(fact, labels)| (fact, labels.iter().map(|&label| label.to_owned()).collect()));
    BTreeMap::from(owned)
}

/// What [`labels`] mean.
pub fn synonyms() -> Result<Synonyms, InvalidSynonyms> {
    Synonyms::new(labels())
}
