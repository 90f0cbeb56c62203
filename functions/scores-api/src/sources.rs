//! The independent sources: what is read of them, when, and what fails.

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use lambda::{Environment, StartError};
use sources::configuration::Configuration;

use crate::{
    Refusal, Shared, answer,
    asked::Parameters,
    view::{
        figures::Listed,
        sources::{Reading, Source},
    },
};

/// The configuration where none is named.
const CONFIGURATION: &str = "sources/1";

/// Which sources there are, and whether any is read.
#[derive(Debug)]
pub(crate) struct Sources {
    configuration: Configuration,
    reading: Reading,
}

impl Sources {
    /// The sources of the configuration that `SOURCES` names with the changes in `SOURCES_CHANGES`, which are read if there is a
    /// `PROBE_CONTACT`.
    pub(crate) fn of(environment: &Environment) -> Result<Self, StartError> {
        let name = environment.optional("SOURCES").unwrap_or(CONFIGURATION);
        let configuration = Configuration::named(name, environment.optional("SOURCES_CHANGES"))
            .map_err(|invalid| StartError::Unavailable(invalid.to_string()))?;
        let reading = environment.optional("PROBE_CONTACT").map_or(Reading::Off, |_| Reading::On);
        Ok(Self { configuration, reading })
    }

    /// Which sources there are.
    pub(crate) fn configuration(&self) -> &Configuration {
        &self.configuration
    }
}

pub(crate) async fn sources(
    State(table): Shared,
    Extension(sources): Extension<Arc<Sources>>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&[])?;
    let now = lambda::clock::now();
    let known = table.sources().await?;
    let nothing = table::SourceStanding::default();
    let Sources { configuration, reading } = &*sources;
    let items = configuration.sources.iter().map(|(name, source)| {
        let standing = known.get(name).unwrap_or(&nothing);
        Source::of((name, source), configuration.pace(source), standing, *reading, now)
    });
    Ok(answer::json(&headers, &Listed { items: items.collect(), next_cursor: None }))
}
