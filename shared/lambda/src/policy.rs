//! The score policy in force: the deployment's to say, so that changing it is a deployment and no build.

use std::{fs, sync::Arc};

use trust::policy::Policy;

use crate::{Environment, StartError};

/// The policy that `SCORE_POLICY` names; see [`named`].
pub fn in_force(environment: &Environment) -> Result<Arc<Policy>, StartError> {
    named(environment.required("SCORE_POLICY")?)
}

/// A policy by its version, or, after `@`, from a file.
pub fn named(name: &str) -> Result<Arc<Policy>, StartError> {
    let Some(file) = name.strip_prefix('@') else {
        let found = Policy::of(name).map_err(|unknown| StartError::Unavailable(unknown.to_string()))?;
        return Ok(Arc::new(found.clone()));
    };
    let of_file =
        |why: &dyn std::fmt::Display| StartError::Unavailable(format!("the policy in {file}: {why}"));
    let text = fs::read_to_string(file).map_err(|error| of_file(&error))?;
    Ok(Arc::new(Policy::of_file(&text).map_err(|invalid| of_file(&invalid))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(name: &str) -> Result<String, String> {
        let environment = Environment::from_pairs([("SCORE_POLICY".to_owned(), name.to_owned())]);
        in_force(&environment).map(|policy| policy.version.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_policy_that_is_not_there_keeps_the_function_from_starting_and_says_so() {
        assert_eq!(start("trust-score/1"), Ok("trust-score/1".to_owned()));
        let unknown = start("trust-score/99").unwrap_err();
        assert!(
            unknown.starts_with("there is no policy trust-score/99; there is trust-score/1"),
            "{unknown}"
        );
        assert_eq!(start(""), Err("the environment variable SCORE_POLICY is not set".to_owned()));
        assert!(start("@no/such/file").unwrap_err().starts_with("the policy in no/such/file: "));
        let manifest = concat!("@", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert!(start(manifest).unwrap_err().contains("not a policy"));
    }
}
