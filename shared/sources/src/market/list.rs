//! What a document of prices comes to, and why a row is no offer.

use std::{fmt, num::NonZeroU16};

use trust::{
    offering::{Class, Country, Label, PriceKind, Tariff},
    price::{Amount, Basis, Billing, Disk, MILLION, Machine, Offer, Place, RegionGroup, Seller, Slug, Term},
    time::Day,
    units::Size,
};

/// Most rows of a document. Rows beyond are counted and not looked at, so that the document's recognition says that they are missing.
pub const MOST_ROWS: usize = 200_000;

/// Rows left out that are named; the others are only counted.
const NAMED: usize = 50;

/// The offers of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceList {
    /// What it offers.
    pub offers: Vec<Offer>,
    /// Rows that are no offer, as far as they are named.
    pub left_out: Vec<LeftOut>,
    /// How many rows there were.
    pub rows: u32,
}

/// A row that is no offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands, such as `plans[3]` or `line 7`.
    pub at: String,
    /// Why.
    pub why: RowDoubt,
}

/// Why a row is no offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowDoubt {
    /// A field that is needed is not there.
    Missing(&'static str),
    /// A field holds no value of its kind.
    Wrong(&'static str),
}

impl fmt::Display for RowDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "{field} is missing"),
            Self::Wrong(field) => write!(f, "{field} is not what it should be"),
        }
    }
}

impl PriceList {
    /// Takes what comes of a row, which is only counted where there are too many.
    pub(super) fn take(
        &mut self,
        at: impl FnOnce() -> String,
        row: impl FnOnce() -> Result<Offer, RowDoubt>,
    ) {
        self.rows = self.rows.saturating_add(1);
        if self.rows as usize > MOST_ROWS {
            return;
        }
        match row() {
            Ok(offer) => self.offers.push(offer),
            Err(why) if self.left_out.len() < NAMED => self.left_out.push(LeftOut { at: at(), why }),
            Err(_) => {}
        }
    }
}

/// A row, as far as it was read. What a layout does not say stays as it is here.
pub(super) struct Draft {
    pub(super) seller: Slug,
    pub(super) name: String,
    pub(super) class: Class,
    pub(super) vcpus: f64,
    pub(super) memory: Size,
    pub(super) disk: Disk,
    pub(super) traffic: Option<Size>,
    pub(super) place: Place,
    pub(super) basis: Basis,
    pub(super) monthly: Amount,
}

impl Draft {
    /// The offer, priced on a day, of a source.
    pub(super) fn into_offer(self, source: &Slug, priced_on: Day) -> Result<Offer, RowDoubt> {
        let vcpus = whole(self.vcpus).and_then(NonZeroU16::new).ok_or(RowDoubt::Wrong("vcpus"))?;
        Ok(Offer {
            seller: Seller::Elsewhere(self.seller),
            name: label(&self.name)?,
            machine: Machine {
                class: self.class,
                vcpus,
                memory: self.memory,
                disk: self.disk,
                traffic: self.traffic,
            },
            place: self.place,
            basis: self.basis,
            monthly: self.monthly,
            priced_on,
            source: source.clone(),
        })
    }
}

/// A number that is whole; `None` of any other.
pub(super) fn whole(number: f64) -> Option<u16> {
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&number);
    is_whole.then_some(number as u16)
}

fn label(text: &str) -> Result<Label, RowDoubt> {
    Label::try_from(crate::text::collapsed(text, 100)).map_err(|_| RowDoubt::Missing("name"))
}

/// Billed by the hour, and left at any time: what the clouds here do.
pub(super) const BY_THE_HOUR: Basis =
    Basis { billing: Billing::Hourly, term: Term::Monthly, kind: PriceKind::List };

/// Paid by the month, and left with the next: what a list price is where nothing else is said.
pub(super) const BY_THE_MONTH: Basis =
    Basis { billing: Billing::Prepaid, term: Term::Monthly, kind: PriceKind::List };

/// A slug that is written here.
pub(super) fn slug(text: &str) -> Result<Slug, RowDoubt> {
    Slug::of(text).ok_or(RowDoubt::Missing("provider"))
}

/// As much of a name as is told of where a row stands.
pub(super) fn first(name: &str) -> String {
    name.chars().take(60).collect()
}

/// An amount of so many units of a currency; none below zero, none that can not be counted.
pub(super) fn amount(units: f64, currency: &str, field: &'static str) -> Result<Amount, RowDoubt> {
    let millionths = units * MILLION as f64;
    if !(0.0..1e18).contains(&millionths) {
        return Err(RowDoubt::Wrong(field));
    }
    let currency = currency.to_owned().try_into().map_err(|_| RowDoubt::Wrong("currency"))?;
    Ok(Amount { millionths: millionths.round() as u64, currency })
}

/// A month of an hour's price.
pub(super) fn a_month_of_hours(hour: Amount, field: &'static str) -> Result<Amount, RowDoubt> {
    let tariff = Tariff { per: trust::offering::Period::Hour, ..Tariff::default() };
    hour.a_month(&tariff).ok_or(RowDoubt::Wrong(field))
}

/// So many of a unit of so many bytes. A fraction of a unit is one of its bytes.
pub(super) fn size(units: f64, bytes_a_unit: u64, field: &'static str) -> Result<Size, RowDoubt> {
    let bytes = units * bytes_a_unit as f64;
    if (0.0..1e18).contains(&bytes) {
        Ok(Size::bytes(bytes.round() as u64))
    } else {
        Err(RowDoubt::Wrong(field))
    }
}

/// The disk of so many of a unit of so many bytes; none of them is one that is paid for apart.
pub(super) fn disk(units: f64, bytes_a_unit: u64) -> Result<Disk, RowDoubt> {
    match units {
        0.0 => Ok(Disk::NotIncluded),
        units => Ok(Disk::Included(size(units, bytes_a_unit, "disk")?, None)),
    }
}

/// The place of a country's code.
pub(super) fn place(country: &str) -> Result<Place, RowDoubt> {
    let country = Country::try_from(country.to_owned()).map_err(|_| RowDoubt::Wrong("country"))?;
    Ok(Place::In(RegionGroup::of(country)))
}

/// Bytes of a unit.
pub(super) mod bytes {
    pub(crate) const MIB: u64 = 1 << 20;
    pub(crate) const GIB: u64 = 1 << 30;
    pub(crate) const GB: u64 = 1_000_000_000;
    pub(crate) const TB: u64 = 1_000_000_000_000;
}
