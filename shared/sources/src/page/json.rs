//! Data that a page carries for programs: JSON-LD, JSON in scripts, JSON in attributes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Page;
use super::facts::{Facts, Pair, Rung};
use super::synonyms::Synonyms;
use crate::outcome::Fingerprint;

/// JSON stands nowhere among the elements.
const NOWHERE: u32 = u32::MAX;

/// What JSON from elsewhere than a page says, object by object, where one states two facts or more.
pub fn records<'s>(value: &Value, synonyms: &'s Synonyms) -> Vec<Facts<'s>> {
    let mut found = Vec::new();
    walk(value, synonyms, &mut found);
    found.into_iter().map(|(_, pairs)| Facts::of(pairs)).collect()
}

/// What JSON looks like, without what it says: the keys that stand in which.
pub fn shape_of(value: &Value) -> Fingerprint {
    fn collect<'v>(value: &'v Value, under: &'v str, paths: &mut BTreeSet<[&'v str; 2]>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| collect(value, under, paths)),
            Value::Object(object) => {
                for (key, value) in object {
                    paths.insert([under, key]);
                    collect(value, key, paths);
                }
            }
            _ => {}
        }
    }
    let mut paths = BTreeSet::new();
    collect(value, "", &mut paths);
    Fingerprint::of(paths.iter().flatten())
}

impl Page {
    /// The objects of the page's JSON that state two facts or more, each with all its texts. One fact alone may be a coincidence of names.
    pub(super) fn objects<'s>(&self, synonyms: &'s Synonyms) -> Vec<(Vec<String>, Vec<Pair<'s>>)> {
        let mut found = Vec::new();
        for json in &self.json {
            // The parser itself refuses what is nested deeper than 128 levels.
            if let Ok(value) = serde_json::from_str::<Value>(json) {
                walk(&value, synonyms, &mut found);
            }
        }
        found
    }
}

fn walk<'s>(value: &Value, synonyms: &'s Synonyms, found: &mut Vec<(Vec<String>, Vec<Pair<'s>>)>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| walk(value, synonyms, found)),
        Value::Object(object) => {
            let pairs = pairs_of(object, synonyms);
            if pairs.len() >= 2 {
                let texts = object.values().filter_map(Value::as_str).map(str::to_owned).collect();
                found.push((texts, pairs));
            }
            object.values().for_each(|value| walk(value, synonyms, found));
        }
        _ => {}
    }
}

fn pairs_of<'s>(object: &Map<String, Value>, synonyms: &'s Synonyms) -> Vec<Pair<'s>> {
    let mut buffer = String::new();
    let stated = object.iter().filter_map(|(key, value)| {
        let meanings = synonyms.meanings(key, &mut buffer);
        let value = text_of(value).filter(|_| !meanings.is_empty())?;
        Some(Pair { meanings, value: value.into(), rung: Rung::Json, at: NOWHERE })
    });
    stated.collect()
}

/// A scalar as a page would write it. JSON's numbers have a point and no separators, so that 1.324 is not ambiguous there: a zero
/// behind it says so.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => {
            let text = number.to_string();
            let has_three = text.split_once('.').is_some_and(|(_, fraction)| fraction.len() == 3);
            Some(if has_three { text + "0" } else { text })
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}
