//! What becomes known after a day was sealed: the day stays in the log, and a correction says what counts in its place.

use std::{collections::BTreeMap, ops::Range};

use table::MOST_CORRECTED;
use transparency::leaf::Kind;
use trust::{
    policy::Policy,
    score::Score,
    summary::summarise,
    time::Day,
    uptime::{
        count::{UptimeCount, UptimeDay},
        leaves::CorrectionLeaf,
        record::DayRecord,
        slot::{Gap, Slot},
    },
};

use super::{
    log::leaves,
    only,
    world::{DOWN, MINUTES_A_DAY, UP, World},
};

const DAY: i64 = MINUTES_A_DAY;

/// A world whose first days were seen, sealed and logged.
async fn logged(days: i64, down: Range<i64>) -> World {
    let world = World::start().await;
    world.see(0..down.start, UP).await;
    world.see(down.clone(), DOWN).await;
    world.see(down.end..days * DAY, UP).await;
    world.seal(days * DAY + 120).await;
    world.append(days * DAY + 121).await;
    world
}

/// Up, down and expected slots of the sealed days.
async fn sealed(world: &World) -> Vec<(u64, u64, u64)> {
    let all = world.facts().await;
    let count =
        |fact: &trust::uptime::facts::DayFact| (fact.tally.up(), fact.tally.down(), fact.tally.expected());
    only(&all).sealed.days.iter().map(count).collect()
}

/// What the provider's score counts of each day.
async fn counted(world: &World) -> BTreeMap<Day, UptimeDay> {
    let (provider, begun, later) = ("p1".parse().unwrap(), world.slot(0).day(), world.slot(90 * DAY).day());
    world.table().signal_days(&provider, begun, later).await.unwrap().uptime
}

/// What it should: each sealed day as it counts, once.
async fn to_count(world: &World) -> BTreeMap<Day, UptimeDay> {
    let all = world.facts().await;
    let sealed = only(&all).sealed.days.iter();
    sealed.filter_map(|fact| Some((fact.day, [(UptimeCount::of(&fact.tally)?, 1)].into()))).collect()
}

/// The provider's score at this minute.
async fn score(world: &World, minute: i64) -> Score {
    let (provider, now) = ("p1".parse().unwrap(), world.after(minute));
    let stored = world.table().signals(&provider, world.slot(0).day()).await.unwrap();
    summarise(Policy::current(), &provider, &stored.signals, now).score.unwrap()
}

