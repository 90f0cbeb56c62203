//! A claim's bundle as one who would rather claim something else hands it on.

use transparency::{Kind, Leaf};

use crate::{
    claim::{Parts, bundle_leaf, bundle_of, check, claimed, log, log_with, place},
    support::{Day, Log, ORIGIN, days, key},
};

/// A log, an honest bundle out of it, and the place of its first leaf.
struct Honest {
    log: Log,
    parts: Parts,
    first: u64,
}

impl Honest {
    fn new() -> Self {
        let log = log();
        let parts = Parts::of(&claimed(&log));
        let first = place(&log, &days("m1", 12)[3].leaf());
        assert!(check(&parts.text(), &log.public_keys()).is_ok());
        Self { log, parts, first }
    }

    /// That the bundle is refused with this reason once this was done to it.
    fn refused(&self, what: &str, tamper: impl FnOnce(&mut Parts), reason: &str) {
        let mut parts = self.parts.clone();
        tamper(&mut parts);
        let text = parts.text();
        assert_ne!(text, self.parts.text(), "{what}");
        assert_eq!(check(&text, &self.log.public_keys()), Err(reason.to_owned()), "{what}");
    }

    /// A hash that does not belong in the first leaf's proof.
    fn other_hash(&self) -> String {
        assert_ne!(self.parts.leaves[1][2], self.parts.leaves[0][2]);
        self.parts.leaves[1][2].clone()
    }

    /// A leaf's part of a bundle.
    fn part(&self, leaf: Leaf) -> Vec<String> {
        Parts::of(&bundle_of(&self.log, [leaf])).leaves.remove(0)
    }
}

fn not_there(index: u64) -> String {
    format!("leaf {index} is not proven to be in the log: the proof does not lead to the root")
}

fn wrong_length(index: u64) -> String {
    format!(
        "leaf {index} is not proven to be in the log: \
         the proof does not have as many hashes as the tree's size asks for"
    )
}

fn outside(index: u64, size: u64) -> String {
    format!("leaf {index} is not proven to be in the log: leaf {index} is not among the first {size}")
}

fn unsigned(origin: &str) -> String {
    format!("none of the known keys of {origin} has signed the checkpoint")
}

#[test]
fn a_leaf_that_is_not_what_was_logged_is_refused() {
    let honest = Honest::new();
    let series = days("m1", 12);
    let not_there = not_there(honest.first);
    let better = Day { up: 1440, ..series[3].clone() };
    honest.refused("a better day", |p| p.leaves[0][0] = bundle_leaf(&better.leaf()), &not_there);
    let score = Leaf::new(Kind::Score, series[3].leaf().record()).unwrap();
    honest.refused("another kind", |p| p.leaves[0][0] = bundle_leaf(&score), &not_there);
    let theirs = days("m2", 12)[3].leaf();
    honest.refused("another's day", |p| p.leaves[0][0] = bundle_leaf(&theirs), &not_there);
    let next = honest.parts.leaves[1][0].clone();
    honest.refused("the next day", |p| p.leaves[0][0] = next, &not_there);
    honest.refused(
        "two days changed round",
        |p| {
            let (one, other) = p.leaves.split_at_mut(1);
            std::mem::swap(&mut one[0][0], &mut other[0][0]);
        },
        &not_there,
    );
}

#[test]
fn a_proof_of_another_place_or_with_other_hashes_is_refused() {
    let honest = Honest::new();
    let first = honest.first;
    let other = || honest.other_hash();
    let before = format!("index {}", first - 1);
    honest.refused("the place before", |p| p.leaves[0][1] = before, &not_there(first - 1));
    honest.refused("a place after the end", |p| p.leaves[6][1] = "index 504".to_owned(), &outside(504, 504));
    let last = format!("index {}", u64::MAX);
    honest.refused("the last place there can be", |p| p.leaves[6][1] = last, &outside(u64::MAX, 504));
    honest.refused("another hash", |p| p.leaves[0][2] = other(), &not_there(first));
    honest.refused("hashes changed round", |p| p.leaves[0].swap(2, 3), &not_there(first));
    honest.refused("a hash too few", |p| drop(p.leaves[0].pop()), &wrong_length(first));
    honest.refused("a hash too many", |p| p.leaves[0].push(other()), &wrong_length(first));
    honest.refused("no hashes", |p| p.leaves[0].truncate(2), &wrong_length(first));
}

