//! A provider's prices from his offerings and an operator's file of others' offers to the API, the page and the list.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use end_to_end::{
    samples,
    services::{BusHealth, Services},
};
use lambda::Environment;
use serde_json::{Value, json};
use table::Table;
use tokio::net::TcpListener;
use trust::{
    id::{OfferingId, ProviderId},
    marketplace::{Happened, Offering, Profile},
    offering::Class,
    policy::Policy,
    price::{Outcome, Silence},
    provider::Provider,
    time::Moment,
};

use crate::{
    stack::{ago, event, in_memory, in_memory_with, registered},
    unreadable::Unreadable,
};

fn offered(provider: &str, cents: u64, at_minutes_ago: i64) -> Value {
    let data = json!({
        "provider_id": provider, "offering_id": "small", "name": "Small <VPS>",
        "price": { "minor_units": cents, "currency": "EUR" },
        "specification": { "class": "shared", "vcpus": 2, "memory_mib": 4096, "disk_gb": 80, "disk_kind": "nvme", "country": "DE" },
        "tariff": { "per": "month" },
    });
    event("offering.published", ago(at_minutes_ago), data)
}

/// Nine hosts that ask 8 to 12 dollars for the like, two plans each, and one row that is none.
fn file() -> String {
    let today = lambda::clock::now().day();
    let mut file =
        "provider,class,vcpus,memory_gib,disk_gb,disk_kind,country,price,currency,priced_on\n".to_owned();
    for host in 0..9 {
        let cents = 800 + host * 50;
        let half = cents * 7 / 10;
        let row = |size: &str, cents: i32| {
            format!("Host {host},shared,2,{size},nvme,DE,{}.{:02},USD,{today}\n", cents / 100, cents % 100)
        };
        file += &(row("4,80", cents) + &row("2,40", half));
    }
    file + &format!("Host 9,shared,2,4,80,nvme,DE,\"1,324\",USD,{today}\n")
}

const RATES: &str =
    "<Envelope><Cube><Cube time='2026-01-02'><Cube currency='USD' rate='1.0000'/></Cube></Cube></Envelope>";

