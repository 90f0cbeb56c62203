//! The days of a provider's score that do not change any more, and their way into the log.

use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnConsumedCapacity, TransactWriteItem};
use trust::{id::ProviderId, time::Day};

use crate::{
    HistoryEntry, LeafName, Table, TableError,
    error::unavailable,
    item::{self, Item, Order, Range, built},
    keys, log,
};

/// Marks a day of the history that does not change any more.
const SEALED: &str = "sealed";

const UNSEALED: &str = "attribute_not_exists(sealed)";

/// A day of a provider's score that is over, and can still change.
#[derive(Debug, Clone)]
pub struct UnsealedScore {
    /// What the history has of it.
    pub entry: HistoryEntry,
    item: Item,
}

impl Table {
    /// The last day of a provider's history before this one, unless it is sealed or there is none.
    pub async fn unsealed_score(
        &self,
        provider: &ProviderId,
        before: Day,
    ) -> Result<Option<UnsealedScore>, TableError> {
        let end = before.minus(1).to_string();
        let range = Range { pk: keys::history(provider), from: "0", to: &end };
        let (mut items, _) = self.page(&range, Order::Descending, 1).await?;
        let last = items.pop().filter(|item| !item.contains_key(SEALED));
        last.map(|item| Ok(UnsealedScore { entry: item::read(item.clone())?, item })).transpose()
    }

    /// Seals a day of a provider's score as it was read: the history does not change it any more, and this leaf waits for its place in
    /// the log. Whoever else has sealed it meanwhile is a conflict, so that it comes into the log once.
    pub async fn seal_score(
        &self,
        provider: &ProviderId,
        score: UnsealedScore,
        leaf: &str,
    ) -> Result<(), TableError> {
        let name = LeafName::score(provider, score.entry.day);
        let mut item = score.item;
        item.insert(SEALED.to_owned(), AttributeValue::Bool(true));
        let put =
            Put::builder().table_name(&self.name).set_item(Some(item)).condition_expression(UNSEALED).build();
        let sealed = TransactWriteItem::builder().put(built(put)?).build();
        self.transact(vec![sealed, self.put_any(log::awaiting(&name, leaf))?]).await
    }

    /// Writes the history's entry of a day, unless that is sealed: then whoever writes is late, and the day stays as it is.
    pub(crate) async fn put_unless_sealed(&self, item: Item) -> Result<(), TableError> {
        let output = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(UNSEALED)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(unavailable);
        match output {
            Ok(output) => self.charge_write(output.consumed_capacity()),
            Err(TableError::Conflict) => tracing::debug!("the day is sealed"),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