#[test]
fn a_day_that_is_missing_doubled_or_not_of_the_series_is_noticed() {
    let honest = Honest::new();
    honest.refused("without the first day", |p| drop(p.leaves.remove(0)), "record 3 is missing");
    honest.refused("without a day", |p| drop(p.leaves.remove(2)), "record 5 is missing");
    honest.refused("without the last day", |p| drop(p.leaves.pop()), "record 9 is missing");
    honest.refused("all but one day left out", |p| p.leaves.truncate(1), "record 4 is missing");
    let more = honest.part(days("m1", 12)[10].leaf());
    honest.refused("a day more", |p| p.leaves.push(more), "record 10 is not expected here");
    let theirs = honest.part(days("m2", 12)[5].leaf());
    honest.refused("another's day in place of one", |p| p.leaves[2] = theirs, "record 5 is missing");
    let order = "line 17 of the bundle is not \"index\" and a number above the last leaf's";
    honest.refused("a day twice", |p| p.leaves.insert(1, p.leaves[0].clone()), order);
    honest.refused("days out of order", |p| p.leaves.swap(0, 1), order);
    let none = "line 2 of the bundle is not \"leaves\" and a number from 1 to 10000";
    honest.refused("no days at all", |p| p.leaves.clear(), none);
}

#[test]
fn a_checkpoint_that_the_log_did_not_sign_is_refused() {
    let honest = Honest::new();
    let wrong = format!("the signature of key {} does not fit the checkpoint", honest.log.key.public());
    let replace = |from: &str, to: &str| {
        let checkpoint = honest.parts.checkpoint.replacen(from, to, 1);
        move |p: &mut Parts| p.checkpoint = checkpoint
    };
    honest.refused("more leaves", replace("\n504\n", "\n505\n"), &wrong);
    let root = honest.log.head.root.to_string();
    honest.refused("another root", replace(&root, &honest.other_hash()), &wrong);
    honest.refused("another name", replace(ORIGIN, "log.example/better"), &unsigned("log.example/better"));
    let signer = format!("— {ORIGIN} ");
    honest.refused("signed by another", replace(&signer, "— log.example/better "), &unsigned(ORIGIN));
    honest.refused(
        "another signature",
        |p| {
            let at = p.checkpoint.len() - 20;
            let other = if &p.checkpoint[at..=at] == "A" { "B" } else { "A" };
            p.checkpoint.replace_range(at..=at, other);
        },
        &wrong,
    );
    let end = "line 88 of the bundle is not the first of a signed checkpoint";
    honest.refused("no signature", |p| p.checkpoint.truncate(p.checkpoint.find('—').unwrap()), end);
    honest.refused("a size spelled otherwise", replace("\n504\n", "\n0504\n"), end);
    honest.refused("more said in it", replace(&root, &format!("{root}\nup 100 %")), end);
}

#[test]
fn another_log_or_another_moment_of_it_does_not_fit() {
    let honest = Honest::new();
    let series = days("m1", 13);
    let of =
        |origin: &str, seed: u8| Parts::of(&claimed(&log_with(Log::of(key(origin, seed)), &series[..12])));
    honest.refused("a log of one's own", |p| *p = of(ORIGIN, 9), &unsigned(ORIGIN));
    let better = "log.example/better";
    honest.refused("a log of another name with the same key", |p| *p = of(better, 1), &unsigned(better));
    let at = |count: usize| log_with(Log::new(), &series[..count]).checkpoint.note().to_owned();
    honest.refused("an earlier checkpoint", |p| p.checkpoint = at(11), &not_there(honest.first));
    honest.refused("a later checkpoint", |p| p.checkpoint = at(13), &wrong_length(honest.first));
    honest.refused("the empty log's checkpoint", |p| p.checkpoint = at(0), &outside(honest.first, 0));
}
