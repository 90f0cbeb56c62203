//! Offers: who asks how much for which machine, on which terms.

use std::{fmt, num::NonZeroU16};

use serde::{Deserialize, Serialize};

use crate::{
    id::{OfferingId, OperatorId, ProviderId},
    marketplace::{Currency, Money, Offering},
    offering::{Class, DiskKind, Label, Period, PriceKind, Tariff},
    text::is_unseen,
    time::Day,
    units::Size,
};

use super::{
    rates::{MILLION, minor_digits},
    region::RegionGroup,
};

/// Hours of a month, by convention: 365 days a year, a twelfth of it.
const HOURS_A_MONTH: u128 = 730;

/// Months over which a setup fee is spread at least. Fewer would make a fee look like a price that stays.
const SETUP_MONTHS: u16 = 12;

/// The source of this marketplace's own offerings.
const MARKETPLACE: &str = "marketplace";

/// An offer of anybody's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Offer {
    /// Who asks.
    pub seller: Seller,
    /// What he calls it.
    pub name: Label,
    /// The machine.
    pub machine: Machine,
    /// Where it is.
    pub place: Place,
    /// On which terms.
    pub basis: Basis,
    /// A month's price, without value-added tax, the setup fee spread over it.
    pub monthly: Amount,
    /// The day on which that was the price.
    pub priced_on: Day,
    /// Where that was read.
    pub source: Slug,
}

/// Who asks a price.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seller {
    /// A provider of this marketplace.
    Here(ProviderId, Option<OperatorId>),
    /// One whose prices stand elsewhere.
    Elsewhere(Slug),
}

/// A name for programs: 1-64 of `a-z0-9.-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// A text that is no slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a slug is 1 to 64 of a-z, 0-9, '.' and '-'")]
pub struct InvalidSlug;

impl Slug {
    const LONGEST: usize = 64;

    /// The slug of a name: in lower case, with a `-` for whatever is neither letter nor digit. `None` where nothing is left.
    pub fn of(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in name.chars().take(4 * Self::LONGEST) {
            match c.to_ascii_lowercase() {
                c if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' => slug.push(c),
                _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
                _ => {}
            }
        }
        slug.truncate(Self::LONGEST);
        let slug = slug.trim_end_matches('-');
        Self::try_from(slug.to_owned()).ok()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;
    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        let sound = (1..=Self::LONGEST).contains(&text.len()) && text.chars().all(known);
        if sound { Ok(Self(text)) } else { Err(InvalidSlug) }
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> String {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Seller {
    /// Whose offers count as one: an operator's providers are one party, under however many names he offers.
    pub fn party(&self) -> (u8, &str) {
        match self {
            Self::Here(_, Some(operator)) => (0, operator.as_str()),
            Self::Here(provider, None) => (1, provider.as_str()),
            Self::Elsewhere(slug) => (2, slug.as_str()),
        }
    }

    /// His name, for people.
    pub fn name(&self) -> &str {
        match self {
            Self::Here(provider, _) => provider.as_str(),
            Self::Elsewhere(slug) => slug.as_str(),
        }
    }
}

/// A machine, as far as its price depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Machine {
    /// What kind of machine.
    pub class: Class,
    /// Virtual CPUs; threads of a whole machine.
    pub vcpus: NonZeroU16,
    /// Memory.
    pub memory: Size,
    /// Disk.
    pub disk: Disk,
    /// A month's traffic within the price; `None` where that is not said or without limit.
    pub traffic: Option<Size>,
}

/// The disk within a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disk {
    /// Nothing is said of it.
    NotSaid,
    /// None: it is paid for apart.
    NotIncluded,
    /// So much.
    Included(Size, Option<DiskKind>),
}

/// Where an offer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In one part of the world.
    In(RegionGroup),
    /// For the same price in several.
    Everywhere,
    /// That is not known.
    NotSaid,
}

/// The terms within which prices are comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Basis {
    /// How it is billed.
    pub billing: Billing,
    /// For how long one commits.
    pub term: Term,
    /// Whether it stays at that.
    pub kind: PriceKind,
}

/// How a price is billed. The two are markets apart: clouds that bill by the hour ask several times what others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Billing {
    /// By the hour, for as long as it runs.
    Hourly,
    /// By the month or longer, mostly ahead.
    Prepaid,
}

/// For how long one commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Term {
    /// A month at most.
    Monthly,
    /// Less than a year.
    Months,
    /// A year, or less than two.
    Year,
    /// Longer.
    Years,
}

