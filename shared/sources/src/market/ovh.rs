//! OVH: `GET /v1/order/catalog/public/vps`. Prices are in hundred-millionths of the catalogue's currency, without tax. A plan's machine
//! stands in the technical blob of the plan or of its product; most plans have none, and are left out. Without a zone in the
//! catalogue a price is for no region in particular.
//!
//! One product is many plans: its own, and others for who commits himself, has a rebate or comes from another plan. Their codes are the own one's
//! with something behind it (`vps-2025-model1-10percent`) or with the other plan's before it (`vps-elite-8-8-160-vps-2025-model1`). Nobody can just
//! buy at their prices, so they are not read. Two letters behind it are a place (`-eu`), at whose price anybody can.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use trust::{
    offering::{Class, DiskKind, PriceKind},
    price::{Basis, Billing, Disk, Offer, Place, Term},
};

use super::{
    ReadAs,
    json::{OtherLayout, fields, number, optional, text},
    list::{Draft, MOST_ROWS, PriceList, RowDoubt, amount, bytes, size, slug},
};

/// The longest code of a plan that others' codes begin with, in bytes. Real ones have up to 40.
const LONGEST_CODE: usize = 128;

/// Of one unit of the currency.
const PARTS: f64 = 100_000_000.0;

pub(super) fn rows(document: &Value, read: &ReadAs) -> Result<PriceList, OtherLayout> {
    let plans = document.get("plans").and_then(Value::as_array).ok_or(OtherLayout)?;
    let currency = document.pointer("/locale/currencyCode").and_then(Value::as_str).ok_or(OtherLayout)?;
    let products = document.get("products").and_then(Value::as_array);
    let mut named: HashMap<&str, &Value> = HashMap::new();
    for product in products.into_iter().flatten().take(MOST_ROWS) {
        if let Some(name) = product.get("name").and_then(Value::as_str) {
            named.entry(name).or_insert(product);
        }
    }
    let codes: HashSet<(&str, &str)> =
        plans.iter().filter_map(|plan| product_of(plan).zip(code_of(plan))).collect();
    let mut list = PriceList::default();
    for (place, plan) in plans.iter().enumerate() {
        if code_of(plan).is_some_and(|code| is_variant(code, product_of(plan), &codes)) {
            continue;
        }
        let product = product_of(plan).and_then(|name| named.get(name).copied());
        list.take(|| format!("plans[{place}]"), || row(plan, product, currency, read));
    }
    // Of plans that are all others' variants, nothing is understood.
    if list.rows == 0 && !plans.is_empty() { Err(OtherLayout) } else { Ok(list) }
}

/// Whether a code is that of another plan of the same product with something behind it, as it says itself or by those that there are; or of a
/// plan for who comes from another.
fn is_variant(code: &str, product: Option<&str>, codes: &HashSet<(&str, &str)>) -> bool {
    let is_term = |part: &str| part.starts_with("degressivity") || part.ends_with("percent");
    let is_change = code.split_once("vps-").is_some_and(|(_, behind)| behind.contains("-vps-"));
    let is_place = |end: usize| code.len() == end + 3;
    let ends = code.match_indices('-').map(|(end, _)| end).take_while(|end| *end <= LONGEST_CODE);
    let ends = ends.filter(|end| !is_place(*end));
    let mut shorter = ends.filter_map(|end| code.get(..end));
    is_change
        || code.split('-').any(is_term)
        || product.is_some_and(|product| shorter.any(|own| codes.contains(&(product, own))))
}

fn product_of(plan: &Value) -> Option<&str> {
    plan.get("product").and_then(Value::as_str)
}

fn code_of(plan: &Value) -> Option<&str> {
    plan.get("planCode").and_then(Value::as_str)
}

fn row(plan: &Value, product: Option<&Value>, currency: &str, read: &ReadAs) -> Result<Offer, RowDoubt> {
    let technical = |of: &Value| of.pointer("/blobs/technical").filter(|blob| blob.is_object()).cloned();
    let blob = technical(plan)
        .or_else(|| product.and_then(technical))
        .ok_or(RowDoubt::Missing("blobs.technical"))?;
    let (blob, plan) = (fields(&blob)?, fields(plan)?);
    let part = |name: &'static str| fields(blob.get(name).ok_or(RowDoubt::Missing(name))?);
    let (cores, memory) = (number(part("cpu")?, "cores")?, number(part("memory")?, "size")?);
    let draft = Draft {
        seller: slug("ovhcloud")?,
        name: text(plan, "invoiceName").or_else(|_| text(plan, "planCode"))?.to_owned(),
        class: Class::Shared,
        vcpus: cores,
        memory: size(memory, bytes::GIB, "memory.size")?,
        disk: disk(blob)?,
        traffic: None,
        place: Place::NotSaid,
        basis: Basis { billing: Billing::Prepaid, term: Term::Monthly, kind: PriceKind::List },
        monthly: amount(month(plan)? / PARTS, currency, "price")?,
    };
    draft.into_offer(&read.source, read.on)
}

fn disk(blob: &Map<String, Value>) -> Result<Disk, RowDoubt> {
    let disks = blob.get("storage").and_then(|storage| storage.get("disks")).and_then(Value::as_array);
    let Some(disk) = disks.and_then(|disks| disks.first()) else { return Ok(Disk::NotSaid) };
    let disk = fields(disk)?;
    let capacity = number(disk, "capacity")? * optional(disk, "number")?.unwrap_or(1.0).max(1.0);
    let kind = match disk.get("technology").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("ssd") => Some(DiskKind::Ssd),
        Some("nvme") => Some(DiskKind::Nvme),
        Some("hdd" | "sata" | "sas") => Some(DiskKind::Hdd),
        _ => None,
    };
    Ok(Disk::Included(size(capacity, bytes::GB, "disks.capacity")?, kind))
}

/// What renewing by the month costs, without a commitment.
fn month(plan: &Map<String, Value>) -> Result<f64, RowDoubt> {
    let pricings = plan.get("pricings").and_then(Value::as_array).ok_or(RowDoubt::Missing("pricings"))?;
    let is =
        |pricing: &Value, name: &str, value: &str| pricing.get(name).and_then(Value::as_str) == Some(value);
    let none = |pricing: &Value, name: &str, most: u64| {
        pricing.get(name).and_then(Value::as_u64).unwrap_or(most) <= most
    };
    let renews = |pricing: &Value| {
        let capacities = pricing.get("capacities").and_then(Value::as_array);
        capacities.is_some_and(|all| all.iter().any(|capacity| capacity == "renew"))
    };
    let monthly = pricings.iter().find(|pricing| {
        renews(pricing)
            && is(pricing, "mode", "default")
            && is(pricing, "intervalUnit", "month")
            && none(pricing, "interval", 1)
            && none(pricing, "commitment", 0)
            && none(pricing, "phase", 1)
    });
    number(fields(monthly.ok_or(RowDoubt::Missing("pricings"))?)?, "price")
}
