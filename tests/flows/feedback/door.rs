//! The whole way over HTTP: signed events in, the marketplace's webhook out, the link opened and answered.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use end_to_end::samples::MARKETPLACE_SECRET;
use reqwest::redirect::Policy;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

use crate::stack::{ago, completed, in_memory_with, registered};

type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A marketplace that keeps what it is told.
async fn marketplace() -> (String, Received) {
    let received = Received::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let keep = async |State(received): State<Received>, headers: HeaderMap, body: Bytes| {
        received.lock().unwrap().push((headers, body));
    };
    let router = Router::new().route("/hooks", post(keep)).with_state(Arc::clone(&received));
    tokio::spawn(async move { drop(axum::serve(listener, router).await) });
    (url, received)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_marketplace_gets_a_link_that_a_browser_can_open_and_answer() {
    let (url, received) = marketplace().await;
    let (_stack, door) = in_memory_with(&[("MarketplaceWebhookUrl", &url)]).await;
    door.told(&[registered("p1", 1)]).await;
    // A day and an hour ago, so that it ended a few minutes ago.
    door.told(&completed("c1", "p1", "r1", ago(25 * 60 + 10))).await;
    door.settled().await;

    let received = received.lock().unwrap().clone();
    let [(headers, body)] = received.as_slice() else { panic!("{} webhooks", received.len()) };
    Webhook::new(MARKETPLACE_SECRET).unwrap().verify(body, headers).unwrap();
    let event: Value = serde_json::from_slice(body).unwrap();
    assert_eq!((&event["type"], &event["data"]["renter"]), (&"feedback.requested".into(), &"r1".into()));
    let link = event["data"]["link"].as_str().unwrap();
    assert!(link.starts_with(&door.base), "{link}");

    let browser = reqwest::Client::builder().redirect(Policy::limited(2)).build().unwrap();
    assert_eq!(browser.head(link).send().await.unwrap().status(), 200);
    let page = browser.get(link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("How was it?") && page.contains("Provider p1"), "{page}");
    let answers = "matched_description=yes&rent_again=no";
    let form = browser.post(link).header("content-type", "application/x-www-form-urlencoded").body(answers);
    let thanks = form.send().await.unwrap();
    assert_eq!((thanks.status().as_u16(), thanks.url().path()), (200, &link[door.base.len()..]));
    assert!(thanks.text().await.unwrap().contains("Thank you"));
    let json = browser.get(link).header("accept", "application/json").send().await.unwrap();
    let json: Value = json.json().await.unwrap();
    assert_eq!((&json["state"], &json["answers"]["rent_again"]), (&"changeable".into(), &"no".into()));
}
