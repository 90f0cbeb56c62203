//! Providers with their websites, as the site's MCP server lists them: by these an operator is told which of its names may be whose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trust::source::mapping::Domain;

use super::{Address, Hoster};
use crate::{
    outcome::{ParseOutcome, Recognition, Unrecognised},
    page::{self, Fact, Said},
    text::{Doubt, absence},
};

/// A provider of the site and where his own website is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HosterWebsite {
    /// What the site calls him in addresses.
    pub hoster: Hoster,
    /// His website's domain.
    pub domain: Domain,
}

/// Reads providers from JSON that the site's MCP server answered. An object without a slug or an address of a website is none.
pub fn websites_in(answer: &Value, synonyms: &page::Synonyms) -> ParseOutcome<Vec<HosterWebsite>> {
    let mut recognition = Recognition::default();
    let mut websites = Vec::new();
    for facts in page::records(answer, synonyms) {
        let hoster = facts.say(Fact::Slug, |text, _| hoster(text));
        let domain = facts.say(Fact::Website, |text, _| domain(text));
        if hoster.is_none() && domain.is_none() {
            continue;
        }
        recognition = recognition.and(facts.recognition());
        if let (Some(hoster), Some(domain)) =
            (hoster.as_ref().and_then(Said::value), domain.as_ref().and_then(Said::value))
        {
            websites.push(HosterWebsite { hoster: hoster.clone(), domain: domain.clone() });
        }
    }
    if websites.is_empty() {
        return ParseOutcome::Unrecognised { fingerprint: page::shape_of(answer), why: Unrecognised::Layout };
    }
    ParseOutcome::Recognised { facts: websites, recognition }
}

/// How an answer may call what is read here. Apart from the labels of pages: there a slug or a link is a plan's as well.
pub fn website_labels() -> BTreeMap<Fact, Vec<String>> {
    let labels: [(Fact, &[&str]); 2] = [
        (Fact::Slug, &["Slug", "Provider slug", "Hoster slug", "Provider page", "Hoster page", "Path"]),
        (
            Fact::Website,
            &["Website", "Website URL", "Homepage", "Homepage URL", "Home page", "Official site"],
        ),
    ];
    let owned = labels.map(|(fact, labels)| (fact, labels.iter().map(|&label| label.to_owned()).collect()));
    BTreeMap::from(owned)
}

/// `hetzner`, or the address of his page on the site.
fn hoster(text: &str) -> Result<Hoster, Doubt> {
    if let Some(absence) = absence(text) {
        return Err(absence);
    }
    match Address::of_link(text) {
        Some(Address::Hoster(hoster)) => Ok(hoster),
        _ => text.parse().map_err(|_| Doubt::Unreadable),
    }
}

/// `https://www.hetzner.com/cloud`; without a scheme, too, as people write it.
fn domain(text: &str) -> Result<Domain, Doubt> {
    if let Some(absence) = absence(text) {
        return Err(absence);
    }
    let text = text.trim();
    let domain = if text.contains("://") {
        Domain::of_website(text)
    } else {
        Domain::of_website(&format!("https://{text}"))
    };
    domain.ok_or(Doubt::Unreadable)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::page::Synonyms;

    #[test]
    fn providers_are_read_by_slug_or_page_and_website_and_nothing_is_made_up() {
        let answer = json!({ "providers": [
            { "slug": "hetzner", "name": "Hetzner", "website": "https://www.hetzner.com/?ref=bench" },
            { "hoster_page": "https://www.vpsbenchmarks.com/hosters/netcup", "homepage_url": "netcup.com" },
            { "slug": "server_optima", "website": "N/A" },
            { "slug": "Not A Slug", "website": "https://a.example" },
            { "slug": "x", "website": "192.0.2.1" },
            { "plans": [{ "slug": "cx23", "num_cores": 2 }] },
        ] });
        let synonyms = Synonyms::new(website_labels()).unwrap();
        let ParseOutcome::Recognised { facts, recognition } = websites_in(&answer, &synonyms) else {
            panic!()
        };
        let read: Vec<(&str, &str)> =
            facts.iter().map(|found| (found.hoster.as_str(), found.domain.as_str())).collect();
        assert_eq!(read, [("hetzner", "hetzner.com"), ("netcup", "netcup.com")]);
        // Five objects of two facts each; a slug and a website are no such thing.
        assert_eq!((recognition.found, recognition.of), (8, 10));
        let prose = json!({ "text": "Hetzner is at hetzner.com" });
        assert!(matches!(websites_in(&prose, &synonyms), ParseOutcome::Unrecognised { .. }));
    }
}
