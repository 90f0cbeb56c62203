//! What all evidence of a claim comes to.
//!
//! Who ranks higher decides before who ranks lower ([`Source`]); among equals one party has one voice, and the majority decides. An anonymous
//! upload makes a claim plausible at most, and the provider's own word nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Evidence, Findings, Property, Reading, Source, read, read_together};
use crate::{offering::Specification, time::Day};

/// Days for which evidence is held against a claim. Longer judges machines that are gone; shorter leaves most claims without evidence.
pub const KEPT_DAYS: u16 = 360;

/// So many parties of one rank have to doubt a claim, and none may have seen otherwise, before it is contradicted. Fewer let one badly
/// connected test site speak; more hide what every renter sees.
const DOUBTS_CONTRADICT: u64 = 3;

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was seen to be so.
    Verified,
    /// Something else was seen.
    Contradicted,
    /// What was seen fits, and does not prove it; or who saw it disagrees.
    Plausible,
    /// Nothing was seen that says anything.
    Unverified,
}

impl Verdict {
    /// Its name, as it is published.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Contradicted => "contradicted",
            Self::Plausible => "plausible",
            Self::Unverified => "unverified",
        }
    }
}

/// A claim of one property, with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What is claimed.
    pub property: Property,
    /// What became of it.
    pub verdict: Verdict,
    /// What it was judged by, the highest ranked first, the latest of those first.
    pub evidence: Vec<(Evidence, Reading)>,
}

/// Judges each claim of a specification as of a day.
pub fn judge<'a>(
    claim: &Specification,
    evidence: impl IntoIterator<Item = &'a Evidence>,
    as_of: Day,
) -> Vec<Judgement> {
    let since = as_of.minus(KEPT_DAYS - 1);
    let mut by_property: BTreeMap<Property, Vec<(Evidence, Reading)>> = BTreeMap::new();
    let within = evidence.into_iter().filter(|evidence| (since..=as_of).contains(&evidence.seen_on));
    for evidence in within {
        if let Some((property, reading)) = evidence.figure.property().zip(read(claim, &evidence.figure)) {
            by_property.entry(property).or_default().push((evidence.clone(), reading));
        }
    }
    let claimed = Property::ALL.into_iter().filter(|property| property.is_claimed(claim));
    claimed
        .map(|property| {
            let mut evidence = by_property.remove(&property).unwrap_or_default();
            evidence.sort_by(|(a, _), (b, _)| {
                (rank(&a.source), b.seen_on, a).cmp(&(rank(&b.source), a.seen_on, b))
            });
            evidence.dedup();
            Judgement { property, verdict: verdict(claim, property, &evidence), evidence }
        })
        .collect()
}

/// The rank of what anybody may have said: it decides nothing.
const UPLOADED: u8 = 2;

/// The lower, the sooner it decides.
fn rank(source: &Source) -> u8 {
    match source {
        Source::Renter { .. } => 0,
        Source::Benchmark { .. } => 1,
        Source::Upload { .. } => UPLOADED,
    }
}

fn verdict(claim: &Specification, property: Property, evidence: &[(Evidence, Reading)]) -> Verdict {
    let mut parties: BTreeMap<(u8, &str), Findings> = BTreeMap::new();
    for (Evidence { source, figure, .. }, _) in evidence {
        parties.entry((rank(source), source.party())).or_default().add(figure.clone());
    }
    let mut ranks: BTreeMap<u8, Vec<Reading>> = BTreeMap::new();
    for ((rank, _), findings) in parties {
        ranks.entry(rank).or_default().extend(read_together(claim, property, findings.iter()));
    }
    let mut fits = false;
    for (rank, voices) in ranks {
        let count = |reading| voices.iter().filter(|voice| **voice == reading).count() as u64;
        let (confirm, contradict) = (count(Reading::Confirms), count(Reading::Contradicts));
        let (doubt, compatible) = (count(Reading::Doubts), count(Reading::Compatible));
        if rank == UPLOADED {
            fits |= confirm + compatible > 0;
        } else if contradict > confirm {
            return Verdict::Contradicted;
        } else if confirm > contradict {
            return Verdict::Verified;
        } else if confirm > 0 {
            return Verdict::Plausible;
        } else if doubt >= DOUBTS_CONTRADICT && compatible == 0 {
            return Verdict::Contradicted;
        } else {
            fits |= compatible > 0;
        }
    }
    if fits { Verdict::Plausible } else { Verdict::Unverified }
}
