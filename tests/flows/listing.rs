//! Lists, badges, feeds and pictures, as whoever reads them gets them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::stack::{Author, Door, Message, ago, completed, event, in_memory, registered};

/// `good` has many contracts, `silent` as many and a renter who waits for four days, `fresh` has none.
async fn marketplace(door: &Door) {
    let mut events = vec![registered("good", 1), registered("silent", 2), registered("fresh", 9)];
    for provider in ["good", "silent"] {
        for index in 0..12 {
            let at = ago(60 * 24 * 20);
            events.extend(completed(&format!("{provider}-{index}"), provider, &format!("r{index}"), at));
        }
    }
    events.extend([
        offered("good", "small", "eu-1"),
        offered("silent", "small", "eu-2"),
        event("offering.withdrawn", ago(1), json!({ "provider_id": "silent", "offering_id": "small" })),
    ]);
    door.told(&events).await;
    door.settled().await;
    keep_waiting(door).await;
}

/// The renter of `silent-0` has waited for four days.
async fn keep_waiting(door: &Door) {
    let waiting = Message {
        account: 2,
        renter: "r0".to_owned(),
        contract: Some("silent-0".to_owned()),
        ..Message::new(1, 1, Author::Renter, ago(60 * 96))
    };
    door.said(&waiting).await;
    door.settled().await;
}

