//! An item of the table that nobody can read.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use end_to_end::services::Services;
use lambda::{Clients, Environment};

/// An item that is there and says nothing, where the table would look for something.
pub(crate) struct Unreadable {
    client: Client,
    table: String,
    key: [(String, AttributeValue); 2],
}

impl Unreadable {
    pub(crate) fn at(services: &Services, pk: &str, sk: &str) -> Self {
        let environment = Environment::from_pairs(services.environment("score").unwrap());
        let table = environment.required("TABLE_NAME").unwrap().to_owned();
        let key = [("pk", pk), ("sk", sk)];
        let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
        Self { client: Clients::new(&environment).unwrap().dynamodb(), table, key }
    }

    pub(crate) async fn write(&self) {
        let item = Some(self.key.clone().into());
        self.client.put_item().table_name(&self.table).set_item(item).send().await.unwrap();
    }

    pub(crate) async fn mend(&self) {
        let key = Some(self.key.clone().into());
        self.client.delete_item().table_name(&self.table).set_key(key).send().await.unwrap();
    }
}
