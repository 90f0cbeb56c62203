//! From `PutEvents` over rules and queues to a function.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fakes::{Fake, Fakes, Running, entry, number};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_to_the_function_as_eventbridge_and_sqs_wrap_it() {
    let fakes = Fakes::default();
    let running = Running::in_memory(&fakes).await;
    let mut parcel = entry("parcel.sent", &json!({ "number": 7 }));
    parcel["Time"] = json!(1_700_000_000);
    parcel["Resources"] = json!(["arn:aws:post:::office"]);
    let unmatched = [entry("letter.sent", &json!({})), entry("parcels", &json!({}))];
    let entries = json!({ "Entries": [parcel, unmatched[0], unmatched[1]] });
    let (status, output) = running.aws("AWSEvents.PutEvents", &entries).await;
    assert_eq!((status, &output["FailedEntryCount"]), (200, &json!(0)));

    let records = fakes.courier.got(1).await;
    let record = &records[0];
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["eventSourceARN"], "arn:aws:sqs:us-east-1:000000000000:parcels");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    let envelope: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        envelope,
        json!({
            "version": "0", "id": output["Entries"][0]["EventId"], "detail-type": "parcel.sent", "source": "post",
            "account": "000000000000", "time": "2023-11-14T22:13:20Z", "region": "us-east-1",
            "resources": ["arn:aws:post:::office"], "detail": { "number": 7 },
        })
    );
    running.settled().await;
    assert_eq!(fakes.courier.records().len(), 1, "what matches no rule is dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_entry_is_turned_down_and_its_neighbours_are_taken() {
    let fakes = Fakes::default();
    let running = Running::in_memory(&fakes).await;
    let good = entry("parcel.sent", &json!({ "number": 1 }));
    let without = |field: &str| {
        let mut entry = good.clone();
        entry.as_object_mut().unwrap().remove(field);
        entry
    };
    let with = |field: &str, value: &str| {
        let mut entry = good.clone();
        entry[field] = json!(value);
        entry
    };
    let rows = [
        (good.clone(), None),
        (with("Detail", "{\"number\":"), Some("MalformedDetail")),
        (with("Detail", "[1]"), Some("MalformedDetail")),
        (without("Source"), Some("InvalidArgument")),
        (with("DetailType", ""), Some("InvalidArgument")),
        (with("EventBusName", "tram"), Some("ResourceNotFoundException")),
        (without("EventBusName"), Some("ResourceNotFoundException")),
        (with("EventBusName", "arn:aws:events:us-east-1:000000000000:event-bus/bus"), None),
    ];
    let entries: Vec<&Value> = rows.iter().map(|(entry, _)| entry).collect();
    let (status, output) = running.aws("AWSEvents.PutEvents", &json!({ "Entries": entries })).await;
    assert_eq!((status, &output["FailedEntryCount"]), (200, &json!(6)));
    for ((entry, expected), result) in rows.iter().zip(output["Entries"].as_array().unwrap()) {
        assert_eq!(result["ErrorCode"].as_str(), *expected, "{entry}");
        assert_eq!(result["EventId"].is_string(), expected.is_none(), "{entry}");
    }
    running.settled().await;
    assert_eq!(fakes.courier.records().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_beyond_the_limits_is_refused_whole() {
    let fakes = Fakes::default();
    let running = Running::in_memory(&fakes).await;
    let small = entry("parcel.sent", &json!({ "number": 1 }));
    let large = entry("parcel.sent", &json!({ "number": 1, "padding": "x".repeat(130 * 1024) }));
    for (entries, expected) in [
        (vec![], 400),
        (vec![small.clone(); 10], 200),
        (vec![small.clone(); 11], 400),
        (vec![large.clone()], 200),
        (vec![large.clone(), large], 400),
    ] {
        let (status, output) = running.aws("AWSEvents.PutEvents", &json!({ "Entries": entries })).await;
        assert_eq!(status, expected, "{} entries: {output}", entries.len());
    }
    running.settled().await;
    assert_eq!(fakes.courier.records().len(), 11);
    let (status, output) = running.aws("AWSEvents.PutRule", &json!({})).await;
    assert_eq!((status, &output["__type"]), (400, &json!("UnknownOperationException")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_document_is_there_for_the_functions() {
    let running = Running::in_memory(&Fakes::default()).await;
    let (status, output) = running.aws("secretsmanager.GetSecretValue", &json!({ "SecretId": "s" })).await;
    assert_eq!((status, &output["Name"]), (200, &json!("s")));
    let document: Value = serde_json::from_str(output["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(document, json!({ "events": ["whsec_c2VjcmV0"] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_keeps_secrets_as_secrets_manager_does() {
    let running = Running::in_memory(&Fakes::default()).await;
    let call = async |what: &str, request: Value| {
        let (status, output) = running.aws(&format!("secretsmanager.{what}"), &request).await;
        (status, output["__type"].as_str().or(output["SecretString"].as_str()).unwrap_or_default().to_owned())
    };
    let missing = (400, "ResourceNotFoundException".to_owned());
    assert_eq!(call("GetSecretValue", json!({ "SecretId": "s/1" })).await, missing);
    assert_eq!(call("PutSecretValue", json!({ "SecretId": "s/1", "SecretString": "a" })).await, missing);
    assert_eq!(call("CreateSecret", json!({ "Name": "s/1", "SecretString": "a" })).await.0, 200);
    let exists = (400, "ResourceExistsException".to_owned());
    assert_eq!(call("CreateSecret", json!({ "Name": "s/1", "SecretString": "b" })).await, exists);
    assert_eq!(call("PutSecretValue", json!({ "SecretId": "s/1", "SecretString": "c" })).await.0, 200);
    assert_eq!(call("GetSecretValue", json!({ "SecretId": "s/1" })).await, (200, "c".to_owned()));
}

/// Fails odd parcels, and says so of each.
fn fails_odd_ones(event: &Value) -> Value {
    let odd = event["Records"].as_array().unwrap().iter().filter(|record| number(record) % 2 == 1);
    let failures: Vec<Value> = odd.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
    json!({ "batchItemFailures": failures })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_failed_comes_again_and_what_never_succeeds_is_kept_as_a_dead_letter() {
    let fakes = Fakes { courier: Fake::new(|event| Ok(fails_odd_ones(event))), ..Fakes::default() };
    let running = Running::in_memory(&fakes).await;
    running.parcels(0..4).await;
    let status = running.settled().await;

    let mut times: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for record in fakes.courier.records() {
        let count = record["attributes"]["ApproximateReceiveCount"].as_str().unwrap().to_owned();
        times.entry(number(&record)).or_default().push(count);
    }
    let expected = [(0, vec!["1"]), (1, vec!["1", "2"]), (2, vec!["1"]), (3, vec!["1", "2"])];
    let expected: BTreeMap<u64, Vec<String>> = expected
        .into_iter()
        .map(|(number, times)| (number, times.into_iter().map(str::to_owned).collect()))
        .collect();
    assert_eq!(times, expected);
    let queue = |name: &str| {
        let queues = status["queues"].as_array().unwrap();
        queues.iter().find(|queue| queue["queue"] == name).unwrap().clone()
    };
    assert_eq!(
        queue("parcels"),
        json!({ "queue": "parcels", "visible": 0, "in_flight": 0, "delayed": 0, "dead_letters": 2 })
    );
    assert_eq!(queue("parcels-lost")["visible"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_come_one_by_one_are_gathered_within_the_window() {
    let fakes = Fakes::default();
    let running = Running::in_memory(&fakes).await;
    for parcel in 0..10 {
        running.parcels([parcel]).await;
    }
    running.settled().await;
    let events = fakes.courier.events();
    assert_eq!(fakes.courier.records().len(), 10);
    assert!(events.len() < 10, "{} batches for ten messages", events.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_or_at_work_when_the_stack_stopped_is_delivered_by_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let failing = Fakes { courier: Fake::new(|_| Err("not today".to_owned())), ..Fakes::default() };
    let running = Running::on_disk(directory.path(), &failing).await;
    running.parcels(0..5).await;
    failing.courier.called(1).await;
    running.stack.shutdown().await;

    let fakes = Fakes::default();
    let running = Running::on_disk(directory.path(), &fakes).await;
    running.settled().await;
    let mut numbers: Vec<u64> = fakes.courier.records().iter().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    running.stack.shutdown().await;

    let fakes = Fakes::default();
    let running = Running::on_disk(directory.path(), &fakes).await;
    running.settled().await;
    assert_eq!(fakes.courier.records().len(), 0, "and by no later one");
}
