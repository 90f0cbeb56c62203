//! Reading: caching, cursors, parameters.

use end_to_end::table_calls::{CountedApi, TableCall};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::stack::{ago, completed, in_memory, registered};

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
    for path in ["/v1/nothing", "/v1/log/nothing", "/v1/log/tile/0/x", "/assets/nothing.js"] {
        let response = door.get(path).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
    }
}
