//! Independent sources: sites that others run and that say something about providers or prices.
//!
//! * [`recognition`]: how much of a page was understood, and what one that was not looks like;
//! * [`page`]: what is known of one page of a source, and when it is due again;
//! * [`failure`]: why a page was not read, and what that means for the next time;
//! * [`breaker`]: leaving a source alone that is in trouble;
//! * [`turn`]: one request a host at a time, whoever asks;
//! * [`state`]: a source as a whole, for those who want to know whether it can be relied on;
//! * [`mapping`]: which of a source's names is which provider.

pub mod breaker;
pub mod failure;
pub mod mapping;
pub mod page;
pub mod recognition;
pub mod state;
pub mod turn;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A text that is no name of a source, a page or a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {rule}")]
pub struct InvalidName {
    text: String,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $valid:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if $valid(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(InvalidName { text: text.chars().take(64).collect(), rule: $rule })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
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
    };
}

name!(
    /// A source, as the configuration names it: 1 to 32 of `a-z0-9-`.
    SourceName,
    "the name of a source: 1 to 32 of a-z, 0-9 and -",
    is_word
);
name!(
    /// A kind of pages of a source, as the configuration names it: 1 to 32 of `a-z0-9-`.
    PageName,
    "the name of a page: 1 to 32 of a-z, 0-9 and -",
    is_word
);
name!(
    /// What a page is about, by the source's own name for it (a slug): 1 to 128 of `A-Za-z0-9._-`, not beginning with a dot, so that
    /// put into a path it is one segment of that path and nothing else.
    Subject,
    "a subject: 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-', not beginning with a dot",
    is_slug
);

fn is_word(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(is_part)
}

fn is_slug(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=128).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_part)
}

/// One page of a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageId {
    /// The source.
    pub source: SourceName,
    /// Which kind of its pages.
    pub page: PageName,
    /// About what; nothing for a page that is there once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.page)?;
        self.subject.as_ref().map_or(Ok(()), |subject| write!(f, "/{subject}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_segment_of_a_path_whatever_is_tried() {
        for good in ["hetzner", "ovhcloud_us", "cx23", "2240", "regular_8gb_4cores", "a.b"] {
            assert_eq!(good.parse::<Subject>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a/b", "a%2fb", "a?b", "a#b", "a b", "\u{e9}", &"x".repeat(129)] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
        assert!("Hetzner".parse::<SourceName>().is_err());
        assert!("a_b".parse::<PageName>().is_err());
    }

    #[test]
    fn a_page_without_a_subject_reads_back_without_one() {
        let page = PageId { source: "ecb".parse().unwrap(), page: "rates".parse().unwrap(), subject: None };
        let text = serde_json::to_string(&page).unwrap();
        assert_eq!(text, r#"{"source":"ecb","page":"rates"}"#);
        assert_eq!(serde_json::from_str::<PageId>(&text).unwrap(), page);
        assert_eq!(page.to_string(), "ecb/rates");
    }
}
