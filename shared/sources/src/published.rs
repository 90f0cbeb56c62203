//! What an independent site publishes of a machine, its price and its grades, field by field: a value or why there is none, always with
//! the text. Shared by the sites that are read; each says which of these fields it has.

use std::num::{NonZeroU16, NonZeroU32};

use serde::{Deserialize, Serialize};
use trust::marketplace::Money;
use trust::offering::{Class, DiskKind, Label, Period, PriceKind, Specification, Tariff, Virtualisation};
use trust::units::{BitRate, ByteRate, Size};

use crate::page::{Fact, Facts, Said};
use crate::text::{self, Allowance, Decimal, Doubt, Giga, Grade, Price};

/// A machine as a site describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// CPUs that the guest sees.
    pub cores: Option<Said<NonZeroU16>>,
    /// Memory; `GB` are 1024^3 bytes.
    pub memory: Option<Said<Size>>,
    /// Disk; `GB` are 1000^3 bytes.
    pub disk: Option<Said<Size>>,
    /// What kind of disk.
    pub disk_kind: Option<Said<DiskKind>>,
    /// A month's traffic.
    pub traffic: Option<Said<Allowance>>,
    /// The fastest the network goes.
    pub network_rate: Option<Said<BitRate>>,
    /// Which CPU was seen last.
    pub cpu_model: Option<Said<Label>>,
    /// How it is virtualised.
    pub virtualisation: Option<Said<Virtualisation>>,
    /// Whether two of its CPUs are one core.
    pub hyperthreading: Option<Said<bool>>,
    /// Whether its CPUs are its own.
    pub dedicated_cpu: Option<Said<bool>>,
    /// Whether its CPUs are slowed down when they are used for long.
    pub burstable_cpu: Option<Said<bool>>,
    /// Whether one looks after it oneself.
    pub self_managed: Option<Said<bool>>,
}

impl Machine {
    /// What is said of a machine.
    pub fn said(facts: &Facts<'_>) -> Self {
        let yes = |fact| facts.say(fact, |text, _| text::yes(text));
        Self {
            cores: facts.say(Fact::Cores, |text, _| cores(text)),
            memory: facts.say(Fact::Memory, |text, unit| text::size(text, unit, Giga::Memory)),
            disk: facts.say(Fact::Disk, |text, unit| text::size(text, unit, Giga::Decimal)),
            disk_kind: facts.say(Fact::DiskKind, |text, _| disk_kind(text)),
            traffic: facts.say(Fact::Traffic, text::allowance),
            network_rate: facts.say(Fact::NetworkRate, text::bit_rate),
            cpu_model: facts.say(Fact::CpuModel, |text, _| text::label(text)),
            virtualisation: facts.say(Fact::Virtualisation, |text, _| virtualisation(text)),
            hyperthreading: yes(Fact::Hyperthreading),
            dedicated_cpu: yes(Fact::DedicatedCpu),
            burstable_cpu: yes(Fact::BurstableCpu),
            self_managed: yes(Fact::SelfManaged),
        }
    }

    /// The same as an offering would claim it; what is doubtful or too small to count is left out.
    pub fn specification(&self) -> Specification {
        let whole = |size: Option<&Said<Size>>, unit: u64| {
            let bytes = size?.value()?.as_bytes();
            NonZeroU32::new(u32::try_from(bytes / unit).ok()?)
        };
        let rate = self.network_rate.as_ref().and_then(Said::value);
        let class = self.dedicated_cpu.as_ref().and_then(Said::value);
        Specification {
            class: class.map(|&is_dedicated| if is_dedicated { Class::Dedicated } else { Class::Shared }),
            vcpus: self.cores.as_ref().and_then(Said::value).copied(),
            memory_mib: whole(self.memory.as_ref(), 1 << 20),
            disk_gb: whole(self.disk.as_ref(), 1_000_000_000),
            disk_kind: self.disk_kind.as_ref().and_then(Said::value).copied(),
            network_mbit_per_second: rate
                .and_then(|rate| u32::try_from(rate.as_bits_per_second() / 1_000_000).ok())
                .and_then(NonZeroU32::new),
            cpu_model: self.cpu_model.as_ref().and_then(Said::value).cloned(),
            virtualisation: self.virtualisation.as_ref().and_then(Said::value).copied(),
            ..Specification::default()
        }
    }
}

/// The prices of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// What is asked month after month without a commitment.
    pub monthly: Option<Said<Price>>,
    /// What the first month costs.
    pub first_month: Option<Said<Price>>,
    /// What a month costs under a contract of a year.
    pub yearly_contract: Option<Said<Price>>,
}

impl Prices {
    /// What is said of prices. An amount without a currency has the page's currency, where it states one; an amount in another than
    /// that, as `$20` on a page in Canadian dollars, is none.
    pub fn said(facts: &Facts<'_>) -> Self {
        let currency = facts.text(Fact::Currency);
        // What the page states as the currency may be a list to choose from: then it contradicts no price.
        let of_page = currency.and_then(|currency| text::price(&format!("1 {currency}")).ok());
        let price = |fact| {
            facts.say(fact, |text, _| match (text::price(text), currency) {
                (Err(Doubt::NoCurrency), Some(currency)) => text::price(&format!("{text} {currency}")),
                (Ok(price), _)
                    if of_page.as_ref().is_some_and(|page| page.money.currency != price.money.currency) =>
                {
                    Err(Doubt::Contradictory)
                }
                (read, _) => read,
            })
        };
        Self {
            monthly: price(Fact::MonthlyPrice),
            first_month: price(Fact::FirstMonthPrice),
            yearly_contract: price(Fact::YearlyContractPrice),
        }
    }

