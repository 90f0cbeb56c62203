//! Independent sources: how they stand, their pages with what they last said, whose turn it is to ask a host, and whose their names are.
//!
//! A page and the facts that were read from it are written together, so that nobody sees one without the other. None of it stands where
//! the table's stream is followed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trust::{
    id::ProviderId,
    source::{
        PageId, SourceName, Subject,
        mapping::Mapping,
        page::Page,
        state::{State, Stop},
        turn::Turn,
    },
    time::Moment,
};

use crate::{
    Stored, Table, TableError,
    item::{self, Item, Range},
    keys::{self, END},
};

/// How a source stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceStanding {
    /// What is known of it; the beginning where it was never asked.
    pub state: State,
    /// That an operator has stopped it.
    pub stop: Option<Stop>,
}

/// What a page said when it was last read well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageFacts {
    /// When it was read.
    pub read_at: Moment,
    /// Where.
    pub address: String,
    /// What it says, in JSON: for the source's readers to know.
    pub facts: String,
}

#[derive(Serialize, Deserialize)]
struct KeptRules {
    rules: String,
}

impl Table {
    /// How all sources stand that anything is known of, as of a moment ago: one query.
    pub async fn sources(&self) -> Result<BTreeMap<SourceName, SourceStanding>, TableError> {
        let items = self.all_relaxed(&Range { pk: keys::SOURCES.to_owned(), from: "!", to: END }).await?;
        let mut all: BTreeMap<SourceName, SourceStanding> = BTreeMap::new();
        for item in items {
            let key = item::sort_key(&item).to_owned();
            let corrupt = |error: &dyn ToString| TableError::corrupt(key.as_str(), &error.to_string());
            if let Some(name) = key.strip_prefix(keys::STATE) {
                let name = name.parse().map_err(|error| corrupt(&error))?;
                all.entry(name).or_default().state = item::read(item)?;
            } else if let Some(name) = key.strip_prefix(keys::STOP) {
                let name = name.parse().map_err(|error| corrupt(&error))?;
                all.entry(name).or_default().stop = Some(item::read(item)?);
            }
        }
        Ok(all)
    }

    /// What is known of a source.
    pub async fn source_state(&self, of: &SourceName) -> Result<Stored<State>, TableError> {
        Ok(self
            .stored(&keys::source_state(of))
            .await?
            .unwrap_or(Stored { value: State::default(), version: 0 }))
    }

    /// Writes what is known of a source, on condition that nobody else has meanwhile.
    pub async fn write_source_state(
        &self,
        of: &SourceName,
        state: &State,
        read: u64,
    ) -> Result<(), TableError> {
        self.put_if(item::item(&keys::source_state(of), state)?, read).await
    }

    /// That an operator has stopped a source, if one has.
    pub async fn source_stop(&self, of: &SourceName) -> Result<Option<Stop>, TableError> {
        self.get(&keys::source_stop(of)).await?.map(item::read).transpose()
    }

    /// Stops a source, from its next request on.
    pub async fn stop_source(&self, of: &SourceName, stop: &Stop) -> Result<(), TableError> {
        self.put(item::item(&keys::source_stop(of), stop)?).await
    }

    /// Lets a source go on.
    pub async fn resume_source(&self, of: &SourceName) -> Result<(), TableError> {
        self.delete_now(&keys::source_stop(of)).await
    }

    /// All pages of a source that were ever asked for.
    pub async fn pages_of(&self, source: &SourceName) -> Result<BTreeMap<PageId, Page>, TableError> {
        let items = self.with_prefix(keys::source(source), keys::PAGE).await?;
        let page = |item: Item| {
            let key = item::sort_key(&item);
            let id = keys::page_of(source, key).ok_or_else(|| TableError::corrupt(key, "not a page"))?;
            Ok((id, item::read(item)?))
        };
        items.into_iter().map(page).collect()
    }

    /// What is known of a page.
    pub async fn page_of(&self, id: &PageId) -> Result<Stored<Page>, TableError> {
        Ok(self.stored(&keys::page(id)).await?.unwrap_or(Stored { value: Page::default(), version: 0 }))
    }

    /// Writes what is known of a page, on condition that nobody else has meanwhile, and with it what it says, where that is new.
    pub async fn write_page(
        &self,
        id: &PageId,
        page: &Page,
        read: u64,
        facts: Option<&PageFacts>,
    ) -> Result<(), TableError> {
        let item = item::item(&keys::page(id), page)?;
        let Some(facts) = facts else { return self.put_if(item, read).await };
        let facts = self.put_any(item::item(&keys::page_facts(id), facts)?)?;
        self.transact(vec![self.put_item_versioned(item, read)?, facts]).await
    }

    /// What a page said when it was last read well.
    pub async fn page_facts(&self, id: &PageId) -> Result<Option<PageFacts>, TableError> {
        self.get(&keys::page_facts(id)).await?.map(item::read).transpose()
    }

