//! What a request becomes on its way to a function, and what comes back.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::fakes::{Fakes, Running};

async fn ask(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_by_the_routes_of_the_template() {
    let running = Running::in_memory(&Fakes::default()).await;
    let client = &running.client;
    for (method, path, expected) in [
        ("GET", "/things/a1?q=x%20y", json!({ "id": "a1", "q": "x y", "raw_path": "/things/a1" })),
        ("GET", "/things/a%201", json!({ "id": "a 1", "raw_path": "/things/a 1", "path": "/things/a%201" })),
        ("POST", "/things", json!({ "id": null, "method": "POST" })),
        ("GET", "/files/x/y.txt", json!({ "proxy": "x/y.txt" })),
        ("PUT", "/things/a1?q=1", json!({ "id": "a1", "q": "1", "method": "PUT" })),
        ("GET", "/v1/log/checkpoint", json!({ "route": "GET /v1/log/{proxy+}", "proxy": "checkpoint" })),
        (
            "GET",
            "/v1/log/tile/0/x001/067.p/5?q=y",
            json!({ "route": "GET /v1/log/tile/{proxy+}", "proxy": "0/x001/067.p/5", "q": "y" }),
        ),
        (
            "GET",
            "/v1/log/tile/entries/000",
            json!({ "route": "GET /v1/log/tile/{proxy+}", "proxy": "entries/000" }),
        ),
        (
            "PUT",
            "/lambda-url/web/any/path?q=1",
            json!({ "raw_path": "/any/path", "q": "1", "method": "PUT" }),
        ),
        ("GET", "/lambda-url/web", json!({ "raw_path": "/" })),
    ] {
        let request = client.request(method.parse().unwrap(), running.url(path));
        let (status, answer) = ask(request).await;
        assert_eq!(status, 201, "{method} {path}: {answer}");
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&answer[name], value, "{name} of {method} {path}");
        }
    }
    for (method, path) in [
        ("GET", "/"),
        ("DELETE", "/things/a1"),
        ("PUT", "/things"),
        ("PUT", "/v1/log/checkpoint"),
        ("GET", "/v1/log"),
        ("GET", "/things/"),
        ("GET", "/files"),
        ("POST", "/lambda-url/courier/"),
    ] {
        let (status, answer) = ask(client.request(method.parse().unwrap(), running.url(path))).await;
        assert_eq!((status, answer), (404, json!({ "message": "Not Found" })), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_arrives_byte_for_byte_whatever_it_says_it_is() {
    let running = Running::in_memory(&Fakes::default()).await;
    for kind in ["application/json", "application/cloudevents+json", "application/octet-stream", "text/plain"]
    {
        for body in [b"".to_vec(), b"{\"a\": \"\xc3\xa4\"}".to_vec(), vec![0xff, 0x00, 0xfe]] {
            let request = running.client.post(running.url("/things")).header("content-type", kind);
            let (status, answer) = ask(request.body(body.clone()).header("cookie", "a=1; b=2")).await;
            assert_eq!(status, 201);
            assert_eq!(answer["bytes"], json!(body), "{kind}");
            assert_eq!(answer["cookie"], json!("a=1; b=2"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_function_answers_come_out_as_they_are() {
    let running = Running::in_memory(&Fakes::default()).await;
    let every: Vec<u8> = (0..=255).collect();
    for path in ["/files/bytes", "/v1/log/tile/bytes", "/lambda-url/web/bytes"] {
        let response = running.client.get(running.url(path)).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/octet-stream", "{path}");
        assert_eq!(response.headers()["content-length"], "256", "{path}");
        assert_eq!(response.bytes().await.unwrap(), every, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_may_put_where_the_api_says_so() {
    let running = Running::in_memory(&Fakes::default()).await;
    let asked = running.client.request(reqwest::Method::OPTIONS, running.url("/things/a1"));
    let asked = asked.header("origin", "https://m.example").header("access-control-request-method", "PUT");
    let response = asked.send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(response.headers()["access-control-allow-methods"], "GET,PUT");
    let put = running.client.put(running.url("/things/a1")).header("origin", "https://m.example");
    let response = put.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["access-control-allow-origin"]),
        (201, &"*".parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_services_limit_is_413() {
    let running = Running::in_memory(&Fakes::default()).await;
    let megabyte = 1024 * 1024;
    for (path, bytes, expected) in [
        ("/lambda-url/web/", 6 * megabyte, 201),
        ("/lambda-url/web/", 6 * megabyte + 1, 413),
        ("/things", 10 * megabyte, 201),
        ("/things", 10 * megabyte + 1, 413),
    ] {
        let request = running.client.post(running.url(path)).header("content-type", "text/plain");
        let response = request.body("x".repeat(bytes)).send().await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{bytes} to {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_fails_is_answered_for_as_its_service_does() {
    let running = Running::in_memory(&Fakes::default()).await;
    let api = ask(running.client.get(running.url("/files/explode"))).await;
    assert_eq!(api, (500, json!({ "message": "Internal Server Error" })));
    let url = ask(running.client.get(running.url("/lambda-url/web/explode"))).await;
    assert_eq!(url, (502, json!("Internal Server Error")));
    assert_eq!(ask(running.client.get(running.url("/things/after"))).await.0, 201, "the others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_without_room_turns_requests_away_until_there_is_some() {
    let running = Running::in_memory(&Fakes::default()).await;
    let (client, hang) = (running.client.clone(), running.url("/narrow/hang"));
    let hanging = tokio::spawn(async move {
        // One of the requests below may be in its place.
        while client.get(&hang).send().await.unwrap().status() == 503 {}
    });
    let answers = async |path: &str, expected: u16| loop {
        let (status, answer) = ask(running.client.get(running.url(path))).await;
        if status == expected {
            return answer;
        }
        sleep(Duration::from_millis(5)).await;
    };
    let within = |wait| timeout(Duration::from_secs(4), wait);
    let busy = within(answers("/narrow/now", 503)).await.expect("the one place is taken");
    assert_eq!(busy, json!({ "message": "Service Unavailable" }));
    let url = ask(running.client.get(running.url("/lambda-url/narrow/now"))).await;
    assert_eq!(url, (429, json!({ "message": "Rate Exceeded." })));
    assert_eq!(ask(running.client.get(running.url("/files/x"))).await.0, 201, "others have their own room");
    hanging.abort();
    within(answers("/narrow/now", 201)).await.expect("whoever hung up leaves room");
}
