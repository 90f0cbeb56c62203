//! What others say of a monitor, beside what we see and never in it.

use serde_json::{Value, json};
use trust::{
    time::Moment,
    uptime::{
        probing::Task,
        reports::{Disagreement, Reported, Reporter, Says, Statement, Subject},
        span::Span,
    },
};

use super::world::{DOWN, MINUTES_A_DAY, UP, World};

fn said(at: Moment, by: Reporter, says: Says) -> Statement {
    Statement { at, by, of: Subject::default(), says }
}

impl World {
    /// A report comes off the queue.
    async fn hear_of(&self, statements: &[Statement]) {
        let task = Task::Report { monitor: self.monitor.clone(), statements: statements.to_vec() };
        let event = json!({ "Records": [{ "messageId": "m", "body": json!(task).to_string() }] });
        let answer: Value = uptime_seal::handle(self.app(), event).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }

    async fn reported(&self) -> Reported {
        let reported = self.table().reported_of(&"p1".parse().unwrap()).await.unwrap();
        reported.get(&self.monitor).cloned().unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_say_is_shown_with_where_it_differs_and_changes_nothing_of_what_we_saw() {
    let (world, untouched) = (World::start().await, World::start().await);
    for world in [&world, &untouched] {
        world.see(0..60, UP).await;
        world.see(60..70, DOWN).await;
        world.see(70..90, UP).await;
    }
    let kuma = |slot: i64, says| said(world.slot(slot), Reporter::UptimeKuma, says);
    // Late, doubled, out of order.
    for statement in [kuma(20, Says::Up), kuma(10, Says::Down), kuma(0, Says::Up), kuma(10, Says::Down)] {
        world.hear_of(&[statement]).await;
    }
    for world in [&world, &untouched] {
        world.settle(90).await;
    }
    let day = world.slot(0).day();
    let reported = world.reported().await;
    let said = &reported.days[&day][&Reporter::UptimeKuma];
    assert_eq!((said.statements, said.down_seconds), (3, 600));
    let span = |from, until| Span { from: world.slot(from), until: world.slot(until) };
    let differs = |says, slots, from, until| Disagreement { says, slots, spans: vec![span(from, until)] };
    assert_eq!(said.disagreements, [differs(Says::Down, 10, 10, 20), differs(Says::Up, 10, 60, 70)]);

    assert_eq!(world.facts().await, untouched.facts().await);
    for world in [&world, &untouched] {
        world.seal(MINUTES_A_DAY + 120).await;
    }
    let records = |records: Vec<trust::uptime::record::DayRecord>| records[0].encode();
    assert_eq!(records(world.records().await), records(untouched.records().await));
    assert_eq!(untouched.reported().await, Reported::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_sealed_day_counts_as_if_it_had_come_in_time() {
    let now = lambda::clock::now();
    let begun = now.day().minus(1).start();
    let endpoint = json!({ "name": "web", "check": { "kind": "tcp", "host": "127.0.0.1", "port": 9 } });
    let worlds = [
        World::start_with(super::world::secrets(&[]), &endpoint, begun).await,
        World::start_with(super::world::secrets(&[]), &endpoint, begun).await,
    ];
    let [early, late] = &worlds;
    let statements = [
        said(early.slot(1400), Reporter::Alertmanager, Says::Down),
        said(early.slot(1410), Reporter::Alertmanager, Says::Up),
    ];
    for world in &worlds {
        world.see(1390..MINUTES_A_DAY, UP).await;
    }
    early.hear_of(&statements).await;
    for world in &worlds {
        world.seal(MINUTES_A_DAY + 120).await;
        assert_eq!(world.records().await.len(), 1);
    }
    late.hear_of(&statements).await;
    let day = begun.day();
    let (early, late) = (early.reported().await, late.reported().await);
    assert_eq!(early.days[&day], late.days[&day]);
    assert_eq!(early.days[&day][&Reporter::Alertmanager].disagreements[0].slots, 10);
}
