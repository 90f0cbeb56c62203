//! The function that hands out identities: what it answers, and what it keeps from its log.

use end_to_end::{
    callers::{Asked, Caller},
    function::Function,
    samples,
    services::{BusHealth, Services},
};
use lambda::clock;
use serde_json::{Value, json};
use trust::{
    contract::{Contract, ContractDelta},
    id::{AccountId, ContractId, InboxId, ProviderId},
    marketplace::{Happened, Money, Terms},
    setup::{Attempts, ProviderChat, ProviderStep, WebsiteInbox},
};

const KEY: &str = "hmac-token-abc";

/// Services with the sample's contract, whose renter is the sample's caller or another one, and his provider's chat.
async fn services(renter: &str) -> Services {
    let mut document = samples::secrets();
    document["chatwoot"]["1"]["identity"] = json!({ "3": KEY });
    let services = Services::start(document, BusHealth::Up).await.unwrap();
    let table = services.table().unwrap();
    let (contract_id, provider): (ContractId, ProviderId) =
        ("c-20931".parse().unwrap(), "acme".parse().unwrap());
    let terms = Terms {
        contract_id: contract_id.clone(),
        provider_id: provider.clone(),
        renter_id: renter.parse().unwrap(),
        offering_id: "vps".parse().unwrap(),
        term_seconds: 3600.try_into().unwrap(),
        price: Money { minor_units: 900, currency: "EUR".to_owned().try_into().unwrap() },
        reply_within_seconds: None,
        silent_after_seconds: None,
        conversation: None,
    };
    let mut contract = Contract::default();
    contract.join(clock::now(), &Happened::ContractRequested(terms));
    table.write_contract(&contract_id, &contract, 0, &ContractDelta::default()).await.unwrap();
    let chat = ProviderChat {
        attempts: Attempts::default(),
        account: Some(AccountId(1)),
        inbox: Some(WebsiteInbox { id: InboxId(3), website_token: "web-3".to_owned() }),
        done: [ProviderStep::Identity, ProviderStep::Link].into(),
        ..ProviderChat::default()
    };
    table.write_provider_chat(&provider, &chat, 0).await.unwrap();
    services
}

/// The function, logging more than any stage does. (`trace` would hold whole events: that is the runtime's own.)
async fn start(services: &Services) -> Function {
    let mut environment = services.environment("chat-identity").unwrap();
    environment.insert("CHATWOOT_URL".to_owned(), "https://chat.example/".to_owned());
    environment.insert("RUST_LOG".to_owned(), "debug".to_owned());
    Function::start("chat-identity", &environment).await.unwrap()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn the_renter_of_a_contract_gets_an_identity_and_the_log_holds_no_secret() {
    let sample = samples::of("chat-identity").unwrap();
    let renter = sample["requestContext"]["authorizer"]["jwt"]["claims"]["sub"].as_str().unwrap();
    let services = services(renter).await;
    let mut function = start(&services).await;
    let answer = function.invoke(&sample).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(answer["headers"]["cache-control"], "no-store");
    let identity = body(&answer);
    let hash = chatwoot::identity::identifier_hash(KEY, &renter.parse().unwrap());
    assert_eq!(
        (&identity["identifier_hash"], &identity["base_url"]),
        (&json!(hash), &json!("https://chat.example"))
    );

    let mut nobody = sample.clone();
    nobody["requestContext"].as_object_mut().unwrap().remove("authorizer");
    let answer = function.invoke(&nobody).await.unwrap();
    assert_eq!(answer["statusCode"], 401, "a route without its authorizer knows nobody: {answer}");

    let log = function.log().join("\n");
    for told in [
        "\"what\":\"identity\"",
        "\"outcome\":\"answered\"",
        "\"provider\":\"acme\"",
        "\"outcome\":\"unauthenticated\"",
    ] {
        assert!(log.contains(told), "{told}: {log}");
    }
    for kept_from_logs in [hash.as_str(), KEY, "c2lnbmF0dXJl", renter] {
        assert!(!log.contains(kept_from_logs), "{kept_from_logs}: {log}");
    }
}

#[tokio::test]
async fn a_signed_request_gets_an_identity_once() {
    let caller = Caller::number(7);
    let services = services(&caller.id()).await;
    let mut function = start(&services).await;
    let mut invocation = samples::of("chat-identity").unwrap();
    let path = "/v1/signed/chat/identity";
    invocation["rawPath"] = json!(path);
    invocation["requestContext"]["http"]["path"] = json!(path);
    invocation["requestContext"].as_object_mut().unwrap().remove("authorizer");
    let sent = invocation["body"].as_str().unwrap().to_owned();
    let asked = Asked { method: "POST", path, body: sent.as_bytes() };
    let nonce = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
    let headers = caller.sign(asked, clock::now().unix(), nonce).unwrap();
    for (name, value) in &headers {
        invocation["headers"][*name] = json!(value);
    }
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let hash = body(&answer)["identifier_hash"].as_str().unwrap().to_owned();
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!(answer["statusCode"], 401, "{answer}");
    let log = function.log().join("\n");
    for kept_from_logs in [hash.as_str(), KEY, headers[1].1.as_str()] {
        assert!(!log.contains(kept_from_logs), "{kept_from_logs}: {log}");
    }
}
