//! The stack as a user starts it, killed again and again, and what it leaves on disk.

use std::{fs, path::Path, time::Duration};

use serde_json::json;

use crate::stack::{
    Author, CHAT_SECRET, EVENTS_SECRET, Message, PUBSUB_TOKEN, Process, TEXT, ago, completed, free_port,
    registered,
};

const CONVERSATIONS: u64 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_it_loses_no_accepted_event_and_counts_none_twice() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut process = Process::start(directory.path(), port).await;
    process.door.told(&[registered("p1", 1)]).await;
    process.door.told(&completed("c1", "p1", "r1", ago(60 * 24 * 3))).await;
    let messages: Vec<Message> = (0..CONVERSATIONS)
        .flat_map(|number| {
            let asked = Message::new(number, number * 2 + 1, Author::Renter, ago(400));
            let answered = Message::new(number, number * 2 + 2, Author::Agent, ago(390));
            [asked, answered]
        })
        .collect();
    for (index, message) in messages.iter().enumerate() {
        if index % 17 == 16 {
            // At once, while functions are at work on what was accepted before.
            process.kill();
            process = Process::start(directory.path(), port).await;
        }
        process.door.said(message).await;
    }
    process.kill();
    let process = Process::start(directory.path(), port).await;
    process.door.settled().await;

    let queues = process.door.json("/_local/queues").await;
    for queue in queues["queues"].as_array().unwrap() {
        let left = [&queue["visible"], &queue["in_flight"], &queue["dead_letters"]];
        assert_eq!(left, [&json!(0); 3], "{queue}");
    }
    let found = process.door.json("/v1/providers/p1").await;
    let window = &found["replies"]["windows"][0];
    assert_eq!((&window["n"], &window["open"]), (&json!(CONVERSATIONS), &json!(0)), "{found}");
    assert_eq!(found["contracts"]["completed"], json!(1));
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
