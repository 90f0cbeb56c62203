//! What a page means, by the parser that the configuration names for it, and what of that others reckon with.
//!
//! A parser is a plain function over bytes. One that is added gets a [`Reader`] and a kind of [`Facts`]; fetching, politeness and
//! storage know nothing of either.

mod glean;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trust::{
    claims::Evidence,
    price::{Offer, Rates, Slug},
    source::{SourceName, Subject},
    time::Day,
};

use crate::{
    json,
    market::{self, Layout, ReadAs},
    outcome::{Fingerprint, ParseOutcome, Unrecognised},
    page::{Fact, InvalidSynonyms, Page, Synonyms},
    rated::{self, Rated},
    serververify::{self, Benchmark, ResultId},
    vpsbenchmarks::{self, Answered, HosterPage, HosterWebsite, Plan, PlanSlug, Trial, YabsRun},
};

/// A parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// The European Central Bank's rates of a day.
    EcbRates,
    /// Frankfurter's rates of a day.
    FrankfurterRates,
    /// Vultr's plans.
    VultrPrices,
    /// Linode's types.
    LinodePrices,
    /// Scaleway's servers of a zone.
    ScalewayPrices,
    /// Lightsail's offer file.
    LightsailPrices,
    /// OVH's catalogue of virtual servers.
    OvhPrices,
    /// The index of p32929/vps-price-index.
    VpsPriceIndex,
    /// The list of Hattorius/Server-Pricing.
    ServerPricing,
    /// `VPSBenchmarks`: what its MCP server answers of all hosters and their websites.
    VpsbenchmarksHosters,
    /// `VPSBenchmarks`: what its MCP server answers of a hoster's plans.
    VpsbenchmarksPlans,
    /// `VPSBenchmarks`: a hoster's page.
    VpsbenchmarksHoster,
    /// `VPSBenchmarks`: a plan's page; the subject is `hoster.plan`.
    VpsbenchmarksPlan,
    /// `VPSBenchmarks`: a trial's page.
    VpsbenchmarksTrial,
    /// `VPSBenchmarks`: the page of an uploaded YABS run.
    VpsbenchmarksYabs,
    /// `ServerVerify`: a list of results.
    SerververifyList,
    /// `ServerVerify`: a result's page; the subject is its UUID.
    SerververifyResult,
}

/// How a page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// With a GET.
    Get,
    /// With a tool of an MCP server.
    Tool,
}

/// Which page it is that is read.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The source.
    pub source: &'a SourceName,
    /// What the page is about.
    pub subject: Option<&'a Subject>,
    /// Where it is.
    pub address: &'a str,
    /// The day on which it is read.
    pub on: Day,
    /// What its labels mean, beside or in place of what is built in: of each fact named here, these labels and no others.
    pub labels: &'a BTreeMap<Fact, Vec<String>>,
}

/// What a page says, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Facts {
    /// Exchange rates of a day.
    Rates(Rates),
    /// A price list: the offers themselves are kept with those of the other lists.
    Prices {
        /// How many offers it has.
        offers: usize,
        /// Rows that are none, each with its place and the reason, as far as they are named.
        left_out: Vec<String>,
    },
    /// Providers with their websites, as a tool answers them.
    Hosters {
        /// The providers.
        hosters: Vec<HosterWebsite>,
    },
    /// Plans, as a tool answers them.
    Plans {
        /// The plans.
        plans: Vec<Plan>,
        /// How many are left out, because they are said to be another provider's.
        #[serde(default)]
        others: u32,
    },
    /// A hoster's page.
    Hoster(HosterPage),
    /// A plan's page.
    Plan(Box<Plan>),
    /// A trial's page.
    Trial(Box<Trial>),
    /// The page of an uploaded run.
    Yabs(Box<YabsRun>),
    /// A list of results.
    Results {
        /// The results, by their UUID.
        results: Vec<(ResultId, Benchmark)>,
    },
    /// A result's page.
    Result(Box<Benchmark>),
}

