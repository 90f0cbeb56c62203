//! Whose network a machine is in, by the names that registries and geolocation databases have for it.
//!
//! That is no claim and contradicts none: many providers rent their place in another's network, and databases keep the names of former holders.
//! But a network that bears the provider's own name ties a run to him, as its number does where he claims one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Evidence, Figure, Source, verdict};
use crate::{id::RenterId, source::mapping::Domain, time::Day};

/// Forms of companies, which one writes and the next leaves out.
const LEGAL_FORMS: [&str; 33] = [
    "ab",
    "ag",
    "as",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "doo",
    "gmbh",
    "inc",
    "kft",
    "kg",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "nv",
    "oy",
    "oü",
    "plc",
    "pte",
    "pty",
    "sa",
    "sarl",
    "sas",
    "se",
    "sl",
    "spa",
    "srl",
    "ug",
];

/// Words that stand in the names of many networks: alone in a provider's name they say nothing of whose it is.
const COMMON: [&str; 25] = [
    "center",
    "centre",
    "cloud",
    "communications",
    "computing",
    "data",
    "datacenter",
    "datacentre",
    "dedicated",
    "digital",
    "group",
    "host",
    "hosting",
    "internet",
    "isp",
    "net",
    "network",
    "networks",
    "online",
    "server",
    "servers",
    "services",
    "telecom",
    "vps",
    "web",
];

/// What stands before a country's domain and is nobody's name: `acme.co.uk`.
const SECOND_LEVEL: [&str; 9] = ["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"];

/// The shortest name that is looked for among others' words. A shorter one has to be the whole of a name.
const SHORTEST: usize = 3;

/// Whose name a machine's network bears. The order is that in which one machine's count: it is enough that one network of it is his.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// The provider's.
    Provider,
    /// Another name: somebody else's, or one of the provider's that is not known.
    Another,
}

/// What a provider is called, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeSet<String>);

impl Names {
    /// By these names of his, and by where his website is: of `acme.co.uk`, `acme`.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>, website: Option<&'a Domain>) -> Self {
        let of_website = website.and_then(|domain| {
            let (above, _) = domain.as_str().rsplit_once('.')?;
            let mut labels = above.rsplit('.').peekable();
            let first = labels.next()?;
            let is_nobodys = SECOND_LEVEL.contains(&first) && labels.peek().is_some();
            if is_nobodys { labels.next() } else { Some(first) }
        });
        let joined = names.into_iter().chain(of_website).map(|name| words(name).concat());
        Self(joined.filter(|name| !name.is_empty()).collect())
    }

    /// Whether one of them stands in what a network or its holder is called.
    fn stand_in(&self, called: &str) -> bool {
        let words = words(called);
        let whole = words.concat();
        let is_within = |name: &String| {
            let behind = (0..words.len()).map(|first| words.iter().skip(first));
            behind.into_iter().any(|mut words| {
                let mut left = name.as_str();
                while let (false, Some(word)) = (left.is_empty(), words.next()) {
                    match left.strip_prefix(word.as_str()) {
                        Some(rest) => left = rest,
                        None => return false,
                    }
                }
                left.is_empty()
            })
        };
        let is_telling = |name: &str| name.chars().count() >= SHORTEST && !COMMON.contains(&name);
        self.0.iter().any(|name| *name == whole || (is_telling(name) && is_within(name)))
    }
}

impl Holder {
    /// Whose name stands in what a network and whoever holds it are called; `None` where nothing says what they are called, or what the
    /// provider is.
    pub fn of<'a>(provider: &Names, called: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let called: Vec<&str> = called.into_iter().filter(|called| !words(called).is_empty()).collect();
        if called.is_empty() || provider.0.is_empty() {
            return None;
        }
        let is_his = called.into_iter().any(|called| provider.stand_in(called));
        Some(if is_his { Self::Provider } else { Self::Another })
    }
}

/// Whose networks the machines of an offering are in that renters have measured: one of each renter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Networks {
    /// In one that bears the provider's name.
    pub of_provider: usize,
    /// In one that bears another.
    pub of_another: usize,
    /// In one of which nothing says what it is called.
    pub unnamed: usize,
}

impl Networks {
    /// By what is still evidence on a day.
    pub fn of<'a>(evidence: impl IntoIterator<Item = &'a Evidence>, as_of: Day) -> Self {
        let mut by_renter: BTreeMap<&RenterId, Option<Holder>> = BTreeMap::new();
        for Evidence { source, figure, .. } in verdict::kept(evidence, as_of) {
            let Source::Renter { renter } = source else { continue };
            let holder = by_renter.entry(renter).or_default();
            if let Figure::Network(seen) = figure {
                *holder = Some(holder.map_or(*seen, |other| other.min(*seen)));
            }
        }
        let count = |of| by_renter.values().filter(|holder| **holder == of).count();
        Self {
            of_provider: count(Some(Holder::Provider)),
            of_another: count(Some(Holder::Another)),
            unnamed: count(None),
        }
    }
}

