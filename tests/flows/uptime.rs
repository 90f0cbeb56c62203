//! From what workers saw to days, outages, promises and the log, in time that the tests move.

mod asking;
mod corrections;
mod log;
mod reports;
mod scores;
mod served;
mod witness;
mod witnesses;
mod world;

use serde_json::Value;
use trust::uptime::{
    facts::Facts,
    slot::{Gap, Reason, Slot},
};

use world::{DOWN, MINUTES_A_DAY, UP, World};

fn only(facts: &[Facts]) -> &Facts {
    assert_eq!(facts.len(), 1);
    &facts[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_when_it_begins_and_when_it_ends_and_stands_in_the_facts() {
    let world = World::start().await;
    world.see(0..100, UP).await;
    world.settle(100).await;
    assert_eq!(world.told(), Vec::<String>::new());
    world.see(100..105, DOWN).await;
    for minute in [101, 103, 103, 105] {
        world.settle(minute).await;
    }
    world.see(105..110, UP).await;
    world.settle(110).await;
    world.settle(110).await;
    assert_eq!(world.told(), ["outage.opened", "outage.closed"]);
    let schema: Value = serde_json::from_str(include_str!("../../events/schemas/uptime.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for entry in world.services().published() {
        assert_eq!(entry["Source"], "trust");
        schema.validate(&entry["Detail"]).unwrap();
        assert_eq!(
            (&entry["Detail"]["provider"], &entry["Detail"]["contract"]),
            (&"p1".into(), &"c1".into())
        );
    }
    let all = world.facts().await;
    let facts = only(&all);
    let tally = &facts.days().next().unwrap().tally;
    assert_eq!((tally.up(), tally.down(), tally.unknown()), (105, 5, 0));
    let outage = facts.outages().next().unwrap();
    assert_eq!(
        (outage.from, outage.until, outage.reason),
        (world.slot(100), world.slot(105), Reason::Refused)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prober_that_stands_still_shows_as_coverage_and_not_as_uptime() {
    let world = World::start().await;
    world.see(0..600, UP).await;
    world.see(900..MINUTES_A_DAY, UP).await;
    world.seal(MINUTES_A_DAY + 120).await;
    let all = world.facts().await;
    let tally = &only(&all).sealed.days[0].tally;
    let expected = MINUTES_A_DAY as u64;
    assert_eq!((tally.up(), tally.down(), tally.unknown_for(Gap::Silent)), (expected - 300, 0, 300));
    assert_eq!((tally.uptime().share(), tally.is_covered(), tally.claim()), (Some(1.0), false, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_died_between_two_attempts_leaves_the_slot_unknown() {
    let world = World::start().await;
    world.see(0..10, UP).await;
    world.see(10..11, &DOWN[..1]).await;
    world.settle(11).await;
    let all = world.facts().await;
    let tally = &only(&all).days().next().unwrap().tally;
    assert_eq!((tally.down(), tally.unknown_for(Gap::Unconfirmed)), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_in_any_order_split_and_twice_give_the_same_record() {
    let mut records = Vec::new();
    for order in 0..3 {
        let world = World::start().await;
        let pieces: [(std::ops::Range<i64>, &[_]); 4] =
            [(0..400, UP), (400..430, DOWN), (430..1000, UP), (1000..MINUTES_A_DAY, UP)];
        for turn in 0..4 {
            let (minutes, outcomes) = pieces[if order == 1 { 3 - turn } else { turn }].clone();
            world.see(minutes.clone(), outcomes).await;
            if order == 2 {
                world.see(minutes.start..minutes.start + 50, outcomes).await;
                world.settle(minutes.end).await;
            }
        }
        world.seal(MINUTES_A_DAY + 120).await;
        world.seal(MINUTES_A_DAY + 180).await;
        records.push(world.records().await);
    }
    assert_eq!(records[0].len(), 1);
    assert!(records.iter().all(|record| *record == records[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_sealed_once_it_is_over_for_an_hour_and_days_nobody_looked_at_are_sealed_too() {
    let world = World::start().await;
    world.see(0..MINUTES_A_DAY, UP).await;
    world.seal(MINUTES_A_DAY + 59).await;
    assert_eq!(world.records().await.len(), 0);
    world.seal(MINUTES_A_DAY + 62).await;
    assert_eq!(world.records().await.len(), 1);
    // Three days later.
    world.seal(4 * MINUTES_A_DAY + 62).await;
    let records = world.records().await;
    assert_eq!(records.len(), 4);
    for pair in records.windows(2) {
        pair[1].follows(&pair[0]).unwrap();
    }
    assert!(records[3].day().slots.iter().flatten().all(|slot| *slot == Slot::Unknown(Gap::Silent)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_promise_is_told_once() {
    // 99.9 % of 30 days: 43 minutes.
    let world = World::start().await;
    world.see(0..44, DOWN).await;
    world.settle(43).await;
    assert_eq!(world.told(), ["outage.opened"]);
    for minute in [44, 44, 50] {
        world.settle(minute).await;
    }
    world.seal(MINUTES_A_DAY + 120).await;
    let breaches: Vec<String> = world.told().into_iter().filter(|kind| kind == "sla.breached").collect();
    assert_eq!(breaches.len(), 1);
    let all = world.facts().await;
    let standing = only(&all).standing(world.slot(0).day()).unwrap();
    assert_eq!((standing.allowed, standing.used), (2592, 44 * 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_was_announced_a_day_ahead_is_no_downtime_and_stands_in_the_raw_figure() {
    let world = World::start().await;
    world.announce(MINUTES_A_DAY + 60..MINUTES_A_DAY + 120).await;
    world.see(0..MINUTES_A_DAY + 60, UP).await;
    world.see(MINUTES_A_DAY + 60..MINUTES_A_DAY + 180, DOWN).await;
    world.see(MINUTES_A_DAY + 180..2 * MINUTES_A_DAY, UP).await;
    world.seal(2 * MINUTES_A_DAY + 120).await;
    let all = world.facts().await;
    let tally = &only(&all).sealed.days[1].tally;
    // The slots are not on the minute: one at either end is only partly within the window.
    assert_eq!((tally.maintenance(), tally.down(), tally.raw().down()), (59, 61, 120));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_is_reported_late_does_not_end_an_outage() {
    let world = World::start().await;
    world.see(0..10, UP).await;
    world.see(10..15, DOWN).await;
    world.settle(15).await;
    // The worker of the 15th minute is slow, that of the 16th is not.
    world.see(16..17, DOWN).await;
    world.settle(17).await;
    assert_eq!(world.told(), ["outage.opened"]);
    world.see(15..16, DOWN).await;
    world.settle(17).await;
    assert_eq!(world.told(), ["outage.opened"]);
    let all = world.facts().await;
    assert_eq!(only(&all).open_outage().map(|outage| outage.slots), Some(7));
    // Nobody has reported for long: sight is lost.
    world.settle(30).await;
    assert_eq!(world.told(), ["outage.opened", "outage.closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_is_taken_out_of_its_shard_once_however_many_seal_it() {
    let world = World::start().await;
    let stays = world.add_neighbour().await;
    world.end(600).await;
    let sealing = (0..4).map(|_| world.seal(3 * MINUTES_A_DAY));
    futures_util::future::join_all(sealing).await;
    world.seal(3 * MINUTES_A_DAY).await;
    let table = world.services().table().unwrap();
    assert_eq!(table.shards().await.unwrap(), [world.shard]);
    let asked = table.asked_in(world.shard).await.unwrap();
    assert_eq!(asked.into_iter().map(|asked| asked.service.monitor).collect::<Vec<_>>(), [stays]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_contract_ends_its_last_day_is_sealed_and_nobody_asks_any_more() {
    let world = World::start().await;
    world.see(0..600, UP).await;
    world.end(600).await;
    world.settle(700).await;
    world.seal(MINUTES_A_DAY + 120).await;
    world.seal(3 * MINUTES_A_DAY).await;
    let records = world.records().await;
    assert_eq!((records.len(), records[0].tally().expected()), (1, 600));
    assert_eq!(world.services().table().unwrap().shards().await.unwrap(), []);
    assert_eq!(world.facts().await.len(), 1, "what was known stays");
}
