//! What is watched for a contract: who sets it, who may see where it is, and what others report on it.

use end_to_end::callers::{Asked, Caller};
use lambda::{report_key::ReportKey, secrets::Secret};
use local_stack::{TEMPLATE, template};
use reqwest::Response;
use serde_json::{Value, json};
use trust::uptime::{
    leaves::commitment,
    reports::{Reporter, Says},
};

use crate::{
    identity::{Marketplace, RENTER, kind, nonce, now},
    stack::{Process, ago, event, free_port, registered, requested},
};

/// Where the service is. It is nobody's business but the parties'.
const HOST: &str = "vm-7f3a9c.renters-secret.example";

fn endpoint(name: &str) -> Value {
    json!({ "name": name, "check": { "kind": "ssh", "host": HOST } })
}

impl Marketplace {
    async fn set(&self, contract: &str, body: &Value) -> Response {
        self.door.set_monitors(contract, body, "msg_1", ago(0)).await
    }

    /// The monitors of a contract as one of its parties sees them.
    async fn monitors(&self, subject: &str, contract: &str) -> Vec<Value> {
        let response = self.read(subject, &format!("/v1/contracts/{contract}/monitors")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["contract_id"], &body["next_cursor"]), (&json!(contract), &Value::Null));
        body["items"].as_array().unwrap().clone()
    }

    async fn report(&self, monitor: &str, key: &str, body: &Value) -> Response {
        let request = self.door.client.post(format!("{}/v1/monitors/{monitor}/reports", self.door.base));
        request.bearer_auth(key).body(body.to_string()).send().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_marketplace_sets_what_is_watched_and_both_parties_can_open_what_the_log_commits_to() {
    let marketplace = Marketplace::open().await;
    let body = json!({ "monitors": [endpoint("ssh"), endpoint("other")] });
    for _ in 0..2 {
        let response = marketplace.set("c1", &body).await;
        assert_eq!(response.status(), 202);
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "id": "msg_1" }));
    }
    marketplace.door.settled().await;
    let (his, the_renters) =
        (marketplace.monitors("p1", "c1").await, marketplace.monitors(RENTER, "c1").await);
    assert_eq!((his.len(), the_renters.len()), (2, 2));
    for (his, the_renters) in his.iter().zip(&the_renters) {
        assert_eq!(his["versions"], the_renters["versions"]);
        let version = &his["versions"][0];
        let target = version["target"].as_str().unwrap();
        assert_eq!(target, format!(r#"{{"kind":"ssh","host":"{HOST}","port":22}}"#));
        let salt: [u8; 16] = hex::decode(version["salt"].as_str().unwrap()).unwrap().try_into().unwrap();
        assert_eq!(version["commitment"], commitment(&salt, target).to_string());
        // Only who stands behind the service reports on it.
        assert!(the_renters.get("reports").is_none());
        let (id, key) = (his["id"].as_str().unwrap(), his["reports"]["key"].as_str().unwrap());
        let expected = ReportKey::of(&Secret::new("what-keys-are-made-from"), &id.parse().unwrap()).unwrap();
        assert_eq!(key, expected.expose());
    }
    assert_eq!(marketplace.monitors(RENTER, "c1").await.len(), 2);
    // The next takes the place of the first; what was watched stays there, since its days are in the log.
    let response = marketplace.door.set_monitors("c1", &json!({ "monitors": [] }), "msg_2", ago(0)).await;
    assert_eq!(response.status(), 202);
    marketplace.door.settled().await;
    for monitor in marketplace.monitors(RENTER, "c1").await {
        assert_ne!(monitor["running"][0]["until"], Value::Null, "{monitor}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_a_party_sees_nothing_and_learns_nothing() {
    let marketplace = Marketplace::open().await;
    marketplace.set("c1", &json!({ "monitors": [endpoint("ssh")] })).await;
    marketplace.door.settled().await;
    let mut answers = Vec::new();
    for (subject, contract) in
        [("otto", "c1"), ("p2", "c1"), (RENTER, "c2"), (RENTER, "c-unheard-of"), (RENTER, "c%201")]
    {
        let response = marketplace.read(subject, &format!("/v1/contracts/{contract}/monitors")).await;
        assert_eq!(response.status(), 403, "{subject} {contract}");
        answers.push(response.text().await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(marketplace.door.get("/v1/contracts/c1/monitors").await.status(), 401);
    assert_eq!(marketplace.door.get("/v1/signed/contracts/c1/monitors").await.status(), 401);

    // By signature: the renter of c7.
    let caller = Caller::number(7);
    for (contract, status, number) in [("c7", 200, 1), ("c1", 403, 2)] {
        let path = format!("/v1/signed/contracts/{contract}/monitors");
        let asked = Asked { method: "GET", path: &path, body: b"" };
        let headers = caller.sign(asked, now(), &nonce(number)).unwrap();
        assert_eq!(marketplace.sent(asked, &headers).await.status(), status, "{contract}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_that_can_not_be_are_refused_and_name_the_field() {
    let marketplace = Marketplace::open().await;
    let with = |check: Value| json!({ "monitors": [endpoint("ssh"), { "name": "web", "check": check }] });
    for (body, pointer) in [
        (json!({}), ""),
        (with(json!({ "kind": "ssh", "host": "169.254.169.254" })), "/monitors/1/check"),
        (with(json!({ "kind": "http", "url": "http://[fd00::1]/" })), "/monitors/1/check"),
        (with(json!({ "kind": "http", "url": "http://a:b@a.example/" })), "/monitors/1/check"),
        (json!({ "monitors": [], "maintenance": [{ "from": ago(10), "until": ago(5) }] }), "/maintenance/0"),
    ] {
        let response = marketplace.set("c1", &body).await;
        assert_eq!(response.status(), 400, "{body}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    // In an event, too.
    let data = json!({ "contract_id": "c1", "endpoints": [{ "name": "a", "check": { "kind": "ssh", "host": "10.0.0.1" } }] });
    let response = marketplace.door.events(&event("contract.provisioned", ago(1), data)).await.unwrap();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/data/endpoints/0/check", "{problem}");

    let good = json!({ "monitors": [endpoint("ssh")] });
    let stale = marketplace.door.set_monitors("c1", &good, "msg_1", ago(6)).await;
    assert_eq!((stale.status().as_u16(), kind(stale).await.as_str()), (401, "invalid-signature"));
    let path = format!("{}/v1/contracts/c1/monitors", marketplace.door.base);
    let unsigned = marketplace.door.client.put(path).body(good.to_string()).send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    marketplace.door.settled().await;
    assert_eq!(marketplace.monitors(RENTER, "c1").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_monitors_key_reports_on_it_and_nobody_else() {
    let marketplace = Marketplace::open().await;
    marketplace.set("c1", &json!({ "monitors": [endpoint("a"), endpoint("b")] })).await;
    marketplace.door.settled().await;
    let monitors = marketplace.monitors("p1", "c1").await;
    let of = |index: usize| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&monitors[index]["id"]), text(&monitors[index]["reports"]["key"]))
    };
    let ((monitor, key), (_, of_the_other)) = (of(0), of(1));
    let beat = |status: &str| json!({ "kind": "heartbeat", "status": status, "at": ago(1) });
    let gatus = json!({ "reporter": "gatus", "status": "TRIGGERED", "group": "", "endpoint": HOST });
    let test = json!({ "heartbeat": null, "monitor": null, "msg": "Testing" });
    for (report, statements) in [(beat("up"), 1), (beat("up"), 1), (gatus, 1), (test, 0)] {
        let response = marketplace.report(&monitor, &key, &report).await;
        assert_eq!(response.status(), 202, "{report}");
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "statements": statements }));
    }
    // A key of before the rotation.
    let previous =
        ReportKey::of(&Secret::new("what-they-were-made-from"), &monitor.parse().unwrap()).unwrap();
    assert_eq!(marketplace.report(&monitor, previous.expose(), &beat("down")).await.status(), 202);

    for (of, with, report, status, problem) in [
        (monitor.as_str(), of_the_other.as_str(), beat("up"), 401, "invalid-signature"),
        ("unheard-of", &key, beat("up"), 401, "invalid-signature"),
        (&monitor, "", beat("up"), 401, "invalid-signature"),
        (&monitor, &key, json!({ "hello": 1 }), 400, "invalid-body"),
        (&monitor, &key, json!({ "kind": "heartbeat", "status": "fine", "at": ago(1) }), 400, "invalid-body"),
        (&monitor, &key, json!("x".repeat(70_000)), 413, "body-too-large"),
    ] {
        let response = marketplace.report(of, with, &report).await;
        assert_eq!(response.status(), status, "{of} {with}");
        assert_eq!(kind(response).await, problem);
    }
    marketplace.door.settled().await;
    let said = marketplace.table.statements(&monitor.parse().unwrap(), ago(10), ago(-10)).await.unwrap();
    let said: Vec<_> = said.into_iter().map(|statement| (statement.by, statement.says)).collect();
    let expected =
        [(Reporter::Agent, Says::Up), (Reporter::Agent, Says::Down), (Reporter::Gatus, Says::Down)];
    assert!(expected.iter().all(|expected| said.contains(expected)), "{said:?}");
}

/// The paths that anybody may read, with this provider and file.
fn public_paths(provider: &str) -> Vec<String> {
    let parameters = [(template::ADDRESS.to_owned(), "http://127.0.0.1:9".to_owned())].into();
    let wiring = template::read(TEMPLATE, &parameters).unwrap();
    let public = wiring.routes.iter().filter(|route| {
        route.method == "GET" && route.authorizer.is_none() && !route.path.starts_with("/v1/signed/")
    });
    public.map(|route| route.path.replace("{id}", provider).replace("{proxy+}", "checkpoint")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_service_is_stands_on_no_public_path_and_in_no_log_line() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path(), free_port()).await;
    let endpoints = json!([endpoint("ssh"), { "name": "web", "check": { "kind": "https", "url": format!("https://{HOST}/") } }]);
    let provisioned = json!({ "contract_id": "c1", "endpoints": endpoints, "sla": { "uptime": 9990 } });
    process.door.told(&[registered("p1", 1), requested("c1", "p1", "r1", ago(60))]).await;
    process.door.told(&[event("contract.provisioned", ago(50), provisioned)]).await;
    let url = format!("http://user:password@{HOST}/");
    let bad = json!({ "monitors": [{ "name": "a", "check": { "kind": "http", "url": url } }] });
    let refused = process.door.set_monitors("c1", &bad, "m1", ago(0)).await.text().await.unwrap();
    let wrong = json!({ "monitors": [{ "name": "a", "check": { "kind": "tcp", "host": HOST } }] });
    let misshapen = process.door.set_monitors("c1", &wrong, "m2", ago(0)).await.text().await.unwrap();
    let good = process.door.set_monitors("c1", &json!({ "monitors": endpoints }), "m3", ago(0)).await;
    assert_eq!(good.status(), 202);
    assert!(
        refused.contains("may not be asked") && misshapen.contains("/monitors/0/check"),
        "{refused} {misshapen}"
    );
    process.door.settled().await;
    let paths = public_paths("p1");
    assert!(paths.len() >= 8, "{paths:?}");
    let mut seen = vec![("refused".to_owned(), refused), ("misshapen".to_owned(), misshapen)];
    for path in paths {
        seen.push((path.clone(), process.door.get(&path).await.text().await.unwrap()));
    }
    assert!(seen.iter().any(|(_, text)| text.contains("Provider p1")), "{seen:?}");
    seen.push(("log".to_owned(), process.log()));
    for (place, text) in seen {
        assert!(!text.contains("renters-secret"), "{place}: {text}");
    }
}