    /// The list price and its terms, as they can be set beside other offers. A text that names another time than a month is none.
    pub fn list(&self, traffic: Option<&Said<Allowance>>) -> Option<(Money, Tariff)> {
        let price = self.monthly.as_ref()?.value()?;
        if price.per.is_some_and(|per| per != Period::Month) {
            return None;
        }
        let traffic_gb = match traffic.and_then(Said::value) {
            Some(Allowance::Upto(size)) => {
                u32::try_from(size.as_bytes() / 1_000_000_000).ok().and_then(NonZeroU32::new)
            }
            Some(Allowance::Unlimited) | None => None,
        };
        let terms = Tariff { per: Period::Month, kind: PriceKind::List, traffic_gb, ..Tariff::default() };
        Some((price.money.clone(), terms))
    }
}

/// Grades of a plan or a trial. They are comparable within one version only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grades {
    /// By which version of the site's rules.
    pub version: Option<Said<Label>>,
    /// Altogether, as a number; 0 to 100 at `VPSBenchmarks`, without an end at `ServerVerify`.
    pub score: Option<Said<Decimal>>,
    /// Altogether, as a letter.
    pub overall: Option<Said<Grade>>,
    /// Serving web pages.
    pub web: Option<Said<Grade>>,
    /// Raw CPU power.
    pub cpu: Option<Said<Grade>>,
    /// Disk.
    pub disk: Option<Said<Grade>>,
    /// Network.
    pub network: Option<Said<Grade>>,
    /// Steadiness of performance.
    pub stability: Option<Said<Grade>>,
}

impl Grades {
    /// What is said of grades.
    pub fn said(facts: &Facts<'_>) -> Self {
        let grade = |fact| facts.say(fact, |text, _| text.parse::<Grade>());
        Self {
            version: facts.say(Fact::GradeVersion, |text, _| text::label(text)),
            score: facts.say(Fact::OverallScore, |text, _| text::score(text)),
            overall: grade(Fact::OverallGrade),
            web: grade(Fact::WebGrade),
            cpu: grade(Fact::CpuGrade),
            disk: grade(Fact::DiskGrade),
            network: grade(Fact::NetworkGrade),
            stability: grade(Fact::StabilityGrade),
        }
    }
}

/// A name of something, shortened by nobody.
pub(crate) fn name(facts: &Facts<'_>, fact: Fact) -> Option<Said<Label>> {
    facts.say(fact, |text, _| text::label(text))
}

/// A rate of a disk.
pub(crate) fn disk_rate(facts: &Facts<'_>, fact: Fact) -> Option<Said<ByteRate>> {
    facts.say(fact, text::byte_rate)
}

/// A whole number that fits what scores are kept in.
pub(crate) fn whole(text: &str) -> Result<u32, Doubt> {
    u32::try_from(text::count(text)?).map_err(|_| Doubt::TooLarge)
}

/// `8`, `8 vCPU`, `8 cores`.
fn cores(text: &str) -> Result<NonZeroU16, Doubt> {
    const UNITS: [&str; 10] =
        ["vcpus", "vcpu", "vcores", "vcore", "cores", "core", "cpus", "cpu", "threads", "thread"];
    let lower = text.trim().to_ascii_lowercase();
    let number = UNITS.iter().find_map(|unit| lower.strip_suffix(unit)).unwrap_or(&lower);
    let count = u16::try_from(text::count(number)?).map_err(|_| Doubt::TooLarge)?;
    NonZeroU16::new(count).ok_or(Doubt::Unreadable)
}

fn disk_kind(text: &str) -> Result<DiskKind, Doubt> {
    match text.trim().to_ascii_lowercase().as_str() {
        "nvme" | "nvme ssd" | "ssd nvme" => Ok(DiskKind::Nvme),
        "ssd" | "sata ssd" => Ok(DiskKind::Ssd),
        "hdd" | "sas" | "sata hdd" => Ok(DiskKind::Hdd),
        other => Err(text::absence(other).unwrap_or(Doubt::Unreadable)),
    }
}

fn virtualisation(text: &str) -> Result<Virtualisation, Doubt> {
    match text.trim().to_ascii_lowercase().as_str() {
        "kvm" => Ok(Virtualisation::Kvm),
        "xen" => Ok(Virtualisation::Xen),
        "vmware" => Ok(Virtualisation::Vmware),
        "hyper-v" | "hyperv" | "microsoft" => Ok(Virtualisation::HyperV),
        "lxc" => Ok(Virtualisation::Lxc),
        "openvz" | "virtuozzo" => Ok(Virtualisation::Openvz),
        "none" | "bare metal" => Ok(Virtualisation::None),
        other => Err(text::absence(other).unwrap_or(Doubt::Unreadable)),
    }
}
