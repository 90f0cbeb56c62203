//! A claim of seven days of one monitor, and what its verifier says.

use std::{collections::BTreeMap, ops::RangeInclusive};

use transparency::{Bundle, Leaf, PublicKey};

use crate::support::{Day, Log, days, leaves};

const DAYS: RangeInclusive<u64> = 3..=9;

/// A log in which the days of two monitors stand, among other leaves.
pub(crate) fn log() -> Log {
    log_with(Log::new(), &days("m1", 12))
}

pub(crate) fn log_with(mut log: Log, days_of_m1: &[Day]) -> Log {
    let others = days("m2", days_of_m1.len() as u64);
    for (day, other) in days_of_m1.iter().zip(&others) {
        let noise = leaves(log.head.size..log.head.size + 40);
        log.append(&[&noise[..], &[day.leaf(), other.leaf()]].concat());
        log.publish();
    }
    log
}

/// Where a leaf stands in the log.
pub(crate) fn place(log: &Log, leaf: &Leaf) -> u64 {
    log.places[leaf.as_bytes()]
}

pub(crate) fn bundle_of(log: &Log, leaves: impl IntoIterator<Item = Leaf>) -> Bundle {
    let leaves: BTreeMap<_, _> = leaves.into_iter().map(|leaf| (place(log, &leaf), leaf)).collect();
    Bundle::collect(&log.tiles, &log.checkpoint, leaves).unwrap()
}

pub(crate) fn claimed(log: &Log) -> Bundle {
    bundle_of(log, days("m1", 12)[3..=9].iter().map(Day::leaf))
}

/// What a verifier of seven days of `m1` says: the slots that were up, or why it does not believe them.
pub(crate) fn check(text: &str, keys: &[PublicKey]) -> Result<u64, String> {
    let bundle = Bundle::parse(text).map_err(|error| error.to_string())?;
    let verified = bundle.verify(keys).map_err(|error| error.to_string())?;
    let days = verified.complete(DAYS, Day::of_monitor("m1")).map_err(|error| error.to_string())?;
    Ok(days.iter().map(|day| day.up).sum())
}

/// A bundle's text in parts that can be moved about.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) leaves: Vec<Vec<String>>,
    pub(crate) checkpoint: String,
}

impl Parts {
    pub(crate) fn of(bundle: &Bundle) -> Self {
        let text = bundle.to_string();
        let mut parts = text.splitn(bundle.count() + 2, "\n\n");
        parts.next();
        let leaves =
            parts.by_ref().take(bundle.count()).map(|part| part.lines().map(str::to_owned).collect());
        Self { leaves: leaves.collect(), checkpoint: parts.next().unwrap().to_owned() }
    }

    pub(crate) fn text(&self) -> String {
        let first = format!("transparency-bundle/1\nleaves {}", self.leaves.len());
        let leaves = self.leaves.iter().map(|lines| lines.join("\n"));
        let parts: Vec<_> = [first].into_iter().chain(leaves).chain([self.checkpoint.clone()]).collect();
        parts.join("\n\n")
    }
}

/// The line of a leaf in a bundle.
pub(crate) fn bundle_leaf(leaf: &Leaf) -> String {
    let mut log = Log::new();
    log.append(std::slice::from_ref(leaf));
    log.publish();
    Parts::of(&bundle_of(&log, [leaf.clone()])).leaves[0][0].clone()
}
