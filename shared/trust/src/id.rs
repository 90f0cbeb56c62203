//! Identifiers. Marketplace ids are opaque strings; Chatwoot ids are integers that mean something only
//! together with their account.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A marketplace id that breaks the rule of 1-128 characters from `A-Za-z0-9._-`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The id is empty or longer than 128 characters.
    #[error("an id has 1 to 128 characters, this one has {0}")]
    Length(usize),
    /// The id holds a character outside `A-Za-z0-9._-`.
    #[error("an id consists of A-Z, a-z, 0-9, '.', '_' and '-'; found {0:?}")]
    Character(char),
}

/// Longest marketplace id: a hex public key has 64 characters, a URN-like id fits too; a longer limit would
/// let a sender grow our keys.
const LONGEST: usize = 128;

fn check(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() || text.len() > LONGEST {
        return Err(InvalidId::Length(text.chars().count()));
    }
    match text.chars().find(|&c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
        Some(c) => Err(InvalidId::Character(c)),
        None => Ok(()),
    }
}

macro_rules! marketplace_id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// The marketplace's opaque string: 1-128 characters of `A-Za-z0-9._-`.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as the marketplace wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

marketplace_id! {
    /// A provider: who offers compute.
    ProviderId;
    /// The account behind one or several providers.
    OperatorId;
    /// A renter: who pays for compute. Chatwoot knows him under the same id as `identifier`.
    RenterId;
    /// Whoever asks: a renter or a provider, told apart by what he asks for.
    CallerId;
    /// One contract between a renter and a provider.
    ContractId;
    /// One offering of a provider.
    OfferingId;
    /// Where an offering is, by the marketplace's name for it.
    Region;
}

macro_rules! chatwoot_id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

chatwoot_id! {
    /// A Chatwoot account: the only isolation between providers that the Community Edition has.
    AccountId;
    /// A Chatwoot inbox, unique in the installation.
    InboxId;
    /// A Chatwoot conversation's `display_id`: unique only within its account.
    ConversationNumber;
    /// A Chatwoot message, unique in the installation and growing with time.
    MessageId;
}

/// A conversation, named so that equal numbers in two accounts stay apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationId {
    /// The Chatwoot account.
    pub account: AccountId,
    /// The conversation's number within it.
    pub number: ConversationNumber,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marketplace_ids_are_one_to_128_harmless_characters() {
        for good in ["a", "A-b_c.9", &"f".repeat(128)] {
            assert_eq!(good.parse::<ProviderId>().unwrap().as_str(), good);
        }
        assert_eq!("".parse::<ProviderId>(), Err(InvalidId::Length(0)));
        assert_eq!("f".repeat(129).parse::<ProviderId>(), Err(InvalidId::Length(129)));
        for (bad, culprit) in [("a b", ' '), ("a/b", '/'), ("a#b", '#'), ("é", 'é'), ("a\n", '\n')] {
            assert_eq!(bad.parse::<ProviderId>(), Err(InvalidId::Character(culprit)));
        }
    }
}
