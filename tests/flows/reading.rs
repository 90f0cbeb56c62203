//! Reading: caching, cursors, parameters.

use std::time::Duration;

use end_to_end::{
    samples::FEEDBACK_SECRET,
    table_calls::{CountedApi, TableCall},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use trust::link::{Link, Purpose};

use crate::stack::{ago, completed, event, in_memory, registered, requested};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_latest_is_told_304() {
    let (_stack, door) = in_memory().await;
    door.told(&[registered("p1", 1)]).await;
    door.settled().await;
    for path in [
        "/v1/providers",
        "/v1/providers/p1",
        "/v1/providers/p1/replies",
        "/v1/providers/p1/score",
        "/v1/providers/p1/uptime",
        "/v1/providers/p1/outages",
        "/",
        "/providers/p1",
        "/providers/p1/proof",
        "/assets/proof.js",
        "/assets/verify.js",
    ] {
        let first = door.get(path).await;
        let tag = first.headers()["etag"].clone();
        assert!(first.headers()["cache-control"].to_str().unwrap().contains("max-age=60"), "{path}");
        let again = door
            .client
            .get(format!("{}{path}", door.base))
            .header("if-none-match", tag.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.headers()["etag"], tag);
        assert_eq!(again.text().await.unwrap(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_fifty_is_one_query_and_a_provider_one_read() {
    let (stack, door) = in_memory().await;
    door.told(&(0..60).map(|index| registered(&format!("p{index:02}"), 100 + index)).collect::<Vec<_>>())
        .await;
    door.settled().await;
    let api = CountedApi::beside(&stack).await.unwrap();
    for (path, operation, items, most) in [
        ("/v1/providers?limit=50", "Query", 50, 2.0),
        ("/", "Query", 50, 2.0),
        ("/v1/providers/p07", "GetItem", 1, 0.5),
    ] {
        let (response, calls) = api.get(path).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let [call] = calls.as_slice() else { panic!("{path}: {calls:?}") };
        assert_eq!((call.operation.as_str(), call.items), (operation, items), "{path}");
        assert!(call.units > 0.0 && call.units <= most, "{path}: {calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_finds_what_is_stored_and_changes_nothing_of_it() {
    let (stack, door) = in_memory().await;
    let contract = completed("c1", "p1", "r1", ago(60 * 24 * 4));
    door.told(&[&[registered("p1", 1)][..], &contract].concat()).await;
    door.settled().await;
    let stored = door.json("/v1/providers/p1").await;
    let api = CountedApi::beside(&stack).await.unwrap();
    for path in [
        "/v1/providers/p1",
        "/v1/providers/p1/score?explain=true",
        "/v1/providers/p1/score/history",
        "/v1/providers/p1/replies",
        "/v1/providers/p1/feedback",
        "/v1/providers/p1/uptime",
        "/v1/providers/p1/badge.svg",
        "/v1/providers?sort=score",
        "/providers/p1",
        "/",
    ] {
        for _ in 0..2 {
            let (response, calls) = api.get(path).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let reads = |call: &TableCall| matches!(&*call.operation, "GetItem" | "Query" | "BatchGetItem");
            assert!(!calls.is_empty() && calls.iter().all(reads), "{path}: {calls:?}");
        }
    }
    assert_eq!(door.json("/v1/providers/p1").await, stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_lead_through_all_providers_once_best_first() {
    let (_stack, door) = in_memory().await;
    let mut events: Vec<Value> =
        (0..12).map(|index| registered(&format!("p{index:02}"), 100 + index)).collect();
    for (provider, contracts) in [("p03", 9), ("p07", 3)] {
        for index in 0..contracts {
            events.extend(completed(&format!("{provider}-{index}"), provider, "r1", ago(60 * 24 * 4)));
        }
    }
    door.told(&events).await;
    door.settled().await;
    let (mut seen, mut path) = (Vec::new(), "/v1/providers?sort=score&limit=5".to_owned());
    loop {
        let page = door.json(&path).await;
        let ids =
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
        seen.extend(ids);
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/providers?limit=5&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen[..2], ["p03", "p07"]);
    seen.sort();
    assert_eq!(seen, (0..12).map(|index| format!("p{index:02}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_scores_move_whoever_stays_where_he_is_is_listed_once() {
    let (_stack, door) = in_memory().await;
    let contracts = |provider: &str, from: u32, to: u32| -> Vec<Value> {
        let contract = |index| completed(&format!("{provider}-{index}"), provider, "r1", ago(60 * 24 * 4));
        (from..to).flat_map(contract).collect()
    };
    for index in 1..=6 {
        let provider = format!("p{index}");
        door.told(&[registered(&provider, index)]).await;
        door.told(&contracts(&provider, 0, index as u32 * 2)).await;
    }
    door.settled().await;
    let mut seen = Vec::new();
    let mut path = "/v1/providers?sort=score&limit=2".to_owned();
    while !path.is_empty() {
        let page = door.json(&path).await;
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        if seen.len() == 2 {
            // The last one comes to the top, and the first one falls to the end, once the first page is read.
            door.told(&contracts("p1", 2, 20)).await;
            for index in 0..12 {
                let cancelled = json!({ "contract_id": format!("late-{index}"), "by": "provider" });
                let at = ago(60 * 24 * 3);
                let contract = format!("late-{index}");
                door.told(&[
                    requested(&contract, "p6", "r1", at),
                    event("contract.cancelled", at.plus(60), cancelled),
                ])
                .await;
            }
            door.settled().await;
        }
        let cursor = page["next_cursor"].as_str();
        path = cursor.map_or_else(String::new, |cursor| format!("/v1/providers?limit=2&cursor={cursor}"));
    }
    let times = |provider: &str| seen.iter().filter(|id| *id == provider).count();
    assert_eq!(["p2", "p3", "p4", "p5"].map(times), [1; 4], "{seen:?}");
    assert_eq!((times("p6"), times("p1")), (2, 0), "those who moved: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_somebody_has_voted_can_not_be_told_before_it_is_revealed() {
    let (_stack, door) = in_memory().await;
    let contract = completed("c1", "p1", "r1", ago(60 * 24 * 4));
    door.told(&[&[registered("p1", 1)][..], &contract].concat()).await;
    door.settled().await;
    let seen = async || {
        let response = door.get("/v1/providers/p1").await;
        let tag = response.headers()["etag"].to_str().unwrap().to_owned();
        let summary: Value = response.json().await.unwrap();
        (summary["as_of"].as_str().unwrap().to_owned(), tag)
    };
    let before = seen().await;
    // A summary made from now on would be of another second.
    let deadline = Instant::now() + Duration::from_secs(20);
    while ago(0).to_string() <= before.0 {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(20)).await;
    }
    let link = Link::new(Purpose::Feedback, "c1".parse().unwrap(), &"r1".parse().unwrap(), ago(-60 * 24));
    let token = link.seal(FEEDBACK_SECRET).unwrap();
    let answers = json!({ "matched_description": "yes", "rent_again": "no" });
    let voted = door.client.post(format!("{}/v1/feedback/{}", door.base, token.expose())).json(&answers);
    assert_eq!(voted.send().await.unwrap().status(), 200);
    door.settled().await;
    assert_eq!(seen().await, before);
    // What is no secret is told, so the stream is read.
    door.told(&completed("c2", "p1", "r2", ago(60 * 24 * 4))).await;
    door.settled().await;
    assert_ne!(seen().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_parameter_gets_400_that_names_it() {
    let (_stack, door) = in_memory().await;
    door.told(&[registered("p1", 1)]).await;
    door.settled().await;
    for (path, parameter) in [
        ("/v1/providers?sort=best", "sort"),
        ("/v1/providers?limit=0", "limit"),
        ("/v1/providers?limit=101", "limit"),
        ("/v1/providers?limit=many", "limit"),
        ("/v1/providers?cursor=zz", "cursor"),
        ("/v1/providers/p1/score?explain=maybe", "explain"),
        ("/v1/providers/p1/uptime?days=31", "days"),
        ("/v1/providers/p1/outages?days=0", "days"),
        ("/v1/providers/p1/outages?limit=0", "limit"),
        ("/v1/providers/p1/proof?days=two", "days"),
    ] {
        let response = door.get(path).await;
        assert_eq!(response.status(), 400, "{path}");
        let problem: Value = response.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().starts_with(parameter), "{problem}");
        assert_eq!(problem["status"], json!(400));
    }
    for path in
        ["/nothing", "/v1/nothing", "/v1/events", "/v1/log/nothing", "/v1/log/tile/0/x", "/assets/nothing.js"]
    {
        let response = door.get(path).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
    }
}
