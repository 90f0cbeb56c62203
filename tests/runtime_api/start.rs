//! How functions start.

use end_to_end::{
    function::{Function, NoAnswer},
    samples,
    services::{BusHealth, Services},
};
use serde_json::json;

#[tokio::test]
async fn every_function_of_the_template_starts_and_handles_its_sample_event() {
    let services = Services::start(samples::secrets(), BusHealth::Up).await.unwrap();
    let functions: Vec<&str> = services.functions().collect();
    assert!(functions.len() >= 6, "{functions:?}");
    for name in functions {
        let mut function = super::start(&services, name).await;
        let answer = match function.invoke(&samples::of(name).unwrap()).await {
            Ok(answer) => answer,
            Err(no_answer) => panic!("{name}: {no_answer:?}"),
        };
        // A signature in a sample has long gone stale, which is an answer; that something is broken is none.
        assert!(answer["statusCode"].as_u64().is_none_or(|status| status < 500), "{name}: {answer}");
        let failures = answer["batchItemFailures"].as_array();
        assert!(failures.is_none_or(Vec::is_empty), "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_function_without_its_settings_ends_and_names_the_missing_one() {
    let services = Services::start(samples::secrets(), BusHealth::Up).await.unwrap();
    for (name, setting) in
        [("chatwoot-webhook", "SECRET_ID"), ("event-ingress", "BUS_NAME"), ("score", "TABLE_NAME")]
    {
        let mut environment = services.environment(name).unwrap();
        environment.remove(setting);
        let mut function = Function::start(name, &environment).await.unwrap();
        let Err(NoAnswer::Ended(status, log)) = function.invoke(&json!({})).await else {
            panic!("{name} serves without {setting}");
        };
        assert!(!status.success());
        assert!(log.iter().any(|line| line.contains(setting)), "{log:?}");
    }
}

#[tokio::test]
async fn an_event_of_the_wrong_kind_is_an_error_and_the_next_one_is_answered() {
    let (_services, mut function) = super::started("score").await;
    assert!(matches!(function.invoke(&json!({ "unheard": "of" })).await, Err(NoAnswer::Failed(_))));
    assert!(function.invoke(&samples::of("score").unwrap()).await.is_ok());
}
