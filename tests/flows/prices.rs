//! A provider's prices from his offerings and an operator's file of others' offers to the API, the page and the list.

use serde_json::{Value, json};

use crate::stack::{ago, event, in_memory, in_memory_with, registered};

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
    // Of nine hosts and the other provider.
    assert_eq!((peers("p1").await, peers("p2").await), (json!(9), json!(10)));

    // Placed anew, without a gathering, he is told the same.
    door.told(&[offered("p1", 950, 10)]).await;
    door.until("/v1/providers/p1/price", |answer| {
        answer["offerings"][0]["position"]["price"]["amount"] == 9.5
    })
    .await;
    assert_eq!(peers("p1").await, json!(9));
}
