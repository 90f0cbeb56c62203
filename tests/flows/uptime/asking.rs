//! A worker that asks for real, on loopback.

use lambda::Environment;
use serde_json::json;
use table::{Freshness, Known};
use tokio::net::TcpListener;
use trust::{
    time::Moment,
    uptime::{
        probing::{Minute, Task},
        schedule::{Grid, Interval},
        slot::{Nothing, Outcome, Reason},
    },
};

use super::world::{SEEDS, World, secrets};

/// A worker with these settings beside what the template gives it.
async fn worker(world: &World, settings: &[(&str, &str)]) -> prober::App {
    let mut environment = world.services().environment("probe").unwrap();
    environment.remove("CONTROL_TARGETS");
    environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    prober::App::start(&Environment::from_pairs(environment)).await.unwrap()
}

/// The minute whose slot holds the present.
fn minute(world: &World) -> Minute {
    let phase = i64::from(Grid::of(&world.monitor, Interval::SHORTEST).phase());
    let begun = (lambda::clock::now().unix() - phase).div_euclid(60) * 60;
    Minute { shard: world.shard, minute: Moment::from_unix(begun).unwrap() }
}

async fn ask(app: &prober::App, minute: Minute) {
    let event = json!({ "Records": [{ "messageId": "run-1", "body": json!(minute).to_string() }] });
    let answer = prober::handle(app, event).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
}

async fn outcomes(world: &World, minute: Minute) -> Vec<Outcome> {
    let day = minute.minute.day();
    let segments = world.table().segments(world.shard, day, Freshness::LastWrite).await.unwrap();
    segments.into_iter().flat_map(|segment| segment.seen.outcomes.into_values().flatten()).collect()
}

async fn world_with(port: u16) -> World {
    let endpoint = json!({ "name": "web", "check": { "kind": "tcp", "host": "127.0.0.1", "port": port } });
    let yesterday = lambda::clock::now().day().minus(1).start();
    World::start_with(secrets(&SEEDS[..1]), &endpoint, yesterday).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_is_up_and_the_first_sight_of_it_is_looked_at_when_its_slot_is_over() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world_with(target.local_addr().unwrap().port()).await;
    let app = worker(&world, &[("EGRESS_REACH", "loopback-too")]).await;
    let minute = minute(&world);
    ask(&app, minute).await;
    assert!(matches!(outcomes(&world, minute).await[..], [Outcome::Up { .. }]));
    let sent = world.services().sent();
    let task: Task = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!(task, Task::Settle { shard: world.shard, monitors: vec![world.monitor.clone()] });
    assert!((1..=62).contains(&sent[0].delay.unwrap()), "{sent:?}");
    uptime_seal::settle(world.app(), world.shard, &[], lambda::clock::now().plus(60)).await.unwrap();
    let asked = world.table().asked_in(world.shard).await.unwrap();
    assert_eq!(asked[0].known, Known::Fine);
    ask(&app, minute).await;
    assert_eq!(world.services().sent().len(), 1, "what is as it was is not looked at again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_down_once_it_was_asked_twice() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let world = world_with(free).await;
    let app = worker(&world, &[("EGRESS_REACH", "loopback-too")]).await;
    let minute = minute(&world);
    ask(&app, minute).await;
    assert_eq!(outcomes(&world, minute).await, [Outcome::Down(Reason::Refused); 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vantage_whose_control_targets_fail_reports_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let world = world_with(free).await;
    let control = format!("http://127.0.0.1:{free}");
    let settings = [("EGRESS_REACH", "loopback-too"), ("CONTROL_TARGETS", control.as_str())];
    let minute = minute(&world);
    ask(&worker(&world, &settings).await, minute).await;
    let seen = outcomes(&world, minute).await;
    assert!(seen.iter().all(|outcome| *outcome == Outcome::Nothing(Nothing::Fault)), "{seen:?}");
    assert_eq!(world.services().sent().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_deployed_loopback_is_never_asked() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world_with(target.local_addr().unwrap().port()).await;
    let environment = world.services().environment("probe").unwrap();
    assert!(!environment.contains_key("EGRESS_REACH"), "the template never lets loopback be asked");
    ask(&worker(&world, &[]).await, minute(&world)).await;
    let reached = tokio::time::timeout(std::time::Duration::from_millis(200), target.accept()).await;
    assert!(reached.is_err(), "somebody has connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_that_is_over_is_not_asked_any_more() {
    let world = world_with(9).await;
    let app = worker(&world, &[("EGRESS_REACH", "loopback-too")]).await;
    let now = minute(&world);
    let over = Minute { minute: now.minute.plus(-120), ..now };
    ask(&app, over).await;
    assert_eq!(outcomes(&world, over).await, []);
}
