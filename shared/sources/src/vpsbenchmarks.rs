//! `VPSBenchmarks`: plans with prices and grades, trials with dates, and uploaded YABS runs, read from its pages.
//!
//! The addresses are known (`reference` of the project, 2.3), the markup is not: pages are read by their labels. Grades of different
//! versions are not comparable, so a version goes with every grade where the page names one. Prices are the month-to-month list prices.

mod address;
#[cfg(test)]
mod tests;
mod websites;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trust::offering::Label;
use trust::source::Subject;
use trust::time::Day;
use trust::units::ByteRate;

use crate::outcome::{ParseOutcome, Recognition, Unrecognised};
use crate::page::{self, Beside, Fact, Facts, InvalidSynonyms, Page, Rung, Said, Synonyms};
use crate::published::{self, Grades, Machine, Prices};
use crate::text::{self, Decimal, Doubt};

pub use address::{Address, Hoster, InvalidAddress, PlanSlug, TrialSlug, YabsSlug};
pub use websites::{HosterWebsite, website_labels, websites_in};

/// A plan: its machine, its prices and its grades.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Who offers it.
    pub provider: Option<Said<Label>>,
    /// What it is called.
    pub name: Option<Said<Label>>,
    /// The machine.
    pub machine: Machine,
    /// What it costs.
    pub prices: Prices,
    /// What it was graded.
    pub grades: Grades,
}

/// A trial: one machine that the site rented and measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The day of the trial.
    pub date: Option<Said<Day>>,
    /// How long it took until the machine was there, in seconds.
    pub provisioning_seconds: Option<Said<u32>>,
    /// Where it was.
    pub location: Option<Said<Label>>,
    /// The plan that was rented.
    pub plan: Plan,
}

/// A provider's page: how even his trials are, and lists of plans and trials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HosterPage {
    /// How even his trials are, of 100.
    pub consistency: Option<Said<Decimal>>,
    /// His plans, by their address.
    pub plans: Vec<(PlanSlug, Plan)>,
    /// His trials, by their address.
    pub trials: Vec<(TrialSlug, Trial)>,
    /// How many entries are left out, because their address is another provider's.
    #[serde(default)]
    pub others: u32,
}

/// Plans of a provider, as a tool answers them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answered {
    /// His plans.
    pub plans: Vec<Plan>,
    /// How many plans are left out, because they are said to be another provider's.
    pub others: u32,
}

/// An uploaded YABS run, as the site sums it up. Anybody may upload one: it is weak evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct YabsRun {
    /// The provider that the uploader named.
    pub provider: Option<Said<Label>>,
    /// The plan that the uploader named.
    pub plan: Option<Said<Label>>,
    /// Where it ran.
    pub location: Option<Said<Label>>,
    /// When.
    pub date: Option<Said<Day>>,
    /// The machine as the run saw it.
    pub machine: Machine,
    /// Geekbench 6, one core.
    pub geekbench_single: Option<Said<u32>>,
    /// Geekbench 6, all cores.
    pub geekbench_multi: Option<Said<u32>>,
    /// fio, blocks of 4 KiB, reads and writes together.
    pub disk_rate_4k: Option<Said<ByteRate>>,
    /// fio, blocks of 1 MiB, reads and writes together.
    pub disk_rate_1m: Option<Said<ByteRate>>,
}

/// Reads a plan's page. Fewer than three facts are no plan.
pub fn plan(page: &Page, slug: &PlanSlug, synonyms: &Synonyms) -> ParseOutcome<Plan> {
    let facts = page.sayings(synonyms).own(|link| match Address::of_link(link)? {
        Address::Plan(other) => (other != *slug).then_some(Beside::Another),
        Address::Trial(_) | Address::Yabs(_) => Some(Beside::Detail),
        _ => None,
    });
    let mut plan = Plan::said(&facts);
    plan.add_names(page);
    plan.grades.add_version(page);
    page.outcome(plan, facts.recognition(), 3)
}

