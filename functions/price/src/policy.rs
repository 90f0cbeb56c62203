//! The numbers that prices are compared by: the deployment's to say, so that changing one is a deployment and no build.

use std::{fmt::Display, fs};

use lambda::{Environment, StartError};
use serde_json::Value;
use sources::configuration;
use trust::price::PricePolicy;

/// The policy that `PRICE_POLICY` names, by its version or, after `@`, from a file, with the changes in `PRICE_POLICY_CHANGES`, a JSON merge
/// patch (RFC 7396). Other numbers need another version, since answers name it.
pub(crate) fn in_force(environment: &Environment) -> Result<PricePolicy, StartError> {
    let name = environment.required("PRICE_POLICY")?;
    let changes = environment.optional("PRICE_POLICY_CHANGES");
    let failed = |why: &dyn Display| StartError::Unavailable(format!("the price policy {name}: {why}"));
    let mut document = if let Some(file) = name.strip_prefix('@') {
        let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
        serde_json::from_str(&text).map_err(|error| failed(&error))?
    } else {
        let known = PricePolicy::of(name).map_err(|unknown| failed(&unknown))?;
        serde_json::to_value(known).map_err(|error| failed(&error))?
    };
    if let Some(changes) = changes {
        let changes: Value = serde_json::from_str(changes)
            .map_err(|error| failed(&format_args!("its changes are not JSON: {error}")))?;
        configuration::merge(&mut document, changes);
    }
    PricePolicy::of_json(document).map_err(|invalid| failed(&invalid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(name: &str, changes: &str) -> Result<PricePolicy, String> {
        let pairs = [("PRICE_POLICY", name), ("PRICE_POLICY_CHANGES", changes)];
        let environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        in_force(&Environment::from_pairs(environment)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_deployment_changes_the_numbers_it_names_under_a_version_of_its_own() {
        assert_eq!(start("market-price/1", "").unwrap(), *PricePolicy::current());
        let changes = r#"{"version":"mine/1","elasticity":{"memory":600},"speak":{"providers":7}}"#;
        let changed = start("market-price/1", changes).unwrap();
        assert_eq!(
            (changed.version.as_str(), changed.elasticity.memory, changed.speak.providers),
            ("mine/1", 600, 7)
        );
        assert_eq!(changed.elasticity.vcpus, PricePolicy::current().elasticity.vcpus);
        let file = concat!("@", env!("CARGO_MANIFEST_DIR"), "/../../shared/trust/price/1.json");
        assert_eq!(start(file, "").unwrap(), *PricePolicy::current());
    }

    #[test]
    fn a_policy_that_can_not_be_used_keeps_the_function_from_starting_and_says_why() {
        for (name, changes, told) in [
            ("", "", "the environment variable PRICE_POLICY is not set"),
            (
                "market-price/9",
                "",
                "the price policy market-price/9: there is no price policy market-price/9; there is",
            ),
            ("@no/such/file", "", "the price policy @no/such/file: "),
            ("market-price/1", "{", "the price policy market-price/1: its changes are not JSON: "),
            (
                "market-price/1",
                r#"{"resamples":2000}"#,
                "the price policy market-price/1: market-price/1 is the version of",
            ),
            (
                "market-price/1",
                r#"{"version":"m","resamples":0}"#,
                "the price policy market-price/1: resamples is 0; it",
            ),
            (
                "market-price/1",
                r#"{"elasticity":{"cpu":1}}"#,
                "the price policy market-price/1: not a price policy: elasticity.cpu: ",
            ),
        ] {
            let found = start(name, changes).unwrap_err();
            assert!(found.starts_with(told), "{found}");
        }
    }
}