/// What came of a page, for those who reckon with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Gleaned {
    /// What it says.
    pub facts: Facts,
    /// Prices, and under which source they are kept; what was kept under it before is replaced.
    pub offers: Option<Offers>,
    /// Exchange rates.
    pub rates: Option<Rates>,
    /// What was seen of the machine that it is about.
    pub seen: Vec<Evidence>,
    /// What people are shown of it, beside whomever it is about.
    pub rated: Vec<Rated>,
}

/// Offers of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Offers {
    /// Under which source they are kept.
    pub source: Slug,
    /// The offers.
    pub offers: Vec<Offer>,
    /// How many rows are none.
    pub left_out: u32,
}

impl Reader {
    /// Its version. A change that makes it understand other things is a new one: pages are then read anew though they have not changed.
    pub fn version(self) -> u16 {
        match self {
            Self::VpsbenchmarksPlans
            | Self::VpsbenchmarksHoster
            | Self::VpsbenchmarksPlan
            | Self::VpsbenchmarksTrial
            | Self::VpsbenchmarksYabs => 3,
            Self::FrankfurterRates
            | Self::ScalewayPrices
            | Self::LightsailPrices
            | Self::OvhPrices
            | Self::VpsbenchmarksHosters
            | Self::SerververifyList
            | Self::SerververifyResult => 2,
            Self::EcbRates
            | Self::VultrPrices
            | Self::LinodePrices
            | Self::VpsPriceIndex
            | Self::ServerPricing => 1,
        }
    }

    /// How its pages are asked for.
    pub fn asking(self) -> Asking {
        match self {
            Self::VpsbenchmarksHosters | Self::VpsbenchmarksPlans => Asking::Tool,
            _ => Asking::Get,
        }
    }

    /// Whether a page that has not changed says nothing new. One with prices does: that these are still the prices.
    pub fn is_content_with_unchanged(self) -> bool {
        !self.reads_prices()
    }

    /// Whether there may be prices of machines on its pages.
    pub fn reads_prices(self) -> bool {
        self.layout().is_some()
            || matches!(self, Self::VpsbenchmarksPlans | Self::VpsbenchmarksHoster | Self::VpsbenchmarksPlan)
    }

    /// Whether such a page about this subject can be. The configuration is checked by it.
    pub fn takes(self, subject: Option<&Subject>) -> bool {
        let Some(subject) = subject.map(Subject::as_str) else {
            return !matches!(
                self,
                Self::VpsbenchmarksHoster
                    | Self::VpsbenchmarksPlan
                    | Self::VpsbenchmarksTrial
                    | Self::VpsbenchmarksYabs
                    | Self::SerververifyResult
            );
        };
        match self {
            Self::VpsbenchmarksHoster => subject.parse::<vpsbenchmarks::Hoster>().is_ok(),
            Self::VpsbenchmarksPlan => plan_slug(subject).is_some(),
            Self::VpsbenchmarksTrial => subject.parse::<vpsbenchmarks::TrialSlug>().is_ok(),
            Self::VpsbenchmarksYabs => subject.parse::<vpsbenchmarks::YabsSlug>().is_ok(),
            Self::SerververifyResult => subject.parse::<ResultId>().is_ok(),
            _ => true,
        }
    }

    /// What these labels mean to it; nothing, where it reads no labels.
    pub fn synonyms(self, labels: &BTreeMap<Fact, Vec<String>>) -> Result<Option<Synonyms>, InvalidSynonyms> {
        let built_in = match self {
            Self::VpsbenchmarksHosters => vpsbenchmarks::website_labels(),
            Self::VpsbenchmarksPlans
            | Self::VpsbenchmarksHoster
            | Self::VpsbenchmarksPlan
            | Self::VpsbenchmarksTrial
            | Self::VpsbenchmarksYabs => vpsbenchmarks::labels(),
            Self::SerververifyList | Self::SerververifyResult => serververify::labels(),
            _ => return Ok(None),
        };
        let mut all = built_in;
        all.extend(labels.iter().map(|(fact, labels)| (*fact, labels.clone())));
        Synonyms::new(all).map(Some)
    }

