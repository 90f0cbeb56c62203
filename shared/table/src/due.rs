//! What has to be looked at again though nothing happens: items in the sparse index `refresh`, each kind in a partition of its own, by
//! when.

use std::fmt::Display;

use trust::time::Moment;

use crate::{
    Table, TableError,
    item::{Bound, Index, Item, Order, text},
    keys::END,
};

pub(crate) const INDEX: &str = "refresh";

/// Has an item looked at again at a moment. `of` tells those of one moment apart.
pub(crate) fn look_again(item: &mut Item, kind: &str, at: Moment, of: impl Display) {
    item.insert("refresh_pk".to_owned(), text(kind));
    item.insert("refresh_sk".to_owned(), text(format!("{:012}#{of}", at.unix())));
}

/// The last key of what is due by now.
pub(crate) fn bound(now: Moment) -> String {
    format!("{:012}{END}", now.unix())
}

impl Table {
    /// The items of a kind that are to be looked at by now, the longest due first, as of a moment ago.
    pub(crate) async fn items_due(
        &self,
        kind: &'static str,
        now: Moment,
        limit: u16,
    ) -> Result<Vec<Item>, TableError> {
        let bound = bound(now);
        let index =
            Index { name: INDEX, partition: kind, bound: Some(Bound::UpTo(&bound)), order: Order::Ascending };
        let (items, _) = self.index_page(&index, i32::from(limit)).await?;
        Ok(items)
    }
}
