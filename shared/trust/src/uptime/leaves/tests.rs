use proptest::prelude::*;

use super::*;
use crate::{
    time::Moment,
    uptime::{
        maintenance::Window,
        record::Sha256Hash,
        schedule::{Grid, Interval},
        slot::Panel,
        span::Span,
    },
};

/// The texts in the module's description.
fn examples() -> Vec<String> {
    let mut examples: Vec<String> = Vec::new();
    let mut is_within = false;
    for line in include_str!("../leaves.rs").lines() {
        match line {
            "//! ```text" => {
                is_within = true;
                examples.push(String::new());
            }
            "//! ```" => is_within = false,
            line if is_within => {
                examples.last_mut().unwrap().extend([line.strip_prefix("//! ").unwrap(), "\n"]);
            }
            _ => {}
        }
    }
    examples
}

/// What a text is when it is read and written again as each kind; the reason if it can not be.
fn rewritten(text: &str) -> Result<String, Malformed> {
    let bytes = text.as_bytes();
    match text.lines().next() {
        Some(MaintenanceLeaf::KIND) => MaintenanceLeaf::decode(bytes).map(|leaf| leaf.encode()),
        Some(KeyLeaf::KIND) => KeyLeaf::decode(bytes).map(|leaf| leaf.encode()),
        Some(CorrectionLeaf::KIND) => CorrectionLeaf::decode(bytes).map(|leaf| leaf.encode()),
        _ => MonitorLeaf::decode(bytes).map(|leaf| leaf.encode()),
    }
}

#[test]
fn the_examples_in_the_description_are_records() {
    let examples = examples();
    assert_eq!(examples.len(), 4);
    for example in examples {
        assert_eq!(rewritten(&example), Ok(example));
    }
}

#[test]
fn a_record_is_read_as_it_is_described() {
    let [monitor, maintenance, key, correction]: [String; 4] = examples().try_into().unwrap();
    let at = |text| Moment::parse(text).unwrap();
    let leaf = MonitorLeaf::decode(monitor.as_bytes()).unwrap();
    assert_eq!((leaf.monitor.as_str(), leaf.version, leaf.check), ("m-17", 3, CheckKind::Https));
    assert_eq!((leaf.grid.interval().seconds(), leaf.grid.phase()), (60, 17));
    assert_eq!((leaf.lifetime.since(), leaf.lifetime.ended()), (at("2027-12-01T09:30:00Z"), None));
    assert_eq!(leaf.panel.vantages().len(), 2);

    let leaf = MaintenanceLeaf::decode(maintenance.as_bytes()).unwrap();
    assert_eq!(leaf.window().announced_at, at("2028-02-01T10:00:00Z"));
    assert_eq!(leaf.window().span.seconds(), 2 * 3600);

    let leaf = KeyLeaf::decode(key.as_bytes()).unwrap();
    assert_eq!((leaf.from(), leaf.key().origin()), (at("2028-06-01T00:00:00Z"), "log.example/uptime"));
    assert_ne!(leaf.key(), leaf.replaces());

    let leaf = CorrectionLeaf::decode(correction.as_bytes()).unwrap();
    assert_eq!(leaf.leaf(), 48_213);
    assert!(leaf.reason().as_str().starts_with("the contract had ended"));
    assert_eq!(leaf.day().unwrap().tally().expected(), 720);
}

#[test]
fn what_is_written_otherwise_is_refused() {
    let [monitor, maintenance, key, correction]: [String; 4] = examples().try_into().unwrap();
    let (long, other_log) = ("x".repeat(501), key.replacen("key log.example", "key log.other", 1));
    for (text, from, to) in [
        (&monitor, "monitor/1\n", "monitor/2\n"),
        (&monitor, "monitor/1\n", "maintenance/1\n"),
        (&monitor, "monitor m-17", "monitor m 17"),
        (&monitor, "version 3\n", "version 03\n"),
        (&monitor, "version 3\n", ""),
        (&monitor, "from 2028-02-01T00:00:00Z", "from 2028-02-01T00:00:00+00:00"),
        (&monitor, "from 2028-02-01T00:00:00Z", "from 2028-02-01T00:00:00.0Z"),
        (&monitor, "from 2028-02-01", "from 2027-02-29"),
        (&monitor, "interval 60", "interval 61"),
        (&monitor, "phase 17", "phase 60"),
        (&monitor, "panel eu-central-1 us-east-1", "panel us-east-1 eu-central-1"),
        (&monitor, "panel eu-central-1 us-east-1", "panel eu-central-1 eu-central-1"),
        (&monitor, "panel eu-central-1 us-east-1", "panel eu-central-1  us-east-1"),
        (&monitor, "panel eu-central-1 us-east-1", "panel "),
        (&monitor, "check https", "check HTTPS"),
        (&monitor, "check https", "check ping"),
        (&monitor, "target 8f", "target 8F"),
        (&monitor, "target 8f", "target 8"),
        (&monitor, "ended -", "ended 2027-12-01T09:30:00Z"),
        (&monitor, "ended -", "ended never"),
        (&monitor, "ended -\n", "ended -"),
        (&monitor, "ended -\n", "ended -\n\n"),
        (&monitor, "ended -\n", "ended -\r\n"),
        (&maintenance, "from 2028-02-03T01", "from 2028-02-03T03"),
        (&maintenance, "announced 2028-02-01T10", "announced 2028-02-03T01"),
        (&maintenance, "until", "to"),
        (&key, "key log", "key log log"),
        (&key, "key log.example/uptime+4f4c1ab9", "key log.example/uptime+4f4c1ab"),
        (&key, "key log.example/uptime+4f4c1ab9", "key log.example/uptime+4F4C1AB9"),
        (&key, "key log.example/uptime+4f4c1ab9", "key +4f4c1ab9"),
        (&key, "\nreplaces", " \nreplaces"),
        (&key, &key, &other_log),
        (&correction, "leaf 48213", "leaf 9223372036854775808"),
        (&correction, "leaf 48213", "leaf +48213"),
        (&correction, "reason the", "reason  the"),
        (&correction, "later\n", "later \n"),
        (&correction, "later\n", "later\nand more\n"),
        (&correction, "later\n", "later\n\n"),
        (&correction, "720.\n", "720.\n\n"),
        (&correction, "720.\n", "720."),
        (&correction, "720.\n", "719.\n"),
        (&correction, "the contract", "caf\u{e9}"),
        (&correction, "the contract", &long),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(&changed, text);
        assert!(rewritten(&changed).is_err(), "{changed}");
    }
    let same = key.lines().nth(2).unwrap().replacen("key", "replaces", 1);
    let unchanged = key.lines().take(3).chain([&*same]).fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(rewritten(&unchanged), Err(Malformed::Line("replaces")));
    assert_eq!(MonitorLeaf::decode(&vec![b'x'; 65_536]), Err(Malformed::TooLong));
}

