//! Items, and the calls every part makes: get, query, put, transact.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, Put, ReturnConsumedCapacity, TransactWriteItem, Update,
};
use serde::{Serialize, de::DeserializeOwned};
use trust::id::ProviderId;

use crate::{
    Freshness, Stored, Table, TableError,
    error::{transaction_failed, unavailable},
    keys::{self, Key},
    patience::Patience,
};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Most keys of one batch read.
const BATCH: usize = 100;

/// The most items a transaction may write.
pub(crate) const TRANSACTION_LIMIT: usize = 100;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

fn version(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn keyed(key: &Key) -> Item {
    HashMap::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(&key.sk))])
}

/// An item of this key that holds the value's fields.
pub(crate) fn item(key: &Key, value: &impl Serialize) -> Result<Item, TableError> {
    let mut item: Item = serde_dynamo::to_item(value)?;
    item.extend(keyed(key));
    Ok(item)
}

/// Reads the value out of an item.
pub(crate) fn read<T: DeserializeOwned>(item: Item) -> Result<T, TableError> {
    let key = sort_key(&item).to_owned();
    serde_dynamo::from_item(item).map_err(|error| TableError::corrupt(key, &error))
}

/// Reads the value out of an item, with its version.
pub(crate) fn versioned<T: DeserializeOwned>(item: Item) -> Result<Stored<T>, TableError> {
    let version = unsigned(&item, "version").unwrap_or_default();
    Ok(Stored { value: read(item)?, version })
}

pub(crate) fn partition_key(item: &Item) -> &str {
    key(item, "pk")
}

pub(crate) fn sort_key(item: &Item) -> &str {
    key(item, "sk")
}

fn key<'a>(item: &'a Item, name: &str) -> &'a str {
    match item.get(name) {
        Some(AttributeValue::S(text)) => text,
        _ => "",
    }
}

/// The provider whose partition an item is in.
pub(crate) fn owner(item: &Item) -> Result<ProviderId, TableError> {
    let key = partition_key(item);
    keys::provider_of(key).ok_or_else(|| TableError::corrupt(key, "not a provider"))
}

pub(crate) fn unsigned(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Where in a partition to read.
pub(crate) struct Range<'a> {
    pub(crate) pk: String,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

/// Where in an index to read.
pub(crate) struct Index<'a> {
    pub(crate) name: &'static str,
    pub(crate) partition: &'static str,
    pub(crate) bound: Option<Bound<'a>>,
    pub(crate) order: Order,
}

