//! What a provider's score was at the end of a day.
//!
//! ```text
//! score/1
//! provider p-1
//! day 2028-02-29
//! policy trust-score/1
//! inputs 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//! points 71234567890
//! low 65000000000
//! high 77000000001
//! ```
//!
//! | line | says |
//! |---|---|
//! | `provider` | the provider: 1-128 characters of `A-Za-z0-9._-` |
//! | `day` | the UTC day, on which this was the last score made of him |
//! | `policy` | the version of the policy: 1-64 characters from `!` to `~` |
//! | `inputs` | SHA-256 over the policy's version, the day and all evidence, 64 lower-case hex digits |
//! | `points`, `low`, `high` | the score and its interval in billionths of a point, after caps: `0 <= low <= points <= high <= 100000000000` |
//!
//! A provider has at most one of these a day, and none of a day on which he had no score or nobody made one.

use super::text::{Lines, Malformed, decode};
use crate::{id::ProviderId, score::Points, time::Day, uptime::record::Sha256Hash};

/// Most characters of a policy's version. It is a name, and every leaf repeats it.
const LONGEST_POLICY: usize = 64;

/// The record `score/1`: a provider's last score of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreLeaf {
    provider: ProviderId,
    day: Day,
    policy: String,
    inputs: Sha256Hash,
    points: Points,
    low: Points,
    high: Points,
}

/// What a score can not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScore {
    /// The version of the policy is empty, too long, or has spaces or other characters than ASCII.
    #[error("a policy's version has 1 to {LONGEST_POLICY} characters from '!' to '~'")]
    Policy,
    /// The points do not lie in their interval, or the interval not within 0 to 100.
    #[error("a score lies within its interval, and that within 0 to 100 points")]
    Points,
}

impl ScoreLeaf {
    /// The kind of these records: the first line of each.
    pub const KIND: &str = "score/1";

    /// The record of a score with its interval, lower end first.
    pub fn new(
        provider: ProviderId,
        day: Day,
        policy: &str,
        inputs: Sha256Hash,
        points: Points,
        (low, high): (Points, Points),
    ) -> Result<Self, InvalidScore> {
        let is_name =
            (1..=LONGEST_POLICY).contains(&policy.len()) && policy.bytes().all(|c| c.is_ascii_graphic());
        if !is_name {
            return Err(InvalidScore::Policy);
        }
        let ordered = [Points::default(), low, points, high, Points::whole(100)];
        if !ordered.is_sorted() {
            return Err(InvalidScore::Points);
        }
        Ok(Self { provider, day, policy: policy.to_owned(), inputs, points, low, high })
    }

    /// Whose score it is.
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The day.
    pub fn day(&self) -> Day {
        self.day
    }

    /// The version of the policy it was made by.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The hash of what it was made from.
    pub fn inputs(&self) -> Sha256Hash {
        self.inputs
    }

    /// The score.
    pub fn points(&self) -> Points {
        self.points
    }

    /// Its interval's ends, the lower one first.
    pub fn interval(&self) -> (Points, Points) {
        (self.low, self.high)
    }

    /// The record's text, the one there is.
    pub fn encode(&self) -> String {
        let Self { provider, day, policy, inputs, points, low, high } = self;
        let [points, low, high] = [points, low, high].map(|points| points.billionths());
        format!(
            "{}\nprovider {provider}\nday {day}\npolicy {policy}\ninputs {inputs}\n\
             points {points}\nlow {low}\nhigh {high}\n",
            Self::KIND
        )
    }

