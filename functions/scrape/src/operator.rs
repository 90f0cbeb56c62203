//! What an operator says about sources and their names, held against what is known before it holds.

use std::collections::BTreeSet;

use sources::configuration::Configuration;
use table::{Table, TableError};
use trust::{
    id::ProviderId,
    source::{
        SourceName, Subject,
        mapping::{Mapping, Standing},
    },
    time::Moment,
};

/// What an operator says about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is the provider's.
    Confirm,
    /// It is not.
    Reject,
}

/// Why what was said does not hold. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Neither the configuration nor the table knows such a source.
    #[error("there is no source {name}; there are: {}", known.join(", "))]
    NoSource {
        /// What was said.
        name: SourceName,
        /// What there is.
        known: Vec<String>,
    },
    /// No provider is registered by this id.
    #[error("no provider {0} is registered")]
    NoProvider(ProviderId),
    /// The name is another provider's, or is said to be: that has to be rejected first.
    #[error("as far as is known, the name is {0}'s: reject that, or confirm whose it is")]
    Anothers(ProviderId),
    /// Somebody else has decided meanwhile.
    #[error("somebody else has decided about it meanwhile: look again")]
    Changed,
    /// The table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Whether there is such a source: in the configuration, or else in the table. What is said about any other would have no effect.
pub async fn check_source(
    table: &Table,
    configuration: &Configuration,
    name: &SourceName,
) -> Result<(), Refused> {
    let mut known: BTreeSet<SourceName> = configuration.sources.keys().cloned().collect();
    if known.contains(name) {
        return Ok(());
    }
    known.extend(table.sources().await?.into_keys());
    if known.contains(name) {
        return Ok(());
    }
    Err(Refused::NoSource { name: name.clone(), known: known.iter().map(SourceName::to_string).collect() })
}

/// Decides whether a source's name is a provider's.
pub async fn decide(
    table: &Table,
    (source, name): (&SourceName, &Subject),
    provider: &ProviderId,
    decision: Decision,
    now: Moment,
) -> Result<(), Refused> {
    if table.provider(provider).await?.version == 0 {
        return Err(Refused::NoProvider(provider.clone()));
    }
    let before = table.name_in(source, name).await?;
    let standing = match decision {
        Decision::Confirm => Standing::Confirmed,
        Decision::Reject => {
            // A name is at most one provider's: that it is not this one's says nothing against the other.
            let others = before.as_ref().map(|before| &before.value).filter(|it| it.provider != *provider);
            if let Some(others) = others.filter(|others| others.standing != Standing::Rejected) {
                return Err(Refused::Anothers(others.provider.clone()));
            }
            Standing::Rejected
        }
    };
    let mapping = Mapping { provider: provider.clone(), standing, at: now };
    match table.write_name(source, name, &mapping, before.as_ref()).await {
        Err(TableError::Conflict) => Err(Refused::Changed),
        outcome => Ok(outcome?),
    }
}
