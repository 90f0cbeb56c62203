//! The settings of one function.

use std::{collections::BTreeMap, sync::Arc};

/// Why a function can not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing: mend the template.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// Something else the function needs is not there.
    #[error("{0}")]
    Unavailable(String),
}

/// A function's environment variables. The local stack runs several functions in one process and gives each its own.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: Arc<BTreeMap<String, String>>,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        Self::from_pairs(std::env::vars())
    }

    /// These variables and no others.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: Arc::new(pairs.into_iter().collect()) }
    }

    /// These variables and more, which win over those of the same name.
    #[must_use]
    pub fn with(&self, more: &BTreeMap<String, String>) -> Self {
        let mut variables = BTreeMap::clone(&self.variables);
        variables.extend(more.clone());
        Self { variables: Arc::new(variables) }
    }

    /// A variable, if set and not empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A variable the function can not do without.
    pub fn required(&self, name: &'static str) -> Result<&str, StartError> {
        self.optional(name).ok_or(StartError::Missing(name))
    }
}
