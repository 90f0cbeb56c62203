use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::uptime::{
    day::{Latency, VantageCount},
    schedule::{Grid, Interval},
    slot::{Gap, Reason, Seen, Slot},
};

/// A record of an hourly monitor, written by hand after the module's description.
const BY_HAND: &str = "day/1\n\
    monitor m-17\n\
    sequence 41\n\
    previous 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\n\
    configuration 3\n\
    day 2028-02-29\n\
    interval 3600\n\
    phase 17\n\
    vantage eu-central-1 18 2 3\n\
    vantage us-east-1 20 2 1\n\
    latency 41 180\n\
    slots 8uT2u2tg9u.\n";

fn by_hand() -> DayRecord {
    let up = [Some(Slot::Up); 9];
    let work = Slot::Maintenance(Seen::Down(Reason::Timeout));
    let (timeout, gap) = (Slot::Down(Reason::Timeout), Slot::Unknown(Gap::Silent));
    let middle = [Some(work), Some(Slot::Up), Some(Slot::Up), Some(timeout), Some(timeout), Some(gap)];
    let slots = [&up[..8], &middle, &up, &[None]].concat();
    let count = |up, down, nothing| VantageCount { up, down, nothing };
    let vantages = [("eu-central-1", count(18, 2, 3)), ("us-east-1", count(20, 2, 1))];
    let day = MonitorDay {
        day: Day::parse("2028-02-29").unwrap(),
        grid: Grid::new(Interval::from_seconds(3600).unwrap(), 17).unwrap(),
        slots,
        vantages: vantages.into_iter().map(|(name, count)| (name.parse().unwrap(), count)).collect(),
        latency: Some(Latency { p50_ms: 41, p95_ms: 180 }),
    };
    let link = Link::Next { sequence: 41, previous: Sha256Hash::of(b"foo") };
    DayRecord::new("m-17".parse().unwrap(), 3, link, day).unwrap()
}

#[test]
fn a_record_is_written_as_described_and_read_back() {
    assert_eq!(by_hand().encode(), BY_HAND);
    assert_eq!(DayRecord::decode(BY_HAND.as_bytes()), Ok(by_hand()));
    let tally = by_hand().tally();
    assert_eq!(
        (tally.up(), tally.down(), tally.unknown(), tally.maintenance(), tally.expected()),
        (19, 2, 1, 1, 23)
    );
}

#[test]
fn the_example_in_the_description_is_a_record() {
    let lines = include_str!("../record.rs").lines().skip_while(|line| *line != "//! ```text").skip(1);
    let lines = lines.take_while(|line| *line != "//! ```");
    let example: String = lines.flat_map(|line| [line.strip_prefix("//! ").unwrap(), "\n"]).collect();
    let tally = DayRecord::decode(example.as_bytes()).unwrap().tally();
    assert_eq!((tally.up(), tally.down(), tally.unknown(), tally.expected()), (1436, 2, 2, 1440));
}

