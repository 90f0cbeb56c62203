//! What docs/proof.md says, where it can be held against the code.

use transparency::{Hash, Head, Kind, Leaf, Published, WitnessKey, checkpoint::Candidate};
use trust::uptime::{
    leaves::{CorrectionLeaf, KeyLeaf, MaintenanceLeaf, MonitorLeaf, ScoreLeaf},
    record::DayRecord,
};

use crate::{made::good, support::Log, tampered::bad};

const DOCUMENT: &str = include_str!("../../../../docs/proof.md");

/// The indented blocks of the document.
fn blocks() -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in DOCUMENT.lines() {
        let block = blocks.last_mut().unwrap();
        match line.strip_prefix("    ") {
            Some(line) => block.extend([line, "\n"]),
            // A checkpoint has an empty line in it.
            None if line.is_empty() && block.starts_with("log.") && !block.contains("\n\n") => {
                block.push('\n');
            }
            None if !block.is_empty() => blocks.push(String::new()),
            None => {}
        }
    }
    blocks
}

#[test]
fn each_kind_of_leaf_is_shown_as_it_is_written() {
    let mut shown = Vec::new();
    for block in blocks() {
        let Ok(leaf) = Leaf::from_bytes(block.into_bytes()) else {
            continue;
        };
        let bytes = leaf.as_bytes();
        let written = match leaf.kind() {
            Kind::Day => DayRecord::decode(bytes).unwrap().encode(),
            Kind::Monitor => MonitorLeaf::decode(bytes).unwrap().encode(),
            Kind::Maintenance => MaintenanceLeaf::decode(bytes).unwrap().encode(),
            Kind::Correction => CorrectionLeaf::decode(bytes).unwrap().encode(),
            Kind::Key => KeyLeaf::decode(bytes).unwrap().encode(),
            Kind::Score => ScoreLeaf::decode(bytes).unwrap().encode(),
        };
        assert_eq!(written.as_bytes(), bytes);
        shown.push(leaf.kind());
    }
    assert_eq!(
        shown,
        [Kind::Day, Kind::Monitor, Kind::Maintenance, Kind::Key, Kind::Correction, Kind::Score]
    );
}

#[test]
fn the_checkpoint_it_shows_is_signed_by_the_key_of_the_samples() {
    let key = include_str!("../../samples/log.key").trim_end().parse().unwrap();
    let note = blocks().into_iter().find(|block| block.starts_with("log.example/uptime\n")).unwrap();
    assert_eq!(Published::open(&note, &[key]).unwrap().head().size, 15);
}

#[test]
fn it_counts_the_bundles_to_try_a_verifier_on() {
    let (good, bad) = (good().len(), bad().len());
    assert!(DOCUMENT.contains(&format!("writes {good} good bundles")), "{good}");
    assert!(DOCUMENT.contains(&format!("and {bad} that were tampered with")), "{bad}");
}

#[test]
fn the_cosignature_it_shows_is_one_of_the_witness_it_shows() {
    let key = DOCUMENT.split('`').find(|text| text.starts_with("witness.example/w1+")).unwrap();
    let line = blocks().into_iter().find(|block| block.starts_with("— witness.example/w1 ")).unwrap();
    let signed = blocks().into_iter().find(|block| block.starts_with("cosignature/v1\n")).unwrap();
    let key: WitnessKey = key.parse().unwrap();
    let head = Head { size: 1, root: Hash::of_leaf(b"a") };
    let log = Log::new();
    let checkpoint = Candidate::after(&log.checkpoint, head, &[]).unwrap().sign(&log.key, &[]).unwrap();
    let time = checkpoint.with_cosignature(&key, &line).unwrap().cosigned(&key).unwrap();
    let (text, _) = checkpoint.note().split_once("\n\n").unwrap();
    assert_eq!(signed, format!("cosignature/v1\ntime {}\n{text}\n", time.unix()));
}