/// The words of a name in lower case, letters that stand alone as one word (`B.V.`, `1&1`), without forms of companies where anything else is
/// there.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut was_letter = false;
    for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let is_letter = word.chars().nth(1).is_none();
        match words.last_mut() {
            Some(last) if is_letter && was_letter => last.push_str(&word.to_lowercase()),
            _ => words.push(word.to_lowercase()),
        }
        was_letter = is_letter;
    }
    let is_form = |word: &String| LEGAL_FORMS.contains(&word.as_str());
    if !words.iter().all(is_form) {
        words.retain(|word| !is_form(word));
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::claims::KEPT_DAYS;

    fn names(names: &[&str], website: Option<&str>) -> Names {
        let domain = website.and_then(|domain| Domain::of_website(&format!("https://{domain}")));
        Names::of(names.iter().copied(), domain.as_ref())
    }

    #[test]
    fn a_network_is_the_providers_where_it_bears_his_name_however_it_is_written() {
        for (name, called) in [
            ("Clouvider", "Clouvider Limited"),
            ("Hetzner Online", "Hetzner Online GmbH"),
            ("Hetzner Online GmbH", "HETZNER-ONLINE"),
            ("Race Rocks", "RACEROCKS Inc."),
            ("HostHatch", "Host Hatch, LLC"),
            ("OVH", "OVH SAS"),
            ("Online", "Online S.A.S."),
            ("LeaseWeb B.V.", "Leaseweb Global B.V."),
            ("1&1 Internet", "1&1 INTERNET SE"),
            ("Côté Serveur", "CÔTÉ SERVEUR SARL"),
            ("AG", "AG"),
        ] {
            assert_eq!(
                Holder::of(&names(&[name], None), [called]),
                Some(Holder::Provider),
                "{name}: {called}"
            );
        }
    }

    #[test]
    fn a_part_of_a_word_or_a_word_that_many_bear_is_nobodys_name() {
        for (name, called) in [
            ("Acme", "Acmeville Hosting"),
            ("Host", "Host Europe GmbH"),
            ("Cloud", "Google Cloud"),
            ("Limited", "Clouvider Limited"),
            ("Acme Hosting", "Acme Networks"),
            ("Acme Reseller of Clouvider", "Clouvider Limited"),
            ("AB", "AB Networks"),
            ("x", "x y z 1 2 3 networks"),
        ] {
            assert_eq!(
                Holder::of(&names(&[name], None), [called]),
                Some(Holder::Another),
                "{name}: {called}"
            );
        }
    }

    #[test]
    fn the_domain_of_his_website_and_every_name_that_is_known_of_him_count() {
        for (website, called) in [
            ("vultr.com", "Vultr Holdings, LLC"),
            ("www.acme.co.uk", "Acme Ltd"),
            ("shop.acme.example", "Acme Ltd"),
            ("acme-hosting.example", "ACME Hosting"),
        ] {
            let of = names(&["Some Brand"], Some(website));
            assert_eq!(Holder::of(&of, ["USA Network", called]), Some(Holder::Provider), "{website}");
            assert_eq!(Holder::of(&of, ["USA Network"]), Some(Holder::Another), "{website}");
        }
        let known = names(&["Some Brand", "the-constant-company"], None);
        assert_eq!(Holder::of(&known, ["The Constant Company, LLC"]), Some(Holder::Provider));
    }

    #[test]
    fn where_either_is_called_nothing_nothing_is_said() {
        assert_eq!(Holder::of(&names(&[], None), ["Clouvider"]), None);
        assert_eq!(Holder::of(&names(&["Acme"], None), ["", "--"]), None);
        assert_eq!(Holder::of(&names(&["--"], None), ["--"]), None);
        assert_eq!(Holder::of(&names(&["Acme"], None), []), None);
    }

    #[test]
    fn each_renter_counts_once_while_what_he_measured_is_evidence_and_no_site_does() {
        let today = Day::parse("2026-11-02").unwrap();
        let seen = |source: Source, ago, figure| Evidence { source, seen_on: today.minus(ago), figure };
        let renter = |name: &str| Source::Renter { renter: name.parse().unwrap() };
        let (his, anothers) = (Figure::Network(Holder::Provider), Figure::Network(Holder::Another));
        let evidence = [
            seen(renter("r1"), 0, anothers.clone()),
            seen(renter("r1"), 3, his.clone()),
            seen(renter("r2"), 1, anothers),
            seen(renter("r3"), 2, Figure::Vcpus(2)),
            seen(renter("r4"), KEPT_DAYS, his.clone()),
            seen(Source::Upload { site: "s".to_owned(), url: String::new() }, 0, his),
        ];
        let expected = Networks { of_provider: 1, of_another: 1, unnamed: 1 };
        assert_eq!(Networks::of(&evidence, today), expected);
        let after: Vec<Evidence> = evidence.into_iter().rev().collect();
        assert_eq!(Networks::of(&after, today), expected);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_compared(name in "\\PC{0,100}", called in prop::collection::vec("\\PC{0,100}", 0..4)) {
            let of = names(&[&name], None);
            let said = Holder::of(&of, called.iter().map(String::as_str));
            prop_assert!(said.is_some() || called.iter().all(|called| words(called).is_empty()) || of == Names::default());
            if of != Names::default() {
                let longer = format!("{name} {}", called.concat());
                prop_assert!(Holder::of(&of, [longer.as_str(), name.as_str()]) == Some(Holder::Provider));
            }
        }
    }
}