    /// Whose turn it is to ask a host.
    pub async fn turn(&self, host: &str) -> Result<Stored<Turn>, TableError> {
        Ok(self.stored(&keys::turn(host)).await?.unwrap_or(Stored { value: Turn::default(), version: 0 }))
    }

    /// Writes whose turn it is, on condition that nobody else has meanwhile.
    pub async fn write_turn(&self, host: &str, turn: Turn, read: u64) -> Result<(), TableError> {
        self.put_if(item::item(&keys::turn(host), &turn)?, read).await
    }

    /// What a host lets us read, in JSON, as it was last kept.
    pub async fn host_rules(&self, host: &str) -> Result<Option<String>, TableError> {
        let kept = self.get(&keys::rules(host)).await?.map(item::read::<KeptRules>).transpose()?;
        Ok(kept.map(|kept| kept.rules))
    }

    /// Keeps what a host lets us read.
    pub async fn keep_host_rules(&self, host: &str, rules: String) -> Result<(), TableError> {
        self.put(item::item(&keys::rules(host), &KeptRules { rules })?).await
    }

    /// Whose a source's names are, as far as that was proposed or decided. One that can not be read is passed over.
    pub async fn names_in(&self, source: &SourceName) -> Result<BTreeMap<Subject, Mapping>, TableError> {
        let items = self.with_prefix(keys::source(source), keys::NAME).await?;
        let name = |item: Item| {
            let key = item::sort_key(&item).to_owned();
            let subject = key.strip_prefix(keys::NAME).unwrap_or_default();
            Ok((
                subject.parse().map_err(|error| TableError::corrupt(key.as_str(), &error))?,
                item::read(item)?,
            ))
        };
        Ok(readable(items.into_iter().map(name)).collect())
    }

    /// Whose one name of a source is.
    pub async fn name_in(
        &self,
        source: &SourceName,
        subject: &Subject,
    ) -> Result<Option<Stored<Mapping>>, TableError> {
        self.stored(&keys::source_name(source, subject)).await
    }

    /// What sources call a provider. A name that can not be read is passed over.
    pub async fn names_of(
        &self,
        provider: &ProviderId,
    ) -> Result<Vec<(SourceName, Subject, Mapping)>, TableError> {
        let items = self.all_relaxed(&Range { pk: keys::names_of(provider), from: "!", to: END }).await?;
        let name = |item: Item| {
            let key = item::sort_key(&item).to_owned();
            let (source, subject) =
                key.split_once('#').ok_or_else(|| TableError::corrupt(key.as_str(), "not a name"))?;
            let corrupt = |error| TableError::corrupt(key.as_str(), &error);
            Ok((source.parse().map_err(corrupt)?, subject.parse().map_err(corrupt)?, item::read(item)?))
        };
        Ok(readable(items.into_iter().map(name)).collect())
    }

    /// Writes whose a name is, on condition that nobody else has meanwhile. It leaves whomever it was said to be before.
    pub async fn write_name(
        &self,
        source: &SourceName,
        subject: &Subject,
        mapping: &Mapping,
        before: Option<&Stored<Mapping>>,
    ) -> Result<(), TableError> {
        let at_provider = |of: &ProviderId| keys::provider_name(of, source, subject);
        let read = before.map_or(0, |stored| stored.version);
        let mut writes = vec![
            self.put_versioned(&keys::source_name(source, subject), mapping, read)?,
            self.put_any(item::item(&at_provider(&mapping.provider), mapping)?)?,
        ];
        let before = before.map(|stored| &stored.value.provider);
        if let Some(before) = before.filter(|before| **before != mapping.provider) {
            writes.push(self.delete(&at_provider(before))?);
        }
        self.transact(writes).await
    }

    async fn with_prefix(&self, pk: String, prefix: &str) -> Result<Vec<Item>, TableError> {
        let end = format!("{prefix}{END}");
        self.all(&Range { pk, from: prefix, to: &end }).await
    }
}

/// Names that can be read: one that can not be keeps no other from being known.
fn readable<Name>(names: impl Iterator<Item = Result<Name, TableError>>) -> impl Iterator<Item = Name> {
    names.filter_map(|name| name.inspect_err(|error| tracing::error!(%error, "a name is passed over")).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Key;

    fn page(subject: Option<&str>) -> PageId {
        PageId {
            source: "a-b".parse().unwrap(),
            page: "plan-1".parse().unwrap(),
            subject: subject.map(|subject| subject.parse().unwrap()),
        }
    }

    #[test]
    fn a_page_is_found_again_by_its_key_and_stands_apart_from_its_facts() {
        for id in [page(None), page(Some("cx23")), page(Some("a.b_c-D"))] {
            let Key { pk, sk } = keys::page(&id);
            assert_eq!((pk.as_str(), keys::page_of(&id.source, &sk)), ("source#a-b", Some(id.clone())));
            assert!(!keys::page_facts(&id).sk.starts_with(keys::PAGE));
        }
        assert_eq!(keys::page_of(&page(None).source, "facts#plan-1#"), None);
    }
}
