//! From a function that sends to a queue to the function that reads it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, extract::State, routing::post};
use lambda::{
    Clients, Environment, Queue,
    queue::{Message, NotSent},
};
use lambda_http::Body;
use local_stack::{
    Blueprint, Options, Stack, Storage,
    functions::{Handler, Registry},
};
use serde_json::{Value, json};

use crate::fakes::{Fakes, Running};

fn url(queue: &str) -> String {
    format!("https://sqs.us-east-1.localhost/000000000000/{queue}")
}

fn queue(environment: &Environment, url: &str) -> Queue {
    let own = BTreeMap::from([("QUEUE_URL".to_owned(), url.to_owned())]);
    let environment = environment.with(&own);
    Queue::connect(&environment, &Clients::new(&environment).unwrap(), "QUEUE_URL").unwrap()
}

fn messages(count: usize, delay: u32) -> impl Iterator<Item = Message> {
    (0..count).map(move |number| Message { body: number.to_string(), delay })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_sends_reaches_the_function_that_reads_the_queue() {
    let fakes = Fakes::default();
    let running = Running::in_memory(&fakes).await;
    let queue = queue(running.stack.environment(), &url("parcels"));
    queue.send(messages(23, 0)).await.unwrap();
    let mut bodies: Vec<usize> = fakes
        .courier
        .got(23)
        .await
        .iter()
        .map(|record| record["body"].as_str().unwrap().parse().unwrap())
        .collect();
    bodies.sort_unstable();
    assert_eq!(bodies, (0..23).collect::<Vec<_>>());
    queue.send([]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_message_waits_apart_and_holds_nobody_up() {
    let directory = tempfile::tempdir().unwrap();
    let fakes = Fakes::default();
    for life in 0..2 {
        let running = Running::on_disk(directory.path(), &fakes).await;
        if life == 0 {
            let sent = queue(running.stack.environment(), &url("parcels")).send(messages(2, 900)).await;
            sent.unwrap();
            let own = json!({ "QueueUrl": url("later"), "MessageBody": "1" });
            assert_eq!(running.aws("AmazonSQS.SendMessage", &own).await.0, 200);
        }
        let status = running.settled().await;
        let delayed = |name: &str| {
            let queues = status["queues"].as_array().unwrap();
            let queue = queues.iter().find(|queue| queue["queue"] == name).unwrap();
            (queue["delayed"].clone(), queue["visible"].clone(), queue["in_flight"].clone())
        };
        assert_eq!(delayed("parcels"), (json!(2), json!(0), json!(0)));
        assert_eq!(delayed("later"), (json!(1), json!(0), json!(0)), "by the queue's own delay");
        running.stack.shutdown().await;
    }
    assert_eq!(fakes.courier.records().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_a_delay_of_a_second_arrives_after_it() {
    let fakes = Fakes::default();
    let running = Running::in_memory(&fakes).await;
    let queue = queue(running.stack.environment(), &url("parcels"));
    let sent = lambda::clock::now();
    queue.send(messages(1, 1)).await.unwrap();
    fakes.courier.got(1).await;
    assert!(lambda::clock::now() > sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_refused_as_sqs_refuses_them() {
    let running = Running::in_memory(&Fakes::default()).await;
    let entry = |id: &str, bytes: usize| json!({ "Id": id, "MessageBody": "x".repeat(bytes) });
    let many = |count: usize| (0..count).map(|number| entry(&number.to_string(), 1)).collect::<Vec<_>>();
    let batch = |name: &str, entries: Vec<Value>| json!({ "QueueUrl": url(name), "Entries": entries });
    let mebibyte = 1024 * 1024;
    for (what, request, expected) in [
        ("SendMessageBatch", batch("later", many(10)), None),
        ("SendMessageBatch", batch("later", many(11)), Some("TooManyEntriesInBatchRequest")),
        ("SendMessageBatch", batch("later", vec![]), Some("EmptyBatchRequest")),
        (
            "SendMessageBatch",
            batch("later", vec![entry("a", 1), entry("a", 1)]),
            Some("BatchEntryIdsNotDistinct"),
        ),
        ("SendMessageBatch", batch("later", vec![entry("a b", 1)]), Some("InvalidBatchEntryId")),
        ("SendMessageBatch", batch("later", vec![entry(&"a".repeat(81), 1)]), Some("InvalidBatchEntryId")),
        ("SendMessageBatch", batch("later", vec![entry("a", mebibyte / 2), entry("b", mebibyte / 2)]), None),
        (
            "SendMessageBatch",
            batch("later", vec![entry("a", mebibyte / 2), entry("b", mebibyte / 2 + 1)]),
            Some("BatchRequestTooLong"),
        ),
        ("SendMessageBatch", batch("nowhere", many(1)), Some("QueueDoesNotExist")),
        ("SendMessage", json!({ "QueueUrl": url("nowhere"), "MessageBody": "a" }), Some("QueueDoesNotExist")),
        ("SendMessage", json!({ "QueueUrl": "later", "MessageBody": "a" }), Some("QueueDoesNotExist")),
        ("SendMessage", json!({ "QueueUrl": url("later"), "MessageBody": "x".repeat(mebibyte) }), None),
        (
            "SendMessage",
            json!({ "QueueUrl": url("later"), "MessageBody": "x".repeat(mebibyte + 1) }),
            Some("InvalidParameterValueException"),
        ),
        ("ReceiveMessage", json!({ "QueueUrl": url("later") }), Some("UnknownOperationException")),
    ] {
        let (status, answer) = running.aws(&format!("AmazonSQS.{what}"), &request).await;
        let expected = expected.map(|name| format!("com.amazonaws.sqs#{name}"));
        assert_eq!(answer["__type"].as_str(), expected.as_deref(), "{what}: {answer}");
        assert_eq!(status, if expected.is_some() { 400 } else { 200 });
    }
    let depth = running.stack.queues().depths(lambda::clock::now()).await.unwrap();
    let later = depth.iter().find(|depth| depth.queue == "later").unwrap();
    assert_eq!(later.delayed, 10 + 2 + 1, "what was refused is not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_can_not_be_is_told_apart_from_those_that_were_sent() {
    let running = Running::in_memory(&Fakes::default()).await;
    let entries = json!([
        { "Id": "good", "MessageBody": "abc" },
        { "Id": "late", "MessageBody": "abc", "DelaySeconds": 901 },
        { "Id": "odd", "MessageBody": "\u{1}" },
    ]);
    let request = json!({ "QueueUrl": url("later"), "Entries": entries });
    let (status, answer) = running.aws("AmazonSQS.SendMessageBatch", &request).await;
    assert_eq!((status, &answer["Successful"][0]["Id"]), (200, &json!("good")));
    assert_eq!(answer["Successful"][0]["MD5OfMessageBody"], "900150983cd24fb0d6963f7d28e17f72");
    let failed: Vec<_> =
        answer["Failed"].as_array().unwrap().iter().map(|entry| (&entry["Id"], &entry["Code"])).collect();
    let expected = [
        (&json!("late"), &json!("InvalidParameterValue")),
        (&json!("odd"), &json!("InvalidMessageContents")),
    ];
    assert_eq!(failed, expected);

    let queue = queue(running.stack.environment(), &url("later"));
    let bad = [Message { body: "a".to_owned(), delay: 0 }, Message { body: "a".to_owned(), delay: 901 }];
    let NotSent { failed, refused, all, cause } = queue.send(bad).await.unwrap_err();
    assert_eq!((failed, refused, all), (1, 1, 2));
    assert!(cause.starts_with("InvalidParameterValue: Value 901"), "{cause}");
    let large = Message { body: "x".repeat(1024 * 1024 + 1), delay: 0 };
    let error = queue.send([large]).await.unwrap_err();
    assert_eq!((error.failed, error.refused), (1, 1), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_not_there_is_an_error_that_counts_everything() {
    let running = Running::in_memory(&Fakes::default()).await;
    let error = queue(running.stack.environment(), &url("nowhere")).send(messages(12, 0)).await.unwrap_err();
    assert_eq!((error.failed, error.refused, error.all), (12, 0, 12));
    assert!(error.cause.contains("The specified queue does not exist."), "{error}");
}

/// An SQS that has trouble with some entries, each time it is called, and keeps the bodies of the calls.
#[derive(Clone, Default)]
struct Troubled {
    calls: Arc<Mutex<Vec<Vec<String>>>>,
}

async fn answer(State(troubled): State<Troubled>, body: String) -> Json<Value> {
    let request: Value = serde_json::from_str(&body).unwrap();
    let entries = request["Entries"].as_array().unwrap();
    let mut calls = troubled.calls.lock().unwrap();
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let tried = calls.concat().iter().filter(|body| **body == entry["MessageBody"]).count();
        match entry["MessageBody"].as_str().unwrap() {
            "slow" if tried == 0 => failed.push((entry, "InternalError", false)),
            "never" => failed.push((entry, "InternalError", false)),
            "forgotten" if tried == 0 => {}
            "bad" => failed.push((entry, "InvalidMessageContents", true)),
            _ => successful.push(json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "" })),
        }
    }
    calls.push(entries.iter().map(|entry| entry["MessageBody"].as_str().unwrap().to_owned()).collect());
    let failed = failed
        .into_iter()
        .map(|(entry, code, fault)| json!({ "Id": entry["Id"], "Code": code, "SenderFault": fault }));
    Json(json!({ "Successful": successful, "Failed": failed.collect::<Vec<_>>() }))
}

async fn troubled() -> (Troubled, Queue) {
    let troubled = Troubled::default();
    let router = Router::new().route("/", post(answer)).with_state(troubled.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let endpoint = format!("http://{address}");
    let settings = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "a"),
        ("AWS_ENDPOINT_URL_SQS", &endpoint),
    ];
    let environment =
        Environment::from_pairs(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    (troubled, queue(&environment, &url("parcels")))
}

fn all(bodies: &[&str]) -> Vec<Message> {
    bodies.iter().map(|body| Message { body: (*body).to_owned(), delay: 0 }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sqs_did_not_take_is_sent_again_and_nothing_else_is() {
    let (troubled, queue) = troubled().await;
    queue.send(all(&["a", "slow", "b", "forgotten"])).await.unwrap();
    let calls = troubled.calls.lock().unwrap().clone();
    assert_eq!(calls, [vec!["a", "slow", "b", "forgotten"], vec!["slow", "forgotten"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_tried_again_and_what_fails_is_given_up_after_three_tries() {
    let (troubled, queue) = troubled().await;
    let error = queue.send(all(&["a", "bad", "never"])).await.unwrap_err();
    assert_eq!((error.failed, error.refused, error.all), (2, 1, 3));
    let calls = troubled.calls.lock().unwrap().clone();
    assert_eq!(calls, [vec!["a", "bad", "never"], vec!["never"], vec!["never"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_finds_its_queue_by_the_url_of_the_template() {
    let fakes = Fakes::default();
    let courier = fakes.courier.clone();
    let registry = Registry::default()
        .with("web", |environment| async move {
            let queue = Queue::connect(&environment, &Clients::new(&environment)?, "QUEUE_URL")?;
            Ok(Handler::http(move |_| {
                let queue = queue.clone();
                async move {
                    queue.send(all(&["hello"])).await?;
                    Ok(lambda_http::Response::new(Body::Empty))
                }
            }))
        })
        .with("narrow", |_| async { Ok(Handler::event(|event| async { Ok(event) })) })
        .with("clerk", |_| async { Ok(Handler::event(|event| async { Ok(event) })) })
        .with("watchman", |_| async { Ok(Handler::event(|event| async { Ok(event) })) })
        .with("courier", move |_| {
            let handler = courier.handler();
            async move { Ok(handler) }
        });
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage: Storage::Memory,
        secrets: "{}".to_owned(),
        parameters: BTreeMap::new(),
        keys: local_stack::tokens::Keys::default(),
    };
    let blueprint = Blueprint { template: include_str!("template.yaml").to_owned(), functions: registry };
    let stack = Stack::start_with(options, &blueprint).await.unwrap();
    let response = reqwest::get(format!("http://{}/files/any", stack.address())).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(fakes.courier.got(1).await[0]["body"], "hello");
}
