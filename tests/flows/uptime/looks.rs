//! Looks between settlings: what they find, and what they read for it.

use aws_sdk_dynamodb::types::AttributeValue;
use lambda::{Clients, Environment};
use table::Consumed;
use trust::uptime::{
    facts::Facts,
    reports::{Reported, Reporter, Says, Statement, Subject},
    slot::Outcome,
};

use super::{
    only,
    world::{DOWN, MINUTES_A_DAY, UP, World},
};

/// Numbers that look random and are the same each time.
struct Scatter(u64);

impl Scatter {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// All that is known of the monitor, but for how long answers of a day that is not sealed took.
async fn without_latency(world: &World) -> Vec<Facts> {
    let mut all = world.facts().await;
    for current in all.iter_mut().filter_map(|facts| facts.current.as_mut()) {
        current.days.iter_mut().for_each(|fact| fact.latency = None);
    }
    all
}

/// What workers see of a minute, and in which minute it is written, at most twice, whatever else comes first.
struct Script(Vec<(i64, i64, &'static [Outcome])>);

impl Script {
    fn of(scatter: &mut Scatter, minutes: std::ops::Range<i64>) -> Self {
        let mut script = Vec::new();
        let mut seen = UP;
        for minute in minutes {
            if scatter.below(6) == 0 {
                seen = [UP, DOWN, &DOWN[..1]][scatter.below(3) as usize];
            }
            // The minute after it is the soonest at which it is over; three later it is too late.
            for _ in 0..scatter.below(3) {
                script.push((minute + 1 + scatter.below(3) as i64, minute, seen));
            }
        }
        Self(script)
    }

    async fn play(&self, worlds: &[&World], now: i64) {
        for (_, minute, seen) in self.0.iter().filter(|(at, ..)| *at == now) {
            for world in worlds {
                world.see(*minute..minute + 1, seen).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_in_between_change_nothing_of_what_settling_and_sealing_find() {
    const UNTIL: i64 = MINUTES_A_DAY + 150;
    for seed in 1..=4 {
        let (looked, settled) = (World::start().await, World::start().await);
        let mut scatter = Scatter(seed);
        let script = Script::of(&mut scatter, MINUTES_A_DAY - 60..UNTIL);
        let worlds = [&looked, &settled];
        for minute in MINUTES_A_DAY - 60..=UNTIL {
            script.play(&worlds, minute).await;
            if minute % 60 == 0 {
                looked.settle(minute).await;
                settled.settle(minute).await;
                assert_eq!(looked.facts().await, settled.facts().await, "{seed}: settled at {minute}");
            } else if scatter.below(3) == 0 {
                looked.look(minute).await;
                settled.settle(minute).await;
                let found = (without_latency(&looked).await, without_latency(&settled).await);
                assert_eq!(found.0, found.1, "{seed}: looked at {minute}");
            }
            if minute == MINUTES_A_DAY + 90 {
                looked.seal(minute).await;
                settled.seal(minute).await;
            }
            assert_eq!(looked.told(), settled.told(), "{seed}: told by {minute}");
        }
        assert!(looked.told().len() > 8, "{seed}: outages there were: {:?}", looked.told());
        let [looked, settled] = [looked.records().await, settled.records().await];
        assert_eq!((looked.len(), &looked), (1, &settled));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_alone_tell_an_outage_once_when_it_begins_and_once_when_it_ends() {
    let world = World::start().await;
    world.see(0..100, UP).await;
    world.settle(100).await;
    world.see(100..110, DOWN).await;
    for minute in [101, 101, 102, 110] {
        world.look(minute).await;
        assert_eq!(world.told(), ["outage.opened"]);
    }
    world.see(110..120, UP).await;
    for minute in [111, 111, 120] {
        world.look(minute).await;
        assert_eq!(world.told(), ["outage.opened", "outage.closed"]);
    }
    let all = world.facts().await;
    let outage = only(&all).outages().next().unwrap();
    assert_eq!((outage.from, outage.until, outage.slots), (world.slot(100), world.slot(110), 10));
    assert_eq!(outage.confirmed_by, ["home".parse().unwrap()].into());
    let tally = &only(&all).days().next().unwrap().tally;
    assert_eq!((tally.up(), tally.down(), tally.unknown()), (110, 10, 0));
}

/// What the function was charged for a look.
async fn look(world: &World, minutes: i64) -> Consumed {
    let before = world.app().table().consumed();
    world.look(minutes).await;
    let after = world.app().table().consumed();
    Consumed { read: after.read - before.read, written: after.written - before.written }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_costs_the_same_at_the_end_of_a_day_as_at_its_beginning() {
    let world = World::start().await;
    let mut costs = Vec::new();
    let mut seen = 0;
    for settled in [60, MINUTES_A_DAY - 60] {
        world.see(seen..settled, UP).await;
        world.settle(settled).await;
        world.see(settled..settled + 20, UP).await;
        world.see(settled + 20..settled + 30, DOWN).await;
        let opened = look(&world, settled + 21).await;
        world.see(settled + 30..settled + 40, UP).await;
        costs.push((opened, look(&world, settled + 31).await));
        seen = settled + 40;
    }
    assert_eq!(world.told(), ["outage.opened", "outage.closed", "outage.opened", "outage.closed"]);
    assert_eq!(costs[0], costs[1]);
    assert!(costs[1].0.read <= 8000, "the list of the shard, and 24 minutes: {costs:?}");
    // It is not for want of segments: all of them are read where it is settled.
    let before = world.app().table().consumed();
    world.settle(MINUTES_A_DAY - 20).await;
    let settling = world.app().table().consumed().read - before.read;
    assert!(costs[1].1.read + 3000 < settling, "{costs:?}, settling {settling}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_what_others_speak_of_works_out_what_they_said() {
    let world = World::start().await;
    world.see(0..100, UP).await;
    world.settle(100).await;
    let by = Reporter::UptimeKuma;
    let said = |slot, says| Statement { at: world.slot(slot), by, of: Subject::default(), says };
    let said = [said(50, Says::Down), said(60, Says::Up)];
    world.table().add_statements(&world.monitor, &said).await.unwrap();
    world.see(100..110, DOWN).await;
    world.look(101).await;
    assert_eq!(world.told(), ["outage.opened"]);
    let reported = world.table().reported(&"p1".parse().unwrap(), &world.monitor).await.unwrap().value;
    assert_ne!(reported, Reported::default());
    assert_eq!(reported.days[&world.begun().day()][&by].disagreements[0].slots, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_after_a_pause_was_told_finds_it() {
    let world = World::start().await;
    world.see(0..100, UP).await;
    world.see(50..60, DOWN).await;
    world.settle(100).await;
    world.pause(40..70, 110).await;
    world.see(100..110, DOWN).await;
    world.look(101).await;
    let all = world.facts().await;
    let tally = &only(&all).days().next().unwrap().tally;
    assert_eq!((tally.up() + tally.down(), tally.down()), (71, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_days_are_read_at_half_the_price_and_again_where_they_are_older_than_what_goes_on_from_them() {
    let world = World::start().await;
    world.see(0..MINUTES_A_DAY, UP).await;
    world.settle(MINUTES_A_DAY - 5).await;
    world.seal(MINUTES_A_DAY + 120).await;
    let environment = Environment::from_pairs(world.services().environment("uptime-seal").unwrap());
    let name = environment.required("TABLE_NAME").unwrap();
    let watch = world.table().monitor(&world.monitor).await.unwrap().unwrap().value.watch;
    let read = async || {
        let before = world.table().consumed();
        let facts = world.table().facts(&watch).await.unwrap().facts;
        (facts, world.table().consumed().read - before.read)
    };
    let (known, cost) = read().await;
    assert_eq!((known.sealed.days.len(), cost), (1, 1500));
    // As if the sealed days that were read were those from before a change that what is current knows of.
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let client = Clients::new(&environment).unwrap().dynamodb();
    let update = client.update_item().table_name(name).key("pk", text("uptime#p1"));
    let update = update.key("sk", text(&format!("{}#now", world.monitor)));
    let update = update.update_expression("ADD #sealed :one").expression_attribute_names("#sealed", "sealed");
    update.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
    assert_eq!(read().await, (known, 2500));
}
