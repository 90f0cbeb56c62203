//! A stack around fake functions that keep what they were given.

use std::{path::Path, sync::Arc, time::Duration};

use lambda_http::{Body, RequestExt, Response, request::RequestContext};
use local_stack::{
    Blueprint, Options, Stack, Storage,
    functions::{Handler, Registry},
};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

/// How long anything may take to have its effect.
const DEADLINE: Duration = Duration::from_secs(20);

type Behaviour = Arc<dyn Fn(&Value) -> Result<Value, String> + Send + Sync>;

/// A function that keeps its events, and answers as the test wants.
#[derive(Clone)]
pub(crate) struct Fake {
    seen: watch::Sender<Vec<Value>>,
    behaviour: Behaviour,
}

impl Fake {
    pub(crate) fn new(behaviour: impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static) -> Self {
        Self { seen: watch::Sender::new(Vec::new()), behaviour: Arc::new(behaviour) }
    }

    /// One that is content with everything.
    pub(crate) fn content() -> Self {
        Self::new(|_| Ok(Value::Null))
    }

    /// It, as the stack wants it.
    pub(crate) fn handler(&self) -> Handler {
        let fake = self.clone();
        Handler::event(move |event| {
            let answer = (fake.behaviour)(&event);
            fake.seen.send_modify(|seen| seen.push(event));
            async move { answer.map_err(Into::into) }
        })
    }

    /// All events so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.seen.borrow().clone()
    }

    /// All records of all events so far.
    pub(crate) fn records(&self) -> Vec<Value> {
        let events = self.events();
        events.iter().flat_map(|event| event["Records"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// Waits until it has got this many records.
    pub(crate) async fn got(&self, records: usize) -> Vec<Value> {
        let mut seen = self.seen.subscribe();
        let enough = seen.wait_for(|_| self.records().len() >= records);
        timeout(DEADLINE, enough).await.expect("the records arrive").unwrap();
        self.records()
    }

    /// Waits until it has got this many events.
    pub(crate) async fn called(&self, times: usize) -> Vec<Value> {
        let mut seen = self.seen.subscribe();
        timeout(DEADLINE, seen.wait_for(|events| events.len() >= times))
            .await
            .expect("the events arrive")
            .unwrap();
        self.events()
    }
}

/// The fakes of a stack; what a test does not care for is content.
pub(crate) struct Fakes {
    pub(crate) courier: Fake,
    pub(crate) clerk: Fake,
    pub(crate) watchman: Fake,
}

impl Default for Fakes {
    fn default() -> Self {
        Self { courier: Fake::content(), clerk: Fake::content(), watchman: Fake::content() }
    }
}

/// A stack at work.
pub(crate) struct Running {
    pub(crate) stack: Stack,
    pub(crate) client: Client,
}

impl Running {
    pub(crate) async fn in_memory(fakes: &Fakes) -> Self {
        Self::start(Storage::Memory, fakes).await.unwrap()
    }

    pub(crate) async fn on_disk(directory: &Path, fakes: &Fakes) -> Self {
        Self::start(Storage::Directory(directory.to_owned()), fakes).await.unwrap()
    }

    pub(crate) async fn start(storage: Storage, fakes: &Fakes) -> anyhow::Result<Self> {
        let mut functions = Registry::default()
            .with("web", |_| async { Ok(Handler::http(echo)) })
            .with("narrow", |_| async { Ok(Handler::http(echo)) });
        for (name, fake) in
            [("courier", &fakes.courier), ("clerk", &fakes.clerk), ("watchman", &fakes.watchman)]
        {
            let fake = fake.clone();
            functions = functions.with(name, move |_| {
                let handler = fake.handler();
                async move { Ok(handler) }
            });
        }
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            storage,
            secrets: json!({ "events": ["whsec_c2VjcmV0"] }).to_string(),
            parameters: std::collections::BTreeMap::new(),
            keys: local_stack::tokens::Keys::default(),
        };
        let blueprint = Blueprint { template: include_str!("template.yaml").to_owned(), functions };
        let stack = Stack::start_with(options, &blueprint).await?;
        Ok(Self { stack, client: Client::builder().timeout(DEADLINE).build().unwrap() })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.stack.address())
    }

    /// A call of an AWS service's local end, as an SDK makes it.
    pub(crate) async fn aws(&self, target: &str, body: &Value) -> (u16, Value) {
        let endpoint = self.stack.environment().required("AWS_ENDPOINT_URL_EVENTBRIDGE").unwrap();
        let request = self.client.post(endpoint).header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.1").body(body.to_string());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    /// Sends parcels, and insists that all are taken.
    pub(crate) async fn parcels(&self, numbers: impl IntoIterator<Item = u64>) {
        let entries: Vec<Value> =
            numbers.into_iter().map(|number| entry("parcel.sent", &json!({ "number": number }))).collect();
        let (status, output) = self.aws("AWSEvents.PutEvents", &json!({ "Entries": entries })).await;
        assert_eq!((status, &output["FailedEntryCount"]), (200, &json!(0)), "{output}");
    }

    /// Waits until the stack says that nothing is on its way, and says what it says then.
    pub(crate) async fn settled(&self) -> Value {
        let settle = async {
            loop {
                let status = self.client.get(self.url("/_local/queues")).send().await.unwrap();
                let status: Value = serde_json::from_str(&status.text().await.unwrap()).unwrap();
                if status["idle"] == json!(true) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, settle).await.expect("the stack settles")
    }
}

/// An entry of `PutEvents`.
pub(crate) fn entry(detail_type: &str, detail: &Value) -> Value {
    json!({ "Source": "post", "DetailType": detail_type, "Detail": detail.to_string(), "EventBusName": "bus" })
}

/// The number of a parcel in a queue's record.
pub(crate) fn number(record: &Value) -> u64 {
    let envelope: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
    envelope["detail"]["number"].as_u64().unwrap()
}

/// Answers what it was asked.
async fn echo(request: lambda_http::Request) -> Result<Response<Body>, lambda_runtime::Error> {
    let path = request.uri().path().to_owned();
    assert!(!path.ends_with("/explode"), "as asked");
    if path.ends_with("/hang") {
        std::future::pending::<()>().await;
    }
    if path.ends_with("/bytes") {
        let every: Vec<u8> = (0..=255).collect();
        let response = Response::builder().header("content-type", "application/octet-stream");
        return Ok(response.body(Body::from(every))?);
    }
    let route = match request.request_context() {
        RequestContext::ApiGatewayV2(context) => context.route_key,
        _ => None,
    };
    let answer = json!({
        "route": route,
        "method": request.method().as_str(),
        "path": path,
        "raw_path": request.raw_http_path(),
        "id": request.path_parameters().first("id"),
        "proxy": request.path_parameters().first("proxy"),
        "q": request.query_string_parameters().first("q"),
        "cookie": request.headers().get("cookie").map(|cookie| cookie.to_str().unwrap()),
        // No more than a test compares: ten megabytes of numbers take their time.
        "bytes": request.body().iter().take(1024).collect::<Vec<_>>(),
    });
    let response =
        Response::builder().status(201).header("x-made", "here").header("content-type", "application/json");
    Ok(response.body(Body::from(answer.to_string()))?)
}
