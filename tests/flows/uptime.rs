//! From what workers saw to days, outages, promises and the log, in time that the tests move.

mod asking;
mod corrections;
mod deployed;
mod log;
mod looks;
mod reports;
mod scores;
mod served;
mod witness;
mod witnesses;
mod world;

use serde_json::Value;
use trust::{
    time::Moment,
    uptime::{
        configuration::Salt,
        facts::Facts,
        shard::MOST_MONITORS,
        slot::{Gap, Reason, Slot},
    },
};

use world::{DOWN, MINUTES_A_DAY, UP, World, panel};

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
    let published = world.services().published();
    for entry in &published {
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
    let confirmed: Vec<&Value> = published.iter().map(|entry| &entry["Detail"]["confirmed_by"]).collect();
    assert_eq!(confirmed, [&serde_json::json!(["home"]); 2]);
    world.seal(MINUTES_A_DAY + 120).await;
    let all = world.facts().await;
    let sealed = &only(&all).sealed.outages[0];
    assert_eq!(sealed.confirmed_by, outage.confirmed_by);
    assert_eq!(sealed.confirmed_by, ["home".parse().unwrap()].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_expires_soon_is_told_of_at_each_threshold_and_no_more_once_it_is_replaced() {
    let world = World::start().await;
    let expires = world.slot(12 * MINUTES_A_DAY);
    world.see_certificate(0, expires).await;
    world.settle(1).await;
    world.see_certificate(1, expires).await;
    world.settle(2).await;
    // Nothing was seen of it meanwhile: it is not forgotten.
    world.settle(6 * MINUTES_A_DAY).await;
    world.see(6 * MINUTES_A_DAY..6 * MINUTES_A_DAY + 1, UP).await;
    world.settle(6 * MINUTES_A_DAY + 1).await;
    let warnings: Vec<i64> = world
        .services()
        .published()
        .iter()
        .filter(|entry| entry["DetailType"] == "certificate.expiring")
        .map(|entry| entry["Detail"]["within_days"].as_i64().unwrap())
        .collect();
    assert_eq!(warnings, [14, 7]);
    let all = world.facts().await;
    assert_eq!(only(&all).current.as_ref().unwrap().certificate_expires, None);
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
async fn a_shard_of_which_no_day_is_over_costs_no_run_of_its_own_until_one_is() {
    let world = World::start().await;
    let to_seal = async |minutes| world.table().shards_to_seal(world.after(minutes)).await.unwrap();
    assert_eq!(to_seal(0).await, [world.shard], "nothing is known of it");
    world.seal(10).await;
    assert_eq!(to_seal(MINUTES_A_DAY + 59).await, []);
    assert_eq!(to_seal(MINUTES_A_DAY + 60).await, [world.shard]);
    world.seal(MINUTES_A_DAY + 62).await;
    assert_eq!(world.records().await.len(), 1);
    assert_eq!(to_seal(2 * MINUTES_A_DAY + 59).await, []);
    // Whoever comes may have a day that is over.
    world.add_neighbour().await;
    assert_eq!(to_seal(MINUTES_A_DAY + 63).await, [world.shard]);
    world.seal(MINUTES_A_DAY + 63).await;
    assert_eq!(to_seal(MINUTES_A_DAY + 64).await, []);
    // A contract that lapses within the day is not asked for until its end: the term is 100 days, and a week.
    world.seal(106 * MINUTES_A_DAY + 120).await;
    assert_eq!(to_seal(107 * MINUTES_A_DAY - 60).await, []);
    assert_eq!(to_seal(107 * MINUTES_A_DAY).await, [world.shard]);
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
async fn work_is_announced_when_it_is_first_handled_however_early_it_is_said_to_have_been() {
    for (told, counted) in [(&[30, 120][..], 59), (&[90, 120], 0)] {
        let world = World::start().await;
        for told in told {
            world.announce_told(MINUTES_A_DAY + 60..MINUTES_A_DAY + 120, *told).await;
        }
        world.see(MINUTES_A_DAY..2 * MINUTES_A_DAY, DOWN).await;
        world.seal(2 * MINUTES_A_DAY + 120).await;
        let all = world.facts().await;
        assert_eq!(only(&all).sealed.days[1].tally.maintenance(), counted, "told after {told:?} minutes");
    }
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

/// The days from the first on that are sealed, and how many of them have slots that are expected.
async fn sealed_days(world: &World) -> (usize, usize) {
    let all = world.facts().await;
    let days = &only(&all).sealed.days;
    (world.records().await.len(), days.iter().filter(|day| day.tally.expected() > 0).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_nobody_says_has_ended_lapses_a_week_after_its_term_until_there_is_word_of_it() {
    // The term is 100 days.
    const LAPSED: i64 = 107;
    let world = World::start().await;
    world.seal((LAPSED - 2) * MINUTES_A_DAY + 120).await;
    assert_eq!(world.table().shards().await.unwrap(), [world.shard]);
    world.seal((LAPSED + 9) * MINUTES_A_DAY).await;
    assert_eq!(world.table().shards().await.unwrap(), [], "it is asked no more");
    assert_eq!(sealed_days(&world).await.0, LAPSED as usize);
    let ended = async || world.table().monitor(&world.monitor).await.unwrap().unwrap().value.watch.ended;
    assert_eq!(ended().await, Some(world.begun().plus(LAPSED * 86_400)));
    let versions = world.table().monitor(&world.monitor).await.unwrap().unwrap().value.configurations.len();

    // It goes on after all: what nobody asked meanwhile is unknown.
    let told = (LAPSED + 10) * MINUTES_A_DAY;
    world.extend_told((LAPSED + 20) * MINUTES_A_DAY, told).await;
    assert_eq!((ended().await, world.table().shards().await.unwrap()), (None, vec![world.shard]));
    world.seal(told + 2 * MINUTES_A_DAY + 120).await;
    assert_eq!(sealed_days(&world).await, (LAPSED as usize + 12, 90));

    // And then it had ended.
    let last = LAPSED + 11;
    world.end_told(last * MINUTES_A_DAY, told + 3 * MINUTES_A_DAY).await;
    world.append(told + 3 * MINUTES_A_DAY).await;
    world.review(told + 3 * MINUTES_A_DAY + 5).await;
    world.seal(told + 4 * MINUTES_A_DAY).await;
    assert_eq!(ended().await, Some(world.slot(last * MINUTES_A_DAY)));
    assert_eq!(world.table().shards().await.unwrap(), []);
    let monitor = world.table().monitor(&world.monitor).await.unwrap().unwrap().value;
    assert_eq!(monitor.configurations.len(), versions + 2, "that it goes on, and its end");
    let lifetimes: Vec<Option<Moment>> =
        (1..).map_while(|number| monitor.leaf(number)).map(|leaf| leaf.lifetime.ended()).collect();
    assert_eq!(lifetimes.last(), Some(&Some(world.slot(last * MINUTES_A_DAY))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_decided_by_those_who_were_to_watch_as_it_began_and_the_log_says_who_does_from_when_on() {
    let world = World::start().await;
    world.settle(5).await;
    world.see(0..2 * MINUTES_A_DAY, UP).await;
    // From noon on another place is to be asked from, of which nothing comes.
    let more = world.start_with_settings(&[("VANTAGES", "home,other")]).await.unwrap();
    uptime_seal::settle(&more, world.shard, &[], world.after(MINUTES_A_DAY / 2)).await.unwrap();
    let all = world.facts().await;
    assert_eq!(only(&all).days().next().unwrap().tally.up(), MINUTES_A_DAY as u64 / 2);
    for day in [1, 2, 2] {
        uptime_seal::seal(&more, world.shard, world.after(day * MINUTES_A_DAY + 120)).await.unwrap();
    }
    let all = world.facts().await;
    let days: Vec<(u64, u64)> =
        only(&all).sealed.days.iter().map(|day| (day.tally.up(), day.tally.unknown())).collect();
    assert_eq!(days, [(MINUTES_A_DAY as u64, 0), (0, MINUTES_A_DAY as u64)]);
    let monitor = world.table().monitor(&world.monitor).await.unwrap().unwrap().value;
    let panels: Vec<usize> =
        (1..).map_while(|number| monitor.leaf(number)).map(|leaf| leaf.panel.vantages().len()).collect();
    assert_eq!(panels, [1, 2]);
    assert_eq!(monitor.leaf(2).unwrap().from, world.begun().plus(86_400));
    assert_eq!(world.append(2 * MINUTES_A_DAY + 121).await, 2 + 2, "two versions and two days");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_monitors_find_room_without_a_walk_and_take_what_has_become_free() {
    let world = World::start().await;
    let known = world.table().monitor(&world.monitor).await.unwrap().unwrap().value;
    let add = async |number: u32| {
        let mut watch = known.watch.clone();
        watch.service.monitor = format!("m{number}").parse().unwrap();
        let before = world.table().consumed().read;
        let checks = [(world.begun(), known.configurations[0].check.clone())];
        let added = world.table().add_monitor(watch, &checks, &panel(), || Salt([9; 16])).await.unwrap();
        (added.place.shard, world.table().consumed().read - before)
    };
    let mut shards = std::collections::BTreeMap::new();
    for number in 1..2 * MOST_MONITORS + 2 {
        let (shard, read) = add(number).await;
        *shards.entry(shard).or_insert(0) += 1;
        // Where to begin, and a shard; one more where that is full.
        assert!(read <= 3000, "{read} at {number}");
    }
    assert_eq!(shards.into_values().collect::<Vec<_>>(), [MOST_MONITORS - 1, MOST_MONITORS, 2]);
    world.table().retire_monitor(world.shard, &"m7".parse().unwrap()).await.unwrap();
    assert_eq!(add(5000).await.0, world.shard);
    assert_eq!(add(5001).await.0, world.shard.next().next());
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