    /// Reads a page. Total: any bytes give an outcome.
    pub fn read(self, bytes: &[u8], about: &About<'_>) -> ParseOutcome<Gleaned> {
        match self {
            Self::EcbRates => market::parse_ecb(bytes).map(Gleaned::of_rates),
            Self::FrankfurterRates => market::parse_frankfurter(bytes).map(Gleaned::of_rates),
            _ => match (self.layout(), self.synonyms(about.labels)) {
                (Some(layout), _) => prices(layout, bytes, about),
                (None, Ok(Some(synonyms))) => self.read_labels(bytes, &synonyms, about),
                // The configuration was checked when we started, so that this is a page nobody has configured.
                (None, _) => unread(),
            },
        }
    }

    fn layout(self) -> Option<Layout> {
        match self {
            Self::VultrPrices => Some(Layout::Vultr),
            Self::LinodePrices => Some(Layout::Linode),
            Self::ScalewayPrices => Some(Layout::Scaleway),
            Self::LightsailPrices => Some(Layout::Lightsail),
            Self::OvhPrices => Some(Layout::Ovh),
            Self::VpsPriceIndex => Some(Layout::VpsPriceIndex),
            Self::ServerPricing => Some(Layout::ServerPricing),
            _ => None,
        }
    }

    fn read_labels(self, bytes: &[u8], synonyms: &Synonyms, about: &About<'_>) -> ParseOutcome<Gleaned> {
        match self {
            Self::VpsbenchmarksHosters | Self::VpsbenchmarksPlans => match json::read(bytes) {
                Ok(answer) => self.read_answer(&answer, synonyms, about),
                Err(why) => ParseOutcome::Unrecognised { fingerprint: Fingerprint::of(["json"]), why },
            },
            _ => self.read_page(&Page::read(bytes), synonyms, about),
        }
    }

    fn read_answer(self, answer: &Value, synonyms: &Synonyms, about: &About<'_>) -> ParseOutcome<Gleaned> {
        if self == Self::VpsbenchmarksHosters {
            let hosters = vpsbenchmarks::websites_in(answer, synonyms);
            return hosters.map(|hosters| Gleaned::new(Facts::Hosters { hosters }));
        }
        vpsbenchmarks::plans_in(answer, about.subject, synonyms).map(|Answered { plans, others }| Gleaned {
            offers: glean::offers(&plans, others, about),
            rated: rated::kept(plans.iter().map(glean::plan)),
            ..Gleaned::new(Facts::Plans { plans, others })
        })
    }

