//! `cargo bench -p transparency --profile local`: what it takes to verify thirty days of a monitor that is asked every minute, and how
//! large the bundle is, in a log of 2^25 leaves: a year of 100,000 monitors.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that can not go on fails, and prints what it found"
)]

#[path = "../examples/bundles/record.rs"]
#[expect(dead_code, reason = "made for more than this")]
mod record;

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use record::{Runs, Series, steady};
use transparency::{
    Bundle, Hash, Head, PublicKey, SecretKey,
    checkpoint::Candidate,
    claim::{Claim, Expected},
};

/// Levels of the log's tree.
const HEIGHT: u32 = 25;

/// How often each is verified. The median of an odd number is one of them.
const TIMES: usize = 201;

fn main() {
    let plain = Series { monitor: "web", interval: 60, first: 0, days: 30, sequence: 7, pattern: steady };
    let long = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let vantage = |name: &str, up: usize, down: usize| format!("vantage {name} {up} {down} 0\n");
    measure("thirty days as usual, 2 vantages", &plain.honest());
    let busy = Series { monitor: long, pattern: flapping, ..plain };
    let third = vantage("ap-northeast-1", 1440, 0);
    let busy = busy.records(&|_, record| record.replacen("vantage", &format!("{third}vantage"), 1));
    measure("60 outages each day, 3 vantages, the longest name", &busy);
    let worst = Series { monitor: long, pattern: restless, ..plain };
    let more: String =
        (b'a'..b'o').map(|letter| vantage(&format!("{}{long}", letter as char)[..64], 1440, 0)).collect();
    let worst = worst.records(&|_, record| {
        record.replacen("vantage", &format!("{more}vantage"), 1).replacen("\nvantage eu", "\nvantage peu", 1)
    });
    measure("no two slots in a row alike, 16 vantages, the longest names", &worst);
}

/// A day on which it fails for a minute every 24.
fn flapping(_: usize, slots: usize) -> Runs {
    (0..slots / 24).flat_map(|_| [(23, 'u'), (1, 't')]).collect()
}

/// A day whose record is as long as can be.
fn restless(_: usize, slots: usize) -> Runs {
    (0..slots / 2).flat_map(|_| [(1, 'u'), (1, 't')]).collect()
}

fn measure(what: &str, records: &[String]) {
    let key = SecretKey::from_seed("log.example/uptime".parse().unwrap(), &[1; 32]).unwrap();
    let text = bundle(&key, records);
    let keys = [key.public().clone()];
    let mut took: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let begun = Instant::now();
            black_box(verify(black_box(&text), &keys));
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    let longest = records.iter().map(String::len).max().unwrap_or_default();
    println!(
        "{what}: {} bytes, the longest record {longest}; verified in {:.2} ms, at most {:.2} ms of {TIMES}",
        text.len(),
        took[TIMES / 2].as_secs_f64() * 1e3,
        took[TIMES - 1].as_secs_f64() * 1e3,
    );
}

fn verify(text: &str, keys: &[PublicKey]) -> Claim {
    let bundle = Bundle::parse(text).unwrap();
    let verified = bundle.verify(keys).unwrap();
    Claim::of(&verified, &Expected::default()).unwrap()
}

/// The bundle of these records, spread over a full tree whose other nodes are hashes of nothing in particular.
fn bundle(key: &SecretKey, records: &[String]) -> String {
    let apart = (1_u64 << HEIGHT) / records.len() as u64;
    let leaves: BTreeMap<u64, Hash> = (0..)
        .zip(records)
        .map(|(number, record)| (number * apart, Hash::of_leaf(record.as_bytes())))
        .collect();
    let head = Head { size: 1 << HEIGHT, root: node(&leaves, HEIGHT, 0) };
    let empty = Candidate::of_empty_log(key.public().origin().clone()).sign(key, &[]).unwrap();
    let checkpoint = Candidate::after(&empty, head, &[]).unwrap().sign(key, &[]).unwrap();
    let mut parts = vec![format!("transparency-bundle/1\nleaves {}\n", records.len())];
    for (index, record) in leaves.keys().zip(records) {
        parts.push(format!("leaf {}\nindex {index}", STANDARD.encode(record)));
        parts.extend((0..HEIGHT).map(|level| node(&leaves, level, (index >> level) ^ 1).to_string()));
        parts.push(String::new());
    }
    parts.join("\n") + "\n" + checkpoint.note()
}

fn node(leaves: &BTreeMap<u64, Hash>, level: u32, index: u64) -> Hash {
    if leaves.range(index << level..(index + 1) << level).next().is_none() {
        return Hash::of_leaf(format!("{level} {index}").as_bytes());
    }
    match level.checked_sub(1) {
        None => leaves[&index],
        Some(below) => Hash::of_node(node(leaves, below, index * 2), node(leaves, below, index * 2 + 1)),
    }
}