#[test]
fn whatever_is_written_otherwise_is_refused() {
    let table = [
        ("day/1\n", "day/2\n"),
        ("day/1\n", "\nday/1\n"),
        ("monitor m-17", "monitor m 17"),
        ("monitor m-17", "monitor  m-17"),
        ("monitor m-17", "monitor "),
        ("sequence 41", "sequence 041"),
        ("sequence 41", "sequence +41"),
        ("sequence 41", "sequence -1"),
        ("sequence 41", "sequence 0"),
        ("sequence 41", "sequence 4294967296"),
        ("sequence 41", "sequence 41 "),
        ("previous 2c26", "previous 2C26"),
        ("previous 2c26", "previous 2c2"),
        ("previous 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "previous -"),
        ("configuration 3\n", ""),
        ("day 2028-02-29", "day 2027-02-29"),
        ("day 2028-02-29", "day 20280229"),
        ("day 2028-02-29", "day 2028-2-29"),
        ("day 2028-02-29", "day 2028-02-29T00:00:00"),
        ("interval 3600", "interval 60"),
        ("interval 3600", "interval 420"),
        ("phase 17", "phase 3600"),
        ("vantage eu-central-1 18 2 3\n", "vantage eu-central-1 19 2 3\n"),
        ("vantage eu-central-1 18 2 3\n", "vantage eu-central-1 18 2 3 0\n"),
        ("vantage eu-central-1 18 2 3\n", "vantage eu-central-1 18 5\n"),
        ("vantage eu-central-1 18 2 3\n", "vantage us-east-1 18 2 3\n"),
        ("vantage eu-central-1 18 2 3\n", "vantage x 18 2 3\n"),
        ("vantage eu-central-1 18 2 3\nvantage us-east-1 20 2 1\n", ""),
        ("latency 41 180", "latency -"),
        ("latency 41 180", "latency 181 180"),
        ("latency 41 180", "latency 41"),
        ("slots 8u", "slots 08u"),
        ("slots 8u", "slots 7uu"),
        ("slots 8u", "slots 4u4u"),
        ("8uT", "8u1T"),
        ("8uT", "8u0gT"),
        ("8uT", "9uT"),
        ("8uT", "7uT"),
        ("8uT", "8uX"),
        ("9u.\n", "9u.\n\n"),
        ("9u.\n", "9u."),
        ("9u.\n", "9u.\r\n"),
        ("9u.\n", "9u.\nslots 24u\n"),
    ];
    for (written, otherwise) in table {
        let changed = BY_HAND.replacen(written, otherwise, 1);
        assert_ne!(changed, BY_HAND, "{written:?} is there");
        assert!(DayRecord::decode(changed.as_bytes()).is_err(), "{otherwise:?} is taken");
    }
    assert_eq!(DayRecord::decode(b"\xff"), Err(Malformed::NotText));
    assert_eq!(DayRecord::decode(&vec![b'u'; LONGEST + 1]), Err(Malformed::TooLong));
    assert_eq!(DayRecord::decode(b""), Err(Malformed::Kind));
}

#[test]
fn a_day_that_contradicts_itself_is_not_recorded() {
    let refused = |change: &dyn Fn(&mut MonitorDay)| {
        let mut day = by_hand().day;
        change(&mut day);
        DayRecord::new("m".parse().unwrap(), 1, Link::First, day).unwrap_err()
    };
    assert_eq!(refused(&|day| day.slots.truncate(23)), Contradiction::Slots);
    assert_eq!(refused(&|day| day.vantages.clear()), Contradiction::Vantages);
    assert_eq!(refused(&|day| day.slots[23] = Some(Slot::Up)), Contradiction::Counts);
    assert_eq!(refused(&|day| day.latency = None), Contradiction::Latency);
    let link = Link::Next { sequence: 0, previous: Sha256Hash::of(b"") };
    assert_eq!(DayRecord::new("m".parse().unwrap(), 1, link, by_hand().day), Err(Contradiction::Link));
}

/// The first record of a chain of three days.
fn chain() -> Vec<DayRecord> {
    let mut day = by_hand().day;
    let mut records: Vec<DayRecord> = Vec::new();
    for _ in 0..3 {
        let link = records.last().map_or(Link::First, |last| last.next_link().unwrap());
        records.push(DayRecord::new("m".parse().unwrap(), 1, link, day.clone()).unwrap());
        day.day = day.day.next();
    }
    records
}

#[test]
fn a_day_left_out_exchanged_or_changed_breaks_the_chain() {
    let records = chain();
    assert_eq!(records[1].follows(&records[0]), Ok(()));
    assert_eq!(records[2].follows(&records[1]), Ok(()));
    assert_eq!(records[2].follows(&records[0]), Err(Break::Sequence));
    assert_eq!(records[1].follows(&records[1]), Err(Break::Sequence));
    assert_eq!(records[0].follows(&records[2]), Err(Break::Sequence));
    let mut changed = records[0].clone();
    changed.day.slots[11] = Some(Slot::Up);
    assert_eq!(records[1].follows(&changed), Err(Break::Previous));
    let mut other = records[0].clone();
    other.monitor = "other".parse().unwrap();
    assert_eq!(records[1].follows(&other), Err(Break::Monitor));
    let mut later = records[1].clone();
    later.day.day = later.day.day.next();
    assert_eq!(later.follows(&records[0]), Err(Break::Day));
    // What `sha256sum` says of the text.
    assert_eq!(records[1].link().previous(), Some(Sha256Hash::of(records[0].encode().as_bytes())));
    assert!(BY_HAND.contains(&format!("previous {}\n", Sha256Hash::of(b"foo"))));
}

#[test]
fn thirty_days_at_their_worst_fit_into_a_proof() {
    let letters = [Slot::Up, Slot::Down(Reason::Body)];
    let vantages = (0..16_u8).map(|number| {
        (format!("{number:0>64}").parse().unwrap(), VantageCount { up: 720, down: 719, nothing: 1 })
    });
    let day = MonitorDay {
        day: Day::parse("2028-02-29").unwrap(),
        grid: Grid::new(Interval::SHORTEST, 59).unwrap(),
        slots: (0..1440).map(|slot| Some(letters[slot % 2])).collect(),
        vantages: vantages.collect(),
        latency: Some(Latency { p50_ms: u32::MAX, p95_ms: u32::MAX }),
    };
    let link = Link::Next { sequence: u32::MAX, previous: Sha256Hash::of(b"") };
    let record = DayRecord::new("m".repeat(64).parse().unwrap(), u32::MAX, link, day).unwrap();
    assert!(record.encode().len() < 4000, "{}", record.encode().len());
    assert!(by_hand().encode().len() < 320);
}

fn slots() -> impl Strategy<Value = Option<Slot>> {
    let seen = prop_oneof![
        6 => Just(Seen::Up),
        2 => prop::sample::select(Reason::ALL.to_vec()).prop_map(Seen::Down),
        1 => prop::sample::select(Gap::ALL.to_vec()).prop_map(Seen::Unknown),
    ];
    prop_oneof![
        8 => seen.clone().prop_map(|seen| Some(Slot::from(seen))),
        1 => seen.prop_map(|seen| Some(Slot::Maintenance(seen))),
        1 => Just(None),
    ]
}

prop_compose! {
    fn records()(interval in prop::sample::select(Interval::all().collect::<Vec<_>>()))(
        interval in Just(interval),
        phase in 0..interval.seconds(),
        slots in prop::collection::vec(slots(), usize::from(interval.slots_a_day())),
        counts in prop::collection::btree_map("[a-z0-9-]{1,12}", (any::<u16>(), any::<u16>()), 1..5),
        configuration in any::<u32>(),
        sequence in any::<u32>(),
        hash in any::<[u8; 32]>(),
        times in any::<(u32, u32)>(),
        day in 0..60_000_u16,
    ) -> DayRecord {
        let expected = slots.iter().flatten().count() as u32;
        let vantages: BTreeMap<_, _> = counts.into_iter().map(|(name, (up, down))| {
            let up = u32::from(up) % (expected + 1);
            let down = u32::from(down) % (expected - up + 1);
            (name.parse().unwrap(), VantageCount { up, down, nothing: expected - up - down })
        }).collect();
        let latency = Latency { p50_ms: times.0.min(times.1), p95_ms: times.0.max(times.1) };
        let latency = vantages.values().any(|count| count.up > 0).then_some(latency);
        let link = match sequence {
            0 => Link::First,
            _ => Link::Next { sequence, previous: Sha256Hash(hash) },
        };
        let day = crate::time::Moment::EPOCH.plus(i64::from(day) * 86_400).day();
        let grid = Grid::new(interval, phase).unwrap();
        let day = MonitorDay { day, grid, slots, vantages, latency };
        DayRecord::new("m-1".parse().unwrap(), configuration, link, day).unwrap()
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(record in records()) {
        let text = record.encode();
        prop_assert!(text.is_ascii() && text.len() <= LONGEST);
        prop_assert_eq!(DayRecord::decode(text.as_bytes()), Ok(record));
    }

    #[test]
    fn one_changed_byte_is_refused_or_makes_another_hash(
        record in records(), place: prop::sample::Index, by in 1..=255_u8,
    ) {
        let mut bytes = record.encode().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= by;
        if let Ok(other) = DayRecord::decode(&bytes) {
            prop_assert_ne!(other.hash(), record.hash());
            prop_assert_eq!(other.encode().into_bytes(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic_and_what_it_takes_it_would_write(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        lines in prop::collection::vec(0..13_usize, 0..16),
        cut: prop::sample::Index,
    ) {
        let _ = DayRecord::decode(&noise);
        // Its own lines in any order, cut anywhere, with noise behind.
        let own: Vec<&str> = BY_HAND.split_inclusive('\n').chain(["latency -\n"]).collect();
        let shuffled: Vec<u8> = lines.iter().flat_map(|&line| own[line].bytes()).collect();
        let mut torn = BY_HAND.as_bytes()[..cut.index(BY_HAND.len())].to_vec();
        torn.extend(&noise);
        for bytes in [&shuffled, &torn] {
            if let Ok(record) = DayRecord::decode(bytes) {
                prop_assert_eq!(&record.encode().into_bytes(), bytes);
            }
        }
    }

    #[test]
    fn the_text_alone_gives_the_same_counts(record in records()) {
        // As a stranger would: the last line, each length and letter.
        let text = record.encode();
        let runs = text.lines().last().unwrap().strip_prefix("slots ").unwrap();
        let (mut up, mut down, mut unknown, mut expected, mut raw_up) = (0, 0, 0, 0, 0);
        let mut length = String::new();
        for character in runs.chars() {
            if character.is_ascii_digit() {
                length.push(character);
                continue;
            }
            let times: u64 = if length.is_empty() { 1 } else { length.parse().unwrap() };
            length.clear();
            match character {
                'u' => up += times,
                'n' | 'r' | 't' | 'l' | 's' | 'b' => down += times,
                'g' | 'a' | 'f' | 'c' | 'd' => unknown += times,
                _ => {}
            }
            raw_up += if character.eq_ignore_ascii_case(&'u') { times } else { 0 };
            expected += if character == '.' { 0 } else { times };
        }
        let tally = record.tally();
        prop_assert_eq!((up, down, unknown), (tally.up(), tally.down(), tally.unknown()));
        prop_assert_eq!((expected, raw_up), (tally.expected(), tally.raw().up()));
    }
}
