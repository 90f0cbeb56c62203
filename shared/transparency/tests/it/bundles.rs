//! A claim's bundle as a stranger gets it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use transparency::{
    Bundle, Kind, Leaf, PublicKey,
    bundle::{MOST_LEAVES, NotBundled},
    tree::{TreeError, prove_extension},
};

use crate::{
    claim::{Parts, bundle_leaf, bundle_of, check, claimed, log, log_with, place},
    support::{Day, Log, ORIGIN, days, key, leaves},
};

#[test]
fn a_bundle_proves_its_days_to_who_has_only_the_key() {
    let log = log();
    let bundle = claimed(&log);
    let text = bundle.to_string();
    assert_eq!(Parts::of(&bundle).text(), text);
    assert_eq!(check(&text, &log.public_keys()), Ok(7 * 1440 - (3..=9).sum::<u64>()));
    let parsed = Bundle::parse(&text).unwrap();
    assert_eq!(parsed, bundle);
    let verified = parsed.verify(&log.public_keys()).unwrap();
    assert_eq!(verified.checkpoint(), &log.checkpoint);
    let days = days("m1", 12);
    assert!(verified.leaves().map(|(_, leaf)| leaf.clone()).eq(days[3..=9].iter().map(Day::leaf)));
}

#[test]
fn leaves_of_other_series_may_stand_between() {
    let log = log();
    let both = days("m1", 12)[3..=9].iter().chain(&days("m2", 12)[4..6]).map(Day::leaf).collect::<Vec<_>>();
    let more = leaves(42..43);
    let text = bundle_of(&log, both.into_iter().chain(more)).to_string();
    assert!(check(&text, &log.public_keys()).is_ok());
}

#[test]
fn a_bundle_stays_valid_when_the_key_changes() {
    let mut log = log();
    let before = claimed(&log).to_string();
    let old = log.key.public().clone();
    log.key = key(ORIGIN, 2);
    log.append(&leaves(1000..1001));
    let proof = prove_extension(&log.tiles, log.checkpoint.head(), log.head).unwrap();
    let next = transparency::checkpoint::Candidate::after(&log.checkpoint, log.head, &proof).unwrap();
    log.checkpoint = next.sign(&log.key, &[]).unwrap();
    let after = claimed(&log).to_string();
    let both = [log.key.public().clone(), old.clone()];
    assert!(check(&before, &both).is_ok() && check(&after, &both).is_ok());
    let unsigned = Err("none of the known keys of log.example/uptime has signed the checkpoint".to_owned());
    assert_eq!(check(&after, &[old]), unsigned);
}

#[test]
fn signatures_of_witnesses_come_along() {
    let log = log();
    let witness = "— witness.example/w TnKKVHLXqk1YrKbQYxwYwrSjgow=\n";
    let mut parts = Parts::of(&claimed(&log));
    parts.checkpoint.push_str(witness);
    let text = parts.text();
    assert!(check(&text, &log.public_keys()).is_ok());
    assert!(Bundle::parse(&text).unwrap().to_string().ends_with(witness));
}

#[test]
fn each_leaf_has_its_proof_in_the_form_of_the_specification() {
    let log = log();
    let bundle = claimed(&log);
    let index = place(&log, &days("m1", 12)[4].leaf());
    let proof = bundle.proof(1).unwrap();
    let (head, checkpoint) = proof.split_once("\n\n").unwrap();
    assert_eq!(checkpoint, log.checkpoint.note());
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    assert_eq!(lines.next(), Some(&*format!("index {index}")));
    let (_, hashes) = transparency::tree::prove(&log.tiles, log.head, index).unwrap();
    assert!(lines.map(str::to_owned).eq(hashes.iter().map(ToString::to_string)));
    assert_eq!(bundle.proof(7), None);
}