impl Term {
    /// The term of so many months.
    pub fn of_months(months: u16) -> Self {
        match months {
            0..=1 => Self::Monthly,
            2..=11 => Self::Months,
            12..=23 => Self::Year,
            _ => Self::Years,
        }
    }
}

impl Basis {
    /// The terms of a tariff. Who pays a year at once has committed himself to it.
    pub fn of(tariff: &Tariff) -> Self {
        let paid_for = match tariff.per {
            Period::Hour | Period::Month => 0,
            Period::Quarter => 3,
            Period::Year => 12,
        };
        let billing = if tariff.per == Period::Hour { Billing::Hourly } else { Billing::Prepaid };
        Self { billing, term: Term::of_months(tariff.commitment_months.max(paid_for)), kind: tariff.kind }
    }
}

/// An amount of money in millionths of a currency's unit: an hour's price of a small machine is less than a cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Amount {
    /// Millionths of the unit.
    pub millionths: u64,
    /// ISO 4217.
    pub currency: Currency,
}

impl Amount {
    /// The same as money in minor units says; `None` of more than can be counted.
    pub fn of(money: &Money) -> Option<Self> {
        let a_minor = MILLION / 10_u64.pow(minor_digits(money.currency));
        let millionths = money.minor_units.checked_mul(a_minor)?;
        Some(Self { millionths, currency: money.currency })
    }

    /// A month of it, by this tariff, with the setup fee over the time one commits for, a year at least.
    pub fn a_month(self, tariff: &Tariff) -> Option<Self> {
        let asked = u128::from(self.millionths);
        let monthly = match tariff.per {
            Period::Hour => asked * HOURS_A_MONTH,
            Period::Month => asked,
            Period::Quarter => asked / 3,
            Period::Year => asked / 12,
        };
        let setup = Self::of(&Money { minor_units: tariff.setup_minor_units, currency: self.currency })?;
        let spread = u128::from(tariff.commitment_months.max(SETUP_MONTHS));
        let millionths = u64::try_from(monthly + u128::from(setup.millionths) / spread).ok()?;
        Some(Self { millionths, currency: self.currency })
    }
}

/// What an offering would have to say to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// What it costs.
    Price,
    /// What kind of machine it is.
    Class,
    /// How many CPUs it has.
    Vcpus,
    /// How much memory it has.
    Memory,
}

impl Offer {
    /// An offering of this marketplace as an offer, priced on `today`: it can be rented for that. What it does not say is not assumed.
    pub fn of_offering(
        offering: &Offering,
        operator: Option<&OperatorId>,
        today: Day,
    ) -> Result<Self, Vec<Missing>> {
        let specification = offering.specification.clone().unwrap_or_default();
        let tariff = offering.tariff.unwrap_or_default();
        let monthly = offering.price.as_ref().and_then(Amount::of).and_then(|amount| amount.a_month(&tariff));
        let (Some(monthly), Some(class), Some(vcpus), Some(memory)) =
            (monthly, specification.class, specification.vcpus, specification.memory())
        else {
            let missing = [
                (monthly.is_none(), Missing::Price),
                (specification.class.is_none(), Missing::Class),
                (specification.vcpus.is_none(), Missing::Vcpus),
                (specification.memory_mib.is_none(), Missing::Memory),
            ];
            return Err(missing.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect());
        };
        let disk =
            specification.disk().map_or(Disk::NotSaid, |size| Disk::Included(size, specification.disk_kind));
        let place =
            specification.country.map_or(Place::NotSaid, |country| Place::In(RegionGroup::of(country)));
        Ok(Self {
            seller: Seller::Here(offering.provider_id.clone(), operator.cloned()),
            name: name_of(&offering.name, &offering.offering_id),
            machine: Machine { class, vcpus, memory, disk, traffic: tariff.traffic() },
            place,
            basis: Basis::of(&tariff),
            monthly,
            priced_on: today,
            source: Slug(MARKETPLACE.to_owned()),
        })
    }

    /// Whether it is an offering of this marketplace, not one of a price list.
    pub fn is_of_this_marketplace(&self) -> bool {
        self.source.as_str() == MARKETPLACE
    }
}

/// The name of an offering, as far as it can be shown; else its id.
fn name_of(name: &str, id: &OfferingId) -> Label {
    let shown = |text: &str| {
        let text: String = text.chars().filter(|c| !is_unseen(*c)).take(100).collect();
        Label::try_from(text.trim().to_owned())
    };
    shown(name).or_else(|_| shown(id.as_str())).unwrap_or_else(|_| Label::nameless())
}
