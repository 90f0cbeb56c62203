//! Scores in the log: one a provider and day, once the day is over, and as his history has it.

use serde_json::json;
use table::HistoryEntry;
use transparency::Kind;
use trust::{
    contract::{Contract, ContractDelta},
    id::ProviderId,
    policy::Policy,
    time::Moment,
    uptime::leaves::ScoreLeaf,
};

use super::{
    log::leaves,
    world::{World, event},
};

fn provider() -> ProviderId {
    "p2".parse().unwrap()
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

/// A contract of the provider is completed.
async fn complete(world: &World, contract: &str, ended: &str) {
    complete_of(world, &provider(), contract, at(ended)).await;
}

async fn complete_of(world: &World, provider: &ProviderId, contract: &str, ended: Moment) {
    let terms = json!({
        "contract_id": contract, "provider_id": provider, "renter_id": contract, "offering_id": "o1", "term_seconds": 86_400,
        "price": { "minor_units": 500, "currency": "EUR" },
    });
    let about = json!({ "contract_id": contract });
    let mut known = Contract::default();
    for (id, time, kind, data) in [
        ("1", ended.plus(-90_000), "contract.requested", &terms),
        ("2", ended.plus(-86_400), "contract.provisioned", &about),
        ("3", ended, "contract.completed", &about),
    ] {
        let event = event(id, time, kind, data);
        known.join(event.time, &event.happened);
    }
    let mut delta = ContractDelta::default();
    Contract::default().difference(&known, &mut delta);
    world.table().write_contract(&contract.parse().unwrap(), &known, 0, &delta).await.unwrap();
}

async fn summarise(world: &World, now: &str) {
    score::summarise_now(world.table(), Policy::current(), &provider(), &score::Changed::default(), at(now))
        .await
        .unwrap();
}

async fn append(world: &World) -> usize {
    uptime_seal::append(world.app(), at("2028-03-05T00:00:00Z")).await.unwrap()
}

/// The history, the earliest day first.
async fn history(world: &World) -> Vec<HistoryEntry> {
    let mut items = world.table().history(&provider(), None, 100).await.unwrap().page.items;
    items.reverse();
    items
}

/// The scores in the log with their places.
async fn logged(world: &World) -> Vec<(u64, ScoreLeaf)> {
    let indexed = (0..).zip(leaves(world).await);
    let scores = indexed.filter(|(_, leaf)| leaf.kind() == Kind::Score);
    scores.map(|(index, leaf)| (index, ScoreLeaf::decode(leaf.as_bytes()).unwrap())).collect()
}

fn assert_is_of((index, leaf): &(u64, ScoreLeaf), entry: &HistoryEntry) {
    assert_eq!((leaf.provider(), leaf.day(), leaf.policy()), (&provider(), entry.day, &*entry.policy));
    assert_eq!((leaf.points(), leaf.interval()), (entry.points, (entry.low, entry.high)));
    assert_eq!((leaf.inputs().to_string(), Some(*index)), (entry.inputs_hash.clone(), entry.leaf));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_score_of_a_day_comes_into_the_log_once_the_next_day_has_begun() {
    let world = World::start().await;
    complete(&world, "c2", "2028-02-28T10:00:00Z").await;
    summarise(&world, "2028-02-28T10:00:01Z").await;
    complete(&world, "c3", "2028-02-28T20:00:00Z").await;
    summarise(&world, "2028-02-28T20:00:01Z").await;
    append(&world).await;
    assert_eq!(logged(&world).await, [], "today can still change");
    for hour in 0..3 {
        summarise(&world, &format!("2028-02-29T0{hour}:00:00Z")).await;
        append(&world).await;
    }
    summarise(&world, "2028-03-02T00:00:00Z").await;
    append(&world).await;
    summarise(&world, "2028-03-03T00:00:00Z").await;
    append(&world).await;
    let (history, logged) = (history(&world).await, logged(&world).await);
    // Nobody made one on the 1st, and the last day is not over.
    let days: Vec<String> = history.iter().map(|entry| entry.day.to_string()).collect();
    assert_eq!(days, ["2028-02-28", "2028-02-29", "2028-03-02", "2028-03-03"]);
    assert_eq!(logged.len(), 3);
    for (leaf, entry) in logged.iter().zip(&history) {
        assert_is_of(leaf, entry);
    }
    assert_eq!(history[3].leaf, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_in_the_log_does_not_change_in_the_history() {
    let world = World::start().await;
    complete(&world, "c2", "2028-02-28T10:00:00Z").await;
    summarise(&world, "2028-02-28T10:00:01Z").await;
    summarise(&world, "2028-02-29T00:00:00Z").await;
    let before = history(&world).await[0].clone();
    // One that began before midnight, and comes late: before it has its place, and after.
    complete(&world, "c3", "2028-02-28T23:00:00Z").await;
    summarise(&world, "2028-02-28T23:59:59Z").await;
    assert_eq!(history(&world).await[0], before);
    append(&world).await;
    summarise(&world, "2028-02-28T23:59:59Z").await;
    summarise(&world, "2028-02-29T01:00:00Z").await;
    append(&world).await;
    let logged = logged(&world).await;
    assert_eq!(logged.len(), 1);
    let after = history(&world).await[0].clone();
    assert_is_of(&logged[0], &after);
    assert_eq!(HistoryEntry { leaf: None, ..after }, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_begin_a_day_at_once_seal_the_one_before_once() {
    let world = World::start().await;
    complete(&world, "c2", "2028-02-28T10:00:00Z").await;
    summarise(&world, "2028-02-28T10:00:01Z").await;
    let provider = provider();
    let nothing = score::Changed::default();
    let beginning = (0..4).map(|_| {
        score::summarise_now(
            world.table(),
            Policy::current(),
            &provider,
            &nothing,
            at("2028-02-29T00:00:00Z"),
        )
    });
    let begun = futures_util::future::join_all(beginning).await;
    assert!(begun.iter().any(Result::is_ok), "{begun:?}");
    append(&world).await;
    summarise(&world, "2028-02-29T00:00:01Z").await;
    append(&world).await;
    assert_eq!(logged(&world).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_a_score_has_none_in_the_log() {
    let world = World::start().await;
    summarise(&world, "2028-02-28T10:00:01Z").await;
    summarise(&world, "2028-02-29T10:00:01Z").await;
    append(&world).await;
    assert_eq!(logged(&world).await, []);
    assert_eq!(history(&world).await, []);
}

/// What is charged for a step, in thousandths: read and write units.
async fn charged<T>(table: &table::Table, step: impl Future<Output = T>) -> (u64, u64) {
    let before = table.consumed();
    step.await;
    let after = table.consumed();
    (after.read - before.read, after.written - before.written)
}

/// The figures are those of `docs/cost.md`.
#[tokio::test(flavor = "multi_thread")]
async fn a_score_in_the_log_costs_two_read_and_six_write_units() {
    let world = World::start().await;
    let (day, next) = (at("2028-02-28T10:00:00Z"), at("2028-02-29T00:00:00Z"));
    append(&world).await;
    let mut sealing = Vec::new();
    let mut appending = Vec::new();
    for providers in [1, 21] {
        for number in 0..providers {
            let name: ProviderId = format!("provider-{providers}-{number}").parse().unwrap();
            complete_of(&world, &name, &format!("c-{providers}-{number}"), day).await;
            score::summarise_now(world.table(), Policy::current(), &name, &score::Changed::default(), day)
                .await
                .unwrap();
            let asked = charged(world.table(), world.table().unsealed_score(&name, next.day())).await;
            assert!(asked.0 <= 1000, "{asked:?}");
            let last = world.table().unsealed_score(&name, next.day()).await.unwrap().unwrap();
            let entry = &last.entry;
            let leaf = ScoreLeaf::new(
                name.clone(),
                entry.day,
                &entry.policy,
                entry.inputs_hash.parse().unwrap(),
                entry.points,
                (entry.low, entry.high),
            );
            let leaf = leaf.unwrap().encode();
            sealing.push(charged(world.table(), world.table().seal_score(&name, last, &leaf)).await);
        }
        appending.push(charged(world.app().table(), append(&world)).await);
    }
    sealing.dedup();
    let [(one_read, one_written), (many_read, many_written)] = appending[..] else { panic!("{appending:?}") };
    let each = ((many_read - one_read) / 20, (many_written - one_written) / 20);
    assert_eq!(sealing, [(0, 4000)]);
    assert!(each.0 <= 1100 && each.1 <= 2300, "{each:?}");
}