#[test]
fn thirty_days_under_a_million_leaves_stay_small() {
    // Each proof of a log of 2^20 leaves has 20 hashes; a day is at most some hundred bytes.
    let day = Leaf::new(Kind::Day, &[b'x'; 700]).unwrap();
    let log = log();
    let mut parts = Parts::of(&claimed(&log));
    let hash = parts.leaves[0][2].clone();
    parts.leaves = (0..30)
        .map(|number| {
            let leaf = bundle_leaf(&day);
            [vec![leaf, format!("index {}", 1_000_000 + number)], vec![hash.clone(); 20]].concat()
        })
        .collect();
    let text = parts.text();
    assert!(Bundle::parse(&text).is_ok());
    assert!(text.len() < 64 * 1024, "{} bytes", text.len());
}

/// The sample in the documentation, which verifiers in other languages are tried on. Once published, a bundle has to be read for
/// ever: if this test fails, a new version of the format is due.
#[test]
fn the_sample_is_written_and_read_as_ever() {
    let sample = include_str!("../../samples/three_days.bundle");
    let key: PublicKey = include_str!("../../samples/log.key").trim_end().parse().unwrap();
    let mut log = Log::new();
    for day in days("m1", 5) {
        let noise = leaves(log.head.size..log.head.size + 2);
        log.append(&[&noise[..], &[day.leaf()]].concat());
        log.publish();
    }
    let bundle = bundle_of(&log, days("m1", 5)[1..4].iter().map(Day::leaf));
    assert_eq!(bundle.to_string(), sample);
    assert_eq!(&key, log.key.public());
    let parsed = Bundle::parse(sample).unwrap();
    let verified = parsed.verify(&[key]).unwrap();
    assert_eq!(verified.complete(1..=3, Day::of_monitor("m1")), Ok(days("m1", 5)[1..4].to_vec()));
}

/// The log itself may be what lies: its own records, properly logged, that contradict each other.
#[test]
fn days_that_were_logged_twice_or_can_not_be_read_do_not_bear_a_claim() {
    let mut log = log();
    let series = days("m1", 12);
    let better = Day { up: 1440, ..series[5].clone() };
    let unreadable = Leaf::new(Kind::Day, b"?").unwrap();
    log.append(&[better.leaf(), unreadable.clone()]);
    log.publish();
    let without = || series[3..=9].iter().filter(|day| day.sequence != 5).map(Day::leaf);
    let text = bundle_of(&log, without().chain([better.leaf()])).to_string();
    assert_eq!(check(&text, &log.public_keys()), Err("record 5 is missing".to_owned()));
    let text = bundle_of(&log, series[3..=5].iter().map(Day::leaf).chain([better.leaf()])).to_string();
    assert_eq!(check(&text, &log.public_keys()), Err("record 5 is not expected here".to_owned()));
    let text = bundle_of(&log, series[3..=9].iter().map(Day::leaf).chain([unreadable])).to_string();
    assert_eq!(
        check(&text, &log.public_keys()),
        Err("the record of leaf 505 can not be read: no day".to_owned())
    );

    let mut rewritten = days("m1", 12);
    rewritten[5].up = 1440;
    let log = log_with(Log::new(), &rewritten);
    let text = bundle_of(&log, rewritten[3..=9].iter().map(Day::leaf)).to_string();
    assert_eq!(
        check(&text, &log.public_keys()),
        Err("record 6 does not follow the record before it".to_owned())
    );
}