/// Reads plans from JSON that the site's MCP server answered. An object of fewer than three facts is no plan: grades may stand in one
/// of their own, and are not put together with a plan that they only may belong to.
///
/// Of a tool that was asked about one provider, `of`, plans that are said to be another's are left out; if all are, it answered
/// another question.
pub fn plans_in(answer: &Value, of: Option<&Subject>, synonyms: &Synonyms) -> ParseOutcome<Answered> {
    let mut recognition = Recognition::default();
    let mut found = Answered::default();
    for facts in page::records(answer, synonyms) {
        let plan = Plan::said(&facts);
        let is_plan = plan.name.is_some() || plan.machine != Machine::default();
        if !is_plan || facts.recognition().found < 3 {
            continue;
        }
        let provider = plan.provider.as_ref().and_then(Said::value);
        if of.zip(provider).is_some_and(|(of, provider)| !are_one_name(of.as_str(), provider.as_str())) {
            found.others = found.others.saturating_add(1);
            continue;
        }
        recognition = recognition.and(facts.recognition());
        found.plans.push(plan);
    }
    if found.plans.is_empty() {
        return ParseOutcome::Unrecognised { fingerprint: page::shape_of(answer), why: Unrecognised::Layout };
    }
    ParseOutcome::Recognised { facts: found, recognition }
}

/// Reads a trial's page. Its address has the date, too; where page and address name different days, there is none.
pub fn trial(page: &Page, slug: &TrialSlug, synonyms: &Synonyms) -> ParseOutcome<Trial> {
    let facts = page.sayings(synonyms).own(|link| match Address::of_link(link)? {
        Address::Trial(other) => (other != *slug).then_some(Beside::Another),
        Address::Plan(_) | Address::Yabs(_) => Some(Beside::Detail),
        _ => None,
    });
    let mut trial = Trial::said(&facts);
    trial.date = Some(agree(trial.date.take(), slug.day(), slug.as_str()));
    trial.plan.grades.add_version(page);
    page.outcome(trial, facts.recognition(), 3)
}

/// Reads a provider's page. It is one if it lists a plan or a trial of his of which something is said. What it lists of others, as
/// plans that are much the same, is left out: a trial of another name of his can not be told from theirs.
pub fn hoster(page: &Page, of: &Hoster, synonyms: &Synonyms) -> ParseOutcome<HosterPage> {
    let (items, facts) = page.sayings(synonyms).items(|link| Listed::of(Address::of_link(link)?));
    let consistency = facts.say(Fact::Consistency, |text, _| text::score(text));
    let mut found = HosterPage { consistency, ..HosterPage::default() };
    let mut recognition = Recognition::default();
    for item in items {
        if !are_one_name(of.as_str(), item.key.hoster().as_str()) {
            found.others = found.others.saturating_add(1);
            continue;
        }
        let read = match item.key {
            Listed::Plan(slug) => {
                found.plans.push((slug, Plan::said(&item.facts)));
                item.facts.recognition()
            }
            Listed::Trial(slug) => {
                let mut trial = Trial::said(&item.facts);
                trial.date = Some(agree(trial.date.take(), slug.day(), slug.as_str()));
                found.trials.push((slug, trial));
                item.facts.recognition()
            }
        };
        recognition = recognition.and(read);
    }
    if recognition.found == 0 {
        return page.unrecognised();
    }
    page.outcome(found, recognition.and(facts.recognition()), 1)
}

