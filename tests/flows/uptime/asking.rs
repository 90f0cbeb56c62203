//! A worker that asks for real, on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use lambda::Environment;
use serde_json::{Value, json};
use table::{Asked, Freshness, Known};
use tokio::net::TcpListener;
use trust::{
    time::Moment,
    uptime::{
        probing::{Minute, Task},
        schedule::{Interval, Schedule},
        slot::{Gap, Nothing, Outcome, Reason},
        span::Span,
    },
};

use super::{
    only,
    world::{SEEDS, World, secrets},
};

const LOOPBACK: (&str, &str) = ("EGRESS_REACH", "loopback-too");

/// A worker with these settings beside what the template gives it.
async fn worker(world: &World, settings: &[(&str, &str)]) -> prober::App {
    let mut environment = world.services().environment("probe").unwrap();
    environment.remove("CONTROL_TARGETS");
    environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    prober::App::start(&Environment::from_pairs(environment)).await.unwrap()
}

/// A world whose monitor is asked like this and so often.
async fn world_asking(kind: &str, port: u16, minutes: u32) -> World {
    let endpoint = json!({
        "name": "web", "check": { "kind": kind, "host": "127.0.0.1", "port": port }, "interval_seconds": minutes * 60,
    });
    World::start_with(secrets(&SEEDS[..1]), &endpoint, Moment::parse("2028-02-28T00:00:00Z").unwrap()).await
}

async fn world_with(port: u16) -> World {
    world_asking("tcp", port, 1).await
}

/// A port at which nobody listens.
async fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn asked(world: &World) -> Asked {
    world.table().asked_in(world.shard).await.unwrap().remove(0)
}

/// The first minute from one on in which a slot begins, and that slot.
fn next_turn(world: &World, schedule: &Schedule, from: Moment) -> (Minute, Span) {
    let turn = |minute: Moment| {
        let (day, slot) = schedule.due_in(minute)?;
        Some((Minute { shard: world.shard, minute }, schedule.grid.span(day, slot)))
    };
    (0..).map(|number| from.plus(number * 60)).find_map(turn).unwrap()
}

/// The minute of the monitor's first slot after six in the morning.
async fn some_turn(world: &World) -> (Minute, Span) {
    next_turn(world, &asked(world).await.schedule, world.begun().plus(6 * 3600))
}

/// Asks at a moment.
async fn ask(app: &prober::App, minute: Minute, now: Moment) {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed).to_string();
    prober::ask(app, minute, &run, &|| now).await.unwrap();
}

/// A message as it comes: the second time under the same id.
fn message(minute: Minute) -> Value {
    json!({ "Records": [{ "messageId": "1", "body": json!(minute).to_string() }] })
}

/// What each worker saw, by the monitors' numbers.
async fn seen(world: &World, minute: Minute) -> Vec<Vec<(u32, Vec<Outcome>)>> {
    let day = minute.minute.day();
    let segments = world.table().segments(world.shard, day, Freshness::LastWrite, |segment| {
        segment.seen.outcomes.into_iter().collect()
    });
    segments.await.unwrap()
}

