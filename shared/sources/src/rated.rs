//! What an independent site says of a provider's machines, in a line each, as people are shown it: grades, a score, a price, and where it stands.
//!
//! It is shown as the site's word and reckoned with nowhere: grades of different sites, and of different versions of one site's rules, are
//! not comparable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trust::{marketplace::Money, offering::Label, time::Day};

use crate::{
    page::Said,
    published::{Grades, Prices},
    text::{Decimal, Grade},
};

/// The most lines that are kept of a page. More nobody reads, and a page must not choose its size.
pub const MOST_RATED: usize = 24;

/// A line: a machine or a plan as a site rates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rated {
    /// What it is about.
    pub kind: Kind,
    /// What the plan is called there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Label>,
    /// Where it stands, where it has a page of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When the machine was measured, where a page says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_on: Option<Day>,
    /// By which version of the site's rules it is graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Label>,
    /// Altogether, as a number; what it means is the site's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Decimal>,
    /// Its grades.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grades: BTreeMap<Category, Grade>,
    /// What a month costs without a commitment, as the site lists it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Money>,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A machine that the site rented and measured.
    Trial,
    /// A plan, from all that the site knows of it.
    Plan,
    /// A run that anybody may have uploaded.
    Upload,
}

/// What is graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are the site's words")]
pub enum Category {
    Overall,
    Web,
    Cpu,
    Disk,
    Network,
    Stability,
}

impl Rated {
    /// A line of this kind, of what is said; what is doubtful is left out.
    pub fn of(kind: Kind, name: Option<&Said<Label>>, grades: &Grades, prices: &Prices) -> Self {
        let Grades { version, score, overall, web, cpu, disk, network, stability } = grades;
        let graded = [
            (Category::Overall, overall),
            (Category::Web, web),
            (Category::Cpu, cpu),
            (Category::Disk, disk),
            (Category::Network, network),
            (Category::Stability, stability),
        ];
        let grade = |(category, said): (Category, &Option<Said<Grade>>)| {
            said.as_ref().and_then(Said::value).map(|grade| (category, *grade))
        };
        Self {
            kind,
            name: name.and_then(Said::value).cloned(),
            address: None,
            measured_on: None,
            version: version.as_ref().and_then(Said::value).cloned(),
            score: score.as_ref().and_then(Said::value).copied(),
            grades: graded.into_iter().filter_map(grade).collect(),
            monthly: prices.list(None).map(|(money, _)| money),
        }
    }

    /// The same at this address.
    #[must_use]
    pub fn at(self, address: Option<String>) -> Self {
        Self { address, ..self }
    }

    /// The same, measured on a day.
    #[must_use]
    pub fn on(self, day: Option<&Said<Day>>) -> Self {
        Self { measured_on: day.and_then(Said::value).copied(), ..self }
    }

    /// Whether there is anything in it that a reader learns of.
    fn says_something(&self) -> bool {
        self.score.is_some()
            || !self.grades.is_empty()
            || self.monthly.is_some()
            || self.measured_on.is_some()
    }
}

/// The lines of a page that say something: what was measured last first, then plans in their order, as many as are kept.
pub(crate) fn kept(lines: impl IntoIterator<Item = Rated>) -> Vec<Rated> {
    let mut kept: Vec<Rated> = lines.into_iter().filter(Rated::says_something).collect();
    kept.sort_by_key(|line| (line.kind, std::cmp::Reverse(line.measured_on)));
    kept.truncate(MOST_RATED);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{page::Rung, text};

    fn said<T>(text: &str, value: T) -> Said<T> {
        Said::new(text, Rung::Pair, Ok(value))
    }

    fn graded(letter: &str) -> Grades {
        Grades { overall: Some(said(letter, letter.parse().unwrap())), ..Grades::default() }
    }

    #[test]
    fn what_was_measured_last_comes_first_and_what_says_nothing_is_no_line() {
        let day = |text: &str| said(text, Day::parse(text).unwrap());
        let trial =
            |on: &str| Rated::of(Kind::Trial, None, &graded("B"), &Prices::default()).on(Some(&day(on)));
        let name = said("cx23", text::label("cx23").unwrap());
        let plan = Rated::of(Kind::Plan, Some(&name), &graded("A"), &Prices::default());
        let nothing = Rated::of(Kind::Plan, Some(&name), &Grades::default(), &Prices::default());
        let lines = [plan.clone(), trial("2025-01-02"), nothing, trial("2026-01-02")];
        let kept = kept(lines);
        assert_eq!(kept, [trial("2026-01-02"), trial("2025-01-02"), plan.clone()]);
        let many = kept.iter().cycle().take(MOST_RATED * 2).cloned();
        assert_eq!(super::kept(many).len(), MOST_RATED);
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(text, r#"{"kind":"plan","name":"cx23","grades":{"overall":"A"}}"#);
        assert_eq!(serde_json::from_str::<Rated>(&text).unwrap(), plan);
    }

    #[test]
    fn a_doubtful_grade_is_left_out() {
        let grades = Grades {
            web: Some(Said::new("B | C", Rung::Pair, Err(text::Doubt::Contradictory))),
            ..graded("A-")
        };
        let line = Rated::of(Kind::Plan, None, &grades, &Prices::default());
        assert_eq!(line.grades.keys().collect::<Vec<_>>(), [&Category::Overall]);
    }
}
