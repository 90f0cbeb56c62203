//! Linode (Akamai): `GET /v4/linode/types`. Memory and disk are in MiB, traffic in GB; the base price holds in all regions but those of
//! `region_prices`. Billed by the hour up to the month's price.

use serde_json::Value;
use trust::{
    offering::Class,
    price::{Offer, Place},
};

use super::{
    ReadAs,
    json::{OtherLayout, fields, number, optional, text},
    list::{BY_THE_HOUR, Draft, PriceList, RowDoubt, a_month_of_hours, amount, bytes, disk, size, slug},
};

pub(super) fn rows(document: &Value, read: &ReadAs) -> Result<PriceList, OtherLayout> {
    let types = document.get("data").and_then(Value::as_array).ok_or(OtherLayout)?;
    let mut list = PriceList::default();
    for (place, found) in types.iter().enumerate() {
        list.take(|| format!("data[{place}]"), || row(found, read));
    }
    Ok(list)
}

fn row(found: &Value, read: &ReadAs) -> Result<Offer, RowDoubt> {
    let found = fields(found)?;
    let price = fields(found.get("price").ok_or(RowDoubt::Missing("price"))?)?;
    let monthly = match optional(price, "monthly")? {
        Some(monthly) => amount(monthly, "USD", "price.monthly")?,
        None => a_month_of_hours(amount(number(price, "hourly")?, "USD", "price.hourly")?, "price.hourly")?,
    };
    let draft = Draft {
        seller: slug("linode")?,
        name: text(found, "label")?.to_owned(),
        class: class(text(found, "class")?).ok_or(RowDoubt::Wrong("class"))?,
        vcpus: number(found, "vcpus")?,
        memory: size(number(found, "memory")?, bytes::MIB, "memory")?,
        disk: disk(number(found, "disk")?, bytes::MIB)?,
        traffic: optional(found, "transfer")?
            .filter(|gb| *gb > 0.0)
            .map(|gb| size(gb, bytes::GB, "transfer"))
            .transpose()?,
        place: Place::Everywhere,
        basis: BY_THE_HOUR,
        monthly,
    };
    draft.into_offer(&read.source, read.on)
}

/// The class of Linode's own `class`.
pub(super) fn class(of: &str) -> Option<Class> {
    match of {
        "nanode" | "standard" => Some(Class::Shared),
        "dedicated" | "premium" | "highmem" => Some(Class::Dedicated),
        "gpu" => Some(Class::Gpu),
        "metal" => Some(Class::BareMetal),
        _ => None,
    }
}