async fn outcomes(world: &World, minute: Minute) -> Vec<Outcome> {
    seen(world, minute).await.into_iter().flatten().flat_map(|(_, outcomes)| outcomes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_is_up_and_the_first_sight_of_it_is_looked_at_when_its_slot_is_over() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world_with(target.local_addr().unwrap().port()).await;
    let app = worker(&world, &[LOOPBACK]).await;
    let (minute, slot) = some_turn(&world).await;
    ask(&app, minute, slot.from.plus(20)).await;
    assert!(matches!(outcomes(&world, minute).await[..], [Outcome::Up { .. }]));
    let sent = world.services().sent();
    let task: Task = serde_json::from_str(&sent[0].body).unwrap();
    let after = Some(slot.until.plus(2));
    assert_eq!(task, Task::Settle { shard: world.shard, monitors: vec![world.monitor.clone()], after });
    assert_eq!(sent[0].delay, Some(42));
    uptime_seal::work(world.app(), task, slot.until.plus(2)).await.unwrap();
    assert_eq!(asked(&world).await.known, Known::Fine);
    ask(&app, minute, slot.from.plus(21)).await;
    assert_eq!(world.services().sent().len(), 1, "what is as it was is not looked at again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_down_once_it_was_asked_twice() {
    let world = world_with(nobody().await).await;
    let (minute, slot) = some_turn(&world).await;
    ask(&worker(&world, &[LOOPBACK]).await, minute, slot.from.plus(20)).await;
    assert_eq!(outcomes(&world, minute).await, [Outcome::Down(Reason::Refused); 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_again_adds_to_what_was_seen_and_takes_nothing_away() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = target.local_addr().unwrap().port();
    let yesterday = lambda::clock::now().day().minus(1).start();
    // So long a slot that it is not over before the test is.
    let endpoint = json!({
        "name": "web", "check": { "kind": "tcp", "host": "127.0.0.1", "port": port }, "interval_seconds": 3600,
    });
    let world = World::start_with(secrets(&SEEDS[..1]), &endpoint, yesterday).await;
    let app = worker(&world, &[LOOPBACK]).await;
    let schedule = asked(&world).await.schedule;
    let (day, number) = schedule.due_at(lambda::clock::now()).unwrap();
    let slot = schedule.grid.span(day, number);
    let minute =
        Minute { shard: world.shard, minute: Moment::from_unix(slot.from.unix() / 60 * 60).unwrap() };
    let first = prober::handle(&app, message(minute)).await.unwrap();
    drop(target);
    let again = prober::handle(&app, message(minute)).await.unwrap();
    assert_eq!([first, again], [json!({ "batchItemFailures": [] }), json!({ "batchItemFailures": [] })]);
    assert_eq!(seen(&world, minute).await.len(), 2, "each try has its own segment");
    uptime_seal::settle(world.app(), world.shard, &[], slot.until).await.unwrap();
    let all = world.facts().await;
    let up: u64 = only(&all).days().map(|fact| fact.tally.up()).sum();
    let down: u64 = only(&all).days().map(|fact| fact.tally.down()).sum();
    assert_eq!((up, down), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_that_is_tried_again_when_slots_are_over_leaves_what_was_seen_in_them() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world_with(target.local_addr().unwrap().port()).await;
    let neighbour = world.add_neighbour_every(Interval::from_seconds(300).unwrap()).await;
    let app = worker(&world, &[LOOPBACK]).await;
    let all = world.table().asked_in(world.shard).await.unwrap();
    let neighbour = all.iter().find(|asked| asked.service.monitor == neighbour).unwrap();
    let (minute, slot) = next_turn(&world, &neighbour.schedule, world.begun().plus(6 * 3600));
    ask(&app, minute, slot.from.plus(20)).await;
    drop(target);
    // As after the time for which the queue hides a message.
    ask(&app, minute, slot.from.plus(290)).await;
    let seen = seen(&world, minute).await;
    let numbers: Vec<Vec<u32>> =
        seen.iter().map(|seen| seen.iter().map(|(number, _)| *number).collect()).collect();
    assert_eq!(numbers, [vec![0, 1], vec![neighbour.number]]);
    uptime_seal::settle(world.app(), world.shard, &[], slot.from.plus(400)).await.unwrap();
    for facts in world.facts().await {
        let tally = &facts.days().next().unwrap().tally;
        assert_eq!((tally.up(), tally.down()), (1, 0), "{}", facts.watch.service.monitor);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_while_it_asks_leaves_the_slot_unknown() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world_asking("ssh", target.local_addr().unwrap().port(), 1).await;
    let app = worker(&world, &[LOOPBACK]).await;
    let (minute, slot) = some_turn(&world).await;
    let clock = || slot.from.plus(20);
    let worker = prober::ask(&app, minute, "1", &clock);
    tokio::select! {
        // It waits for a banner that does not come.
        connection = target.accept() => drop(connection.unwrap()),
        answer = worker => panic!("it is done: {answer:?}"),
    }
    assert_eq!(outcomes(&world, minute).await, []);
    assert_eq!(world.services().sent().len(), 0);
    uptime_seal::settle(world.app(), world.shard, &[], slot.until.plus(600)).await.unwrap();
    let all = world.facts().await;
    let tally = &only(&all).days().next().unwrap().tally;
    assert!(tally.expected() > 0);
    assert_eq!(tally.unknown_for(Gap::Silent), tally.expected());
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_a_slot_of_any_length_comes_when_it_is_over() {
    for minutes in [16, 60] {
        let world = world_asking("tcp", nobody().await, minutes).await;
        let (minute, slot) = some_turn(&world).await;
        let mut now = slot.from.plus(20);
        ask(&worker(&world, &[LOOPBACK]).await, minute, now).await;
        let mut looks = 0;
        while let Some(look) = world.services().sent().get(looks).cloned() {
            assert_eq!(world.told(), Vec::<String>::new());
            let delay = look.delay.unwrap();
            assert!(delay <= 900, "no queue holds back a message for longer: {delay}");
            looks += 1;
            now = now.plus(delay.cast_signed());
            uptime_seal::work(world.app(), serde_json::from_str(&look.body).unwrap(), now).await.unwrap();
        }
        // An hour of it breaks the promise, too.
        assert_eq!(world.told()[0], "outage.opened", "every {minutes} minutes");
        assert_eq!(now, slot.until.plus(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_down_while_work_is_announced_is_not_looked_at_every_minute() {
    let port = nobody().await;
    let world = world_with(port).await;
    let day = trust::uptime::schedule::SECONDS_A_DAY;
    let window = json!({ "from": world.begun().plus(i64::from(day) + 6 * 3600), "until": world.begun().plus(i64::from(day) + 8 * 3600) });
    world.announce_for(port, &window).await;
    let app = worker(&world, &[LOOPBACK]).await;
    let schedule = asked(&world).await.schedule;
    let (mut minute, _) = next_turn(&world, &schedule, world.begun().plus(i64::from(day) + 6 * 3600 + 60));
    let mut looks = 0;
    for _ in 0..30 {
        let (turn, slot) = next_turn(&world, &schedule, minute.minute);
        ask(&app, turn, slot.from.plus(20)).await;
        if let Some(look) = world.services().sent().get(looks).cloned() {
            looks += 1;
            let task = serde_json::from_str(&look.body).unwrap();
            uptime_seal::work(world.app(), task, slot.until.plus(2)).await.unwrap();
        }
        assert_eq!(world.services().sent().len(), looks);
        minute.minute = minute.minute.plus(60);
    }
    assert_eq!(world.told(), Vec::<String>::new());
    assert!((2..=3).contains(&looks), "{looks} in half an hour");
    assert_eq!(asked(&world).await.heard, [("home".parse().unwrap(), Known::Down)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_takes_two_places_that_see_it_and_says_who_they_are() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = target.local_addr().unwrap().port();
    let world = world_with(nobody().await).await;
    let sealing = world.start_with_settings(&[("VANTAGES", "home,other")]).await.unwrap();
    let settle = async |now| uptime_seal::settle(&sealing, world.shard, &[], now).await.unwrap();
    let home = worker(&world, &[LOOPBACK, ("VANTAGE", "home")]).await;
    let other = worker(&world, &[LOOPBACK, ("VANTAGE", "other")]).await;
    let (first, slot) = some_turn(&world).await;
    ask(&home, first, slot.from.plus(20)).await;
    settle(slot.until).await;
    assert_eq!(world.told(), Vec::<String>::new(), "one place may have trouble of its own");
    ask(&other, first, slot.from.plus(25)).await;
    settle(slot.until.plus(1)).await;
    assert_eq!(world.told(), ["outage.opened"]);
    let told = world.services().published().remove(0);
    assert_eq!(told["Detail"]["confirmed_by"], json!(["home", "other"]));
    // A third place, of which nobody knows that it decides, changes nothing.
    let third = worker(&world, &[LOOPBACK, ("VANTAGE", "third")]).await;
    ask(&third, first, slot.from.plus(30)).await;
    settle(slot.until.plus(2)).await;
    let all = world.facts().await;
    let confirmed = &only(&all).open_outage().unwrap().confirmed_by;
    assert_eq!(confirmed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["home", "other"]);
    // In the next slot they differ.
    let second = Minute { minute: first.minute.plus(60), ..first };
    ask(&other, second, slot.until.plus(20)).await;
    move_to(&world, port).await;
    ask(&home, second, slot.until.plus(20)).await;
    settle(slot.until.plus(60)).await;
    let all = world.facts().await;
    let tally = &only(&all).days().next().unwrap().tally;
    assert_eq!((tally.down(), tally.unknown_for(Gap::Disputed)), (1, 1));
    drop(target);
}

/// The monitor is asked at another port, for ever.
async fn move_to(world: &World, port: u16) {
    let mut known = world.table().monitor(&world.monitor).await.unwrap().unwrap();
    let before = known.clone();
    let check = trust::uptime::check::Check::Tcp { host: "127.0.0.1".to_owned(), port };
    for configuration in &mut known.value.configurations {
        configuration.check = check.clone();
    }
    world.table().write_monitor(&before, &known.value).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vantage_whose_control_targets_fail_reports_nothing() {
    let free = nobody().await;
    let world = world_with(free).await;
    let control = format!("http://127.0.0.1:{free}");
    let settings = [LOOPBACK, ("CONTROL_TARGETS", control.as_str())];
    let (minute, slot) = some_turn(&world).await;
    ask(&worker(&world, &settings).await, minute, slot.from.plus(20)).await;
    assert_eq!(outcomes(&world, minute).await, [Outcome::Nothing(Nothing::Fault); 2]);
    assert_eq!(world.services().sent().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_deployed_loopback_is_never_asked() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world_with(target.local_addr().unwrap().port()).await;
    let (minute, slot) = some_turn(&world).await;
    ask(&worker(&world, &[]).await, minute, slot.from.plus(20)).await;
    assert_eq!(outcomes(&world, minute).await, [Outcome::Nothing(Nothing::Fault)]);
    let reached = tokio::time::timeout(std::time::Duration::from_millis(200), target.accept()).await;
    assert!(reached.is_err(), "somebody has connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_that_is_over_is_not_asked_any_more() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = world_with(target.local_addr().unwrap().port()).await;
    let app = worker(&world, &[LOOPBACK]).await;
    let (minute, slot) = some_turn(&world).await;
    ask(&app, minute, slot.until).await;
    assert_eq!(seen(&world, minute).await.len(), 0);
    ask(&app, minute, slot.until.plus(-1)).await;
    assert_eq!(seen(&world, minute).await.len(), 1);
}
