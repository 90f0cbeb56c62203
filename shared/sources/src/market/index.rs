//! `docs/plans.json` of p32929/vps-price-index (CC0): a daily index of a few clouds. What is known of each provider beyond it stands in
//! [`HOUSES`]. Scaleway's memory is in decimal GB there; a disk or traffic of 0 is one that is not in the price, or not in the index.

use serde_json::{Map, Value};
use trust::{
    marketplace::Currency,
    offering::Class,
    price::{Disk, MILLION, Offer, Place, Rates},
    time::{Day, Moment},
    units::Size,
};

use super::{
    ReadAs, json,
    json::{OtherLayout, fields, number, text},
    lightsail, linode,
    list::{BY_THE_HOUR, Draft, PriceList, RowDoubt, amount, bytes, place, size, slug},
    scaleway, vultr,
};
use crate::outcome::{ParseOutcome, Recognition, Unrecognised};

/// What is known of a provider of the index.
struct House {
    name: &'static str,
    slug: &'static str,
    memory: fn(f64) -> Result<Size, RowDoubt>,
    class: fn(plan: &str, note: &str) -> Option<Class>,
    place: fn(note: &str) -> Place,
    /// What a disk of 0 means.
    no_disk: Disk,
}

const HOUSES: [House; 4] = [
    House {
        name: "Scaleway",
        slug: "scaleway",
        memory: scaleway::memory,
        class: |plan, _| scaleway::class(plan),
        place: |_| place("FR").unwrap_or(Place::NotSaid),
        no_disk: Disk::NotIncluded,
    },
    House {
        name: "Vultr",
        slug: "vultr",
        memory: gib,
        class: |plan, _| vultr::class(plan.split('-').next()?),
        place: |_| Place::Everywhere,
        no_disk: Disk::NotSaid,
    },
    House {
        name: "Akamai (Linode)",
        slug: "linode",
        memory: gib,
        class: |_, note| linode::class(note),
        place: |_| Place::Everywhere,
        no_disk: Disk::NotSaid,
    },
    House {
        name: "AWS Lightsail",
        slug: "aws-lightsail",
        memory: gib,
        class: |_, _| Some(Class::Shared),
        place: lightsail::place_of_note,
        no_disk: Disk::NotSaid,
    },
];

fn gib(count: f64) -> Result<Size, RowDoubt> {
    size(count, bytes::GIB, "ram_gb")
}

pub(super) fn rows(document: &Value, read: &ReadAs) -> Result<PriceList, OtherLayout> {
    let plans = document.get("plans").and_then(Value::as_array).ok_or(OtherLayout)?;
    let generated = document.get("generated_utc").and_then(Value::as_str).ok_or(OtherLayout)?;
    let on = Moment::parse(generated).map_err(|_| OtherLayout)?.day();
    let mut list = PriceList::default();
    for (place, plan) in plans.iter().enumerate() {
        list.take(|| format!("plans[{place}]"), || row(plan, read, on));
    }
    Ok(list)
}

fn row(plan: &Value, read: &ReadAs, on: Day) -> Result<Offer, RowDoubt> {
    let plan = fields(plan)?;
    let (provider, name, note) =
        (text(plan, "provider")?, text(plan, "plan")?, text(plan, "note").unwrap_or_default());
    // Of a provider that is not known here, units, region and terms are not known either.
    let house = HOUSES.iter().find(|house| house.name == provider).ok_or(RowDoubt::Wrong("provider"))?;
    let draft = Draft {
        seller: slug(house.slug)?,
        name: name.to_owned(),
        class: (house.class)(name, note).ok_or(RowDoubt::Missing("class"))?,
        vcpus: number(plan, "vcpu")?,
        memory: (house.memory)(number(plan, "ram_gb")?)?,
        disk: match number(plan, "disk_gb")? {
            0.0 => house.no_disk,
            gb => Disk::Included(size(gb, bytes::GB, "disk_gb")?, None),
        },
        traffic: match number(plan, "transfer_tb")? {
            0.0 => None,
            tb => Some(size(tb, bytes::TB, "transfer_tb")?),
        },
        place: (house.place)(note),
        basis: BY_THE_HOUR,
        monthly: amount(number(plan, "price")?, text(plan, "currency")?, "price")?,
    };
    draft.into_offer(&read.source, on)
}

/// The euro's rate of the index, where no better source of rates was read.
pub fn rates_of_index(document: &[u8]) -> ParseOutcome<Rates> {
    let other = || json::unrecognised(Unrecognised::Layout, ["fx"]);
    let value = match json::parsed(document) {
        Ok(value) => value,
        Err(why) => return json::unrecognised(why, ["json"]),
    };
    let rate = |fx: &Map<String, Value>| {
        let (rate, day) = (number(fx, "EUR_USD").ok()?, Day::parse(text(fx, "date").ok()?).ok()?);
        let millionths = (rate * MILLION as f64).round();
        (1.0..1e12).contains(&millionths).then_some((millionths as u64, day))
    };
    let Some((rate, day)) = value.get("fx").and_then(Value::as_object).and_then(rate) else { return other() };
    let facts =
        Rates { day, source: "vps-price-index".to_owned(), a_euro: [(Currency::US_DOLLAR, rate)].into() };
    ParseOutcome::Recognised { facts, recognition: Recognition::new(1, 1) }
}
