//! The site's addresses as types: which page is about what. Public files quote real ones; nothing is made up from a provider's name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use trust::time::Day;

use crate::text;

/// The longest slug. Real ones have under sixty characters.
const LONGEST: usize = 120;

/// A page of the site, by its path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// `/hosters/hetzner`
    Hoster(Hoster),
    /// `/hosters/hetzner/plans/cx23`
    Plan(PlanSlug),
    /// `/trials/hetzner_performance_trial_17Oct2020`
    Trial(TrialSlug),
    /// `/trials/hetzner_performance_trial_17Oct2020/endurance_runs`
    EnduranceRuns(TrialSlug),
    /// `/yabs/hetzner-16c-31gb-20251125-8f0aa2`
    Yabs(YabsSlug),
    /// `/plan_grades/metrics/v2021.11`: the rules of one version of grades.
    GradeMetrics(String),
}

/// A text that is no address of the kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct InvalidAddress(&'static str);

impl Address {
    /// The page that a link on the site leads to, if it is one of those read here. Links to other sites are none.
    pub fn of_link(link: &str) -> Option<Self> {
        let path = match link.split_once("://") {
            None => link,
            Some(("https" | "http", rest)) => {
                let (host, _) = rest.split_once('/')?;
                if !matches!(host, "www.vpsbenchmarks.com" | "vpsbenchmarks.com") {
                    return None;
                }
                rest.get(host.len()..)?
            }
            Some(_) => return None,
        };
        let path = path.split(['?', '#']).next()?;
        path.trim_end_matches('/').parse().ok()
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(path: &str) -> Result<Self, InvalidAddress> {
        const REFUSAL: InvalidAddress = InvalidAddress("an address of a page that is read");
        let mut parts = path.strip_prefix('/').ok_or(REFUSAL)?.split('/');
        let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
        match parts {
            [Some("hosters"), Some(hoster), None, ..] => hoster.parse().map(Self::Hoster),
            [Some("hosters"), Some(hoster), Some("plans"), Some(plan), None] => {
                PlanSlug::new(hoster, plan).map(Self::Plan)
            }
            [Some("trials"), Some(trial), None, ..] => trial.parse().map(Self::Trial),
            [Some("trials"), Some(trial), Some("endurance_runs"), None, _] => {
                trial.parse().map(Self::EnduranceRuns)
            }
            [Some("yabs"), Some(run), None, ..] => run.parse().map(Self::Yabs),
            [Some("plan_grades"), Some("metrics"), Some(version), None, _] if is_version(version) => {
                Ok(Self::GradeMetrics(version.to_owned()))
            }
            _ => Err(REFUSAL),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hoster(hoster) => write!(f, "/hosters/{}", hoster.0),
            Self::Plan(plan) => write!(f, "/hosters/{}/plans/{}", plan.hoster.0, plan.plan),
            Self::Trial(trial) => write!(f, "/trials/{}", trial.slug),
            Self::EnduranceRuns(trial) => write!(f, "/trials/{}/endurance_runs", trial.slug),
            Self::Yabs(run) => write!(f, "/yabs/{}", run.slug),
            Self::GradeMetrics(version) => write!(f, "/plan_grades/metrics/{version}"),
        }
    }
}

/// `v2021.11`; other pages under the same path are about single measurements.
fn is_version(text: &str) -> bool {
    let Some((year, month)) = text.strip_prefix('v').and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    year.len() == 4
        && (1..=2).contains(&month.len())
        && (year.to_owned() + month).bytes().all(|byte| byte.is_ascii_digit())
}

/// A provider, as the site writes him in addresses: small letters, digits, `_`. He may have several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hoster(String);

impl Hoster {
    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hoster {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let is_slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_slug) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAddress("a provider's slug: small letters, digits and _"))
        }
    }
}

impl TryFrom<String> for Hoster {
    type Error = InvalidAddress;
    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<Hoster> for String {
    fn from(hoster: Hoster) -> String {
        hoster.0
    }
}

/// A plan of a provider; its own part has letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanSlug {
    hoster: Hoster,
    plan: String,
}

impl PlanSlug {
    /// The plan of a provider.
    pub fn new(hoster: &str, plan: &str) -> Result<Self, InvalidAddress> {
        let is_slug = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=LONGEST).contains(&plan.len()) && plan.bytes().all(is_slug) {
            Ok(Self { hoster: hoster.parse()?, plan: plan.to_owned() })
        } else {
            Err(InvalidAddress("a plan's slug: letters, digits, _ and -"))
        }
    }

    /// Whose plan.
    pub fn hoster(&self) -> &Hoster {
        &self.hoster
    }

    /// The plan's own part.
    pub fn plan(&self) -> &str {
        &self.plan
    }
}

