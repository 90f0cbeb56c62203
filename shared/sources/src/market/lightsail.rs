//! Amazon Lightsail's offer file: products by SKU, and their terms apart. Of the products, instances with Linux and an IPv4 address are read, by
//! the hour in US dollars. Memory is in GiB, written `0.5GB`; traffic is not among the attributes.

use serde_json::{Map, Value};
use trust::{
    offering::Class,
    price::{Disk, Offer, Place},
    units::Size,
};

use super::{
    ReadAs,
    json::{OtherLayout, decimal, fields, text},
    list::{
        BY_THE_HOUR, Draft, PriceList, RowDoubt, a_month_of_hours, amount, bytes, first, place, size, slug,
    },
};

pub(super) fn rows(document: &Value, read: &ReadAs) -> Result<PriceList, OtherLayout> {
    let products = document.get("products").and_then(Value::as_object).ok_or(OtherLayout)?;
    let terms = document.pointer("/terms/OnDemand").and_then(Value::as_object).ok_or(OtherLayout)?;
    let mut list = PriceList::default();
    for (sku, product) in products.iter().filter(|(_, product)| is_instance(product)) {
        list.take(|| format!("products.{}", first(sku)), || row(product, terms.get(sku), read));
    }
    Ok(list)
}

fn is_instance(product: &Value) -> bool {
    let attribute = |name: &str| product.pointer(&format!("/attributes/{name}")).and_then(Value::as_str);
    // Families are not said of all products, groups are.
    let mut kinds =
        [product.get("productFamily"), product.pointer("/attributes/group")].into_iter().flatten();
    let says = |name: &str, word: &str| attribute(name).is_some_and(|text| text.contains(word));
    // Bundles without an IPv4 address are sold for less.
    let is_partial =
        says("usagetype", "_IPv6") || says("groupDescription", "IPv6") || says("usagetype", "_win");
    kinds.any(|kind| kind == "Lightsail Instance")
        && attribute("operatingSystem").is_none_or(|system| system == "Linux")
        && !is_partial
}

fn row(product: &Value, terms: Option<&Value>, read: &ReadAs) -> Result<Offer, RowDoubt> {
    let attributes = fields(product.get("attributes").ok_or(RowDoubt::Missing("attributes"))?)?;
    let memory = gigabytes(text(attributes, "memory")?, "memory")?;
    let draft = Draft {
        seller: slug("aws-lightsail")?,
        name: name(attributes, memory),
        // Bundles burst on CPUs that others use, too.
        class: Class::Shared,
        vcpus: decimal(text(attributes, "vcpu")?).ok_or(RowDoubt::Wrong("vcpu"))?,
        memory,
        disk: match attributes.get("storage").and_then(Value::as_str) {
            Some(storage) => Disk::Included(gigabytes(storage, "storage")?, None),
            None => Disk::NotSaid,
        },
        traffic: None,
        place: region(attributes),
        basis: BY_THE_HOUR,
        monthly: a_month_of_hours(hour(terms)?, "pricePerUnit")?,
    };
    draft.into_offer(&read.source, read.on)
}

fn name(attributes: &Map<String, Value>, memory: Size) -> String {
    let named = text(attributes, "usagetype").map(str::to_owned);
    named.unwrap_or_else(|_| format!("{} GB bundle", memory.as_gib()))
}

/// `0.5GB`, `20 GB` or `1TB`, each of which is binary at this provider's.
fn gigabytes(text: &str, field: &'static str) -> Result<Size, RowDoubt> {
    let wrong = RowDoubt::Wrong(field);
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).ok_or(wrong)?;
    let unit = unit.trim().split_ascii_whitespace().next().unwrap_or_default();
    let bytes_a_unit = match unit {
        "GB" => bytes::GIB,
        "TB" => bytes::GIB * 1024,
        _ => return Err(wrong),
    };
    size(decimal(number).ok_or(wrong)?, bytes_a_unit, field)
}

/// The one price by the hour. Where there are several, they are for steps of use, which is not a bundle's price.
fn hour(terms: Option<&Value>) -> Result<trust::price::Amount, RowDoubt> {
    let wrong = RowDoubt::Wrong("terms");
    let terms = fields(terms.ok_or(RowDoubt::Missing("terms"))?)?;
    let mut dimensions =
        terms.values().filter_map(|term| term.get("priceDimensions")?.as_object()).flat_map(Map::values);
    let dimension = fields(dimensions.next().ok_or(RowDoubt::Missing("priceDimensions"))?)?;
    let unit = text(dimension, "unit")?;
    if dimensions.next().is_some() || !unit.to_ascii_lowercase().starts_with("hr") {
        return Err(wrong);
    }
    let price = dimension.get("pricePerUnit").and_then(|price| price.get("USD")).and_then(Value::as_str);
    amount(price.and_then(decimal).ok_or(RowDoubt::Wrong("pricePerUnit"))?, "USD", "pricePerUnit")
}

/// Which part of the world a region's code names.
fn region(attributes: &Map<String, Value>) -> Place {
    let code = attributes.get("regionCode").and_then(Value::as_str).unwrap_or_default();
    let country = match code.split('-').next() {
        Some("eu") => "DE",
        Some("us" | "ca") => "US",
        Some("ap") => "SG",
        Some("sa") => "BR",
        Some("me" | "il") => "IL",
        Some("af") => "ZA",
        _ => return Place::NotSaid,
    };
    place(country).unwrap_or(Place::NotSaid)
}

/// A place that stands in a note such as `us-east-1, Linux`.
pub(super) fn place_of_note(note: &str) -> Place {
    let code = note.split(',').next().unwrap_or_default().trim();
    region(&Map::from_iter([("regionCode".to_owned(), Value::from(code))]))
}