#[test]
fn a_text_that_leaves_the_format_is_refused_at_the_line() {
    let log = log();
    let honest = claimed(&log).to_string();
    let first = place(&log, &days("m1", 12)[3].leaf());
    let index = format!("index {first}");
    let hash = Parts::of(&claimed(&log)).leaves[0][2].clone();
    let many = format!("{index}\n{}", format!("{hash}\n").repeat(64));
    for (from, to, line) in [
        ("transparency-bundle/1", "transparency-bundle/2", 1),
        ("transparency-bundle/1", "\u{feff}transparency-bundle/1", 1),
        ("leaves 7", "leaves 07", 2),
        ("leaves 7", "leaves +7", 2),
        ("leaves 7", "leaves  7", 2),
        ("leaves 7", "leaves 0", 2),
        ("leaves 7", "leaves 10001", 2),
        ("leaves 7", "leaves 18446744073709551623", 2),
        ("leaves 7", "leaves 6", 76),
        ("leaves 7", "leaves 8", 88),
        ("leaves 7\n\n", "leaves 7\n", 3),
        ("leaf ", "leaf", 4),
        ("leaf ", "day ", 4),
        ("leaf ZGF5", "leaf eGF5", 4),
        ("leaf ZGF5", "leaf ZGF", 4),
        ("leaf ZGF5", "leaf ZGF5=", 4),
        ("leaf ZGF5", "leaf ZG-5", 4),
        (&*index, &*format!("index 0{first}"), 5),
        (&*index, "index -1", 5),
        (&*index, "index 18446744073709551616", 5),
        (&*index, "index", 5),
        (&*hash, &hash[1..], 6),
        (&*hash, &hash[..43], 6),
        (&*hash, &*format!("{hash} "), 6),
        (&*hash, "AAAA", 6),
        (&*format!("{hash}\n"), "", 16),
        (&*format!("{index}\n"), &*many, 69),
    ] {
        let text = honest.replacen(from, to, 1);
        assert_ne!(text, honest);
        match Bundle::parse(&text) {
            // Without its first hash the text is of the form, and the proof does not hold.
            Ok(_) => assert_eq!((to, line), ("", 16)),
            Err(error) => assert_eq!(error.line, line, "{from} as {to}: {error}"),
        }
    }
    for text in
        ["", "\n", &honest.replace('\n', "\r\n"), &honest[1..], &format!("{honest}\n"), &format!("{honest}x")]
    {
        assert!(Bundle::parse(text).is_err());
    }
    let long = Bundle::parse(&"x".repeat(16 * 1024 * 1024 + 1)).unwrap_err();
    assert_eq!(long.to_string(), "line 1 of the bundle is not of a bundle of at most 16 MiB");
}

#[test]
fn a_bundle_is_not_made_of_what_the_log_does_not_hold() {
    let log = log();
    let day = days("m1", 12)[3].leaf();
    let collect = |leaves| Bundle::collect(&log.tiles, &log.checkpoint, leaves).unwrap_err();
    assert_eq!(collect(BTreeMap::new()), NotBundled::Count(0));
    assert_eq!(collect(BTreeMap::from([(0, day.clone())])), NotBundled::OtherLeaf(0));
    assert!(matches!(
        collect(BTreeMap::from([(504, day.clone())])),
        NotBundled::Tree(TreeError::NotProven(_))
    ));
    let too_many = (0..=MOST_LEAVES as u64).map(|index| (index, day.clone())).collect();
    assert_eq!(collect(too_many), NotBundled::Count(10_001));
}

proptest! {
    #[test]
    fn no_byte_of_a_bundle_can_be_changed(at: prop::sample::Index, byte: u8) {
        let log = shared();
        let mut bytes = log.1.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(check(&text, &log.0.public_keys()).is_err());
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_accepts_is_its_own(
        text in r"(transparency-bundle/1\nleaves [0-3]\n\n(leaf ZGF5LzEK\nindex [0-9]{1,2}\n([A-Za-z0-9+/]{42}A=\n){0,2}\n){0,3})?(a\n1\n)?(?s:.{0,30})(\n\n— a AAAAAAAA\n)?",
    ) {
        if let Ok(bundle) = Bundle::parse(&text) {
            prop_assert_eq!(bundle.to_string(), text);
        }
    }
}

fn shared() -> &'static (Log, String) {
    static SHARED: std::sync::OnceLock<(Log, String)> = std::sync::OnceLock::new();
    SHARED.get_or_init(|| {
        let log = log();
        let text = claimed(&log).to_string();
        (log, text)
    })
}
