//! What `bootstrap` does, and what it leaves alone.

use std::os::unix::fs::PermissionsExt;

use axum::http::Method;
use chatwoot_setup::{
    bootstrap::{Outcome, Request},
    tokens::Given,
    vault::Vault,
};
use end_to_end::services::{BusHealth, Services};
use lambda::{Clients, Environment, secrets::Secret};
use serde_json::{Value, json};

use super::{Fresh, OPENAI_KEY, WEBHOOKS, bootstrap, of, world::Rest};

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_chatwoot_is_connected_and_a_second_run_changes_nothing() {
    let fresh = Fresh::start().await;
    let (well, steps) = bootstrap(&fresh.request()).await;
    assert!(well, "{steps:?}");
    assert_eq!(of(Outcome::Done, &steps), [format!("{}: the operator kept", fresh.file().display())]);
    let expected = json!({
        "events": ["whsec_e"], "marketplace": ["whsec_m"], "somebody's": { "own": 1 },
        "operator": fresh.operator.secrets()["operator"],
    });
    assert_eq!(fresh.document(), expected, "and what was there is there");
    assert_eq!(std::fs::metadata(fresh.file()).unwrap().permissions().mode() & 0o777, 0o600);

    let (text, counts) = (fresh.text(), fresh.counts());
    // Without the tokens: they are kept.
    let again = Request { given: Given::default(), ..fresh.request() };
    let (well, steps) = bootstrap(&again).await;
    assert!(well, "{steps:?}");
    assert_eq!(of(Outcome::Done, &steps), [""; 0]);
    assert_eq!((fresh.text(), fresh.counts()), (text, counts));
    assert_eq!(fresh.changes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_account_gets_one_webhook_whose_secret_is_kept_and_three_attributes() {
    let fresh = Fresh::start().await;
    let shared = fresh.operator.chatwoot.furnish("Marketplace").unwrap();
    fresh.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let mut request = fresh.request();
    request.place.shared = Some(shared.account);
    // No accounts are made, so no platform app is needed.
    request.given.platform = None;
    request.given.openai = Some(Secret::new(OPENAI_KEY));
    let (well, steps) = bootstrap(&request).await;
    assert!(well, "{steps:?}");
    let counts = fresh.counts();
    assert_eq!((counts.webhooks, counts.attribute_definitions, counts.hooks), (1, 3, 1));
    let document = fresh.document();
    let secret = document["chatwoot"][shared.account.to_string()]["webhook"][0].as_str().unwrap();
    assert_eq!(secret.len(), 24);
    assert!(document["operator"].get("platform_token").is_none());
    let left = of(Outcome::Left, &steps).join("\n");
    assert!(left.contains(&format!("--parameter ChatwootSharedAccount={}", shared.account)), "{left}");

    let text = fresh.text();
    fresh.operator.chatwoot.forget_requests();
    let (well, steps) = bootstrap(&request).await;
    assert!(well, "{steps:?}");
    assert_eq!(of(Outcome::Done, &steps), [""; 0]);
    assert_eq!((fresh.text(), fresh.counts()), (text, counts));
    assert_eq!(fresh.changes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_made_again_is_accepted_with_the_one_before() {
    let fresh = Fresh::start().await;
    let shared = fresh.operator.chatwoot.furnish("Marketplace").unwrap();
    fresh.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let mut request = fresh.request();
    request.place.shared = Some(shared.account);
    assert!(bootstrap(&request).await.0);
    let secrets = || fresh.document()["chatwoot"][shared.account.to_string()]["webhook"].clone();
    let first = secrets()[0].clone();
    let rest = Rest { base: fresh.operator.chatwoot.base_url(), token: fresh.token() };
    rest.of_account(shared.account, Method::DELETE, "/webhooks/1", &Value::Null).await;
    assert!(bootstrap(&request).await.0);
    assert_eq!(secrets().as_array().unwrap().len(), 2);
    assert_eq!((&secrets()[1], fresh.counts().webhooks), (&first, 1));

    // As after a rotation by hand: the one that is left has a query.
    let url = format!("{WEBHOOKS}/{}?2", shared.account);
    rest.of_account(shared.account, Method::PATCH, "/webhooks/2", &json!({ "url": url })).await;
    let (well, steps) = bootstrap(&request).await;
    assert_eq!((well, of(Outcome::Done, &steps), fresh.counts().webhooks), (true, Vec::new(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_the_operator_does_not_administer_is_named_and_what_can_be_done_is() {
    let fresh = Fresh::start().await;
    let foreign = fresh.operator.chatwoot.furnish("Somebody's").unwrap();
    let mut request = fresh.request();
    request.place.others.insert(foreign.account);
    let (well, steps) = bootstrap(&request).await;
    assert!(!well);
    let failed = of(Outcome::Failed, &steps);
    assert!(failed.len() == 1 && failed[0].contains("is no administrator of it"), "{failed:?}");
    assert!(fresh.document()["operator"]["token"].is_string(), "the operator is kept all the same");
    assert_eq!(fresh.counts().webhooks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_chatwoot_is_warned_of_and_one_that_does_not_sign_is_refused() {
    let fresh = Fresh::start().await;
    let (text, counts) = (fresh.text(), fresh.counts());
    fresh.operator.chatwoot.set_version("4.11.3");
    let (well, steps) = bootstrap(&fresh.request()).await;
    assert!(!well);
    assert!(of(Outcome::Failed, &steps)[0].contains("Chatwoot 4.11.3, which signs no webhooks"), "{steps:?}");
    assert_eq!((fresh.text(), fresh.counts()), (text, counts));
    assert_eq!(fresh.operator.chatwoot.requests().len(), 1, "no token was sent to it");

    fresh.operator.chatwoot.set_version("4.17.1");
    let (well, steps) = bootstrap(&fresh.request()).await;
    assert!(well, "{steps:?}");
    assert!(of(Outcome::Warning, &steps)[0].contains("upgrade to 4.18.0"), "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_are_named_both_at_once_and_not_shown() {
    let fresh = Fresh::start().await;
    let text = fresh.text();
    let mut request = fresh.request();
    request.given.user = Some(Secret::new("wrong-user-token"));
    request.given.platform = Some(Secret::new("wrong-platform-token"));
    let (well, steps) = bootstrap(&request).await;
    assert!(!well);
    let expected = [
        "the user's token: Chatwoot does not accept our token",
        "the platform token: Chatwoot does not accept our token",
    ];
    assert_eq!(of(Outcome::Failed, &steps), expected);
    assert!(!format!("{steps:?}").contains("wrong-"));
    assert_eq!(fresh.text(), text);

    request.given = Given::default();
    let (_, steps) = bootstrap(&request).await;
    let missing = of(Outcome::Failed, &steps);
    assert!(
        missing[0].contains("--user-token-file") && missing[1].contains("CHATWOOT_PLATFORM_TOKEN"),
        "{missing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_can_not_be_read_is_left_as_it_is_and_nothing_is_made() {
    let fresh = Fresh::start().await;
    let shared = fresh.operator.chatwoot.furnish("Marketplace").unwrap();
    fresh.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let mut request = fresh.request();
    request.place.shared = Some(shared.account);
    for text in ["{\"events\": [\"whsec_cut-off", "{\"chatwoot\": \"whsec_else\"}"] {
        fresh.write(text);
        let counts = fresh.counts();
        let (well, steps) = bootstrap(&request).await;
        let failed = of(Outcome::Failed, &steps);
        assert!(!well && failed[0].contains("it is left as it is"), "{failed:?}");
        assert!(!failed[0].contains("whsec_"));
        assert_eq!((fresh.text().as_str(), fresh.counts()), (text, counts));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_secrets_manager_the_rest_of_the_document_is_kept() {
    let fresh = Fresh::start().await;
    let kept = json!({ "events": ["whsec_e"], "chatwoot": { "9": { "webhook": ["w"] } } });
    let services = Services::start(kept.clone(), BusHealth::Up).await.unwrap();
    let environment = Environment::from_pairs(services.environment("lifecycle").unwrap());
    let client = Clients::new(&environment).unwrap().secrets_manager();
    let mut request = fresh.request();
    request.vault = Vault::Manager(client.clone(), "provider-trust-dev".to_owned());
    assert!(bootstrap(&request).await.0);
    let mut expected = kept;
    expected["operator"] = fresh.operator.secrets()["operator"].clone();
    assert_eq!(services.secret("provider-trust-dev").unwrap(), expected);

    request.vault = Vault::Manager(client, "provider-trust-prd".to_owned());
    let (well, steps) = bootstrap(&request).await;
    assert!(
        !well && of(Outcome::Failed, &steps)[0].contains("there is no secret provider-trust-prd"),
        "{steps:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_others_could_read_is_closed_to_them() {
    let fresh = Fresh::start().await;
    assert!(bootstrap(&fresh.request()).await.0);
    std::fs::set_permissions(fresh.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let findings = super::doctor(&fresh.request()).await;
    let open =
        findings.iter().find(|finding| finding.what.ends_with("others on this machine may read it")).unwrap();
    assert_eq!(open.mend, format!("chmod 600 {}", fresh.file().display()));
    let (well, steps) = bootstrap(&fresh.request()).await;
    assert!(well && of(Outcome::Done, &steps)[0].ends_with("only its owner may read it now"), "{steps:?}");
    assert_eq!(std::fs::metadata(fresh.file()).unwrap().permissions().mode() & 0o777, 0o600);
}
