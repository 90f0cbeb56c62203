//! Whose a source's names may be: proposed by the domain of both websites, for an operator to decide.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use sources::{configuration::Source, vpsbenchmarks::HosterWebsite};
use table::{Table, TableError};
use trust::{
    source::{
        SourceName, Subject,
        mapping::{Domain, Mapping},
    },
    time::Moment,
};

/// Domains that are looked up at the same time.
const AT_ONCE: usize = 8;

/// Proposes each name of which nothing is known yet for the provider whose website is at the same domain.
pub(crate) async fn propose(
    table: &Table,
    (name, source): (&SourceName, &Source),
    hosters: &[HosterWebsite],
    now: Moment,
) -> Result<(), TableError> {
    let known = table.names_in(name).await?;
    let unknown: BTreeMap<Subject, Domain> = hosters
        .iter()
        .filter_map(|found| Some((found.hoster.as_str().parse().ok()?, found.domain.clone())))
        .filter(|(subject, _)| !known.contains_key(subject) && !source.names.contains_key(subject))
        .collect();
    stream::iter(unknown)
        .map(|(subject, domain)| propose_one(table, name, subject, domain, now))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn propose_one(
    table: &Table,
    source: &SourceName,
    subject: Subject,
    domain: Domain,
    now: Moment,
) -> Result<(), TableError> {
    // Where several are at one domain, which of them is meant is the operator's to say as well.
    let Some(provider) = table.providers_at(&domain).await?.into_iter().next() else { return Ok(()) };
    tracing::info!(%source, %subject, %provider, %domain, "a name that may be his");
    let mapping = Mapping::proposed(provider, domain, now);
    match table.write_name(source, &subject, &mapping, None).await {
        // Somebody has decided meanwhile.
        Err(TableError::Conflict) => Ok(()),
        outcome => outcome,
    }
}