/// Reads the page of a YABS run. The address has the date, too, if the run is not an old one.
pub fn yabs(page: &Page, slug: &YabsSlug, synonyms: &Synonyms) -> ParseOutcome<YabsRun> {
    let facts = page.sayings(synonyms).own(|link| match Address::of_link(link)? {
        Address::Yabs(other) => (other != *slug).then_some(Beside::Another),
        Address::Plan(_) | Address::Trial(_) => Some(Beside::Detail),
        _ => None,
    });
    let date = facts.say(Fact::Date, |text, _| text::day(text));
    let run = YabsRun {
        provider: published::name(&facts, Fact::Provider),
        plan: published::name(&facts, Fact::Plan),
        location: published::name(&facts, Fact::Location),
        date: match slug.day() {
            Some(day) => Some(agree(date, day, slug.as_str())),
            None => date,
        },
        machine: Machine::said(&facts),
        geekbench_single: facts.say(Fact::GeekbenchSingle, |text, _| published::whole(text)),
        geekbench_multi: facts.say(Fact::GeekbenchMulti, |text, _| published::whole(text)),
        disk_rate_4k: published::disk_rate(&facts, Fact::DiskRate4k),
        disk_rate_1m: published::disk_rate(&facts, Fact::DiskRate1m),
    };
    page.outcome(run, facts.recognition(), 3)
}

impl Plan {
    fn said(facts: &Facts<'_>) -> Self {
        Self {
            provider: published::name(facts, Fact::Provider),
            name: published::name(facts, Fact::Plan),
            machine: Machine::said(facts),
            prices: Prices::said(facts),
            grades: Grades::said(facts),
        }
    }

    /// Names from the title, `KVM 4 by Hostinger - VPSBenchmarks`, where no label states them.
    fn add_names(&mut self, page: &Page) {
        let Some(title) = page.title().strip_suffix("- VPSBenchmarks") else { return };
        let (name, provider) = match title.trim().rsplit_once(" by ") {
            Some((name, provider)) => (name, Some(provider)),
            None => (title.trim(), None),
        };
        let said = |text: &str| Said::new(text, Rung::Name, text::label(text));
        self.name.get_or_insert_with(|| said(name));
        if let Some(provider) = provider {
            self.provider.get_or_insert_with(|| said(provider));
        }
    }
}

impl Trial {
    fn said(facts: &Facts<'_>) -> Self {
        Self {
            date: facts.say(Fact::Date, |text, _| text::day(text)),
            provisioning_seconds: facts.say(Fact::Provisioning, |text, _| text::seconds(text)),
            location: published::name(facts, Fact::Location),
            plan: Plan::said(facts),
        }
    }
}

impl Grades {
    /// The version by the page's link to its rules, where no label states it and all such links name the same.
    fn add_version(&mut self, page: &Page) {
        let mut versions = page.links().filter_map(|link| match Address::of_link(link)? {
            Address::GradeMetrics(version) => Some(version),
            _ => None,
        });
        let Some(version) = versions.next() else { return };
        if versions.all(|other| other == version) {
            self.version.get_or_insert_with(|| Said::new(&version, Rung::Name, text::label(&version)));
        }
    }
}

/// What an entry of a list leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Listed {
    Plan(PlanSlug),
    Trial(TrialSlug),
}

impl Listed {
    fn of(address: Address) -> Option<Self> {
        match address {
            Address::Plan(slug) => Some(Self::Plan(slug)),
            Address::Trial(slug) => Some(Self::Trial(slug)),
            _ => None,
        }
    }

    fn hoster(&self) -> &Hoster {
        match self {
            Self::Plan(slug) => slug.hoster(),
            Self::Trial(slug) => slug.hoster(),
        }
    }
}

/// Whether two names are one provider's, as far as letters and digits tell: `Server Optima` is `server_optima`. That `DigitalOcean` is
/// `docean` they do not.
fn are_one_name(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(other)
}

/// The day that page and address agree on.
fn agree(page: Option<Said<Day>>, address: Day, slug: &str) -> Said<Day> {
    match page {
        Some(said) if said.value().is_some_and(|day| *day != address) => {
            Said::new(&format!("{} | {slug}", said.raw), said.rung, Err(Doubt::Contradictory))
        }
        Some(said) if said.value().is_some() => said,
        _ => Said::new(slug, Rung::Name, Ok(address)),
    }
}