    fn read_page(self, page: &Page, synonyms: &Synonyms, about: &About<'_>) -> ParseOutcome<Gleaned> {
        let subject = about.subject.map_or("", Subject::as_str);
        match self {
            Self::VpsbenchmarksHoster => match subject.parse() {
                Ok(of) => vpsbenchmarks::hoster(page, &of, synonyms).map(|hoster| {
                    let plans: Vec<Plan> = hoster.plans.iter().map(|(_, plan)| plan.clone()).collect();
                    Gleaned {
                        offers: glean::offers(&plans, hoster.others, about),
                        rated: rated::kept(glean::hoster(&hoster, about)),
                        ..Gleaned::new(Facts::Hoster(hoster))
                    }
                }),
                Err(_) => unread(),
            },
            Self::VpsbenchmarksPlan => match plan_slug(subject) {
                Some(slug) => vpsbenchmarks::plan(page, &slug, synonyms).map(|plan| Gleaned {
                    offers: glean::offers(std::slice::from_ref(&plan), 0, about),
                    rated: rated::kept([glean::plan(&plan).at(Some(about.address.to_owned()))]),
                    ..Gleaned::new(Facts::Plan(Box::new(plan)))
                }),
                None => unread(),
            },
            Self::VpsbenchmarksTrial => match subject.parse() {
                Ok(slug) => vpsbenchmarks::trial(page, &slug, synonyms).map(|trial| Gleaned {
                    seen: glean::of_trial(&trial, about),
                    rated: rated::kept([glean::trial(&trial).at(Some(about.address.to_owned()))]),
                    ..Gleaned::new(Facts::Trial(Box::new(trial)))
                }),
                Err(_) => unread(),
            },
            Self::VpsbenchmarksYabs => match subject.parse() {
                Ok(slug) => vpsbenchmarks::yabs(page, &slug, synonyms).map(|run| Gleaned {
                    seen: glean::of_run(&run, about),
                    rated: rated::kept([glean::run(&run).at(Some(about.address.to_owned()))]),
                    ..Gleaned::new(Facts::Yabs(Box::new(run)))
                }),
                Err(_) => unread(),
            },
            Self::SerververifyList => {
                serververify::list(page, synonyms).map(|results| Gleaned::new(Facts::Results { results }))
            }
            _ => match subject.parse() {
                Ok(id) => serververify::benchmark(page, &id, synonyms).map(|result| Gleaned {
                    seen: glean::of_result(&result, about),
                    rated: rated::kept([glean::result(&result).at(Some(about.address.to_owned()))]),
                    ..Gleaned::new(Facts::Result(Box::new(result)))
                }),
                Err(_) => unread(),
            },
        }
    }
}

impl Gleaned {
    /// A page of which nobody reckons with anything.
    fn new(facts: Facts) -> Self {
        Self { facts, offers: None, rates: None, seen: Vec::new(), rated: Vec::new() }
    }

    fn of_rates(rates: Rates) -> Self {
        Self { rates: Some(rates.clone()), ..Self::new(Facts::Rates(rates)) }
    }
}

/// Under which name a page's prices are kept: its source's, and where there are several pages, one for each.
fn kept_under(about: &About<'_>) -> Option<Slug> {
    match about.subject {
        None => Slug::of(about.source.as_str()),
        Some(subject) => Slug::of(&format!("{}.{}", about.source, subject.as_str())),
    }
}

fn prices(layout: Layout, bytes: &[u8], about: &About<'_>) -> ParseOutcome<Gleaned> {
    // The pages of a price list are one list, wherever it breaks off.
    let (Some(list), Some(source)) = (Slug::of(about.source.as_str()), kept_under(about)) else {
        return unread();
    };
    match market::parse(layout, bytes, &ReadAs { source: list, on: about.on }) {
        ParseOutcome::Unrecognised { fingerprint, why } => ParseOutcome::Unrecognised { fingerprint, why },
        ParseOutcome::Recognised { facts: list, recognition } => {
            let left_out = list.left_out.iter().map(|row| format!("{}: {}", row.at, row.why)).collect();
            let facts = Facts::Prices { offers: list.offers.len(), left_out };
            let left_out = recognition.of.saturating_sub(recognition.found);
            let offers = Some(Offers { source, offers: list.offers, left_out });
            ParseOutcome::Recognised { facts: Gleaned { offers, ..Gleaned::new(facts) }, recognition }
        }
    }
}

/// The plan of a subject `hoster.plan`. A hoster's slug has no dot.
fn plan_slug(subject: &str) -> Option<PlanSlug> {
    let (hoster, plan) = subject.split_once('.')?;
    PlanSlug::new(hoster, plan).ok()
}

fn unread() -> ParseOutcome<Gleaned> {
    ParseOutcome::Unrecognised {
        fingerprint: Fingerprint::of(["not for this reader"]),
        why: Unrecognised::Format,
    }
}

#[cfg(test)]
mod tests;
