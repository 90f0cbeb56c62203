//! Vultr: `GET /v2/plans`. Memory is in MiB, disk and traffic in GB; a plan costs the same wherever it is offered. Billed by the hour up to
//! the month's price.

use serde_json::Value;
use trust::{
    offering::Class,
    price::{Offer, Place},
};

use super::{
    ReadAs,
    json::{OtherLayout, fields, number, optional, text},
    list::{BY_THE_HOUR, Draft, PriceList, RowDoubt, amount, bytes, disk, size, slug},
};

pub(super) fn rows(document: &Value, read: &ReadAs) -> Result<PriceList, OtherLayout> {
    let plans = document.get("plans").and_then(Value::as_array).ok_or(OtherLayout)?;
    let mut list = PriceList::default();
    for (place, plan) in plans.iter().enumerate() {
        list.take(|| format!("plans[{place}]"), || row(plan, read));
    }
    Ok(list)
}

fn row(plan: &Value, read: &ReadAs) -> Result<Offer, RowDoubt> {
    let plan = fields(plan)?;
    let id = text(plan, "id")?;
    let gb = number(plan, "disk")? * optional(plan, "disk_count")?.unwrap_or(1.0).max(1.0);
    let draft = Draft {
        seller: slug("vultr")?,
        name: id.to_owned(),
        class: class(text(plan, "type")?).ok_or(RowDoubt::Wrong("type"))?,
        vcpus: number(plan, "vcpu_count")?,
        memory: size(number(plan, "ram")?, bytes::MIB, "ram")?,
        disk: disk(gb, bytes::GB)?,
        traffic: traffic(optional(plan, "bandwidth")?)?,
        place: Place::Everywhere,
        basis: BY_THE_HOUR,
        monthly: amount(number(plan, "monthly_cost")?, "USD", "monthly_cost")?,
    };
    draft.into_offer(&read.source, read.on)
}

fn traffic(gb: Option<f64>) -> Result<Option<trust::units::Size>, RowDoubt> {
    gb.filter(|gb| *gb > 0.0).map(|gb| size(gb, bytes::GB, "bandwidth")).transpose()
}

/// The class of a plan's type, as Vultr's documentation has them. A type that is not among them is not guessed.
pub(super) fn class(of: &str) -> Option<Class> {
    match of {
        "vc2" | "vhf" | "vhp" => Some(Class::Shared),
        "vdc" | "voc" | "voc-c" | "voc-g" | "voc-m" | "voc-s" => Some(Class::Dedicated),
        "vcg" => Some(Class::Gpu),
        "vbm" => Some(Class::BareMetal),
        _ => None,
    }
}