/// The labels seen on the site's pages by authors who quoted them, and others that mean the same.
pub fn labels() -> BTreeMap<Fact, Vec<String>> {
    let labels: [(Fact, &[&str]); 34] = [
        (Fact::Provider, &["Provider", "Hoster", "Host", "Company"]),
        (Fact::Plan, &["Plan", "Plan name"]),
        (Fact::Cores, &["Num Cores", "vCPU", "vCPUs", "Cores", "CPU cores"]),
        (
            Fact::Memory,
            &["Memory GBs [GB]", "Memory GB [GB]", "Memory MB [MB]", "Memory", "RAM", "RAM GB [GB]"],
        ),
        (Fact::Disk, &["Disk GBs [GB]", "Disk GB [GB]", "Disk", "Disk space", "Disk size", "Storage"]),
        (Fact::DiskKind, &["Disk type", "Storage type"]),
        (Fact::Traffic, &["Data Transfer [GB]", "Transfer [GB]", "Traffic", "Bandwidth"]),
        (
            Fact::NetworkRate,
            &["Max bandwidth Mbps [Mbps]", "Max Mbps [Mbps]", "Network", "Port speed", "Network speed"],
        ),
        (Fact::CpuModel, &["CPU", "CPU model", "Latest CPU model", "Processor"]),
        (Fact::Virtualisation, &["Virtualization", "Virtualisation", "VM type"]),
        (Fact::Hyperthreading, &["Hyperthreading", "Hyperthreaded", "SMT"]),
        (Fact::DedicatedCpu, &["Dedicated CPU", "Dedicated cores"]),
        (Fact::BurstableCpu, &["Burstable CPU", "Burstable"]),
        (Fact::SelfManaged, &["Self managed VPS", "Self managed"]),
        (Fact::Location, &["Location", "Datacenter", "Data center", "Region"]),
        (Fact::Date, &["Date", "Trial date", "Started at", "Run date"]),
        (Fact::MonthlyPrice, &["Monthly price", "Price", "Price per month", "Monthly"]),
        (Fact::FirstMonthPrice, &["First month price", "First month"]),
        (Fact::YearlyContractPrice, &["1-year contract price", "1 year contract", "Yearly contract price"]),
        (Fact::Currency, &["Currency", "Price currency"]),
        (Fact::OverallScore, &["Overall score", "Score", "Overall"]),
        (Fact::OverallGrade, &["Overall", "Overall grade", "Grade"]),
        (Fact::WebGrade, &["Web", "Web grade", "Web performance"]),
        (Fact::CpuGrade, &["CPU", "CPU grade", "Raw CPU Power"]),
        (Fact::DiskGrade, &["Disk", "Disk grade", "Disk IO", "Disk IO grade", "Disk IO performance"]),
        (Fact::NetworkGrade, &["Network", "Network grade", "Network performance"]),
        (Fact::StabilityGrade, &["Stability", "Stability grade", "Performance Stability"]),
        (Fact::GradeVersion, &["Grade version", "Grades version"]),
        (Fact::Consistency, &["Consistency score", "Consistency"]),
        (Fact::Provisioning, &["Provisioning time", "Provision time", "Provisioning"]),
        (Fact::GeekbenchSingle, &["Geekbench 6 single", "GB6 single", "Geekbench 6 single core"]),
        (Fact::GeekbenchMulti, &["Geekbench 6 multi", "GB6 multi", "Geekbench 6 multi core"]),
        (Fact::DiskRate4k, &["fio 4k", "4k total", "fio 4k total"]),
        (Fact::DiskRate1m, &["fio 1m", "1m total", "fio 1m total"]),
    ];
    let owned = labels.map(|(fact, labels)| (fact, labels.iter().map(|&label| label.to_owned()).collect()));
    BTreeMap::from(owned)
}

/// What [`labels`] mean.
pub fn synonyms() -> Result<Synonyms, InvalidSynonyms> {
    Synonyms::new(labels())
}
