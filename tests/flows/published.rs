//! From a schedule to a provider's page: every independent source, played on loopback.

mod played;

use std::time::Duration;

use lambda::Clients;
use local_stack::{Stack, TEMPLATE, template};
use serde_json::{Value, json};
use table::{Stored, Table};
use tokio::time::{Instant, sleep};
use trust::source::{
    SourceName, Subject,
    mapping::{Mapping, Standing},
};

use crate::stack::{Door, ago, event, in_memory_with};

const DEADLINE: Duration = Duration::from_mins(2);

fn registered(provider: &str, website: &str) -> Value {
    let data = json!({ "provider_id": provider, "name": provider, "website": website });
    event("provider.registered", ago(9_000), data)
}

/// By the hour, as most public lists are.
fn offered(provider: &str, offering: &str, cents: u64, specification: &Value) -> Value {
    let data = json!({
        "provider_id": provider, "offering_id": offering, "name": offering, "price": { "minor_units": cents, "currency": "EUR" },
        "specification": specification, "tariff": { "per": "hour" },
    });
    event("offering.published", ago(8_000), data)
}

/// The stack's table, to look into.
fn table(stack: &Stack, door: &Door, parameters: &[(&str, &str)]) -> Table {
    let known = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let known = known.chain([(template::ADDRESS.to_owned(), door.base.clone())]).collect();
    let wiring = template::read(TEMPLATE, &known).unwrap();
    let function = wiring.functions.iter().find(|function| function.binary == "scrape").unwrap();
    let environment = stack.environment().with(&function.environment);
    let name = environment.required("TABLE_NAME").unwrap();
    Table::new(Clients::new(&environment).unwrap().dynamodb(), name)
}

