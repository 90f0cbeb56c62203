//! Open waits that have come to something, and the watches over them.
//!
//! Both stand in the sparse index `silence`: a wait in a contract by the time from which on it may have come to one, a watch until it is over. A sweep reads
//! that index and nothing else, so it costs by open waits, not by conversations.

use trust::{
    id::ProviderId,
    replies::OpenWait,
    silence::{self, Watch},
    time::Moment,
};

use crate::{
    Stored, Table, TableError,
    item::{self, Item, text},
    keys::{self, END},
};

const INDEX: &str = "silence";
const WAITING: &str = "waiting";
const WATCHED: &str = "watched";

/// The item of an open wait; in the index if it is to be watched.
pub(crate) fn waiting_item(key: &keys::Key, wait: &OpenWait) -> Result<Item, TableError> {
    let mut item = item::item(key, wait)?;
    if let Some(look) = silence::first_look(wait) {
        item.insert("silence_pk".to_owned(), text(WAITING));
        item.insert("silence_sk".to_owned(), text(format!("{:012}", look.unix())));
    }
    Ok(item)
}

impl Table {
    /// The open waits that may have reached a stage by now, as of a moment ago: the index lags behind.
    pub async fn waits_to_watch(&self, now: Moment) -> Result<Vec<(ProviderId, OpenWait)>, TableError> {
        let bound = format!("{:012}{END}", now.unix());
        let items = self.index_all(INDEX, WAITING, &bound).await?;
        items.into_iter().map(|item| Ok((item::owner(&item)?, item::read(item)?))).collect()
    }

    /// All watches, as of a moment ago.
    pub async fn watches(&self) -> Result<Vec<Stored<Watch>>, TableError> {
        let items = self.index_all(INDEX, WATCHED, END).await?;
        let stored = |item: Item| {
            let version = item::unsigned(&item, "version").unwrap_or_default();
            Ok(Stored { value: item::read(item)?, version })
        };
        items.into_iter().map(stored).collect()
    }

    /// Whether a provider's wait is still open, as of the last write.
    pub async fn is_waiting(&self, provider: &ProviderId, wait: &OpenWait) -> Result<bool, TableError> {
        Ok(self.get(&keys::waiting(provider, wait)).await?.is_some())
    }

    /// Writes a watch that was read with this version.
    pub async fn write_watch(&self, watch: &Watch, read: u64) -> Result<(), TableError> {
        let key = keys::watch(&watch.provider, &watch.wait);
        let mut item = item::item(&key, watch)?;
        item.insert("silence_pk".to_owned(), text(WATCHED));
        item.insert("silence_sk".to_owned(), text(format!("{}#{}", watch.provider, key.sk)));
        self.put_if(item, read).await
    }

    /// Forgets a watch that was read with this version.
    pub async fn end_watch(&self, watch: &Watch, read: u64) -> Result<(), TableError> {
        self.delete_if(&keys::watch(&watch.provider, &watch.wait), read).await
    }
}