fn offered(provider: &str, offering: &str, region: &str) -> Value {
    let data =
        json!({ "provider_id": provider, "offering_id": offering, "name": "A server", "region": region });
    event("offering.published", ago(60), data)
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_what_they_say_and_each_order_is_its_own() {
    let (_stack, door) = in_memory().await;
    marketplace(&door).await;
    for (query, expected) in [
        ("", vec!["good", "silent", "fresh"]),
        ("sort=name", vec!["fresh", "good", "silent"]),
        ("sort=replies&limit=1", vec!["silent"]),
        ("flags=none", vec!["good", "fresh"]),
        ("without=silent&sort=name", vec!["fresh", "good"]),
        ("track=new", vec!["fresh"]),
        ("min_contracts=0.8&flags=none", vec!["good"]),
        ("min_score=50", vec!["good"]),
        ("q=PROVIDER%20S", vec!["silent"]),
        ("region=eu-1", vec!["good"]),
        ("region=eu-2", vec![]),
        ("max_price=1.0", vec![]),
    ] {
        let page = door.json(&format!("/v1/providers?{query}")).await;
        assert_eq!(ids(&page), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_leads_through_all_once_by_cursor_and_by_link_while_others_join() {
    let (_stack, door) = in_memory().await;
    let some = |from: u64, to: u64| {
        (from..to).map(|index| registered(&format!("p{index:02}"), 100 + index)).collect::<Vec<_>>()
    };
    door.told(&some(10, 21)).await;
    door.settled().await;
    let mut expected: Vec<String> = (10..21).map(|index| format!("p{index:02}")).collect();
    for (sort, joining) in [("score", 30), ("name", 31), ("uptime", 32), ("replies", 33), ("newest", 34)] {
        let (mut seen, mut path) = (Vec::new(), format!("/v1/providers?sort={sort}&limit=4&flags=none"));
        loop {
            let response = door.get(&path).await;
            let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            let page: Value = response.json().await.unwrap();
            seen.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            let next = format!("/v1/providers?sort={sort}&limit=4&flags=none&cursor={cursor}");
            assert_eq!(link.as_deref(), Some(&*format!("<{next}>; rel=\"next\"")));
            path = next;
            door.told(&some(joining, joining + 1)).await;
            door.settled().await;
        }
        seen.retain(|id| expected.contains(id));
        seen.sort();
        assert_eq!(seen, expected, "{sort}");
        expected.push(format!("p{joining}"));
    }
    let cursor =
        door.json("/v1/providers?sort=name&limit=1").await["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(door.get(&format!("/v1/providers?cursor={cursor}")).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_some_ids_come_in_their_order_and_unknown_ones_are_named() {
    let (_stack, door) = in_memory().await;
    marketplace(&door).await;
    let page = door.json("/v1/providers?ids=silent,nobody,good,silent").await;
    assert_eq!(ids(&page), ["silent", "good"]);
    assert_eq!(page["unknown"], json!(["nobody"]));
    let hundred: Vec<String> = (0..101).map(|index| format!("x{index}")).collect();
    assert_eq!(
        door.json(&format!("/v1/providers?ids={}", hundred[..100].join(","))).await["items"],
        json!([])
    );
    for wrong in [format!("ids={}", hundred.join(",")), "ids=".to_owned(), "ids=a&sort=name".to_owned()] {
        assert_eq!(door.get(&format!("/v1/providers?{wrong}")).await.status(), 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn badges_feeds_pictures_and_pages_are_there_for_known_providers_only() {
    let (_stack, door) = in_memory().await;
    marketplace(&door).await;
    for (path, kind) in [
        ("/v1/providers/{id}/badge.svg", "image/svg+xml; charset=utf-8"),
        ("/v1/providers/{id}/badge.svg?metric=uptime", "image/svg+xml; charset=utf-8"),
        ("/v1/providers/{id}/badge.json?metric=replies", "application/json"),
        ("/v1/providers/{id}/incidents.atom", "application/atom+xml; charset=utf-8"),
        ("/providers/{id}/og.png", "image/png"),
    ] {
        let known = door.get(&path.replace("{id}", "silent")).await;
        assert_eq!(
            (known.status(), known.headers()["content-type"].to_str().unwrap()),
            (StatusCode::OK, kind)
        );
        let unknown = door.get(&path.replace("{id}", "nobody")).await;
        assert_eq!(unknown.status(), 404, "{path}");
        assert_eq!(unknown.headers()["cache-control"], "public, max-age=10, s-maxage=30");
    }
    let badge = door.json("/v1/providers/silent/badge.json").await;
    assert_eq!(
        (&badge["schemaVersion"], &badge["message"]),
        (&json!(1), &json!("49.0, capped by a warning"))
    );
    assert_eq!(door.json("/v1/providers/fresh/badge.json").await["message"], "no score yet");
    let picture = door.get("/providers/good/og.png").await.bytes().await.unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    let page = door.get("/providers/good").await.text().await.unwrap();
    assert!(page.contains(&format!("property=\"og:image\" content=\"{}/providers/good/og.png\"", door.base)));
    let compared = door.get("/compare?ids=good&ids=silent,nobody").await.text().await.unwrap();
    for said in ["Provider good", "Provider silent", "Not registered", "nobody"] {
        assert!(compared.contains(said), "{said}");
    }
    let too_many = door.get("/compare?ids=a,b&ids=c,d,e").await;
    assert_eq!(too_many.status(), StatusCode::BAD_REQUEST);
    assert!(too_many.text().await.unwrap().contains("One to 4 providers can be compared"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_get_answers_head_says_without_the_body() {
    let (_stack, door) = in_memory().await;
    door.told(&[registered("p1", 1)]).await;
    door.settled().await;
    for path in
        ["/", "/v1/providers", "/v1/providers/p1", "/v1/providers/p1/badge.svg", "/v1/providers/nobody"]
    {
        let get = door.get(path).await;
        let head = door.client.request(Method::HEAD, format!("{}{path}", door.base)).send().await.unwrap();
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["etag", "cache-control", "content-type", "vary"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{path} {name}");
        }
        assert_eq!(get.headers()["vary"], "origin", "{path}");
        assert_eq!(head.bytes().await.unwrap().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_page_searches_and_says_what_it_did_not_understand() {
    let (_stack, door) = in_memory().await;
    marketplace(&door).await;
    // As a browser sends a form: empty fields, too.
    let found = door.get("/?q=good&sort=name&track=&min_score=&min_replies=&min_uptime=").await;
    assert_eq!(found.status(), 200);
    let page = found.text().await.unwrap();
    assert!(page.contains("/providers/good") && !page.contains("/providers/silent"));
    let wrong = door.get("/?min_score=many").await;
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().await.unwrap().contains("role=\"alert\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_name_of_a_flagged_operator_is_flagged_from_the_start_and_leads_to_his_other_names() {
    let (_stack, door) = in_memory().await;
    let of_one_operator = |mut event: Value| {
        event["data"]["operator_id"] = "acct-1".into();
        event
    };
    let mut events = vec![of_one_operator(registered("silent", 2)), registered("another", 3)];
    events.extend(completed("silent-0", "silent", "r0", ago(60 * 24 * 20)));
    door.told(&events).await;
    door.settled().await;
    keep_waiting(&door).await;
    door.told(&[of_one_operator(registered("fresh", 9))]).await;
    door.settled().await;

    let concerns = async |id: &str| {
        let provider = door.json(&format!("/v1/providers/{id}")).await;
        let flags = provider["flags"].as_array().unwrap().clone();
        let of = |flag: &Value| (flag["concern"].clone(), flag["count"].clone(), flag["of"].clone());
        flags.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(concerns("fresh").await, [(json!("sibling-flagged"), json!(1), json!(1))]);
    assert_eq!(concerns("silent").await, [(json!("silent"), json!(1), json!(1))]);
    assert_eq!(concerns("another").await, []);

    let fresh = door.json("/v1/providers/fresh").await;
    assert_eq!(fresh["siblings"]["flagged"], 1);
    let all = door.json(fresh["siblings"]["list"].as_str().unwrap()).await;
    assert_eq!(ids(&all), ["fresh", "silent"]);
    let page = door.get("/providers/fresh").await.text().await.unwrap();
    assert!(page.contains("<a href=\"/providers/silent\">Provider silent</a> (1 warning)"), "{page}");
}
