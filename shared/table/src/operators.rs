//! Operators: whose providers are one account's.
//!
//! A provider is put into his operator's list by whoever summarises him, and stays in it if he names another operator later: what he did
//! under the first is not undone.

use std::collections::BTreeMap;

use trust::{
    id::{OperatorId, ProviderId},
    summary::Member,
};

use crate::{
    Table, TableError,
    item::{self, Order, Range},
    keys::{self, END},
};

/// Most providers of one operator that are looked at.
const MOST: i32 = 1000;

impl Table {
    /// The providers that have named an operator, as of their last summaries. Those beyond a thousand are left out.
    pub async fn members(&self, of: &OperatorId) -> Result<BTreeMap<ProviderId, Member>, TableError> {
        let range = Range { pk: keys::operator(of), from: "!", to: END };
        let (items, more) = self.page(&range, Order::Ascending, MOST).await?;
        if more {
            tracing::warn!(operator = %of, "more providers than are looked at");
        }
        let member = |item: item::Item| {
            let key = item::sort_key(&item).to_owned();
            let provider = key.parse().map_err(|error| TableError::corrupt(key, &error))?;
            Ok((provider, item::read(item)?))
        };
        items.into_iter().map(member).collect()
    }

    /// Puts a provider into the operator's list, or says anew what he is to be warned of.
    pub async fn write_member(
        &self,
        of: &OperatorId,
        provider: &ProviderId,
        member: &Member,
    ) -> Result<(), TableError> {
        self.put(item::item(&keys::member(of, provider), member)?).await
    }
}
