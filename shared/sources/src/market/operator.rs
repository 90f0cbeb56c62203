//! An operator's own file of offers, in JSON or CSV. `docs/price.md` says what each field means.
//!
//! The file is ours to define, so it is read strictly: a field that is not known is a row that is not read, and a number has no separator
//! but the decimal point.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use trust::{
    offering::{Class, DiskKind, Period, PriceKind, Tariff},
    price::{Amount, Basis, Disk, Offer, Place, Slug},
    time::Day,
};

use super::{
    ReadAs,
    json::{self, OtherLayout, decimal},
    list::{Draft, PriceList, RowDoubt, amount, bytes, place, size, slug, whole},
};
use crate::outcome::{ParseOutcome, Unrecognised};

/// The fields, all of them, in the order of the document.
const FIELDS: [&str; 17] = [
    "provider",
    "name",
    "class",
    "vcpus",
    "memory_gib",
    "disk_gb",
    "disk_kind",
    "traffic_gb",
    "country",
    "price",
    "currency",
    "per",
    "commitment_months",
    "setup",
    "kind",
    "priced_on",
    "note",
];

/// The fields without which a row is no offer.
const NEEDED: [&str; 7] = ["provider", "class", "vcpus", "memory_gib", "price", "currency", "priced_on"];

/// A row's texts by field. An empty one is not said.
struct Row(BTreeMap<String, String>);

impl Row {
    fn get(&self, field: &'static str) -> Option<&str> {
        self.0.get(field).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn text(&self, field: &'static str) -> Result<&str, RowDoubt> {
        self.get(field).ok_or(RowDoubt::Missing(field))
    }

    fn number(&self, field: &'static str) -> Result<f64, RowDoubt> {
        decimal(self.text(field)?).ok_or(RowDoubt::Wrong(field))
    }

    fn optional(&self, field: &'static str) -> Result<Option<f64>, RowDoubt> {
        self.get(field).map(|text| decimal(text).ok_or(RowDoubt::Wrong(field))).transpose()
    }

    /// One of the domain's words.
    fn word<T: DeserializeOwned>(&self, field: &'static str) -> Result<Option<T>, RowDoubt> {
        let Some(text) = self.get(field) else { return Ok(None) };
        serde_json::from_value(text.into()).map(Some).map_err(|_| RowDoubt::Wrong(field))
    }
}

/// The file as JSON: `{"offers": [{…}, …]}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    offers: Vec<serde_json::Map<String, Value>>,
}

pub(super) fn rows_of_json(document: &Value, read: &ReadAs) -> Result<PriceList, OtherLayout> {
    let File { offers } = File::deserialize(document).map_err(|_| OtherLayout)?;
    let mut list = PriceList::default();
    for (place, fields) in offers.into_iter().enumerate() {
        let row = || of_fields(fields).and_then(|row| offer(&row, &read.source));
        list.take(|| format!("offers[{place}]"), row);
    }
    Ok(list)
}

fn of_fields(fields: serde_json::Map<String, Value>) -> Result<Row, RowDoubt> {
    let mut row = BTreeMap::new();
    for (name, value) in fields {
        let Some(&name) = FIELDS.iter().find(|field| **field == name) else {
            return Err(RowDoubt::Wrong("field"));
        };
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(RowDoubt::Wrong(name)),
        };
        row.insert(name.to_owned(), text);
    }
    Ok(Row(row))
}

/// Reads the file as CSV (RFC 4180) with a header.
pub(super) fn read_csv(document: &[u8], read: &ReadAs) -> ParseOutcome<PriceList> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(document);
    let Ok(header) = reader.headers().cloned() else {
        return json::unrecognised(Unrecognised::Format, ["csv"]);
    };
    let known = header.iter().all(|name| FIELDS.contains(&name));
    if !known || !NEEDED.iter().all(|needed| header.iter().any(|name| name == *needed)) {
        let shape: Vec<String> = header.iter().take(64).map(|name| name.chars().take(40).collect()).collect();
        return json::unrecognised(Unrecognised::Layout, shape);
    }
    let mut list = PriceList::default();
    for record in reader.records() {
        let at = match &record {
            Ok(record) => record.position(),
            Err(error) => error.position(),
        };
        let line = at.map_or(0, csv::Position::line);
        let row = || {
            let record = record.map_err(|_| RowDoubt::Wrong("row"))?;
            let fields = header.iter().zip(record.iter());
            let fields = fields.map(|(name, text)| (name.to_owned(), text.to_owned()));
            offer(&Row(fields.collect()), &read.source)
        };
        list.take(|| format!("line {line}"), row);
    }
    json::recognised(list)
}

fn offer(row: &Row, source: &Slug) -> Result<Offer, RowDoubt> {
    let currency = row.text("currency")?;
    let setup = amount(row.optional("setup")?.unwrap_or(0.0), currency, "setup")?;
    let per = row.word::<Period>("per")?.unwrap_or_default();
    let commitment = row.optional("commitment_months")?.unwrap_or(0.0);
    let tariff = Tariff {
        per,
        commitment_months: whole(commitment).ok_or(RowDoubt::Wrong("commitment_months"))?,
        kind: row.word::<PriceKind>("kind")?.unwrap_or_default(),
        ..Tariff::default()
    };
    let asked = amount(row.number("price")?, currency, "price")?;
    let monthly = asked.a_month(&tariff).ok_or(RowDoubt::Wrong("price"))?;
    let spread = setup.millionths / u64::from(tariff.commitment_months.max(12));
    let millionths = monthly.millionths.checked_add(spread).ok_or(RowDoubt::Wrong("price"))?;
    let monthly = Amount { millionths, ..monthly };
    let priced_on = Day::parse(row.text("priced_on")?).map_err(|_| RowDoubt::Wrong("priced_on"))?;
    let kind = row.word::<DiskKind>("disk_kind")?;
    let provider = row.text("provider")?;
    let draft = Draft {
        seller: slug(provider)?,
        name: row.get("name").unwrap_or(provider).to_owned(),
        class: row.word::<Class>("class")?.ok_or(RowDoubt::Missing("class"))?,
        vcpus: row.number("vcpus")?,
        memory: size(row.number("memory_gib")?, bytes::GIB, "memory_gib")?,
        disk: match row.optional("disk_gb")? {
            None => Disk::NotSaid,
            Some(0.0) => Disk::NotIncluded,
            Some(gb) => Disk::Included(size(gb, bytes::GB, "disk_gb")?, kind),
        },
        traffic: row
            .optional("traffic_gb")?
            .filter(|gb| *gb > 0.0)
            .map(|gb| size(gb, bytes::GB, "traffic_gb"))
            .transpose()?,
        place: row.get("country").map_or(Ok(Place::NotSaid), place)?,
        basis: Basis::of(&tariff),
        monthly,
    };
    draft.into_offer(source, priced_on)
}
