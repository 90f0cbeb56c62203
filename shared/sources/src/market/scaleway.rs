//! Scaleway: `GET /instance/v1/zones/{zone}/products/servers`. Memory is in bytes; the price is for the machine without a disk, in euro, by
//! the hour. The zone stands in the source's name, `scaleway-fr-par-1`; prices of a zone that is not known here have no region. Types that are
//! not sold any more stay in the list, and those whose names end with `WIN` are priced with a licence for Windows: neither is an offer here.

use serde_json::{Map, Value};
use trust::{
    offering::Class,
    price::{Disk, Offer, Place, Slug},
};

use super::{
    ReadAs,
    json::{OtherLayout, fields, number, optional},
    list::{
        BY_THE_HOUR, Draft, PriceList, RowDoubt, a_month_of_hours, amount, bytes, first, place, size, slug,
    },
};

pub(super) fn rows(document: &Value, read: &ReadAs) -> Result<PriceList, OtherLayout> {
    let servers = document.get("servers").and_then(Value::as_object).ok_or(OtherLayout)?;
    let mut list = PriceList::default();
    for (name, server) in servers.iter().filter(|(name, server)| is_offered(name, server)) {
        list.take(|| format!("servers.{}", first(name)), || row(name, server, read));
    }
    Ok(list)
}

fn is_offered(name: &str, server: &Value) -> bool {
    server.get("end_of_service") != Some(&Value::Bool(true)) && !name.ends_with("-WIN")
}

fn row(name: &str, server: &Value, read: &ReadAs) -> Result<Offer, RowDoubt> {
    let server = fields(server)?;
    let monthly = match optional(server, "hourly_price")? {
        Some(hour) => a_month_of_hours(amount(hour, "EUR", "hourly_price")?, "hourly_price")?,
        None => amount(number(server, "monthly_price")?, "EUR", "monthly_price")?,
    };
    let draft = Draft {
        seller: slug("scaleway")?,
        name: name.to_owned(),
        class: class_of(name, server)?,
        vcpus: number(server, "ncpus")?,
        memory: size(number(server, "ram")?, 1, "ram")?,
        disk: Disk::NotIncluded,
        traffic: None,
        place: zone(&read.source),
        basis: BY_THE_HOUR,
        monthly,
    };
    draft.into_offer(&read.source, read.on)
}

fn class_of(name: &str, server: &Map<String, Value>) -> Result<Class, RowDoubt> {
    let is = |field: &str| match server.get(field) {
        Some(Value::Bool(is)) => *is,
        Some(Value::Number(count)) => count.as_f64().is_some_and(|count| count > 0.0),
        _ => false,
    };
    if is("gpu") {
        Ok(Class::Gpu)
    } else if is("baremetal") {
        Ok(Class::BareMetal)
    } else {
        class(name).ok_or(RowDoubt::Missing("class"))
    }
}

/// The class of a range: of those whose documentation says whether their CPUs are shared.
pub(super) fn class(name: &str) -> Option<Class> {
    match name.split('-').next()? {
        "STARDUST1" | "DEV1" | "PLAY2" | "GP1" | "PRO2" | "BASIC2" | "BASIC3" => Some(Class::Shared),
        "ENT1" | "POP2" | "COMPUTE3" | "MEMORY3" | "GENERAL3" => Some(Class::Dedicated),
        "GPU" | "RENDER" | "H100" | "L4" | "L40S" | "B300" => Some(Class::Gpu),
        _ => None,
    }
}

fn zone(source: &Slug) -> Place {
    let country =
        ["fr-par", "nl-ams", "pl-waw", "it-mil"].into_iter().find(|zone| source.as_str().contains(zone));
    match country.and_then(|zone| zone.get(..2)) {
        Some(code) => place(&code.to_uppercase()).unwrap_or(Place::NotSaid),
        None => Place::NotSaid,
    }
}

/// Memory that was written in decimal GB with two digits, as the GiB it is: `4.29` is 4 GiB.
pub(super) fn memory(gb: f64) -> Result<trust::units::Size, RowDoubt> {
    let gib = gb * bytes::GB as f64 / bytes::GIB as f64;
    let whole = gib.round();
    // Half of the last digit written.
    let is_whole = whole >= 1.0 && (whole * bytes::GIB as f64 / bytes::GB as f64 - gb).abs() <= 0.0051;
    if is_whole { size(whole, bytes::GIB, "ram_gb") } else { size(gb, bytes::GB, "ram_gb") }
}
