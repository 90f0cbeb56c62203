//! What independent sites publish of a provider's machines: their word, shown beside ours and reckoned with nowhere.

use std::{cmp::Reverse, collections::BTreeMap};

use schemars::JsonSchema;
use serde::Serialize;
use sources::{
    configuration::{self, Configuration},
    rated::{Category, Kind, Rated},
    text::{Decimal, Grade},
};
use table::PageFacts;
use trust::{
    id::ProviderId,
    price::Amount,
    source::{PageId, SourceName, Subject, mapping::Mapping},
    time::Moment,
};

use super::{
    price::Money,
    scalar::{Date, Time},
};

/// The most lines of a site in one answer.
const MOST_LINES: usize = 100;

/// What a site publishes of a provider's machines.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PublishingSite")]
pub(crate) struct Site {
    /// The source's id, as in `/v1/sources`.
    id: String,
    /// Its name.
    pub(crate) title: String,
    /// Where people find it.
    pub(crate) home: String,
    /// How it is to be named beside what it says.
    pub(crate) attribution: String,
    /// When the page was read that was read longest ago of those that these lines are from.
    pub(crate) read_at: Time,
    /// What it says: machines that it measured, then plans, then uploads, the latest first; at most a hundred.
    pub(crate) items: Vec<Line>,
}

/// A machine or a plan as a site rates it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PublishedRating")]
pub(crate) struct Line {
    /// `trial`: a machine that the site rented and measured; `plan`: a plan, from all that the site knows of it; `upload`: a run that anybody
    /// may have uploaded.
    #[schemars(extend("enum" = ["trial", "plan", "upload"]))]
    pub(crate) kind: &'static str,
    /// What the plan is called there.
    pub(crate) name: Option<String>,
    /// Where it stands; `null` where it has no page of its own.
    pub(crate) url: Option<String>,
    /// When the machine was measured.
    pub(crate) measured_on: Option<Date>,
    /// By which version of the site's rules it is graded. Grades of different versions are not comparable.
    pub(crate) grade_version: Option<String>,
    /// Its grades, `A+` (best) to `F`, by what is graded: `overall`, `web`, `cpu`, `disk`, `network`, `stability`.
    pub(crate) grades: BTreeMap<&'static str, String>,
    /// Altogether, as a number; what it means is the site's.
    pub(crate) score: Option<f64>,
    /// What a month costs without a commitment, as the site lists it.
    pub(crate) monthly_price: Option<Money>,
    #[serde(skip)]
    pub(crate) monthly: Option<Amount>,
}

impl Site {
    /// What sites say, of those pages that are about this provider by the configuration or by what an operator has decided.
    pub(crate) fn all(
        configuration: &Configuration,
        names: &[(SourceName, Subject, Mapping)],
        rated: &[(PageId, PageFacts)],
        provider: &ProviderId,
    ) -> Vec<Self> {
        let is_his = |source: &configuration::Source, id: &PageId| {
            let Some(subject) = &id.subject else { return false };
            match source.owner(subject) {
                Some(owner) => owner == provider,
                None => names.iter().any(|(source, name, mapping)| {
                    *source == id.source && name == subject && mapping.confirmed() == Some(provider)
                }),
            }
        };
        // Of a page and what is read in its place, the one that was read last; the page itself of two that were read at once.
        let mut latest: BTreeMap<PageId, (&PageId, &PageFacts)> = BTreeMap::new();
        for (id, facts) in rated {
            let Some(found) = configuration.find(id).filter(|found| is_his(found.source, id)) else {
                continue;
            };
            let first = found.pages.instead_of.as_ref();
            let of = PageId { page: first.unwrap_or(&id.page).clone(), ..id.clone() };
            let known = latest.get(&of).map(|(_, known)| known.read_at);
            if known.is_none_or(|known| (known, false) < (facts.read_at, first.is_none())) {
                latest.insert(of, (id, facts));
            }
        }
        let mut said: BTreeMap<&SourceName, (Moment, Vec<Rated>)> = BTreeMap::new();
        for (id, facts) in latest.into_values() {
            match serde_json::from_str::<Vec<Rated>>(&facts.facts) {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => {
                    let (read_at, all) = said.entry(&id.source).or_insert((facts.read_at, Vec::new()));
                    *read_at = (*read_at).min(facts.read_at);
                    all.extend(lines);
                }
                // Another version has written it; the page is read anew within a day.
                Err(error) => tracing::warn!(page = %id, %error, "what a site says can not be read"),
            }
        }
        said.into_iter()
            .filter_map(|(name, (read_at, mut lines))| {
                let source = configuration.sources.get(name)?;
                lines.sort_by_key(|line| (line.kind, Reverse(line.measured_on)));
                Some(Self {
                    id: name.to_string(),
                    title: source.title.clone(),
                    home: source.home.to_string(),
                    attribution: source.attribution.clone(),
                    read_at: Time(read_at),
                    items: lines.iter().take(MOST_LINES).map(Line::of).collect(),
                })
            })
            .collect()
    }
}