#[test]
fn a_target_is_known_by_its_salt_and_not_without() {
    // `(printf '0123456789abcdef'; printf 'https://203.0.113.7/') | sha256sum`
    let expected = "42d93bd43ffa3a26f347c91704014ee730b6fefb3d7992aad2cccf6f4af82641";
    let (salt, target) = (b"0123456789abcdef", "https://203.0.113.7/");
    let committed = commitment(salt, target);
    assert_eq!(committed.to_string(), expected);
    let monitor = MonitorLeaf::decode(examples()[0].as_bytes()).unwrap();
    let leaf = MonitorLeaf { target: committed, ..monitor };
    assert!(leaf.is_opened_by(salt, target));
    assert!(!leaf.is_opened_by(b"0123456789abcdeg", target));
    assert!(!leaf.is_opened_by(salt, "https://203.0.113.8/"));
}

prop_compose! {
    fn moments()(seconds in 0..4_000_000_000_i64) -> Moment {
        Moment::EPOCH.plus(seconds)
    }
}

prop_compose! {
    fn monitors()(interval in prop::sample::select(Interval::all().collect::<Vec<_>>()))(
        monitor in "[A-Za-z0-9._-]{1,64}",
        version in any::<u32>(),
        (from, since) in (moments(), moments()),
        grid in (Just(interval), 0..interval.seconds()),
        panel in prop::collection::btree_set("[a-z0-9-]{1,12}", 1..=16),
        check in prop::sample::select(CheckKind::ALL.to_vec()),
        target in any::<[u8; 32]>(),
        lasted in prop::option::of(1..100_000_000_i64),
    ) -> MonitorLeaf {
        MonitorLeaf {
            monitor: monitor.parse().unwrap(),
            version,
            from,
            grid: Grid::new(grid.0, grid.1).unwrap(),
            panel: Panel::new(panel.iter().map(|name| name.parse().unwrap()).collect()).unwrap(),
            check,
            target: Sha256Hash(target),
            lifetime: Lifetime::new(since, lasted.map(|seconds| since.plus(seconds))).unwrap(),
        }
    }
}

proptest! {
    #[test]
    fn records_are_read_as_they_were_written(
        monitor in monitors(),
        announced_at in moments(),
        (lead, seconds) in (1..1_000_000_i64, 1..=604_800_i64),
        (leaf, reason) in (0..=i64::MAX as u64, "[!-~]([ -~]{0,498}[!-~])?"),
    ) {
        let span = Span { from: announced_at.plus(lead), until: announced_at.plus(lead + seconds) };
        let window = Window { announced_at, span };
        let maintenance = MaintenanceLeaf::new(monitor.monitor.clone(), window).unwrap();
        let correction = CorrectionLeaf::new(leaf, reason.parse().unwrap()).unwrap();
        prop_assert_eq!(MonitorLeaf::decode(monitor.encode().as_bytes()), Ok(monitor));
        prop_assert_eq!(MaintenanceLeaf::decode(maintenance.encode().as_bytes()), Ok(maintenance));
        prop_assert_eq!(CorrectionLeaf::decode(correction.encode().as_bytes()), Ok(correction));
    }

    #[test]
    fn a_changed_byte_is_another_record_or_none(which in 0..4_usize, at: prop::sample::Index, byte: u8) {
        let text = examples().swap_remove(which);
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(changed) = String::from_utf8(bytes) && let Ok(written) = rewritten(&changed) {
            prop_assert_eq!(written, changed);
        }
    }
}
