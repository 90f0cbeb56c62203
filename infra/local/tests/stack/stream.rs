//! From a write in the table to the function that follows its stream.

use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::Storage;
use serde_json::{Value, json};

use crate::fakes::{Fake, Fakes, Running};

impl Running {
    async fn put(&self, keys: impl IntoIterator<Item = &str>) {
        let client = lambda::Clients::new(self.stack.environment()).unwrap().dynamodb();
        for key in keys {
            let put = client.put_item().table_name("shelf");
            put.item("pk", AttributeValue::S(key.to_owned())).send().await.unwrap();
        }
    }
}

fn keys(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_the_filter_wants_comes_as_lambda_shapes_it() {
    let fakes = Fakes::default();
    let running = Running::in_memory(&fakes).await;
    running.put(["pen#1", "book#1", "pen#2", "book#2"]).await;
    let records = fakes.clerk.got(2).await;
    running.settled().await;
    assert_eq!(keys(&fakes.clerk.records()), ["book#1", "book#2"], "in order, and nothing else");
    let first = &records[0];
    assert_eq!((&first["eventName"], &first["eventSource"]), (&json!("INSERT"), &json!("aws:dynamodb")));
    assert_eq!(first["awsRegion"], "us-east-1");
    assert!(first["eventSourceARN"].as_str().unwrap().contains("table/shelf/stream/"), "{first}");
    assert_eq!(first["dynamodb"]["StreamViewType"], "KEYS_ONLY");
    assert!(first["dynamodb"].get("NewImage").is_none());
    // As the functions read it.
    let event: aws_lambda_events::event::dynamodb::Event =
        serde_json::from_value(fakes.clerk.events()[0].clone()).unwrap();
    assert_eq!(event.records[0].event_name, "INSERT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_last_answer_left_off() {
    let directory = tempfile::tempdir().unwrap();
    let first = Fakes::default();
    let running = Running::on_disk(directory.path(), &first).await;
    running.put(["book#1", "book#2"]).await;
    running.settled().await;
    running.stack.shutdown().await;
    assert_eq!(keys(&first.clerk.records()), ["book#1", "book#2"]);

    let second = Fakes::default();
    let running = Running::on_disk(directory.path(), &second).await;
    running.put(["book#3"]).await;
    running.settled().await;
    assert_eq!(keys(&second.clerk.records()), ["book#3"]);
}

/// Can not read one book, and fails whatever batch it is in.
fn stumbles(event: &Value) -> Result<Value, String> {
    let records = event["Records"].as_array().unwrap();
    if keys(records).contains(&"book#poison") { Err("unreadable".to_owned()) } else { Ok(Value::Null) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_nobody_can_handle_is_kept_apart_and_holds_up_no_other() {
    let fakes = Fakes { clerk: Fake::new(stumbles), ..Fakes::default() };
    let running = Running::in_memory(&fakes).await;
    running.put(["book#1", "book#2", "book#3", "book#4", "book#5", "book#poison", "book#6", "book#7"]).await;
    running.settled().await;
    let mut handled: Vec<String> = Vec::new();
    for event in fakes.clerk.events() {
        if stumbles(&event).is_ok() {
            handled.extend(keys(event["Records"].as_array().unwrap()).into_iter().map(str::to_owned));
        }
    }
    assert_eq!(handled, ["book#1", "book#2", "book#3", "book#4", "book#5", "book#6", "book#7"]);
    let kept = running.stack.queues().receive("given-up", 10, lambda::clock::now()).await.unwrap();
    assert_eq!(kept.len(), 1);
    let word: Value = serde_json::from_str(&kept[0].body).unwrap();
    assert_eq!(word["record"]["dynamodb"]["Keys"]["pk"]["S"], "book#poison");
    assert_eq!(word["requestContext"]["condition"], "RetryAttemptsExhausted");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failure_that_is_named_costs_only_that_record() {
    let names_it = |event: &Value| {
        let records = event["Records"].as_array().unwrap();
        let poison = records.iter().filter(|record| record["dynamodb"]["Keys"]["pk"]["S"] == "book#poison");
        let failed: Vec<Value> =
            poison.map(|record| json!({ "itemIdentifier": record["dynamodb"]["SequenceNumber"] })).collect();
        Ok(json!({ "batchItemFailures": failed }))
    };
    let fakes = Fakes { clerk: Fake::new(names_it), ..Fakes::default() };
    let running = Running::in_memory(&fakes).await;
    running.put(["book#1", "book#poison", "book#2"]).await;
    let status = running.settled().await;
    let given_up =
        status["queues"].as_array().unwrap().iter().find(|queue| queue["queue"] == "given-up").unwrap();
    assert_eq!(given_up["visible"], 1);
    assert!(keys(&fakes.clerk.records()).contains(&"book#2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stack_on_the_same_directory_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let _running = Running::on_disk(directory.path(), &Fakes::default()).await;
    let second = Running::start(Storage::Directory(directory.path().to_owned()), &Fakes::default()).await;
    let error = format!("{:#}", second.err().unwrap());
    assert!(error.contains("does another local stack use this directory?"), "{error}");
}