impl Line {
    fn of(rated: &Rated) -> Self {
        let kind = match rated.kind {
            Kind::Trial => "trial",
            Kind::Plan => "plan",
            Kind::Upload => "upload",
        };
        let grade = |(category, grade): (&Category, &Grade)| (name(*category), grade.to_string());
        let monthly = rated.monthly.as_ref().and_then(Amount::of);
        Self {
            kind,
            name: rated.name.as_ref().map(|name| name.as_str().to_owned()),
            url: rated.address.clone(),
            measured_on: rated.measured_on.map(Date),
            grade_version: rated.version.as_ref().map(|version| version.as_str().to_owned()),
            grades: rated.grades.iter().map(grade).collect(),
            score: rated.score.and_then(number),
            monthly_price: monthly.map(Money::of),
            monthly,
        }
    }

    /// The letter that it is given altogether.
    pub(crate) fn overall(&self) -> Option<&str> {
        self.grades.get(name(Category::Overall)).map(String::as_str)
    }
}

fn name(category: Category) -> &'static str {
    match category {
        Category::Overall => "overall",
        Category::Web => "web",
        Category::Cpu => "cpu",
        Category::Disk => "disk",
        Category::Network => "network",
        Category::Stability => "stability",
    }
}

/// To the thousandth.
fn number(decimal: Decimal) -> Option<f64> {
    decimal.times_rounded(1_000).map(|thousandths| thousandths as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use trust::source::mapping::Standing;

    use super::*;

    fn configuration() -> Configuration {
        let offerings =
            json!({ "x_performance_trial_09Dec2025": { "provider_id": "p1", "offering_id": "o" } });
        let changes =
            json!({ "sources": { "vpsbenchmarks": { "names": { "acme": "p1" }, "offerings": offerings } } });
        Configuration::named("sources/1", Some(&changes.to_string())).unwrap()
    }

    fn said(page: &str, subject: &str, at: i64, line: &Value) -> (PageId, PageFacts) {
        let id = PageId {
            source: "vpsbenchmarks".parse().unwrap(),
            page: page.parse().unwrap(),
            subject: Some(subject.parse().unwrap()),
        };
        let read_at = Moment::from_unix(at).unwrap();
        (id, PageFacts { read_at, address: String::new(), facts: json!([line]).to_string() })
    }

    fn shown(names: &[(SourceName, Subject, Mapping)], rated: &[(PageId, PageFacts)]) -> Value {
        json!(Site::all(&configuration(), names, rated, &"p1".parse().unwrap()))
    }

    #[test]
    fn a_site_is_shown_by_name_with_what_it_says_measured_machines_first() {
        let plan = json!({ "kind": "plan", "name": "cx23", "score": "81.25", "grades": { "overall": "A", "cpu": "B+" },
            "version": "v2021.11", "monthly": { "minor_units": 499, "currency": "EUR" } });
        let trial = json!({ "kind": "trial", "measured_on": "2025-12-09", "address": "https://www.vpsbenchmarks.com/trials/x" });
        let trial = said("trial", "x_performance_trial_09Dec2025", 5, &trial);
        let shown = shown(&[], &[said("plans", "acme", 9, &plan), trial]);
        assert_eq!(shown[0]["title"], "VPSBenchmarks");
        assert_eq!(shown[0]["read_at"], "1970-01-01T00:00:05Z");
        assert_eq!(shown[0]["items"][0]["kind"], "trial");
        assert_eq!(
            shown[0]["items"][1],
            json!({ "kind": "plan", "name": "cx23", "url": null, "measured_on": null, "grade_version": "v2021.11",
                "grades": { "overall": "A", "cpu": "B+" }, "score": 81.25,
                "monthly_price": { "amount": 4.99, "currency": "EUR" } })
        );
    }

    #[test]
    fn what_is_said_of_a_name_is_shown_only_while_the_name_is_his() {
        let line = json!({ "kind": "plan", "grades": { "overall": "A" } });
        let said = [said("plans", "other", 1, &line)];
        let mapping = |provider: &str, standing| {
            let mapping = Mapping { provider: provider.parse().unwrap(), standing, at: Moment::EPOCH };
            [("vpsbenchmarks".parse().unwrap(), "other".parse().unwrap(), mapping)]
        };
        assert_eq!(shown(&[], &said), json!([]));
        assert_eq!(shown(&mapping("p1", Standing::Rejected), &said), json!([]));
        assert_eq!(shown(&mapping("p2", Standing::Confirmed), &said), json!([]));
        assert_eq!(
            shown(&mapping("p1", Standing::Confirmed), &said)[0]["items"].as_array().unwrap().len(),
            1
        );
    }

    #[test]
    fn of_a_page_and_its_second_best_the_one_that_was_read_last_is_shown() {
        let line = |letter: &str| json!({ "kind": "plan", "grades": { "overall": letter } });
        for (best, second, expected) in [(2, 1, "A"), (1, 2, "B"), (2, 2, "A")] {
            let said = [said("plans", "acme", best, &line("A")), said("hoster", "acme", second, &line("B"))];
            let shown = shown(&[], &said);
            let items = shown[0]["items"].as_array().unwrap();
            assert_eq!((items.len(), &items[0]["grades"]["overall"]), (1, &json!(expected)));
        }
    }
}
