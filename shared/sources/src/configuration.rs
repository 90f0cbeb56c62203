//! Which sources there are, where their pages stand, and how politely they are asked: data in one versioned file.
//!
//! A deployment names the version (or, after `@`, a file) and may change what it wants with a JSON merge patch (RFC 7396) over it: other
//! addresses, a slower pace, a source less. What comes out is checked as a whole when a function starts, so that a mistake is a start
//! that fails with the place and the reason, and never a surprise at night.

mod check;
mod patch;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trust::{
    id::{OfferingId, ProviderId},
    source::{PageId, PageName, SourceName, Subject},
};
use url::Url;

pub use patch::merge;

use crate::{page::Fact, reading::Reader};

/// The versions that are built in.
const BUILT_IN: [(&str, &str); 1] = [("sources/1", include_str!("../configuration/1.json"))];

/// What stands in a path where the subject goes.
pub const SUBJECT: &str = "{subject}";

/// What stands in a path where the part of the subject before its first dot goes, and where the rest does.
pub const PARTS: [&str; 2] = ["{hoster}", "{plan}"];

/// All sources, and how they are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Its name and version.
    pub version: String,
    /// How politely sources are asked that say nothing else.
    pub defaults: Pace,
    /// The sources.
    pub sources: BTreeMap<SourceName, Source>,
}

/// How politely a source is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// The least between two requests to a host, in seconds, from 1 to half a day. A longer one in `robots.txt` wins. The messages of one
    /// conversation with a server of tools are one request.
    pub delay_seconds: u32,
    /// Up to how much longer it is by chance, in seconds, so that nobody is asked in step.
    pub jitter_seconds: u32,
    /// The most requests on a UTC day, those for `robots.txt` among them: 1 to 10,000.
    pub requests_a_day: u32,
    /// How often a page is read, in seconds: an hour to 30 days.
    pub refresh_seconds: u32,
    /// How long `robots.txt` is kept, in seconds: two delays with their jitter, a minute at least, to the 24 hours that RFC 9309 allows.
    pub robots_seconds: u32,
    /// The longest page that is read, in bytes: up to 8 MiB.
    pub most_bytes: u32,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is called where people see it.
    pub title: String,
    /// Where people find it. Whatever is shown of a source links there.
    pub home: Url,
    /// How it is named beside what it says.
    pub attribution: String,
    /// Whether it is read at all.
    #[serde(default = "enabled", skip_serializing_if = "is_enabled")]
    pub enabled: bool,
    /// What its pages' paths are put behind: scheme, host and port.
    pub base: Url,
    /// Its pages.
    pub pages: BTreeMap<PageName, Pages>,
    /// Which of its names are which providers. An operator writes this, so it counts as confirmed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<Subject, ProviderId>,
    /// Of which offering a plan, a trial or a run is. An operator writes this, so it counts as confirmed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offerings: BTreeMap<Subject, OfferingOf>,
    /// What its pages call things, by what the parsers call them; in place of what is built in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Fact, Vec<String>>,
    /// Where it is asked otherwise than all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
}

/// An offering of a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferingOf {
    /// The provider.
    pub provider_id: ProviderId,
    /// The offering.
    pub offering_id: OfferingId,
}

/// Pages of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// Another host than the source's: scheme, host and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Url>,
    /// Path and query, with [`SUBJECT`] in it, or both [`PARTS`], where there is a page a subject.
    pub path: String,
    /// What reads them.
    pub reader: Reader,
    /// About what there is such a page; about nothing in particular where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// The tool to ask, where the page is an MCP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolCall>,
    /// Read only while the page of this kind about the same subject can not be: a second best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<PageName>,
}

/// Which tool is asked, and what for. Patterns are names in the order of preference, in which `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// Patterns of the tool's name.
    pub name: Vec<String>,
    /// Patterns of the argument that takes the subject; none, where the tool is asked about nothing in particular.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject: Vec<String>,
}

/// About what there is a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// About each of the source's names that is confirmed to be a provider's.
    Providers,
    /// About each of the source's plans, trials or runs that is said to be of an offering, as far as such a page can be about it.
    Offerings,
    /// About these.
    These(BTreeSet<Subject>),
}

/// A configuration that can not be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfiguration {
    /// There is none of this version.
    #[error("there is no source configuration {name}; there is {}", BUILT_IN.map(|(version, _)| version).join(", "))]
    Unknown {
        /// The version that was named.
        name: String,
    },
    /// The file can not be read.
    #[error("the source configuration in {file}: {cause}")]
    File {
        /// Which.
        file: String,
        /// Why.
        cause: String,
    },
    /// The changes are not JSON.
    #[error("the changes to the source configuration are not JSON: {0}")]
    Changes(serde_json::Error),
    /// It is not of the right form.
    #[error("the source configuration at {at}: {cause}")]
    Form {
        /// Where in it.
        at: String,
        /// What is wrong.
        cause: String,
    },
}

