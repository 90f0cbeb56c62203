//! What a monitor and a vantage are called. Names go into records that strangers parse, so they hold nothing
//! that would have to be escaped there: no space, no line end, no slash.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name that breaks the rule of 1-64 characters from `A-Za-z0-9._-`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 characters of A-Z, a-z, 0-9, '.', '_' and '-'")]
pub struct InvalidName;

/// Longest name. A hex digest fits; a longer limit would let thirty days of one monitor outgrow the 64 KB of
/// a proof.
const LONGEST: usize = 64;

fn check(text: &str) -> Result<(), InvalidName> {
    let harmless = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    ((1..=LONGEST).contains(&text.len()) && text.bytes().all(harmless)).then_some(()).ok_or(InvalidName)
}

macro_rules! name {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// 1-64 characters of `A-Za-z0-9._-`.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

name! {
    /// A monitor: one endpoint of a service that is asked on a schedule. Says nothing of where that is.
    MonitorId;
    /// A place we ask from: a region.
    Vantage;
    /// What the parties of a contract call one endpoint of its service.
    EndpointName;
}

impl MonitorId {
    /// The id from the first 16 bytes of a hash: 32 hex digits.
    pub fn of_hash(hash: &[u8; 32]) -> Self {
        Self(hex::encode(&hash[..16]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_nothing_that_a_record_would_have_to_escape() {
        for good in ["m", "eu-central-1", "A.b_c-9", &"f".repeat(64)] {
            assert_eq!(good.parse::<MonitorId>().unwrap().as_str(), good);
        }
        for bad in ["", &"f".repeat(65), "a b", "a\n", "a/b", "a#b", "a:b", "é"] {
            assert_eq!(bad.parse::<Vantage>(), Err(InvalidName), "{bad:?}");
        }
    }
}
