//! What price lists call the providers of this marketplace, so that nobody is compared with himself and nobody votes twice.
//!
//! A name counts as soon as an operator has said in one list whose it is, and then in every list: lists write the same house alike. What any of
//! them says under it is that provider's price, to others too.

use std::collections::{BTreeMap, BTreeSet};

use sources::configuration::Configuration;
use table::{Table, TableError};
use trust::{
    id::ProviderId,
    price::Slug,
    source::{Subject, mapping::Mapping},
};

/// What lists call each provider.
pub(crate) async fn of_all(
    table: &Table,
    configuration: &Configuration,
) -> Result<BTreeMap<ProviderId, BTreeSet<Slug>>, TableError> {
    let mut all: BTreeMap<ProviderId, BTreeSet<Slug>> = BTreeMap::new();
    for (name, source) in &configuration.sources {
        for (subject, provider) in &source.names {
            all.entry(provider.clone()).or_default().extend(slug(subject));
        }
        for (subject, mapping) in table.names_in(name).await? {
            if let Some(provider) = mapping.confirmed() {
                all.entry(provider.clone()).or_default().extend(slug(&subject));
            }
        }
    }
    Ok(all)
}

/// What lists call this provider.
pub(crate) async fn of_one(
    table: &Table,
    configuration: &Configuration,
    provider: &ProviderId,
) -> Result<BTreeSet<Slug>, TableError> {
    let decided = table.names_of(provider).await?.into_iter();
    let decided = decided.filter(|(_, _, mapping): &(_, _, Mapping)| mapping.confirmed() == Some(provider));
    let subjects = configuration.names_of(provider).cloned().chain(decided.map(|(_, subject, _)| subject));
    Ok(subjects.filter_map(|subject| slug(&subject)).collect())
}

/// Whose each name is in all lists. One that is several providers' in different lists is nobody's.
pub(crate) fn owners(names: &BTreeMap<ProviderId, BTreeSet<Slug>>) -> BTreeMap<&Slug, &ProviderId> {
    let mut owners: BTreeMap<&Slug, Option<&ProviderId>> = BTreeMap::new();
    for (provider, slugs) in names {
        for slug in slugs {
            owners.entry(slug).and_modify(|owner| *owner = None).or_insert(Some(provider));
        }
    }
    owners.into_iter().filter_map(|(slug, owner)| Some((slug, owner?))).collect()
}

/// What could be read; `None`, and a line in the log, where it is there and can not be: what is left out is `what`.
pub(crate) fn readable<T>(
    read: Result<T, TableError>,
    what: &dyn std::fmt::Display,
) -> Result<Option<T>, TableError> {
    match read {
        Err(error @ TableError::Corrupt { .. }) => {
            tracing::error!(%what, %error, "left out");
            Ok(None)
        }
        read => read.map(Some),
    }
}

fn slug(subject: &Subject) -> Option<Slug> {
    Slug::of(subject.as_str())
}
