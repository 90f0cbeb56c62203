//! Regions of the world in which prices are compared.

use serde::{Deserialize, Serialize};

use crate::offering::Country;

/// A part of the world with prices of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionGroup {
    /// Europe, in the Union or not.
    Europe,
    /// The United States, Canada and Mexico.
    NorthAmerica,
    /// Asia east of the Gulf, Australia and Oceania.
    AsiaPacific,
    /// Everywhere else: South America, Africa, the Middle East.
    Other,
}

/// ISO 3166-1 codes, in UN M49's division: Europe with Cyprus and the dependencies of its countries that lie there.
const EUROPE: &str = "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT \
                      NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK";
const NORTH_AMERICA: &str = "BM CA GL MX PM US";
const ASIA_PACIFIC: &str = "AS AU BD BN BT CC CK CN CX FJ FM GU HK ID IN JP KG KH KI KP KR KZ LA LK MH MM MN MO MP MV MY NC NF NP NR NU \
                            NZ PF PG PH PK PN PW SB SG TH TJ TK TL TM TO TV TW UZ VN VU WF WS";

impl RegionGroup {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Europe, Self::NorthAmerica, Self::AsiaPacific, Self::Other];

    /// The group a country is in.
    pub fn of(country: Country) -> Self {
        let code = String::from(country);
        let has = |codes: &str| codes.split_ascii_whitespace().any(|found| found == code);
        if has(EUROPE) {
            Self::Europe
        } else if has(NORTH_AMERICA) {
            Self::NorthAmerica
        } else if has(ASIA_PACIFIC) {
            Self::AsiaPacific
        } else {
            Self::Other
        }
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Europe => "Europe",
            Self::NorthAmerica => "North America",
            Self::AsiaPacific => "Asia and Pacific",
            Self::Other => "the rest of the world",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_country_is_in_one_group_and_the_unknown_are_elsewhere() {
        for (code, group) in [
            ("DE", RegionGroup::Europe),
            ("CH", RegionGroup::Europe),
            ("US", RegionGroup::NorthAmerica),
            ("SG", RegionGroup::AsiaPacific),
            ("BR", RegionGroup::Other),
            ("ZA", RegionGroup::Other),
            ("ZZ", RegionGroup::Other),
        ] {
            assert_eq!(RegionGroup::of(code.to_owned().try_into().unwrap()), group, "{code}");
        }
        let all: Vec<&str> = [EUROPE, NORTH_AMERICA, ASIA_PACIFIC]
            .iter()
            .flat_map(|codes| codes.split_ascii_whitespace())
            .collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
