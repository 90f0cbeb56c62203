//! The stack as a user starts it, killed again and again, and what it leaves on disk.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::stack::{
    Author, CHAT_SECRET, Door, EVENTS_SECRET, Message, PUBSUB_TOKEN, Process, TEXT, ago, completed,
    free_port, registered,
};

/// Who sends at the same time.
const SENDERS: u64 = 4;

/// How often the stack is killed while they do.
const KILLS: usize = 12;

/// How long it runs between two kills, in milliseconds: anything, so that they come between any two steps, but the same in each run.
fn pauses() -> impl Iterator<Item = u64> {
    let next = |last: &u64| {
        Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    std::iter::successors(Some(20_261_130), next).skip(1).map(|state| 30 + (state >> 33) % 700)
}

/// Sends a message until it is acknowledged, as whoever makes up for what Chatwoot lost does.
async fn say(door: &Door, message: &Message) {
    loop {
        match door.webhook(message.account, &message.payload()).await {
            Ok(response) if response.status().is_success() => return,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Sends a batch until all of it is acknowledged, the same events each time.
async fn tell(door: &Door, events: &serde_json::Value) {
    loop {
        match door.events(events).await {
            Ok(response) if response.status() == 202 => return,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A renter asks about a contract of which nobody has told yet; then all of it is told at once, and he is answered. So every wait comes to
/// count only by the second look that follows the contract.
#[tokio::test(flavor = "multi_thread")]
async fn killed_between_any_two_steps_it_counts_each_acknowledged_event_once() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut process = Process::start(directory.path(), port).await;
    process.door.told(&[registered("p1", 1)]).await;
    let (enough, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (door, enough, begun) = (process.door.clone(), Arc::clone(&enough), Arc::clone(&begun));
            tokio::spawn(async move {
                while !enough.load(Ordering::Relaxed) {
                    let number = begun.fetch_add(1, Ordering::Relaxed);
                    let contract = format!("c{number}");
                    // One renter's waits would be scored up to three a week.
                    let renter = format!("r{number}");
                    let of = |message: Message| Message {
                        contract: Some(contract.clone()),
                        renter: renter.clone(),
                        ..message
                    };
                    say(&door, &of(Message::new(number, number * 2 + 1, Author::Renter, ago(400)))).await;
                    tell(&door, &json!(completed(&contract, "p1", &renter, ago(60 * 24 * 3)))).await;
                    say(&door, &of(Message::new(number, number * 2 + 2, Author::Agent, ago(390)))).await;
                }
            })
        })
        .collect();
    for pause in pauses().take(KILLS) {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        process.kill();
        process = Process::start(directory.path(), port).await;
    }
    enough.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }
    let contracts = begun.load(Ordering::Relaxed);
    assert!(contracts >= SENDERS, "hardly anything came in: {contracts}");
    process.door.settled().await;

    let queues = process.door.json("/_local/queues").await;
    for queue in queues["queues"].as_array().unwrap() {
        let left = [&queue["visible"], &queue["in_flight"], &queue["dead_letters"]];
        assert_eq!(left, [&json!(0); 3], "{queue}");
    }
    let found = process.door.json("/v1/providers/p1").await;
    let window = &found["replies"]["windows"][0];
    assert_eq!((&window["n"], &window["open"]), (&json!(contracts), &json!(0)), "{found}");
    assert_eq!(found["contracts"]["completed"], json!(contracts));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_text_nor_tokens_nor_secrets_reach_table_queues_or_log() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), free_port()).await;
    process.door.told(&[registered("p1", 1)]).await;
    process.door.said(&Message::new(7, 1, Author::Renter, ago(30))).await;
    let mut wrong = Message::new(7, 2, Author::Renter, ago(20)).payload();
    wrong["conversation"]["inbox_id"] = json!(TEXT);
    assert_eq!(process.door.webhook(1, &wrong).await.unwrap().status(), 400);
    assert_eq!(process.door.webhook(3, &wrong).await.unwrap().status(), 404);
    process.door.settled().await;
    tokio::time::timeout(Duration::from_secs(20), async {
        while !process.log().contains("chatwoot") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("the log says something of the webhooks");
    process.kill();

    fs::remove_file(directory.path().join("given-secrets.json")).unwrap();
    for file in fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap().path();
        let bytes = fs::read(&file).unwrap();
        for secret in
            [TEXT, PUBSUB_TOKEN, "renter@example.org", "Rita Renter", "+4917000", CHAT_SECRET, EVENTS_SECRET]
        {
            assert!(!holds(&bytes, secret), "{secret:?} in {}", file.display());
        }
    }
    assert!(
        holds(&fs::read(table(directory.path())).unwrap(), "message#"),
        "the message itself is in the table"
    );
}

fn table(directory: &Path) -> std::path::PathBuf {
    // What is not yet in the table's file is in its write-ahead log.
    let log = directory.join("table.sqlite-wal");
    if log.exists() { log } else { directory.join("table.sqlite") }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