#[tokio::test(flavor = "multi_thread")]
async fn an_offering_is_placed_among_others_and_anew_when_its_price_changes() {
    let (stack, door) = in_memory().await;
    door.told(&[registered("p1", 1), registered("p2", 2), offered("p1", 600, 90), offered("p2", 1000, 90)])
        .await;
    door.settled().await;
    let silent = door.until("/v1/providers/p1/price", |answer| answer["offerings"] != json!([])).await;
    let nothing = "not enough comparable offers (0 offers of 0 providers)";
    assert_eq!(silent["offerings"][0]["no_answer"], nothing, "there is no market yet");

    let load = |document: Value| stack.invoke("price", json!({ "load": document }));
    let refused =
        load(json!({ "kind": "offers", "source": "mine", "layout": "vultr", "text": "<html>" })).await;
    assert!(format!("{:#}", refused.unwrap_err()).contains("nothing is changed"));
    let rates = load(json!({ "kind": "rates", "text": RATES })).await.unwrap();
    assert_eq!(rates["read"], 1);
    let loaded = load(json!({ "kind": "offers", "source": "mine", "layout": "offers-csv", "text": file() }))
        .await
        .unwrap();
    assert_eq!((loaded["read"].clone(), loaded["of"].clone()), (json!(18), json!(19)));
    assert_eq!(loaded["left_out"], json!(["line 20: price is not what it should be"]));
    let gathered = stack.invoke("price", json!({ "market": "gather" })).await.unwrap();
    assert_eq!(
        (gathered["providers"].clone(), gathered["failed"].clone()),
        (json!(2), json!(0)),
        "{gathered}"
    );
    assert_eq!(gathered["offers"]["shared"], 20);

    let placed = door.json("/v1/providers/p1/price").await;
    let one = &placed["offerings"][0];
    assert_eq!(
        (one["position"]["verdict"].as_str(), one["no_answer"].clone()),
        (Some("below"), Value::Null),
        "{one}"
    );
    assert!(one["summary"].as_str().unwrap().starts_with("about 4"), "{one}");
    let explanation = &one["position"]["explanation"];
    // Himself he is no peer: nine hosts and the other provider.
    assert_eq!(
        (explanation["providers"].clone(), explanation["left_out"]["own"].clone()),
        (json!(10), json!(1))
    );
    assert_eq!(explanation["rates_day"], "2026-01-02");
    assert_eq!(explanation["nearest"].as_array().unwrap().len(), 5);

    // The list's filter follows by the table's stream.
    door.until("/v1/providers?max_price=0.8", |list| {
        list["items"].as_array().is_some_and(|items| items.len() == 1)
    })
    .await;
    let page = door.get("/providers/p1").await.text().await.unwrap();
    assert!(
        page.contains("6.00 EUR a month, about 4") && page.contains("among 10 providers who ask"),
        "{page}"
    );
    assert!(page.contains("Small &lt;VPS&gt;"), "what a provider writes is text");

    door.told(&[offered("p1", 1010, 10), offered("p1", 1, 80)]).await;
    let dearer = door.until("/v1/providers/p1/price", |answer| {
        answer["offerings"][0]["position"]["price"]["amount"] == 10.1
    });
    assert_eq!(dearer.await["offerings"][0]["position"]["verdict"], "in-line");
    door.until("/v1/providers?max_price=0.8", |list| list["items"] == json!([])).await;

    let gone = json!({ "provider_id": "p1", "offering_id": "small" });
    door.told(&[event("offering.withdrawn", ago(5), gone)]).await;
    door.until("/v1/providers/p1/price", |answer| answer["offerings"] == json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_his_own_peer_under_a_name_that_a_list_has_for_him() {
    let changes = json!({ "sources": { "linode": { "names": { "host-0": "p1" } } } }).to_string();
    let (stack, door) = in_memory_with(&[("SourcesChanges", &changes)]).await;
    door.told(&[registered("p1", 1), registered("p2", 2), offered("p1", 900, 90), offered("p2", 900, 90)])
        .await;
    door.settled().await;
    for load in [
        json!({ "kind": "rates", "text": RATES }),
        json!({ "kind": "offers", "source": "mine", "layout": "offers-csv", "text": file() }),
    ] {
        stack.invoke("price", json!({ "load": load })).await.unwrap();
    }
    stack.invoke("price", json!({ "market": "gather" })).await.unwrap();
    let peers = async |provider: &str| {
        let answer = door.json(&format!("/v1/providers/{provider}/price")).await;
        answer["offerings"][0]["position"]["explanation"]["providers"].clone()
    };
    // One of the nine hosts is the first provider: he is no peer of his own, and to the other he is one provider, not two.
    assert_eq!((peers("p1").await, peers("p2").await), (json!(9), json!(9)));
    let page = door.get("/providers/p2").await.text().await.unwrap();
    assert!(page.contains("the median of 9 providers ("), "{page}");

    // Placed anew, without a gathering, he is told the same.
    door.told(&[offered("p1", 950, 10)]).await;
    door.until("/v1/providers/p1/price", |answer| {
        answer["offerings"][0]["position"]["price"]["amount"] == 9.5
    })
    .await;
    assert_eq!(peers("p1").await, json!(9));
}

/// The price function over a table of its own, without a stream.
struct World {
    services: Services,
    table: Table,
    now: Moment,
}

impl World {
    async fn start() -> Self {
        Self::with(&BTreeMap::new()).await
    }

    /// The same, with these changes to the numbers that prices are compared by.
    async fn by(numbers: &Value) -> Self {
        Self::with(&BTreeMap::from([("PricePolicyChanges".to_owned(), numbers.to_string())])).await
    }

    async fn with(parameters: &BTreeMap<String, String>) -> Self {
        let services = Services::start_with(samples::secrets(), BusHealth::Up, parameters).await.unwrap();
        let table = services.table().unwrap();
        Self { services, table, now: lambda::clock::now() }
    }

    fn environment(&self) -> Environment {
        Environment::from_pairs(self.services.environment("price").unwrap())
    }

    /// Invokes the function, newly started.
    async fn invoke(&self, event: Value) -> Result<Value, lambda_runtime::Error> {
        price::handle(&price::App::start(&self.environment()).await.unwrap(), event).await
    }

    /// A registered provider with one offering of this price.
    async fn offers(&self, provider: &str, cents: u64) -> (ProviderId, OfferingId) {
        let (id, offering_id): (ProviderId, OfferingId) =
            (provider.parse().unwrap(), "small".parse().unwrap());
        let profile: Profile =
            serde_json::from_value(json!({ "provider_id": id, "name": provider })).unwrap();
        let mut known = Provider::default();
        known.join(self.now, &Happened::ProviderRegistered(profile));
        self.table.write_provider(&id, &known, 0).await.unwrap();
        score::summarise_now(&self.table, Policy::current(), &id, &score::Changed::default(), self.now)
            .await
            .unwrap();
        let offering: Offering =
            serde_json::from_value(offered(provider, cents, 90)["data"].clone()).unwrap();
        self.table.write_offering((&id, &offering_id), self.now, Some(&offering)).await.unwrap();
        (id, offering_id)
    }

    async fn loaded(&self) {
        for load in [
            json!({ "kind": "rates", "text": RATES }),
            json!({ "kind": "offers", "source": "mine", "layout": "offers-csv", "text": file() }),
        ] {
            self.invoke(json!({ "load": load })).await.unwrap();
        }
    }

    /// Tells the function, as the stream does, that a provider's offering has changed.
    async fn changed(&self, provider: &ProviderId) {
        let keys = json!({ "pk": { "S": format!("offerings#{provider}") }, "sk": { "S": "small" } });
        let records = json!({ "Records": [{ "dynamodb": { "Keys": keys, "SequenceNumber": "1" } }] });
        assert_eq!(self.invoke(records).await.unwrap(), json!({ "batchItemFailures": [] }));
    }

    /// What came of placing a provider's only offering; `None` where there is nothing.
    async fn outcome(&self, provider: &ProviderId) -> Option<Outcome> {
        self.table.priced(provider).await.unwrap().pop().map(|priced| priced.outcome)
    }
}

/// A door before the table, at which an offering is withdrawn when the first market is written.
struct Door {
    behind: String,
    client: reqwest::Client,
    table: Table,
    withdrawn: Mutex<Option<(ProviderId, OfferingId)>>,
}

async fn pass(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> Response {
    if String::from_utf8_lossy(&body).contains("\"market#") {
        let first = door.withdrawn.lock().unwrap().take();
        if let Some((provider, offering)) = first {
            let later = lambda::clock::now().plus(1);
            door.table.write_offering((&provider, &offering), later, None).await.unwrap();
        }
    }
    let mut request = door.client.post(&door.behind).body(body);
    for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    (status, [("content-type", "application/x-amz-json-1.0")], body).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offering_that_is_withdrawn_while_markets_are_gathered_does_not_come_back() {
    let world = World::start().await;
    let (stays, _) = world.offers("p1", 600).await;
    let (goes, offering) = world.offers("p2", 600).await;
    world.loaded().await;
    let environment = world.environment();
    let door = Door {
        behind: environment.required("AWS_ENDPOINT_URL_DYNAMODB").unwrap().to_owned(),
        client: reqwest::Client::builder().build().unwrap(),
        table: world.services.table().unwrap(),
        withdrawn: Mutex::new(Some((goes.clone(), offering))),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(pass).with_state(Arc::new(door));
    tokio::spawn(async move { drop(axum::serve(listener, router).await) });
    let endpoint = [("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), endpoint)].into();
    let price = price::App::start(&environment.with(&endpoint)).await.unwrap();
    let gathered = price::handle(&price, json!({ "market": "gather" })).await.unwrap();
    assert_eq!((&gathered["providers"], &gathered["failed"]), (&json!(2), &json!(0)), "{gathered}");
    assert!(world.outcome(&stays).await.unwrap().position().is_some());
    assert_eq!(world.outcome(&goes).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_left_out_of_a_gathering_and_stops_nothing_else() {
    let world = World::start().await;
    let (whole, _) = world.offers("p1", 600).await;
    let (broken, _) = world.offers("p2", 600).await;
    world.loaded().await;
    for (pk, sk) in [("offerings#p2", "other"), ("prices", "other"), ("source#linode", "name#host-0")] {
        Unreadable::at(&world.services, pk, sk).write().await;
    }
    let gathered = world.invoke(json!({ "market": "gather" })).await.unwrap();
    assert_eq!(
        (&gathered["sources"], &gathered["providers"], &gathered["failed"]),
        (&json!(1), &json!(2), &json!(1)),
        "{gathered}"
    );
    assert!(world.outcome(&whole).await.unwrap().position().is_some());
    assert_eq!(world.outcome(&broken).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_has_expired_is_none_and_one_without_offers_is_empty() {
    let world = World::start().await;
    let (id, offering) = world.offers("p1", 600).await;
    world.loaded().await;
    world.invoke(json!({ "market": "gather" })).await.unwrap();
    assert!(world.outcome(&id).await.unwrap().position().is_some());
    let head = world.table.market_head(Class::Shared).await.unwrap().unwrap();
    Unreadable::at(&world.services, "market#shared", &format!("{}#00000", head.name())).mend().await;
    world.changed(&id).await;
    let none = |outcome: &Outcome| {
        matches!(outcome, Outcome::Silent(Silence::TooFew { providers: 0, peers: 0, .. }))
    };
    assert!(none(&world.outcome(&id).await.unwrap()));

    // Nobody offers the class any more: neither the list nor he.
    let other = file().replace(",shared,", ",gpu,");
    let load = json!({ "kind": "offers", "source": "mine", "layout": "offers-csv", "text": other });
    world.invoke(json!({ "load": load })).await.unwrap();
    world.table.write_offering((&id, &offering), world.now.plus(1), None).await.unwrap();
    let gathered = world.invoke(json!({ "market": "gather" })).await.unwrap();
    assert_eq!(
        (&gathered["offers"]["shared"], &gathered["offers"]["gpu"]),
        (&json!(0), &json!(18)),
        "{gathered}"
    );
    let market = world.table.market(Class::Shared).await.unwrap().unwrap().market;
    assert!(market.offers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_stays_while_the_market_it_is_in_can_not_be_read() {
    let world = World::start().await;
    let (id, _) = world.offers("p1", 600).await;
    world.loaded().await;
    world.invoke(json!({ "market": "gather" })).await.unwrap();
    let placed = world.outcome(&id).await.unwrap();
    assert!(placed.position().is_some());
    let head = world.table.market_head(Class::Shared).await.unwrap().unwrap();
    Unreadable::at(&world.services, "market#shared", &format!("{}#00000", head.name())).write().await;
    world.changed(&id).await;
    assert_eq!(world.outcome(&id).await.unwrap(), placed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployments_own_numbers_decide_who_is_told_what() {
    for (providers, speaks) in [(7, true), (11, false)] {
        let world = World::by(&json!({ "version": "mine/1", "speak": { "providers": providers } })).await;
        let (id, _) = world.offers("p1", 600).await;
        world.loaded().await;
        world.invoke(json!({ "market": "gather" })).await.unwrap();
        let outcome = world.outcome(&id).await.unwrap();
        assert_eq!(outcome.position().is_some(), speaks, "{providers}");
        if let Some(position) = outcome.position() {
            assert_eq!(position.explained.policy, "mine/1");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_of_a_day_are_not_replaced_by_those_of_fewer_currencies() {
    let world = World::start().await;
    let more = RATES.replace("</Cube></Cube>", "<Cube currency='JPY' rate='171.35'/></Cube></Cube>");
    let load = |text: &str| world.invoke(json!({ "load": { "kind": "rates", "text": text } }));
    assert_eq!(load(&more).await.unwrap()["read"], 2);
    let refused = load(RATES).await.unwrap_err().to_string();
    assert_eq!(refused, "there are exchange rates of 2026-01-02 for more currencies; nothing is changed");
    assert_eq!(load(&more.replace("171.35", "172.10")).await.unwrap()["read"], 2, "a correction is taken");
    let kept = world.table.rates(world.now.day()).await.unwrap().unwrap();
    assert_eq!(kept.a_euro.values().copied().collect::<Vec<_>>(), [172_100_000, 1_000_000]);
}
