//! A table of its own for one test: in memory, or at `TABLE_ENDPOINT`, which names another implementation of DynamoDB.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use lambda::Environment;
use local_stack::{TEMPLATE, database, template};
use serde_json::json;
use table::Table;

static TABLES: AtomicU32 = AtomicU32::new(0);

pub(crate) async fn fresh_table() -> Table {
    let endpoint = match std::env::vars().find(|(name, _)| name == "TABLE_ENDPOINT") {
        Some((_, endpoint)) => endpoint,
        None => database::serve(database::open(None, &[]).unwrap()).unwrap(),
    };
    let environment = Environment::from_pairs(
        [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &endpoint),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let name = format!("trust-{}-{}", std::process::id(), TABLES.fetch_add(1, Ordering::Relaxed));
    create(&endpoint, &name).await;
    Table::new(lambda::Clients::new(&environment).unwrap().dynamodb(), name)
}

/// Creates the table as the template describes it, over the wire, so that any implementation will do.
async fn create(endpoint: &str, name: &str) {
    let wiring = template::read(TEMPLATE, &BTreeMap::new()).unwrap();
    let mut request = wiring.tables[0].create.clone();
    request["TableName"] = json!(name);
    let response = reqwest::Client::builder()
        .build()
        .unwrap()
        .post(endpoint)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.CreateTable")
        .header("x-amz-date", "20261123T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    assert!(response.status().is_success(), "{}", response.text().await.unwrap());
}