/// Waits until something is known of a source's name.
async fn proposed(table: &Table, source: &SourceName, name: &Subject) -> Stored<Mapping> {
    let begun = Instant::now();
    loop {
        if let Some(proposed) = table.name_in(source, name).await.unwrap() {
            return proposed;
        }
        assert!(begun.elapsed() < DEADLINE, "nothing is proposed");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_source_says_comes_from_its_plan_to_the_providers_page() {
    let today = lambda::clock::now().day();
    let changes = played::all(today).await.to_string();
    let parameters = [("SourcesChanges", changes.as_str()), ("ProbeContact", "mailto:a@trust.example")];
    let (stack, door) = in_memory_with(&parameters).await;
    let small = json!({ "class": "shared", "vcpus": 2, "memory_mib": 4096, "disk_gb": 80, "country": "DE" });
    let smaller =
        json!({ "class": "shared", "vcpus": 1, "memory_mib": 2048, "disk_gb": 40, "country": "DE" });
    let large = json!({ "class": "shared", "vcpus": 16, "cpu_model": "AMD EPYC 9354P", "country": "DE" });
    door.told(&[
        registered("p1", "https://hostinger.example/vps"),
        registered("p2", "https://elsewhere.example"),
        offered("p1", "kvm8", 9, &large),
        offered("p1", "kvm2", 2, &small),
        offered("p2", "small", 3, &small),
        offered("p2", "smaller", 2, &smaller),
    ])
    .await;
    door.settled().await;

    // The first plan: everything that stands in the configuration.
    stack.invoke("scrape-plan", json!({ "plan": "pages" })).await.unwrap();
    let read = |answer: &Value| {
        let items = answer["items"].as_array().unwrap();
        // Of the odd one out nothing is understood: it is named, and stops nobody.
        items.iter().all(|source| {
            !source["last_read"].is_null()
                || source["id"] == "server-pricing" && !source["last_failure"].is_null()
        })
    };
    let sources = door.until("/v1/sources", read).await;
    let odd =
        sources["items"].as_array().unwrap().iter().find(|source| source["id"] == "server-pricing").unwrap();
    assert_eq!(odd["last_failure"]["reason"], "unrecognised", "{odd}");
    let seen_today_by = |claim: &Value, by: &str| {
        let seen = claim["evidence"].as_array().unwrap();
        seen.iter().any(|seen| seen["by"] == by && seen["seen_on"] == json!(today))
    };
    let evidence = |answer: &Value| {
        let claims = answer["offerings"][0]["claims"].as_array().unwrap();
        claims.iter().any(|claim| seen_today_by(claim, "benchmark"))
            && claims.iter().any(|claim| seen_today_by(claim, "upload"))
    };
    let claims = door.until("/v1/providers/p1/claims", evidence).await;
    assert_eq!(claims["offerings"][0]["offering_id"], "kvm8");
    // Anybody's uploads make it plausible at most: it is the site that rented the machine whose word verifies it.
    let claims = claims["offerings"][0]["claims"].as_array().unwrap();
    let measured = claims.iter().find(|claim| seen_today_by(claim, "benchmark")).unwrap();
    assert_eq!(
        (&measured["claimed"], &measured["verdict"]),
        (&json!("AMD EPYC 9354P"), &json!("verified")),
        "{measured}"
    );

    // Whose a name may be is proposed by the domain, and nothing is read about it before an operator has decided.
    let table = table(&stack, &door, &parameters);
    let (source, name): (SourceName, Subject) =
        ("vpsbenchmarks".parse().unwrap(), "hostinger".parse().unwrap());
    let proposed = proposed(&table, &source, &name).await;
    let domain = "hostinger.example".to_owned().try_into().unwrap();
    assert_eq!(
        (proposed.value.provider.to_string().as_str(), &proposed.value.standing),
        ("p1", &Standing::Proposed(domain))
    );
    assert_eq!(table.names_in(&source).await.unwrap().len(), 1, "nobody is at the other domain");
    let confirmed = Mapping { standing: Standing::Confirmed, ..proposed.value.clone() };
    table.write_name(&source, &name, &confirmed, Some(&proposed)).await.unwrap();

    // The second plan: what there is about the name. It is answered in events, the first was in JSON.
    stack.invoke("scrape-plan", json!({ "plan": "pages" })).await.unwrap();
    let of_plans = |answer: &Value| {
        let lines =
            answer["sites"].as_array().unwrap().iter().flat_map(|site| site["items"].as_array().unwrap());
        lines.clone().any(|line| line["name"] == "KVM 4") && lines.clone().any(|line| line["kind"] == "trial")
    };
    let claims = door.until("/v1/providers/p1/claims", of_plans).await;
    let site =
        |id: &str| claims["sites"].as_array().unwrap().iter().find(|site| site["id"] == id).unwrap().clone();
    let lines = site("vpsbenchmarks")["items"].clone();
    let named = |name: &str| lines.as_array().unwrap().iter().find(|line| line["name"] == name).unwrap();
    assert_eq!(named("KVM 4")["grades"], json!({ "overall": "B", "web": "A" }));
    assert_eq!(named("KVM 4")["monthly_price"], json!({ "amount": 25.99, "currency": "USD" }));
    assert_eq!(
        (&named("KVM 8")["grades"]["cpu"], &named("KVM 8")["grade_version"]),
        (&json!("A"), &json!("v2021.11"))
    );
    assert_eq!((&lines[0]["kind"], &lines[0]["measured_on"]), (&json!("trial"), &json!(today)));
    assert_eq!(site("serververify")["items"][0]["kind"], "upload");

    // The prices that were read are a market.
    let gathered = stack.invoke("price", json!({ "market": "gather" })).await.unwrap();
    assert_eq!(gathered["failed"], 0, "{gathered}");
    let price = door.json("/v1/providers/p1/price").await;
    let placed =
        price["offerings"].as_array().unwrap().iter().find(|one| one["offering_id"] == "kvm2").unwrap();
    let nearest = placed["position"]["explanation"]["nearest"].as_array();
    let sources: Vec<&str> =
        nearest.into_iter().flatten().filter_map(|peer| peer["source"].as_str()).collect();
    for list in ["lightsail", "linode", "scaleway-fr-par-1"] {
        assert!(sources.contains(&list), "{list}: {price:#}");
    }

    let page = door.get("/providers/p1").await.text().await.unwrap();
    for said in
        ["VPSBenchmarks</a> says", "ServerVerify</a> says", "KVM 4", "trial of", "among 5 providers who ask"]
    {
        assert!(page.contains(said), "{said}");
    }
}
