//! The OpenAPI document against the deployed routes and against what is answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use jsonschema::Validator;
use local_stack::{TEMPLATE, template};
use serde_json::{Value, json};

use crate::stack::in_memory;

/// May be described before it is deployed.
const FEEDBACK: &str = "/v1/feedback/{token}";

fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        serde_json::from_str(include_str!("../../functions/scores-api/openapi.json")).unwrap()
    })
}

/// Holds an answer to `GET` of this path against the schema that the document has for it.
pub(crate) fn check(path: &str, answer: &Value) {
    let path = path.split('?').next().unwrap();
    if path.starts_with("/_local/") {
        return;
    }
    let template = template_of(path).unwrap_or_else(|| panic!("{path} is not in the document"));
    let faults: Vec<String> = validators()[&template]
        .iter_errors(answer)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{path} is not what the document says: {faults:#?}");
}

fn template_of(path: &str) -> Option<String> {
    let given: Vec<&str> = path.split('/').collect();
    let fits = |template: &&String| {
        let wanted: Vec<&str> = template.split('/').collect();
        let segment = |(wanted, given): (&&str, &&str)| wanted == given || wanted.starts_with('{');
        wanted.len() == given.len() && wanted.iter().zip(&given).all(segment)
    };
    let fitting = document()["paths"].as_object().unwrap().keys().filter(fits);
    // The one with the most literals.
    fitting.min_by_key(|template| template.matches('{').count()).cloned()
}

fn validators() -> &'static BTreeMap<String, Validator> {
    static VALIDATORS: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    VALIDATORS.get_or_init(|| {
        let paths = document()["paths"].as_object().unwrap().iter();
        let schemas = paths.filter_map(|(path, methods)| {
            let schema = &methods["get"]["responses"]["200"]["content"]["application/json"]["schema"];
            (!schema.is_null()).then(|| (path.clone(), validator(schema)))
        });
        schemas.collect()
    })
}

fn validator(schema: &Value) -> Validator {
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema], "components": document()["components"],
    });
    jsonschema::draft202012::new(&whole).unwrap()
}

#[test]
fn each_route_of_the_template_is_in_the_document_and_the_other_way_round() {
    let deployed: BTreeSet<(String, String)> = template::read(TEMPLATE, &BTreeMap::new())
        .unwrap()
        .routes
        .iter()
        .filter(|route| {
            route.method != "HEAD" && !route.path.starts_with("/assets/") && route.path != "/{proxy+}"
        })
        .map(|route| (route.method.to_lowercase(), route.path.clone()))
        .collect();
    let documented: BTreeSet<(String, String)> = document()["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            // The log's paths are one route.
            let path = if path.starts_with("/v1/log/") { "/v1/log/{proxy+}" } else { path };
            methods.as_object().unwrap().keys().map(move |method| (method.clone(), path.to_owned()))
        })
        .filter(|route| route.1 != FEEDBACK || deployed.contains(route))
        .collect();
    let missing = |from: &BTreeSet<(String, String)>, in_: &BTreeSet<(String, String)>| {
        from.difference(in_).cloned().collect::<Vec<_>>()
    };
    assert_eq!((missing(&deployed, &documented), missing(&documented, &deployed)), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_as_it_is_committed_and_has_a_page() {
    let (_stack, door) = in_memory().await;
    assert_eq!(door.json("/v1/openapi.json").await, *document());
    let page = door.get("/docs").await.text().await.unwrap();
    assert!(page.contains("/v1/providers/{id}/badge.svg") && !page.contains("<script"));
}

#[test]
fn an_answer_that_is_not_what_the_document_says_is_noticed() {
    let wrong = json!({ "provider_id": "p1", "state": "perhaps", "reason": null });
    assert!(std::panic::catch_unwind(|| check("/v1/providers/p1/chat", &wrong)).is_err());
}
