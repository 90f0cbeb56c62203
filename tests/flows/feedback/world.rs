//! Contracts, their renters' links, and the functions around them, at whatever time.

use std::sync::atomic::{AtomicU64, Ordering};

use end_to_end::{
    samples::FEEDBACK_SECRET,
    services::{BusHealth, Services},
};
use lambda::Environment;
use lambda_http::{Body, RequestExt, http};
use serde_json::{Value, json};
use table::Table;
use trust::{
    feedback::{Answer, FeedbackCount, Question, Standing},
    time::{Day, Moment},
};

use crate::stack::{event, queued};

pub(crate) const DAY: i64 = 86_400;
pub(crate) const HAPPY_FORM: &str = "matched_description=yes&rent_again=yes";

pub(crate) struct World {
    services: Services,
    table: Table,
    lifecycle: lifecycle::App,
    feedback: feedback::App,
    told: AtomicU64,
}

/// What came back.
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

pub(crate) fn count(question: Question, answer: Answer, standing: Standing) -> FeedbackCount {
    FeedbackCount { question, answer, standing }
}

/// The stable last part of a problem's type.
pub(crate) fn kind(problem: &Value) -> &str {
    problem["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(json!({ "feedback": [FEEDBACK_SECRET, "what-links-were-made-with"] })).await
    }

    pub(crate) async fn start_with(secrets: Value) -> Self {
        let services = Services::start(secrets, BusHealth::Up).await.unwrap();
        let environment = |name| Environment::from_pairs(services.environment(name).unwrap());
        Self {
            table: services.table().unwrap(),
            lifecycle: lifecycle::App::start(&environment("lifecycle")).await.unwrap(),
            feedback: feedback::App::start(&environment("feedback")).await.unwrap(),
            services,
            told: AtomicU64::default(),
        }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) async fn tell(&self, events: &[Value]) {
        let events: Vec<(&str, &Value)> =
            events.iter().map(|event| (event["type"].as_str().unwrap(), event)).collect();
        let answer = lifecycle::handle(&self.lifecycle, queued("marketplace", &events)).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }

    pub(crate) async fn registered(&self, provider: &str, operator: Option<&str>) {
        let data = json!({ "provider_id": provider, "name": format!("Provider {provider}"), "operator_id": operator });
        self.tell(&[event("provider.registered", lambda::clock::now(), data)]).await;
    }

    /// A contract that was requested just now.
    pub(crate) async fn requested(&self, contract: &str, provider: &str, renter: &str) -> Moment {
        let at = lambda::clock::now();
        self.tell(&[terms(contract, provider, renter, 500, at)]).await;
        at
    }

    /// A contract that ran its term, which ended just now.
    pub(crate) async fn completed(&self, contract: &str, provider: &str, renter: &str) -> Moment {
        self.ran(contract, provider, renter, 500, 90_000).await
    }

    /// A contract that cost so much, and was over just now, so many seconds after it was provisioned. It is told shuffled.
    pub(crate) async fn ran(
        &self,
        contract: &str,
        provider: &str,
        renter: &str,
        price: u64,
        lasted: i64,
    ) -> Moment {
        let ended = lambda::clock::now();
        let begun = ended.plus(-lasted);
        let about = json!({ "contract_id": contract });
        let mut events = [
            terms(contract, provider, renter, price, begun.plus(-60)),
            event("contract.provisioned", begun, about.clone()),
            event("contract.completed", ended, about),
        ];
        let turn = self.told.fetch_add(1, Ordering::Relaxed) as usize % 3;
        events.rotate_left(turn);
        self.tell(&events).await;
        self.tell(&events).await;
        ended
    }

    /// Has the surveys that are due looked at.
    pub(crate) async fn look(&self, now: Moment) {
        let looked = lifecycle::look_at_surveys(&self.lifecycle, now).await.unwrap();
        assert_eq!(looked.failed, 0);
    }

    /// What the marketplace is asked to pass on about a contract.
    pub(crate) fn requests(&self, contract: &str) -> Vec<Value> {
        let schema: Value =
            serde_json::from_str(include_str!("../../../events/schemas/feedback.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let entries = self.services.published().into_iter();
        let requests = entries.filter(|entry| entry["DetailType"] == "feedback.requested");
        requests
            .map(|mut entry| entry["Detail"].take())
            .filter(|request| request["contract"] == contract)
            .inspect(|request| schema.validate(request).unwrap())
            .collect()
    }

    /// The path of a contract's link.
    pub(crate) fn link(&self, contract: &str, occasion: &str) -> String {
        let requests = self.requests(contract);
        let request = requests.iter().find(|request| request["occasion"] == occasion).unwrap();
        let link = request["link"].as_str().unwrap();
        link.strip_prefix("http://127.0.0.1:9").unwrap().to_owned()
    }

    pub(crate) async fn ask(
        &self,
        path: &str,
        method: http::Method,
        body: Option<(&str, String)>,
        now: Moment,
    ) -> Came {
        let accept = if body.is_none() { "text/html" } else { "*/*" };
        self.call(path, method, accept, body, now).await
    }

    async fn call(
        &self,
        path: &str,
        method: http::Method,
        accept: &str,
        body: Option<(&str, String)>,
        now: Moment,
    ) -> Came {
        let mut request = http::Request::builder().method(method).uri(path).header("accept", accept);
        if let Some((kind, _)) = &body {
            request = request.header("content-type", *kind);
        }
        let body = body.map_or(Body::Empty, |(_, body)| Body::Text(body));
        let request = request.body(body).unwrap().with_raw_http_path(path);
        let response = feedback::answer_at(&self.feedback, &request, now).await;
        let location = response.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        Came {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            location,
            body: String::from_utf8(response.body().to_vec()).unwrap(),
        }
    }

    pub(crate) async fn post(&self, path: &str, form: &str, now: Moment) -> Came {
        let form = Some(("application/x-www-form-urlencoded", form.to_owned()));
        self.ask(path, http::Method::POST, form, now).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value, now: Moment) -> (u16, Value) {
        let body = Some(("application/json", body.to_string()));
        let came = self.ask(path, http::Method::POST, body, now).await;
        (came.status, serde_json::from_str(&came.body).unwrap())
    }

    pub(crate) async fn get_json(&self, path: &str, now: Moment) -> (u16, Value) {
        let came = self.call(path, http::Method::GET, "application/json", None, now).await;
        let answer = serde_json::from_str(&came.body).unwrap();
        if came.status == 200 {
            crate::document::check(path, &answer);
        }
        (came.status, answer)
    }

    pub(crate) async fn json(&self, path: &str, now: Moment) -> Value {
        let (status, body) = self.get_json(path, now).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// When a contract's survey was answered first.
    pub(crate) async fn answered(&self, contract: &str) -> Option<Moment> {
        self.table.survey(&contract.parse().unwrap()).await.unwrap().value.answered
    }

    /// The day on which an answer is revealed.
    pub(crate) async fn reveal_of(&self, provider: &str, renter: &str, contract: &str) -> Day {
        let id = contract.parse().unwrap();
        let known = self.table.contract(&id).await.unwrap().unwrap().value;
        let voting = self.table.voting(&id, &known).await.unwrap().unwrap();
        assert_eq!((voting.provider.as_str(), voting.renter.as_str()), (provider, renter));
        voting.votes.value.about(&id).unwrap().ballot.revealed_on()
    }

    /// All that is revealed of a provider by a day.
    pub(crate) async fn revealed(&self, provider: &str, today: Day) -> Vec<(FeedbackCount, u64)> {
        let since = today.minus(30);
        let days =
            self.table.signal_days(&provider.parse().unwrap(), since, today.next()).await.unwrap().feedback;
        let mut all = std::collections::BTreeMap::new();
        for (class, n) in days.into_values().flatten() {
            *all.entry(class).or_default() += n;
        }
        all.into_iter().collect()
    }
}

fn terms(contract: &str, provider: &str, renter: &str, price: u64, at: Moment) -> Value {
    event(
        "contract.requested",
        at,
        json!({
            "contract_id": contract, "provider_id": provider, "renter_id": renter, "offering_id": "o1",
            "term_seconds": 86400, "price": { "minor_units": price, "currency": "EUR" },
        }),
    )
}
