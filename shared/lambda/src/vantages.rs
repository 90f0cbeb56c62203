//! The places we ask from.

use trust::uptime::{names::Vantage, slot::Panel};

use crate::{Environment, StartError};

/// The places that decide together, which `VANTAGES` names, with commas between them.
pub fn panel(environment: &Environment) -> Result<Panel, StartError> {
    let names = environment.required("VANTAGES")?.split(',').map(|name| read(name.trim()));
    Panel::new(names.collect::<Result<_, _>>()?)
        .map_err(|invalid| StartError::Unavailable(format!("VANTAGES: {invalid}")))
}

/// The place we ask from here, which `VANTAGE` names.
pub fn own(environment: &Environment) -> Result<Vantage, StartError> {
    read(environment.required("VANTAGE")?)
}

fn read(name: &str) -> Result<Vantage, StartError> {
    name.parse().map_err(|invalid| StartError::Unavailable(format!("{name:?} is no vantage: {invalid}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vantages_are_named_with_commas_between_them() {
        let of = |names: &str| {
            panel(&Environment::from_pairs([("VANTAGES".to_owned(), names.to_owned())]))
                .map(|panel| panel.vantages().iter().map(Vantage::to_string).collect::<Vec<_>>().join(" "))
                .map_err(|error| error.to_string())
        };
        assert_eq!(of("us-east-1, eu-central-1"), Ok("eu-central-1 us-east-1".to_owned()));
        assert!(of("eu central").unwrap_err().contains("is no vantage"));
        assert!(of("").unwrap_err().contains("VANTAGES"));
    }
}