    /// Reads a record. Takes only what [`ScoreLeaf::encode`] writes, byte for byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        decode(bytes, Self::KIND, Self::read, Self::encode)
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, Malformed> {
        let provider = lines.parsed("provider")?;
        let day = Day::parse(lines.next("day")?).map_err(|_| Malformed::Line("day"))?;
        let (policy, inputs) = (lines.next("policy")?, lines.parsed("inputs")?);
        let mut points = |name| lines.parsed(name).map(Points::from_billionths);
        let (points, low, high) = (points("points")?, points("low")?, points("high")?);
        Self::new(provider, day, policy, inputs, points, (low, high)).map_err(|invalid| match invalid {
            InvalidScore::Policy => Malformed::Line("policy"),
            InvalidScore::Points => Malformed::Line("points"),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text in the module's description.
    fn example() -> String {
        let lines = include_str!("score.rs").lines();
        let lines = lines.skip_while(|line| *line != "//! ```text").skip(1);
        lines
            .take_while(|line| *line != "//! ```")
            .fold(String::new(), |text, line| text + &line["//! ".len()..] + "\n")
    }

    #[test]
    fn the_example_in_the_description_is_read_as_it_is_described() {
        let leaf = ScoreLeaf::decode(example().as_bytes()).unwrap();
        assert_eq!((leaf.provider().to_string().as_str(), leaf.policy()), ("p-1", "trust-score/1"));
        assert_eq!((leaf.day(), leaf.inputs()), (Day::parse("2028-02-29").unwrap(), Sha256Hash::of(b"foo")));
        let [points, low, high] =
            [71_234_567_890, 65_000_000_000, 77_000_000_001].map(Points::from_billionths);
        assert_eq!((leaf.points(), leaf.interval()), (points, (low, high)));
        assert_eq!(leaf.encode(), example());
    }

    #[test]
    fn what_is_written_otherwise_is_refused() {
        let long = format!("policy {}", "x".repeat(65));
        for (from, to) in [
            ("score/1\n", "score/2\n"),
            ("provider p-1", "provider p 1"),
            ("provider p-1", "provider "),
            ("2028-02-29", "2027-02-29"),
            ("2028-02-29", "2028-2-29"),
            ("policy trust-score/1", "policy "),
            ("policy trust-score/1", "policy trust score"),
            ("policy trust-score/1", "policy caf\u{e9}"),
            ("policy trust-score/1", &long),
            ("inputs 2c", "inputs 2C"),
            ("inputs 2c", "inputs 2"),
            ("points 71", "points 071"),
            ("points 71234567890", "points 71.2"),
            ("points 71", "points 64"),
            ("points 71", "points 78"),
            ("low 65000000000", "low -1"),
            ("low 65000000000\n", ""),
            ("high 77000000001", "high 100000000001"),
            ("high 77000000001", "high 9223372036854775808"),
            ("high 77000000001\n", "high 77000000001"),
            ("high 77000000001\n", "high 77000000001\n\n"),
        ] {
            let changed = example().replacen(from, to, 1);
            assert_ne!(changed, example());
            assert!(ScoreLeaf::decode(changed.as_bytes()).is_err(), "{changed}");
        }
    }

    proptest! {
        #[test]
        fn records_are_read_as_they_were_written(
            provider in "[A-Za-z0-9._-]{1,128}",
            day in 0..30_000_i64,
            policy in "[!-~]{1,64}",
            inputs: [u8; 32],
            mut points in prop::array::uniform3(0..=100_000_000_000_i64),
        ) {
            points.sort_unstable();
            let [low, points, high] = points.map(Points::from_billionths);
            let day = crate::time::Moment::EPOCH.plus(day * 86_400).day();
            let leaf = ScoreLeaf::new(
                provider.parse().unwrap(), day, &policy, Sha256Hash(inputs), points, (low, high),
            ).unwrap();
            prop_assert_eq!(ScoreLeaf::decode(leaf.encode().as_bytes()), Ok(leaf));
        }

        #[test]
        fn a_changed_byte_is_another_record_or_none(at: prop::sample::Index, byte: u8) {
            let mut bytes = example().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(leaf) = ScoreLeaf::decode(&bytes) {
                prop_assert_eq!(leaf.encode().into_bytes(), bytes);
            }
        }
    }
}