async fn corrections(world: &World) -> Vec<CorrectionLeaf> {
    let leaves = leaves(world).await;
    let of_the_kind = leaves.iter().filter(|leaf| leaf.kind() == Kind::Correction);
    of_the_kind.map(|leaf| CorrectionLeaf::decode(leaf.as_bytes()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_told_late_corrects_the_days_that_were_sealed_and_leaves_them_in_the_log() {
    let world = logged(3, 2 * DAY..2 * DAY + 9).await;
    let (records, before) = (world.records().await, leaves(&world).await);
    world.end_told(DAY + 600, 3 * DAY + 200).await;
    world.review(3 * DAY + 210).await;
    let day = DAY as u64;
    assert_eq!(sealed(&world).await, [(day, 0, day), (600, 0, 600), (0, 0, 0)]);
    let all = world.facts().await;
    let facts = only(&all);
    assert_eq!((facts.outages().count(), facts.standing(world.slot(0).day()).unwrap().used), (0, 0));
    assert_eq!(counted(&world).await, to_count(&world).await);
    assert_eq!(counted(&world).await.len(), 2, "nothing is known of the third day any more");
    assert_eq!(world.append(3 * DAY + 211).await, 3, "the end, and two days");

    assert_eq!(world.records().await, records);
    let after = leaves(&world).await;
    assert_eq!(after[..before.len()], before);
    let corrections = corrections(&world).await;
    for (correction, record) in corrections.iter().zip(&records[1..]) {
        let wrong = &after[usize::try_from(correction.leaf()).unwrap()];
        assert_eq!(wrong.as_bytes(), record.encode().as_bytes());
        assert!(correction.in_place_of(record).unwrap().is_some());
        assert!(correction.reason().as_str().contains("had ended at 2028-02-29T10:00"), "{correction:?}");
    }
    assert_eq!(corrections.len(), 2);
    // Looked at again, there is nothing to correct, and in the end nobody looks any more.
    for minute in [215, 240, 260] {
        world.review(3 * DAY + minute).await;
        world.seal(3 * DAY + minute).await;
    }
    assert_eq!(world.table().awaiting_leaves(9).await.unwrap(), []);
    assert_eq!(world.table().reviews().await.unwrap(), []);
    assert_eq!(world.table().shards().await.unwrap(), [], "it is asked no more");
    assert_eq!(counted(&world).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_changes_what_the_score_counts_once_however_often_it_is_made() {
    let (last, down) = (7 * DAY, 4 * DAY + 100..4 * DAY + 130);
    let world = logged(7, down.clone()).await;
    let (before, told) = (score(&world, last + 200).await, last + 200);
    assert_eq!(counted(&world).await, to_count(&world).await);
    world.pause(down.start - 5..down.end + 5, told).await;
    assert_eq!(score(&world, told).await, before, "not before the day is corrected");
    let at_once = (0..3).map(|_| world.review(told + 1));
    futures_util::future::join_all(at_once).await;
    let (counts, after) = (counted(&world).await, score(&world, told).await);
    assert_eq!(counts, to_count(&world).await);
    assert_eq!(counts.len(), 7);
    assert_ne!(after.inputs_hash, before.inputs_hash);
    assert!(after.points > before.points, "{:?} and {:?}", before.points, after.points);
    for turn in 2..5 {
        world.pause(down.start - 5..down.end + 5, told + turn).await;
        world.review(told + turn).await;
        world.append(told + turn).await;
    }
    assert_eq!((counted(&world).await, score(&world, told).await), (counts, after));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_told_late_takes_away_the_outage_within_it() {
    let world = logged(2, DAY + 100..DAY + 130).await;
    assert_eq!(world.told(), ["outage.opened", "outage.closed"]);
    world.pause(DAY + 90..DAY + 140, 2 * DAY + 200).await;
    world.review(2 * DAY + 200).await;
    let day = DAY as u64;
    assert_eq!(sealed(&world).await, [(day, 0, day), (day - 50, 0, day - 50)]);
    let all = world.facts().await;
    assert_eq!(only(&all).outages().count(), 0);
    world.append(2 * DAY + 201).await;
    let corrections = corrections(&world).await;
    assert!(
        corrections[0].reason().as_str().starts_with("the monitor was not to be asked"),
        "{corrections:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_late_ends_in_the_same_days_whatever_comes_first_and_however_often_it_is_looked_at() {
    let mut ends = Vec::new();
    for order in 0..4 {
        let world = World::start().await;
        for (minutes, outcomes) in
            [(DAY - 60..DAY - 5, UP), (DAY - 5..DAY + 9, DOWN), (DAY + 9..DAY + 90, UP)]
        {
            world.see(minutes, outcomes).await;
        }
        world.seal(3 * DAY + 120).await;
        world.append(3 * DAY + 121).await;
        let told = 3 * DAY + 200;
        let looks = |turn: i64| world.review(told + turn);
        match order {
            0 => {
                world.pause(DAY - 3..DAY + 5, told).await;
                looks(1).await;
                world.end_told(DAY + 60, told + 2).await;
                looks(3).await;
            }
            1 => {
                world.end_told(DAY + 60, told).await;
                looks(1).await;
                looks(1).await;
                world.append(told + 2).await;
                world.pause(DAY - 3..DAY + 5, told + 2).await;
                looks(3).await;
            }
            2 => {
                // First an end that is not the earliest word of it.
                world.end_told(DAY + 900, told).await;
                looks(1).await;
                world.pause(DAY - 3..DAY + 5, told + 1).await;
                world.end_told(DAY + 60, told + 2).await;
                looks(3).await;
            }
            _ => {
                world.end_told(DAY + 60, told).await;
                world.pause(DAY - 3..DAY + 5, told + 1).await;
                world.end_told(DAY + 60, told + 2).await;
                let at_once = (0..3).map(|_| world.review(told + 3));
                futures_util::future::join_all(at_once).await;
            }
        }
        world.review(told + 30).await;
        world.append(told + 31).await;
        leaves(&world).await;
        let all = world.facts().await;
        let facts = only(&all);
        let outages: Vec<_> =
            facts.outages().map(|outage| (outage.from, outage.until, outage.slots)).collect();
        assert_eq!(outages.len(), 2, "what the pause has cut in two");
        assert_eq!(counted(&world).await, to_count(&world).await);
        ends.push((
            sealed(&world).await,
            outages,
            facts.sealed.latency.clone(),
            facts.sealed.carried.clone(),
        ));
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_corrected_again_and_the_last_correction_counts() {
    let world = logged(1, 700..710).await;
    world.end_told(900, DAY + 200).await;
    world.review(DAY + 200).await;
    world.append(DAY + 201).await;
    world.end_told(600, DAY + 202).await;
    world.review(DAY + 203).await;
    world.append(DAY + 204).await;
    assert_eq!(sealed(&world).await, [(600, 0, 600)]);
    assert_eq!(counted(&world).await, to_count(&world).await);
    let expected: Vec<u64> =
        corrections(&world).await.iter().map(|one| one.day().unwrap().tally().expected()).collect();
    assert_eq!(expected, [900, 600]);
    let day = world.slot(0).day();
    let kept = world.table().sealed_day(&world.monitor, day).await.unwrap().unwrap();
    assert_eq!(DayRecord::decode(kept.counting().as_bytes()).unwrap().tally().expected(), 600);
    let logged = world.table().logged_corrections(&world.monitor, day, day).await.unwrap();
    assert_eq!(logged.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_waits_for_its_place_in_the_log_is_corrected_when_it_has_one() {
    let world = World::start().await;
    world.see(0..2 * DAY, UP).await;
    world.seal(2 * DAY + 120).await;
    world.end_told(DAY + 60, 2 * DAY + 130).await;
    world.review(2 * DAY + 150).await;
    assert_eq!(sealed(&world).await[1].2, DAY as u64);
    world.append(2 * DAY + 151).await;
    world.review(2 * DAY + 152).await;
    assert_eq!(sealed(&world).await[1].2, 60);
    assert_eq!(world.append(2 * DAY + 153).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_which_nothing_that_was_seen_is_kept_stay_as_they_are() {
    let world = logged(2, 10..20).await;
    world.seal(50 * DAY + 120).await;
    world.append(50 * DAY + 121).await;
    world.end_told(DAY, 50 * DAY + 200).await;
    world.review(50 * DAY + 230).await;
    let corrected = sealed(&world).await.iter().filter(|day| day.2 == 0).count();
    assert_eq!(corrected, MOST_CORRECTED, "the others are corrected next");
    world.review(50 * DAY + 231).await;
    let days = sealed(&world).await;
    let first_corrected = days.iter().skip(1).position(|day| day.2 == 0).unwrap() + 1;
    assert_eq!(first_corrected, 50 - 40);
    assert_eq!(days[1], (DAY as u64, 0, DAY as u64));
    assert_eq!(world.table().reviews().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_goes_on_keeps_its_beginning_when_the_days_before_are_corrected() {
    let world = World::start().await;
    world.see(0..DAY - 10, UP).await;
    world.see(DAY - 10..DAY + 300, DOWN).await;
    world.seal(DAY + 120).await;
    world.append(DAY + 121).await;
    world.settle(DAY + 200).await;
    world.pause(DAY - 8..DAY - 6, DAY + 210).await;
    world.review(DAY + 211).await;
    let all = world.facts().await;
    let facts = only(&all);
    let outages: Vec<_> = facts.outages().map(|outage| (outage.from, outage.is_open())).collect();
    assert_eq!(outages, [(world.slot(DAY - 10), false), (world.slot(DAY - 6), true)]);
    assert_eq!(facts.open_outage().unwrap().slots, 6 + 211);
    let silent = Slot::Unknown(Gap::Silent);
    let today: Day = world.slot(DAY).day();
    let tally = &facts.days_within(today, today).next().unwrap().tally;
    assert!(!tally.counts().any(|(slot, _)| slot == silent));
    assert_eq!(world.told().iter().filter(|kind| *kind == "outage.opened").count(), 2);
}
