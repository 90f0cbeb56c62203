//! What is remembered of those who ask: the nonces of their signed requests, and how often they have asked lately.
//!
//! All of it expires. DynamoDB deletes what has expired late, never early, so a nonce is known for at least as long as its request
//! is fresh.

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue};
use trust::{id::CallerId, time::Moment};
use uuid::Uuid;

use crate::{
    Table, TableError,
    item::{keyed, number, unsigned},
    keys,
};

/// Seconds for which a nonce is remembered: more than a request stays fresh ahead of our clock and behind it (ten minutes
/// together). Less would let a request be sent again.
const NONCE_KEPT: i64 = 15 * 60;

/// Seconds for which a minute's count is kept. Less than a minute and clock differences would forget calls.
const COUNT_KEPT: i64 = 10 * 60;

/// Whether a nonce had been seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonce {
    /// Not until now.
    Fresh,
    /// It had: somebody sends a request again.
    Used,
}

/// How often somebody has asked in a minute of the clock, this time included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// How often.
    pub in_this_minute: u64,
    /// Seconds until the next minute begins.
    pub next_minute_in: u32,
}

impl Table {
    /// Notes that a caller has used a nonce, and says whether it was the first time. Of two at once one is the first.
    pub async fn use_nonce(&self, caller: &CallerId, nonce: Uuid, now: Moment) -> Result<Nonce, TableError> {
        let mut item = keyed(&keys::nonce(caller, nonce));
        item.insert("expires_at".to_owned(), number(now.unix() + NONCE_KEPT));
        match self.put_if(item, 0).await {
            Ok(()) => Ok(Nonce::Fresh),
            Err(TableError::Conflict) => Ok(Nonce::Used),
            Err(error) => Err(error),
        }
    }

    /// Counts a call, and says how many that makes.
    pub async fn count_call(&self, caller: &CallerId, now: Moment) -> Result<Calls, TableError> {
        let output = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keyed(&keys::minute(caller, now))))
            .update_expression("SET expires_at = :expires ADD calls :one")
            .expression_attribute_values(":expires", number(now.unix() + COUNT_KEPT))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(crate::error::unavailable)?;
        self.charge_write(output.consumed_capacity());
        let calls = output.attributes.as_ref().and_then(|item| unsigned(item, "calls"));
        let calls = calls.ok_or_else(|| TableError::corrupt("minute#", "no count"))?;
        let second = now.unix().rem_euclid(60);
        Ok(Calls { in_this_minute: calls, next_minute_in: (60 - second) as u32 })
    }
}