/// Which keys of an index to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound<'a> {
    UpTo(&'a str),
    Below(&'a str),
    Above(&'a str),
}

/// Which way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

impl Table {
    /// One item, as of the last write.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.get_item(key, Freshness::LastWrite).await
    }

    /// One item, possibly a moment old, for half the price.
    pub(crate) async fn get_relaxed(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.get_item(key, Freshness::Recent).await
    }

    async fn get_item(&self, key: &Key, freshness: Freshness) -> Result<Option<Item>, TableError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(keyed(key)))
            .consistent_read(freshness == Freshness::LastWrite)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(unavailable)?;
        self.charge_read(output.consumed_capacity());
        Ok(output.item)
    }

    /// A versioned value, as of the last write.
    pub(crate) async fn stored<T: DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Result<Option<Stored<T>>, TableError> {
        self.get(key).await?.map(versioned).transpose()
    }

    /// A versioned value that is of this version or a later one, for half the price where it has not changed just now. As of the last
    /// write where no version is known. Nothing is of version 0.
    pub(crate) async fn stored_since<T: DeserializeOwned>(
        &self,
        key: &Key,
        known: Option<u64>,
    ) -> Result<Option<Stored<T>>, TableError> {
        let Some(known) = known else { return self.stored(key).await };
        let found: Option<Stored<T>> = self.get_relaxed(key).await?.map(versioned).transpose()?;
        let version = found.as_ref().map_or(0, |found| found.version);
        if version < known { self.stored(key).await } else { Ok(found) }
    }

    /// At most `limit` items of a range, as of the last write, and whether more follow.
    pub(crate) async fn page(
        &self,
        range: &Range<'_>,
        order: Order,
        limit: i32,
    ) -> Result<(Vec<Item>, bool), TableError> {
        self.query(range, order, limit, Freshness::LastWrite).await
    }

    async fn query(
        &self,
        range: &Range<'_>,
        order: Order,
        limit: i32,
        freshness: Freshness,
    ) -> Result<(Vec<Item>, bool), TableError> {
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(&range.pk))
            .expression_attribute_values(":from", text(range.from))
            .expression_attribute_values(":to", text(range.to))
            .scan_index_forward(order == Order::Ascending)
            .limit(limit)
            .consistent_read(freshness == Freshness::LastWrite)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(unavailable)?;
        self.charge_read(output.consumed_capacity());
        let more = output.last_evaluated_key.is_some();
        Ok((output.items.unwrap_or_default(), more))
    }

    /// All items of a range, ascending, as of the last write.
    pub(crate) async fn all(&self, range: &Range<'_>) -> Result<Vec<Item>, TableError> {
        self.query_all(range, Freshness::LastWrite).await
    }

    /// All items of a range, ascending, possibly a moment old, for half the price.
    pub(crate) async fn all_relaxed(&self, range: &Range<'_>) -> Result<Vec<Item>, TableError> {
        self.query_all(range, Freshness::Recent).await
    }

    pub(crate) async fn query_all(
        &self,
        range: &Range<'_>,
        freshness: Freshness,
    ) -> Result<Vec<Item>, TableError> {
        let mut items: Vec<Item> = Vec::new();
        let mut from = range.from.to_owned();
        loop {
            let part = Range { pk: range.pk.clone(), from: &from, to: range.to };
            let (page, more) = self.query(&part, Order::Ascending, 1000, freshness).await?;
            items.extend(page);
            match items.last() {
                // No key holds a character below '!', so this is the next possible key.
                Some(last) if more => from = format!("{} ", sort_key(last)),
                _ => return Ok(items),
            }
        }
    }

    /// Writes an item, whatever was there.
    pub(crate) async fn put(&self, item: Item) -> Result<(), TableError> {
        let output = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(unavailable)?;
        self.charge_write(output.consumed_capacity());
        Ok(())
    }

    /// Writes a value on condition that the item still has the version it was read with.
    pub(crate) async fn put_if(&self, mut item: Item, read: u64) -> Result<(), TableError> {
        item.insert("version".to_owned(), version(read + 1));
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = if read == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :read").expression_attribute_values(":read", version(read))
        };
        let output = put.send().await.map_err(unavailable)?;
        self.charge_write(output.consumed_capacity());
        Ok(())
    }

    /// At most `limit` items of an index partition, and whether more follow.
    pub(crate) async fn index_page(
        &self,
        index: &Index<'_>,
        limit: i32,
    ) -> Result<(Vec<Item>, bool), TableError> {
        let name = index.name;
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(name)
            .expression_attribute_values(":pk", text(index.partition))
            .scan_index_forward(index.order == Order::Ascending)
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        query = match index.bound {
            None => query.key_condition_expression(format!("{name}_pk = :pk")),
            Some(bound) => {
                let (is, key) = match bound {
                    Bound::UpTo(key) => ("<=", key),
                    Bound::Below(key) => ("<", key),
                    Bound::Above(key) => (">", key),
                };
                query
                    .key_condition_expression(format!("{name}_pk = :pk AND {name}_sk {is} :bound"))
                    .expression_attribute_values(":bound", text(key))
            }
        };
        let output = query.send().await.map_err(unavailable)?;
        self.charge_read(output.consumed_capacity());
        let more = output.last_evaluated_key.is_some();
        Ok((output.items.unwrap_or_default(), more))
    }

    /// All items of an index partition up to a bound, ascending, possibly a moment old.
    pub(crate) async fn index_all(
        &self,
        name: &'static str,
        partition: &str,
        bound: &str,
    ) -> Result<Vec<Item>, TableError> {
        let (mut items, mut from) = (Vec::new(), None);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.name)
                .index_name(name)
                .key_condition_expression(format!("{name}_pk = :pk AND {name}_sk <= :bound"))
                .expression_attribute_values(":pk", text(partition))
                .expression_attribute_values(":bound", text(bound))
                .set_exclusive_start_key(from)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(unavailable)?;
            self.charge_read(output.consumed_capacity());
            items.extend(output.items.unwrap_or_default());
            from = output.last_evaluated_key;
            if from.is_none() {
                return Ok(items);
            }
        }
    }

    /// Items by their keys, in their order, as of the last write.
    pub(crate) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        self.get_batch(keys, Freshness::LastWrite).await
    }

    /// Items by their keys, which are all different, in their order.
    pub(crate) async fn get_batch(
        &self,
        keys: &[Key],
        freshness: Freshness,
    ) -> Result<Vec<Option<Item>>, TableError> {
        let consistent = freshness == Freshness::LastWrite;
        let mut found: HashMap<(String, String), Item> = HashMap::new();
        for batch in keys.chunks(BATCH) {
            let mut wanted = Some(batch.iter().map(keyed).collect::<Vec<_>>());
            let mut patience = Patience::of(batch.len());
            while let Some(keys) = wanted.take() {
                let request =
                    KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(consistent).build();
                let output = self
                    .client
                    .batch_get_item()
                    .request_items(&self.name, built(request)?)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(unavailable)?;
                for capacity in output.consumed_capacity() {
                    self.charge_read(Some(capacity));
                }
                let items = output.responses.unwrap_or_default().remove(&self.name).unwrap_or_default();
                found.extend(
                    items
                        .into_iter()
                        .map(|item| ((partition_key(&item).to_owned(), sort_key(&item).to_owned()), item)),
                );
                let left = output.unprocessed_keys.unwrap_or_default().remove(&self.name);
                wanted = left.map(|left| left.keys).filter(|keys| !keys.is_empty());
                if let Some(left) = &wanted {
                    tokio::time::sleep(patience.pause(left.len())?).await;
                }
            }
        }
        Ok(keys.iter().map(|key| found.get(&(key.pk.clone(), key.sk.clone())).cloned()).collect())
    }

    /// Sets an attribute of an item that is there; a conflict where it is not.
    pub(crate) async fn set_existing(
        &self,
        key: &Key,
        name: &str,
        value: AttributeValue,
    ) -> Result<(), TableError> {
        let output = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keyed(key)))
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET #name = :value")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(unavailable)?;
        self.charge_write(output.consumed_capacity());
        Ok(())
    }

    /// Deletes an item, if it is there.
    pub(crate) async fn delete_now(&self, key: &Key) -> Result<(), TableError> {
        let output = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(keyed(key)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(unavailable)?;
        self.charge_write(output.consumed_capacity());
        Ok(())
    }

    /// Deletes an item on condition that it still has the version it was read with.
    pub(crate) async fn delete_if(&self, key: &Key, read: u64) -> Result<(), TableError> {
        let output = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(keyed(key)))
            .condition_expression("version = :read")
            .expression_attribute_values(":read", version(read))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(unavailable)?;
        self.charge_write(output.consumed_capacity());
        Ok(())
    }

    /// Writes all or nothing.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), TableError> {
        let output = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(transaction_failed)?;
        for capacity in output.consumed_capacity() {
            self.charge_write(Some(capacity));
        }
        Ok(())
    }

    /// A write that holds only if the item still has the version it was read with.
    pub(crate) fn put_versioned(
        &self,
        key: &Key,
        value: &impl Serialize,
        read: u64,
    ) -> Result<TransactWriteItem, TableError> {
        self.put_item_versioned(item(key, value)?, read)
    }

    /// The same, of an item that holds more than a value's fields.
    pub(crate) fn put_item_versioned(
        &self,
        mut item: Item,
        read: u64,
    ) -> Result<TransactWriteItem, TableError> {
        item.insert("version".to_owned(), version(read + 1));
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = if read == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :read").expression_attribute_values(":read", version(read))
        };
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    pub(crate) fn put_any(&self, item: Item) -> Result<TransactWriteItem, TableError> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item)).build();
        Ok(TransactWriteItem::builder().put(built(put)?).build())
    }

    /// A write that holds only if there is such an item.
    pub(crate) fn put_existing(&self, item: Item) -> Result<TransactWriteItem, TableError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_exists(pk)")
            .build();
        Ok(TransactWriteItem::builder().put(built(put)?).build())
    }

    /// A deletion that holds only if there is such an item.
    pub(crate) fn delete_existing(&self, key: &Key) -> Result<TransactWriteItem, TableError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(keyed(key)))
            .condition_expression("attribute_exists(pk)")
            .build();
        Ok(TransactWriteItem::builder().delete(built(delete)?).build())
    }

    pub(crate) fn delete(&self, key: &Key) -> Result<TransactWriteItem, TableError> {
        let delete = Delete::builder().table_name(&self.name).set_key(Some(keyed(key))).build();
        Ok(TransactWriteItem::builder().delete(built(delete)?).build())
    }

    /// Adds to counters of an item, which comes into being with the first and stays until it expires, if it does.
    pub(crate) fn add(
        &self,
        key: &Key,
        counters: impl IntoIterator<Item = (String, i64)>,
        expires_at: Option<i64>,
    ) -> Result<TransactWriteItem, TableError> {
        let mut update = Update::builder().table_name(&self.name).set_key(Some(keyed(key)));
        let mut set = "";
        if let Some(expires_at) = expires_at {
            set = "SET expires_at = :expires ";
            update = update.expression_attribute_values(":expires", number(expires_at));
        }
        let mut terms = Vec::new();
        for (index, (name, by)) in counters.into_iter().enumerate() {
            terms.push(format!("#c{index} :c{index}"));
            update = update
                .expression_attribute_names(format!("#c{index}"), name)
                .expression_attribute_values(format!(":c{index}"), number(by));
        }
        let expression = format!("{set}ADD {}", terms.join(", "));
        let update = update.update_expression(expression).build();
        Ok(TransactWriteItem::builder().update(built(update)?).build())
    }
}

pub(crate) fn built<T>(result: Result<T, aws_sdk_dynamodb::error::BuildError>) -> Result<T, TableError> {
    result.map_err(|error| TableError::Unavailable(error.to_string()))
}
