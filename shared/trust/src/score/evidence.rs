//! Evidence: what was observed of a provider, and the one order in which it is summed and hashed.

use std::{borrow::Cow, collections::BTreeMap, fmt, fmt::Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    policy::{Family, Policy},
    time::Day,
};

/// Whether what was observed speaks for the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It does.
    Good,
    /// It does not.
    Bad,
}

/// What kind of thing was observed, or of what: `replied-late`, `no-response`. 1 to 64 of `a-z0-9:._-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(Cow<'static, str>);

/// A text that is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a label is 1 to 64 characters of a-z, 0-9, ':', '.', '_' and '-'")]
pub struct InvalidLabel;

impl Label {
    /// Answered within the promised time.
    pub const REPLIED_IN_TIME: Self = Self::known("replied-in-time");
    /// Answered after the promised time.
    pub const REPLIED_LATE: Self = Self::known("replied-late");
    /// Not answered, and the promised time is over.
    pub const UNANSWERED: Self = Self::known("unanswered");

    pub(crate) const fn known(label: &'static str) -> Self {
        Self(Cow::Borrowed(label))
    }

    /// The label as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = InvalidLabel;
    fn try_from(text: String) -> Result<Self, InvalidLabel> {
        let harmless = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b":._-".contains(&c);
        if (1..=64).contains(&text.len()) && text.bytes().all(harmless) {
            Ok(Self(Cow::Owned(text)))
        } else {
            Err(InvalidLabel)
        }
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0.into_owned()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Equal observations of one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Observation {
    /// The day they happened on.
    pub day: Day,
    /// What kind they are.
    pub label: Label,
    /// What they say.
    pub outcome: Outcome,
    /// How much one of them is trusted, in thousandths.
    pub weight_thousandths: u32,
    /// How many there are.
    pub count: u64,
}

/// All that was observed of a provider. A family that is missing has no evidence.
pub type Evidence = BTreeMap<Family, Vec<Observation>>;

/// The evidence that counts on a day, merged and in order.
///
/// Counting on a day means: within the family's horizon, not in the future, with a count and a weight. Observations that are alike
/// in all but their count are one row. So neither order nor grouping of the input reaches a sum or the hash.
pub(crate) fn canonical(policy: &Policy, evidence: &Evidence, as_of: Day) -> Evidence {
    let rows_of = |family: Family| {
        let horizon = u32::from(policy.families.of(family).horizon_days);
        let mut rows: BTreeMap<(Day, &Label, Outcome, u32), u64> = BTreeMap::new();
        for seen in evidence.get(&family).into_iter().flatten() {
            let counts = seen.day <= as_of && as_of.since(seen.day) <= horizon;
            if counts && seen.count > 0 && seen.weight_thousandths > 0 {
                let row = rows.entry((seen.day, &seen.label, seen.outcome, seen.weight_thousandths)).or_default();
                *row = row.saturating_add(seen.count);
            }
        }
        rows.into_iter()
            .map(|((day, label, outcome, weight_thousandths), count)| Observation {
                day,
                label: label.clone(),
                outcome,
                weight_thousandths,
                count,
            })
            .collect()
    };
    Family::ALL.into_iter().map(|family| (family, rows_of(family))).collect()
}

/// SHA-256 over the policy's version, the day and the [`canonical`] evidence, in hex: `docs/scoring.md` has the exact bytes.
pub(crate) fn hash(policy: &Policy, canonical: &Evidence, as_of: Day) -> String {
    let mut text = format!("provider-trust/score-inputs/1\npolicy {}\nas-of {as_of}\n", policy.version);
    for (family, rows) in canonical {
        for Observation { day, label, outcome, weight_thousandths, count } in rows {
            let outcome = match outcome {
                Outcome::Good => "good",
                Outcome::Bad => "bad",
            };
            // Writing to a String can not fail.
            let _ = writeln!(text, "{family} {day} {label} {outcome} {weight_thousandths} {count}");
        }
    }
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