/// A page that is configured.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Its source.
    pub source: &'a Source,
    /// Its kind.
    pub pages: &'a Pages,
}

impl Configuration {
    /// The configuration of this version, or, after `@`, from a file, with these changes.
    pub fn named(name: &str, changes: Option<&str>) -> Result<Self, InvalidConfiguration> {
        let read;
        let text = if let Some(file) = name.strip_prefix('@') {
            let unread = |error: std::io::Error| InvalidConfiguration::File {
                file: file.to_owned(),
                cause: error.to_string(),
            };
            read = fs::read_to_string(file).map_err(unread)?;
            &read
        } else {
            let found = BUILT_IN.iter().find(|(version, _)| *version == name);
            found.ok_or_else(|| InvalidConfiguration::Unknown { name: name.to_owned() })?.1
        };
        Self::parse(text, changes)
    }

    /// The configuration in this text, with these changes.
    pub fn parse(text: &str, changes: Option<&str>) -> Result<Self, InvalidConfiguration> {
        let mut whole: Value =
            serde_json::from_str(text).map_err(|error| form("its beginning", error.to_string()))?;
        if let Some(changes) = changes {
            patch::merge(&mut whole, serde_json::from_str(changes).map_err(InvalidConfiguration::Changes)?);
        }
        let configuration: Self = serde_path_to_error::deserialize(whole)
            .map_err(|error| form(&error.path().to_string(), error.inner().to_string()))?;
        check::check(&configuration)?;
        Ok(configuration)
    }

    /// How politely a source is asked.
    pub fn pace(&self, source: &Source) -> Pace {
        source.pace.unwrap_or(self.defaults)
    }

    /// What sources call a provider, as far as it is configured.
    pub fn names_of(&self, provider: &ProviderId) -> impl Iterator<Item = &Subject> {
        let names = self.sources.values().flat_map(|source| &source.names);
        names.filter(move |(_, owner)| *owner == provider).map(|(subject, _)| subject)
    }

    /// A page, if it is configured: messages outlive configurations.
    pub fn find(&self, id: &PageId) -> Option<Found<'_>> {
        let source = self.sources.get(&id.source)?;
        let pages = source.pages.get(&id.page)?;
        (pages.about.is_some() == id.subject.is_some()).then_some(Found { source, pages })
    }
}

impl Source {
    /// Whose a name is by the configuration: a provider's, or that of whoever has the offering that it is of.
    pub fn owner(&self, subject: &Subject) -> Option<&ProviderId> {
        self.names.get(subject).or_else(|| Some(&self.offerings.get(subject)?.provider_id))
    }

    /// All its pages, given which of its names are confirmed to be providers' beside those that the configuration says.
    pub fn all_pages(&self, name: &SourceName, confirmed: &BTreeSet<Subject>) -> Vec<PageId> {
        let mut all = Vec::new();
        for (page, pages) in &self.pages {
            let of = |subject| PageId { source: name.clone(), page: page.clone(), subject };
            match &pages.about {
                None => all.push(of(None)),
                Some(About::These(subjects)) => all.extend(subjects.iter().cloned().map(Some).map(of)),
                Some(About::Offerings) => {
                    let subjects = self.offerings.keys().filter(|subject| pages.reader.takes(Some(subject)));
                    all.extend(subjects.cloned().map(Some).map(of));
                }
                Some(About::Providers) => {
                    let subjects: BTreeSet<&Subject> = self.names.keys().chain(confirmed).collect();
                    all.extend(subjects.into_iter().cloned().map(Some).map(of));
                }
            }
        }
        all
    }
}

impl Found<'_> {
    /// What its path is put behind.
    fn base(&self) -> &Url {
        self.pages.base.as_ref().unwrap_or(&self.source.base)
    }

    /// Where the page about this subject is.
    pub fn address(&self, subject: Option<&Subject>) -> Result<Url, url::ParseError> {
        let subject = subject.map_or("", Subject::as_str);
        let (hoster, plan) = subject.split_once('.').unwrap_or((subject, ""));
        let path = self.pages.path.replace(SUBJECT, subject);
        self.base().join(&path.replace(PARTS[0], hoster).replace(PARTS[1], plan))
    }
}

fn enabled() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_enabled(enabled: &bool) -> bool {
    *enabled
}

fn form(at: &str, cause: impl Into<String>) -> InvalidConfiguration {
    InvalidConfiguration::Form { at: at.to_owned(), cause: cause.into() }
}

#[cfg(test)]
mod tests;
