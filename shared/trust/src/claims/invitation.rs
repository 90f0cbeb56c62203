//! A renter's invitation to measure the machine he was handed.
//!
//! It follows from the contract alone, so it is told again, under the same id, whenever the contract's handover is heard of again: nothing
//! has to be remembered, and whoever passes it on knows by the id that he has.

use serde::{Deserialize, Serialize};

use crate::{
    contract::{Contract, LAPSE_DAYS},
    feedback::survey::OPEN_FOR,
    id::{ContractId, ProviderId, RenterId},
    link::{Link, Purpose},
    time::Moment,
};

/// The type of the bus event that tells the marketplace of an invitation. Source `trust`.
pub const INVITED: &str = "benchmark.invited";

/// The version of [`Invitation`] that this code writes and reads.
pub const VERSION: u32 = 1;

/// Nobody is invited to what was handed over longer ago than this: a marketplace that sends its past would have all its renters invited at
/// once.
const STALE: i64 = 7 * 86_400;

/// The longest a link is of use: as long as that of a survey, so that one secret's old entry can be dropped after the same time.
const LONGEST: i64 = OPEN_FOR;

/// In which steps a link is of use for longer. Each step is another invitation: with shorter ones, a contract that is renewed by the hour brings
/// dozens of them.
const STEP: i64 = 7 * 86_400;

/// What the marketplace passes on to a contract's renter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The version of this schema.
    pub version: u32,
    /// The same whenever the same is told.
    pub id: String,
    /// When the machine was handed over.
    pub at: Moment,
    /// Whose machine it is.
    pub provider: ProviderId,
    /// Which contract's.
    pub contract: ContractId,
    /// Whom it is for, and nobody else: whoever has the link measures for him.
    pub renter: RenterId,
    /// Where the benchmark sends its result.
    pub link: String,
    /// What to run on the machine.
    pub command: String,
    /// Until when the result is taken.
    pub expires_at: Moment,
}

/// The invitation to a contract's machine, as it is to be told now; `None` where there is none, or it is told no more.
///
/// `base` is where the API is. A provider who rents from himself is not invited.
pub fn invitation(contract: &Contract, base: &str, secret: &str, now: Moment) -> Option<Invitation> {
    let terms = contract.terms()?;
    let at = contract.provisioned?;
    let lapses = contract.lapses()?;
    let is_over = contract.ended().is_some() || now >= lapses.plus(-LAPSE_DAYS * 86_400);
    if contract.is_self_dealing() || is_over || now >= at.plus(STALE) {
        return None;
    }
    let steps = (lapses.unix() - at.unix() + STEP - 1).div_euclid(STEP);
    let expires_at = at.plus((steps * STEP).min(LONGEST));
    let link = Link::new(Purpose::Benchmark, terms.contract_id.clone(), &terms.renter_id, expires_at);
    let link =
        format!("{base}/v1/contracts/{}/yabs?token={}", terms.contract_id, link.seal(secret)?.expose());
    Some(Invitation {
        version: VERSION,
        id: format!("{}-benchmark-invited-{}", terms.contract_id, expires_at.unix()),
        at,
        provider: terms.provider_id.clone(),
        contract: terms.contract_id.clone(),
        renter: terms.renter_id.clone(),
        command: format!("curl -sL yabs.sh | bash -s -- -s \"{link}\""),
        link,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::marketplace::Happened;

    fn at(seconds: i64) -> Moment {
        Moment::parse("2026-11-02T12:00:00Z").unwrap().plus(seconds)
    }

    fn contract(renter: &str) -> Contract {
        let mut known = Contract::default();
        let terms = serde_json::json!({ "type": "contract.requested", "data": {
            "contract_id": "c1", "provider_id": "p1", "renter_id": renter, "offering_id": "o1", "term_seconds": 7200,
            "price": { "minor_units": 7, "currency": "EUR" },
        } });
        let there = serde_json::json!({ "type": "contract.provisioned", "data": { "contract_id": "c1" } });
        for (seconds, happened) in [(0, terms), (60, there)] {
            known.join(at(seconds), &serde_json::from_value::<Happened>(happened).unwrap());
        }
        known
    }

    #[test]
    fn a_renter_is_invited_while_his_machine_is_new_and_his() {
        let of = |contract: &Contract, now| invitation(contract, "https://api.example", "secret", now);
        let known = contract("r1");
        let told = of(&known, at(61)).unwrap();
        assert_eq!(told.expires_at, at(60 + 14 * 86_400), "the week after its term is over by then");
        assert_eq!(of(&known, at(7000)).unwrap(), told, "told again, it is the same");
        assert_eq!(of(&known, at(60 + 7200)), None, "its term is over");
        let mut longer = known.clone();
        let ends_at = at(20 * 86_400);
        longer.join(at(70), &Happened::ContractExtended { contract_id: "c1".parse().unwrap(), ends_at });
        assert!(of(&longer, at(59 + STALE)).is_some());
        assert_eq!(of(&longer, at(60 + STALE)), None, "it was handed over too long ago");
        assert_eq!(of(&contract("p1"), at(61)), None, "to himself");
        assert_eq!(of(&Contract::default(), at(61)), None);
        assert_eq!(invitation(&known, "", "", at(61)), None);
        let mut ended = known;
        ended.join(at(90), &Happened::ContractCompleted { contract_id: "c1".parse().unwrap() });
        assert_eq!(of(&ended, at(91)), None);
        let token = told.link.split_once("token=").unwrap().1;
        let link = Link::open(Purpose::Benchmark, token, ["secret"]).unwrap();
        assert!(link.is_for(&"r1".parse().unwrap()) && link.contract().as_str() == "c1");
        assert_eq!(told.command, format!("curl -sL yabs.sh | bash -s -- -s \"{}\"", told.link));
    }

    #[test]
    fn a_contract_that_is_extended_by_the_hour_brings_another_invitation_once_a_week() {
        let extended = |ends_at| {
            let mut known = contract("r1");
            known.join(at(70), &Happened::ContractExtended { contract_id: "c1".parse().unwrap(), ends_at });
            invitation(&known, "https://api.example", "secret", at(71)).unwrap()
        };
        let of_an_hour = |hour: i64| extended(at(60 + 7200 + hour * 3600));
        assert_eq!(
            of_an_hour(1),
            invitation(&contract("r1"), "https://api.example", "secret", at(61)).unwrap()
        );
        let ids: BTreeSet<String> = (0..60 * 24).map(|hour| of_an_hour(hour).id).collect();
        assert_eq!(ids.len(), 4);
        let ends_at = |weeks| extended(at(60 + weeks * STEP)).expires_at;
        assert_eq!(ends_at(1), at(60 + 2 * STEP));
        assert_eq!(ends_at(9), at(60 + LONGEST));
    }
}
