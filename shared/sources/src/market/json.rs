//! JSON documents: bounded, and known by their keys.

use serde_json::{Map, Value};

use super::{
    ReadAs,
    list::{PriceList, RowDoubt},
};
use crate::outcome::{Fingerprint, ParseOutcome, Recognition, Unrecognised};

/// Keys of a shape that are looked at.
const MOST_KEYS: usize = 64;

/// That a document is laid out otherwise.
pub(super) struct OtherLayout;

/// Reads a JSON document by its rows. Nesting is bounded by the reader (128 levels), memory by what reads it.
pub(super) fn listed(
    document: &[u8],
    read: &ReadAs,
    rows: impl FnOnce(&Value, &ReadAs) -> Result<PriceList, OtherLayout>,
) -> ParseOutcome<PriceList> {
    let value = match parsed(document) {
        Ok(value) => value,
        Err(why) => return unrecognised(why, ["json"]),
    };
    match rows(&value, read) {
        Ok(list) => recognised(list),
        Err(OtherLayout) => laid_out_otherwise(&value),
    }
}

/// A JSON document, or in which way it is none.
pub(super) fn parsed(document: &[u8]) -> Result<Value, Unrecognised> {
    crate::json::read(document)
}

/// The outcome of a document that says nothing of what is looked for.
pub(super) fn laid_out_otherwise<Facts>(value: &Value) -> ParseOutcome<Facts> {
    unrecognised(Unrecognised::Layout, shape(value))
}

/// A list of which at least one row could be read, or that is empty; else its layout is another.
pub(super) fn recognised(list: PriceList) -> ParseOutcome<PriceList> {
    if list.offers.is_empty() && list.rows > 0 {
        let why = list.left_out.iter().map(|row| row.why.to_string()).take(MOST_KEYS);
        return unrecognised(Unrecognised::Layout, why);
    }
    let recognition = Recognition::new(u32::try_from(list.offers.len()).unwrap_or(u32::MAX), list.rows);
    ParseOutcome::Recognised { facts: list, recognition }
}

pub(super) fn unrecognised<Facts, Part: AsRef<[u8]>>(
    why: Unrecognised,
    shape: impl IntoIterator<Item = Part>,
) -> ParseOutcome<Facts> {
    ParseOutcome::Unrecognised { fingerprint: Fingerprint::of(shape), why }
}

/// What a document looks like: its keys, and those of the first thing in each.
fn shape(value: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    let mut next = vec![(String::new(), value)];
    while let Some((path, value)) = next.pop() {
        if parts.len() >= MOST_KEYS {
            break;
        }
        match value {
            Value::Object(fields) => {
                for (key, value) in fields.iter().take(16) {
                    let key: String = key.chars().take(40).collect();
                    parts.push(format!("{path}.{key}"));
                    if path.len() < 80 {
                        next.push((format!("{path}.{key}"), value));
                    }
                }
            }
            Value::Array(items) => next.extend(items.first().map(|first| (format!("{path}[]"), first))),
            _ => {}
        }
    }
    parts.sort();
    parts.dedup();
    parts
}

/// An object's fields.
pub(super) fn fields(value: &Value) -> Result<&Map<String, Value>, RowDoubt> {
    value.as_object().ok_or(RowDoubt::Wrong("row"))
}

/// A number, written as one or as text.
pub(super) fn number(fields: &Map<String, Value>, name: &'static str) -> Result<f64, RowDoubt> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(RowDoubt::Missing(name)),
        Some(Value::Number(number)) => number.as_f64().ok_or(RowDoubt::Wrong(name)),
        Some(Value::String(text)) => decimal(text).ok_or(RowDoubt::Wrong(name)),
        Some(_) => Err(RowDoubt::Wrong(name)),
    }
}

/// A number, if it is said.
pub(super) fn optional(fields: &Map<String, Value>, name: &'static str) -> Result<Option<f64>, RowDoubt> {
    match number(fields, name) {
        Err(RowDoubt::Missing(_)) => Ok(None),
        number => number.map(Some),
    }
}

/// A text that is not empty.
pub(super) fn text<'a>(fields: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, RowDoubt> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(RowDoubt::Missing(name)),
        Some(Value::String(text)) if text.trim().is_empty() => Err(RowDoubt::Missing(name)),
        Some(Value::String(text)) => Ok(text.trim()),
        Some(_) => Err(RowDoubt::Wrong(name)),
    }
}

/// A decimal of digits and at most one point. No exponent, no sign, no separator of thousands: `1,324` could be either.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let sound = digits && text.bytes().next().is_some_and(|first| first.is_ascii_digit()) && text.len() <= 24;
    if sound { text.parse().ok() } else { None }
}