impl TryFrom<String> for PlanSlug {
    type Error = InvalidAddress;
    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        let (hoster, plan) = text.split_once('/').ok_or(InvalidAddress("hoster/plan"))?;
        Self::new(hoster, plan)
    }
}

impl From<PlanSlug> for String {
    fn from(slug: PlanSlug) -> String {
        format!("{}/{}", slug.hoster.0, slug.plan)
    }
}

/// A trial: `<hoster>_performance_trial_<DDMonYYYY>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrialSlug {
    slug: String,
    hoster: Hoster,
    day: Day,
}

impl TrialSlug {
    /// The whole slug.
    pub fn as_str(&self) -> &str {
        &self.slug
    }

    /// Whose machine was tried.
    pub fn hoster(&self) -> &Hoster {
        &self.hoster
    }

    /// When.
    pub fn day(&self) -> Day {
        self.day
    }
}

impl FromStr for TrialSlug {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        const REFUSAL: InvalidAddress = InvalidAddress("a trial: hoster_performance_trial_09Dec2025");
        let (hoster, date) = text.rsplit_once("_performance_trial_").ok_or(REFUSAL)?;
        if date.len() != 9 {
            return Err(REFUSAL);
        }
        Ok(Self {
            slug: text.to_owned(),
            hoster: hoster.parse()?,
            day: text::day(date).map_err(|_| REFUSAL)?,
        })
    }
}

impl TryFrom<String> for TrialSlug {
    type Error = InvalidAddress;
    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<TrialSlug> for String {
    fn from(trial: TrialSlug) -> String {
        trial.slug
    }
}

/// An uploaded run: `<hoster>-<cores>c-<GiB>gb[-<YYYYMMDD>]-<hash>`. The memory is what the run saw, rounded down: 32 GiB are 31.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct YabsSlug {
    slug: String,
    hoster: Option<Hoster>,
    cores: u16,
    memory_gib: u32,
    day: Option<Day>,
}

impl YabsSlug {
    /// The whole slug.
    pub fn as_str(&self) -> &str {
        &self.slug
    }

    /// Whose machine it ran on, if the uploader said so.
    pub fn hoster(&self) -> Option<&Hoster> {
        self.hoster.as_ref()
    }

    /// Logical CPUs.
    pub fn cores(&self) -> u16 {
        self.cores
    }

    /// Memory in whole GiB, rounded down.
    pub fn memory_gib(&self) -> u32 {
        self.memory_gib
    }

    /// When; old addresses do not say.
    pub fn day(&self) -> Option<Day> {
        self.day
    }
}

impl FromStr for YabsSlug {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        const REFUSAL: InvalidAddress = InvalidAddress("a run: hoster-16c-31gb-20251125-8f0aa2");
        let mut parts = text.split('-');
        let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
        let (hoster, cores, memory, date, hash) = match parts {
            [Some(hoster), Some(cores), Some(memory), Some(date), Some(hash), None] => {
                (hoster, cores, memory, Some(date), hash)
            }
            [Some(hoster), Some(cores), Some(memory), Some(hash), None, _] => {
                (hoster, cores, memory, None, hash)
            }
            _ => return Err(REFUSAL),
        };
        let is_six_hex =
            hash.len() == 6 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_tg = hash.strip_prefix("tg").is_some_and(|digits| {
            (1..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        if !is_six_hex && !is_tg {
            return Err(REFUSAL);
        }
        let number = |text: &str, unit: &str| -> Option<u32> {
            let digits = text.strip_suffix(unit)?;
            if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
        };
        let day = match date {
            Some(date) if date.len() == 8 => Some(text::day(date).map_err(|_| REFUSAL)?),
            Some(_) => return Err(REFUSAL),
            None => None,
        };
        Ok(Self {
            slug: text.to_owned(),
            hoster: if hoster == "unknown" { None } else { Some(hoster.parse()?) },
            cores: number(cores, "c").and_then(|cores| u16::try_from(cores).ok()).ok_or(REFUSAL)?,
            memory_gib: number(memory, "gb").ok_or(REFUSAL)?,
            day,
        })
    }
}

impl TryFrom<String> for YabsSlug {
    type Error = InvalidAddress;
    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<YabsSlug> for String {
    fn from(run: YabsSlug) -> String {
        run.slug
    }
}
