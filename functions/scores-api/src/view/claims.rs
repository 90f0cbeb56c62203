//! What offerings claim, and what was seen of their machines.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sources::configuration::Configuration;
use table::{Independent, Published};
use trust::{
    claims::{self, Evidence, Figure, Judgement, Names, Property, Reading, Source, Verdict, judge},
    id::{OfferingId, ProviderId},
    marketplace::{Offering, Profile},
    offering::{DiskKind, Specification, Virtualisation},
    source::{PageId, SourceName, Subject, mapping::Mapping},
    summary::{ClaimFacts, Summary},
    time::Day,
    units::Size,
};

use super::{
    feedback,
    figures::Rate,
    scalar::{Date, Text, Time},
    sites::Site,
};

/// Most offerings in one answer: those with a contradicted claim first, then those of which something was measured.
const MOST_OFFERINGS: usize = 100;

/// Most evidence shown of one claim.
const MOST_EVIDENCE: usize = 10;

/// What a provider's offerings claim, each claim with what became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Claims<'a> {
    /// The provider.
    id: Text<&'a ProviderId>,
    /// When the figures of machines were worked out.
    as_of: Time,
    /// The day on which the claims were judged.
    judged_on: Date,
    /// What the machines of renters who measured them turned out to be, against what was claimed when they rented.
    pub(crate) machines: Machines,
    /// The offerings that claim anything: those with a contradicted claim first, then those of which something was measured.
    pub(crate) offerings: Vec<Offered>,
    /// How many more there are.
    pub(crate) left_out: usize,
    /// What independent sites publish of his machines: shown as their word, and reckoned with only as far as it is evidence for a claim.
    pub(crate) sites: Vec<Site>,
}

/// What measured machines turned out to be, within some days.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Machines {
    /// How many days.
    pub(crate) days: u16,
    /// Machines of which a claim was contradicted, of those that count and decide anything.
    contradicted: Rate,
    /// For each claim: machines that contradict it, of those that decide it.
    claims: BTreeMap<&'static str, Rate>,
    /// Machines that do not count, by the reason: `same_party`, `free`, `too_short`, `repeated`.
    excluded: BTreeMap<&'static str, u64>,
}

impl Machines {
    pub(super) fn of(facts: &ClaimFacts) -> Self {
        let excluded = facts.excluded.iter();
        Self {
            days: facts.days,
            contradicted: Rate::of(facts.contradicted),
            claims: facts
                .claims
                .iter()
                .map(|(property, ratio)| (property.name(), Rate::of(*ratio)))
                .collect(),
            excluded: excluded.filter_map(|(standing, n)| Some((feedback::name(*standing)?, *n))).collect(),
        }
    }
}

/// An offering with its claims.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Offered {
    /// The offering.
    pub(crate) offering_id: String,
    /// Its name.
    pub(crate) name: String,
    /// Whose networks the machines of it are in that renters have measured.
    pub(crate) networks: Networks,
    /// Each of its claims.
    pub(crate) claims: Vec<Judged>,
}

/// How many renters' machines are in whose network, by what the network and who sells its addresses are called, of those whose figures are
/// evidence. It is no claim and contradicts none: many providers rent their place in others' networks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MeasuredNetworks")]
pub(crate) struct Networks {
    /// In one that bears a name of the provider: one that he says or has his website under, or that an operator has confirmed.
    named_after_provider: usize,
    /// In one of another name.
    otherwise_named: usize,
    /// In one of which nothing says what it is called; all of them, where nothing says what the provider is.
    unnamed: usize,
}

impl Networks {
    fn of(networks: claims::Networks) -> Self {
        let claims::Networks { of_provider, of_another, unnamed } = networks;
        Self { named_after_provider: of_provider, otherwise_named: of_another, unnamed }
    }

    /// In words; `None` where no network has a name.
    pub(crate) fn words(&self) -> Option<String> {
        let Self { named_after_provider, otherwise_named, unnamed } = self;
        let named = named_after_provider + otherwise_named;
        let further =
            if *unnamed > 0 { format!(", and {unnamed} in one without a name") } else { String::new() };
        (named > 0).then(|| {
            format!("{named_after_provider} of {named} measured machines in a network that bears the provider's name{further}.")
        })
    }
}

/// A claim with what became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Judged {
    /// What is claimed.
    #[schemars(extend("enum" = [
        "vcpus", "memory", "disk", "disk_kind", "disk_speed", "network_speed", "cpu_model", "virtualisation", "country", "asn"
    ]))]
    property: &'static str,
    /// What the provider says it is.
    pub(crate) claimed: String,
    /// What became of it.
    #[schemars(extend("enum" = ["verified", "contradicted", "plausible", "unverified"]))]
    pub(crate) verdict: &'static str,
    /// Within which tolerance it was judged.
    pub(crate) tolerance: String,
    /// How many figures it was judged by.
    pub(crate) n: usize,
    /// Those that agree with the verdict, then others; of each the highest ranked and of those the latest first; at most ten.
    pub(crate) evidence: Vec<Shown>,
    #[serde(skip)]
    pub(crate) of: Property,
}

/// One figure that was seen.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Who saw it: `renter` (on the machine he rented), `benchmark` (a site that measures itself) or `upload` (anybody).
    #[schemars(extend("enum" = ["renter", "benchmark", "upload"]))]
    by: &'static str,
    /// The site, where it is one.
    pub(crate) site: Option<String>,
    /// Where the site says so.
    pub(crate) url: Option<String>,
    /// When.
    pub(crate) seen_on: Date,
    /// What. Of a CPU whose name is of no known form: `another name`.
    pub(crate) seen: String,
    /// What it means for the claim.
    #[schemars(extend("enum" = ["confirms", "contradicts", "doubts", "compatible"]))]
    pub(crate) reading: &'static str,
}

/// What is held against a provider's claims.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// What renters found, and what those pages say that are of his offerings by the configuration. What a page said while it was another's is
    /// not.
    pub(crate) evidence: BTreeMap<OfferingId, Vec<Evidence>>,
    /// What he is called, against which networks' names are held.
    pub(crate) names: Names,
}

/// What a provider is called: by himself, by where his website is, and by sources whose name for him the configuration or an operator says.
pub(crate) fn names(
    configuration: &Configuration,
    decided: &[(SourceName, Subject, Mapping)],
    summary: &Summary,
) -> Names {
    let is_taken = |source: &SourceName, subject: &Subject| {
        configuration.sources.get(source).is_some_and(|source| source.owner(subject).is_some())
    };
    let confirmed = decided.iter().filter(|(source, subject, mapping)| {
        mapping.confirmed() == Some(&summary.provider) && !is_taken(source, subject)
    });
    let confirmed = confirmed.map(|(_, subject, _)| subject);
    let of_sources = configuration.names_of(&summary.provider).chain(confirmed).map(Subject::as_str);
    let profile = summary.profile.as_ref();
    let website = profile.and_then(Profile::domain);
    Names::of(profile.map(|profile| profile.name.as_str()).into_iter().chain(of_sources), website.as_ref())
}

/// The evidence of what is [`Held`] against a provider's claims.
pub(crate) fn evidence(
    configuration: &Configuration,
    independent: Independent,
    provider: &ProviderId,
) -> BTreeMap<OfferingId, Vec<Evidence>> {
    let is_of = |page: &PageId, offering: &OfferingId| {
        let of = page.subject.as_ref().and_then(|name| configuration.find(page)?.source.offerings.get(name));
        of.is_some_and(|of| of.provider_id == *provider && of.offering_id == *offering)
    };
    let Independent { mut evidence, published, .. } = independent;
    for Published { page, offering, said } in published {
        if is_of(&page, &offering) {
            evidence.entry(offering).or_default().extend(said);
        }
    }
    evidence
}

impl<'a> Claims<'a> {
    /// What is claimed by these offerings, and what is held against it, as of a day, with what sites publish.
    pub(crate) fn of(
        summary: &'a Summary,
        offerings: Vec<Offering>,
        held: &Held,
        sites: Vec<Site>,
        today: Day,
    ) -> Self {
        let mut offered: Vec<(bool, Offered)> = offerings
            .into_iter()
            .filter_map(|offering| {
                let claim = offering.specification?;
                let evidence = held.evidence.get(&offering.offering_id).map_or(&[][..], Vec::as_slice);
                let judged = judge(&claim, evidence, today);
                let claims: Vec<Judged> =
                    judged.into_iter().map(|judged| Judged::of(&claim, judged)).collect();
                let offered = Offered {
                    offering_id: offering.offering_id.to_string(),
                    name: offering.name.to_string(),
                    networks: Networks::of(claims::Networks::of(&held.names, evidence, today)),
                    claims,
                };
                let is_unseen = evidence.iter().all(|evidence| evidence.figure.property().is_none());
                (!offered.claims.is_empty()).then_some((is_unseen, offered))
            })
            .collect();
        offered.sort_by(|(unseen, one), (other_unseen, other)| {
            let order = |unseen, offered: &Offered| (!offered.is_contradicted(), unseen);
            let (a, b) = (order(*unseen, one), order(*other_unseen, other));
            (a, &one.offering_id).cmp(&(b, &other.offering_id))
        });
        let left_out = offered.len().saturating_sub(MOST_OFFERINGS);
        offered.truncate(MOST_OFFERINGS);
        Self {
            id: Text(&summary.provider),
            as_of: Time(summary.as_of),
            judged_on: Date(today),
            machines: Machines::of(&summary.claims),
            offerings: offered.into_iter().map(|(_, offered)| offered).collect(),
            left_out,
            sites,
        }
    }
}

impl Offered {
    fn is_contradicted(&self) -> bool {
        self.claims.iter().any(Judged::is_contradicted)
    }
}

/// Which figures stand beside a verdict first: what it was reached by.
fn place(verdict: Verdict, reading: Reading) -> u8 {
    match (verdict, reading) {
        (Verdict::Verified, Reading::Confirms)
        | (Verdict::Contradicted, Reading::Contradicts)
        | (Verdict::Plausible, Reading::Confirms | Reading::Compatible) => 0,
        // Doubts contradict where nothing else does.
        (Verdict::Contradicted, Reading::Doubts) => 1,
        _ => 2,
    }
}

impl Judged {
    fn of(claim: &Specification, judgement: Judgement) -> Self {
        let Judgement { property, verdict, mut evidence } = judgement;
        evidence.sort_by_key(|(_, reading)| place(verdict, *reading));
        Self {
            property: property.name(),
            claimed: claimed(claim, property),
            verdict: verdict.name(),
            tolerance: property.tolerance(),
            n: evidence.len(),
            evidence: evidence.into_iter().take(MOST_EVIDENCE).map(Shown::of).collect(),
            of: property,
        }
    }

    /// Whether something else was seen.
    pub(crate) fn is_contradicted(&self) -> bool {
        self.verdict == Verdict::Contradicted.name()
    }

    /// Whether it was seen to be so.
    pub(crate) fn is_verified(&self) -> bool {
        self.verdict == Verdict::Verified.name()
    }
}

impl Shown {
    fn of((evidence, reading): (Evidence, Reading)) -> Self {
        let (by, site, url) = match evidence.source {
            Source::Renter { .. } => ("renter", None, None),
            Source::Benchmark { site, url } => ("benchmark", Some(site), Some(url)),
            Source::Upload { site, url } => ("upload", Some(site), Some(url)),
        };
        let reading = match reading {
            Reading::Confirms => "confirms",
            Reading::Contradicts => "contradicts",
            Reading::Doubts => "doubts",
            Reading::Compatible => "compatible",
        };
        Self { by, site, url, seen_on: Date(evidence.seen_on), seen: seen(&evidence.figure), reading }
    }

    /// Who saw it, in words.
    pub(crate) fn who(&self) -> &str {
        match self.by {
            "renter" => "a renter",
            _ => self.site.as_deref().unwrap_or("a site"),
        }
    }
}

/// What is claimed of a property, in words.
fn claimed(claim: &Specification, property: Property) -> String {
    let said = match property {
        Property::Vcpus => claim.vcpus.map(|count| count.to_string()),
        Property::Memory => claim.memory().map(memory),
        Property::Disk => claim.disk().map(disk),
        Property::DiskKind => claim.disk_kind.map(|kind| disk_kind(kind).to_owned()),
        Property::DiskRate => claim.disk_mb_per_second.map(|rate| format!("{rate} MB/s")),
        Property::NetworkRate => claim.network_mbit_per_second.map(|rate| format!("{rate} Mbit/s")),
        Property::CpuModel => claim.cpu_model.as_ref().map(|model| model.as_str().to_owned()),
        Property::Virtualisation => claim.virtualisation.map(|of| virtualisation(of).to_owned()),
        Property::Country => claim.country.map(String::from),
        Property::Asn => claim.asn.map(|number| format!("AS{number}")),
    };
    said.unwrap_or_default()
}

/// What was seen, in words.
fn seen(figure: &Figure) -> String {
    match figure {
        Figure::Vcpus(count) => count.to_string(),
        Figure::Memory(size) => memory(*size),
        Figure::Disk(size) => format!("{} mounted", disk(*size)),
        Figure::DiskDevice(kind) => format!("{} by its device", disk_kind(*kind)),
        Figure::DiskOperations(count) => format!("{count} random operations a second"),
        Figure::DiskRate(rate) => format!("{:.0} MB/s at best", rate.as_mb_per_second()),
        Figure::NetworkRate(rate) => format!("{:.0} Mbit/s at best", rate.as_mbit_per_second()),
        // Whoever measures writes it: a sentence of his has no place on a provider's page.
        Figure::CpuModel(_) if !figure.is_of_known_form() => "another name".to_owned(),
        Figure::CpuModel(model) => model.as_str().to_owned(),
        Figure::Virtualisation(of) => virtualisation(*of).to_owned(),
        Figure::Country(country) => String::from(*country),
        Figure::Asn(number) => format!("AS{number}"),
        // It is evidence of no claim, so it stands beside none.
        Figure::Network(_) => String::new(),
    }
}

/// As memory is sold: in GiB, or in MiB where that is less. Cut, so that 3.999 is not shown as 4.
fn memory(size: Size) -> String {
    let gib = size.as_gib();
    if gib < 1.0 { format!("{:.0} MiB", (gib * 1024.0).floor()) } else { cut(gib, "GiB") }
}

fn disk(size: Size) -> String {
    cut(size.as_gb(), "GB")
}

fn cut(amount: f64, unit: &str) -> String {
    let cut = (amount * 100.0).floor() / 100.0;
    format!("{cut} {unit}")
}

fn disk_kind(kind: DiskKind) -> &'static str {
    match kind {
        DiskKind::Hdd => "HDD",
        DiskKind::Ssd => "SSD",
        DiskKind::Nvme => "NVMe",
    }
}

fn virtualisation(of: Virtualisation) -> &'static str {
    match of {
        Virtualisation::Kvm => "KVM",
        Virtualisation::Xen => "Xen",
        Virtualisation::Vmware => "VMware",
        Virtualisation::HyperV => "Hyper-V",
        Virtualisation::Lxc => "LXC",
        Virtualisation::Openvz => "OpenVZ",
        Virtualisation::None => "none",
    }
}

/// What is claimed, as people read it.
pub(crate) fn title(property: Property) -> &'static str {
    match property {
        Property::Vcpus => "vCPUs",
        Property::Memory => "Memory",
        Property::Disk => "Disk",
        Property::DiskKind => "Kind of disk",
        Property::DiskRate => "Disk speed",
        Property::NetworkRate => "Network speed",
        Property::CpuModel => "CPU",
        Property::Virtualisation => "Virtualisation",
        Property::Country => "Country",
        Property::Asn => "Network",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use trust::{
        claims::{
            NetworkName,
            measured::{Seen, Sighting},
        },
        source::mapping::{Domain, Standing},
    };

    use super::*;
    use crate::samples;

    fn offering(id: &str, claim: &Value) -> Offering {
        serde_json::from_value(json!({
            "provider_id": "p1", "offering_id": id, "name": format!("Offering {id}"), "specification": claim,
        }))
        .unwrap()
    }

    fn seen_by(renter: &str, days_ago: u16, figures: impl IntoIterator<Item = Figure>) -> Seen {
        let on = samples::now().day().minus(days_ago);
        let figures = figures.into_iter().map(|figure| (figure, on)).collect();
        Seen::default().with(&renter.parse().unwrap(), Some(Sighting { measured_on: on, figures }))
    }

    fn shown_claims(offerings: Vec<Offering>, seen: &[(&str, Seen)]) -> Value {
        let mut held = Held::default();
        for (offering, seen) in seen {
            held.evidence.entry(offering.parse().unwrap()).or_default().extend(seen.evidence());
        }
        let summary = samples::summary("One", 3, None);
        held.names = names(&Configuration::named("sources/1", None).unwrap(), &[], &summary);
        json!(Claims::of(&summary, offerings, &held, Vec::new(), samples::now().day()))
    }

    #[test]
    fn an_offering_with_a_contradicted_claim_stands_before_all_others() {
        let offerings = ["a", "b", "c", "d"].map(|id| offering(id, &json!({ "vcpus": 2 }))).to_vec();
        let held = seen_by("r1", 1, [Figure::Vcpus(2)]);
        let shown = shown_claims(
            offerings,
            &[("b", held.clone()), ("c", held), ("d", seen_by("r1", 1, [Figure::Vcpus(1)]))],
        );
        let order: Vec<_> =
            shown["offerings"].as_array().unwrap().iter().map(|one| one["offering_id"].clone()).collect();
        assert_eq!(order, ["d", "b", "c", "a"]);
    }

    #[test]
    fn beside_a_verdict_stands_a_figure_that_it_was_reached_by_however_many_are_later() {
        let claim = json!({ "network_mbit_per_second": 1000 });
        let rate = |mbit| Figure::NetworkRate(trust::units::BitRate::mbit_per_second(mbit));
        let mut seen: Vec<(&str, Seen)> = vec![("a", seen_by("first", 300, [rate(940)]))];
        seen.extend((0..20).map(|number| ("a", seen_by(&format!("r{number}"), 1, [rate(500)]))));
        let shown = shown_claims(vec![offering("a", &claim)], &seen);
        let judged = &shown["offerings"][0]["claims"][0];
        assert_eq!((&judged["verdict"], &judged["n"]), (&json!("verified"), &json!(21)));
        assert_eq!(judged["evidence"].as_array().unwrap().len(), MOST_EVIDENCE);
        assert_eq!(judged["evidence"][0]["seen"], "940 Mbit/s at best");
    }

    #[test]
    fn what_a_renter_has_his_system_say_in_place_of_a_cpus_name_is_not_shown() {
        let shown = |name: &str| {
            let seen = seen_by("r1", 1, [Figure::CpuModel(name.to_owned().try_into().unwrap())]);
            let offerings = vec![offering("a", &json!({ "cpu_model": "AMD EPYC 9354P" }))];
            shown_claims(offerings, &[("a", seen)])["offerings"][0]["claims"][0]["evidence"][0]["seen"].take()
        };
        assert_eq!(shown("SCAM, rent at cheap.example"), "another name");
        assert_eq!(shown("AMD: rent at cheap.example"), "another name");
        assert_eq!(shown("AMD EPYC-Rome Processor"), "AMD EPYC-Rome Processor");
    }

    #[test]
    fn whose_network_a_machine_is_in_is_counted_by_every_name_that_is_surely_the_providers_and_never_shown() {
        let network = |name: &str| Figure::Network(NetworkName::of(name).unwrap());
        let seen = [
            ("a", seen_by("r1", 1, [network("PROVIDER-ONE"), Figure::Vcpus(2)])),
            ("a", seen_by("r2", 1, [network("Carrier GmbH")])),
            ("a", seen_by("r3", 1, [Figure::Vcpus(2)])),
        ];
        let shown = shown_claims(vec![offering("a", &json!({ "vcpus": 2 }))], &seen);
        let expected = json!({ "named_after_provider": 1, "otherwise_named": 1, "unnamed": 1 });
        assert_eq!(shown["offerings"][0]["networks"], expected);
        assert!(!shown.to_string().to_lowercase().contains("carrier"), "{shown}");
        // What a network is called is evidence of no claim: the offering of which nothing else was seen stands behind.
        let claims = || json!({ "vcpus": 2 });
        let only = [("b", seen_by("r1", 1, [network("Carrier")]))];
        let shown = shown_claims(vec![offering("a", &claims()), offering("b", &claims())], &only);
        assert_eq!(shown["offerings"][0]["offering_id"], "a");

        let (mut summary, named) = (samples::summary("One", 3, None), |text: &str| text.parse().unwrap());
        let website = summary.profile.as_mut().map(|profile| &mut profile.website);
        *website.unwrap() = Some("https://www.acme.co.uk/".to_owned().try_into().unwrap());
        let configuration = |names: Value| {
            let changes = json!({ "sources": { "vpsbenchmarks": { "names": names } } }).to_string();
            Configuration::named("sources/1", Some(&changes)).unwrap()
        };
        let decided = |standing| {
            let mapping = Mapping { provider: "one".parse().unwrap(), standing, at: samples::now() };
            vec![(named("vpsbenchmarks"), "carrier".parse().unwrap(), mapping)]
        };
        let bears = |names: Names, called: &str| names.stand_in(called);
        let nothing = configuration(json!({}));
        assert!(bears(names(&nothing, &[], &summary), "ACME Ltd"));
        assert!(!bears(names(&nothing, &[], &summary), "Carrier"));
        assert!(bears(names(&configuration(json!({ "carrier": "one" })), &[], &summary), "Carrier"));
        assert!(!bears(names(&configuration(json!({ "carrier": "two" })), &[], &summary), "Carrier"));
        let proposed = Standing::Proposed(Domain::of_website("https://acme.co.uk").unwrap());
        for (standing, is_his) in
            [(Standing::Confirmed, true), (Standing::Rejected, false), (proposed, false)]
        {
            assert_eq!(bears(names(&nothing, &decided(standing), &summary), "Carrier"), is_his);
        }
        // What the configuration says stands before what was decided.
        let another = configuration(json!({ "carrier": "two" }));
        assert!(!bears(names(&another, &decided(Standing::Confirmed), &summary), "Carrier"));
    }

    #[test]
    fn what_a_page_said_is_evidence_while_the_configuration_says_that_it_is_of_that_offering() {
        let published = Published {
            page: PageId {
                source: "vpsbenchmarks".parse().unwrap(),
                page: "trial".parse().unwrap(),
                subject: Some("acme_trial".parse().unwrap()),
            },
            offering: "o1".parse().unwrap(),
            said: vec![Evidence {
                source: Source::Benchmark { site: "vpsbenchmarks".to_owned(), url: String::new() },
                seen_on: samples::now().day(),
                figure: Figure::Vcpus(2),
            }],
        };
        let independent = Independent { published: vec![published], ..Independent::default() };
        let counts = |offerings: Value| {
            let changes = json!({ "sources": { "vpsbenchmarks": { "offerings": offerings } } }).to_string();
            let configuration = Configuration::named("sources/1", Some(&changes)).unwrap();
            evidence(&configuration, independent.clone(), &"p1".parse().unwrap()).len()
        };
        let of = |provider: &str, offering: &str| json!({ "acme_trial": { "provider_id": provider, "offering_id": offering } });
        assert_eq!(counts(of("p1", "o1")), 1);
        assert_eq!((counts(of("p1", "o2")), counts(of("p2", "o1")), counts(json!({}))), (0, 0, 0));
    }

    #[test]
    fn a_claim_is_shown_with_what_was_seen_by_whom_and_when_and_never_with_a_renters_name() {
        let summary = samples::summary("One", 3, None);
        let today = samples::now().day();
        let seen = seen_by("secret-renter", 2, [Figure::Memory(Size::kib(4_015_920)), Figure::Vcpus(1)]);
        let evidence = BTreeMap::from([("b".parse().unwrap(), seen.evidence().collect())]);
        let held = Held { evidence, ..Held::default() };
        let offerings = vec![
            offering("a", &json!({ "country": "DE" })),
            offering("b", &json!({ "vcpus": 2, "memory_mib": 4096 })),
            offering("c", &json!({})),
        ];
        let claims = Claims::of(&summary, offerings, &held, Vec::new(), today);
        let shown = serde_json::to_value(&claims).unwrap();
        assert!(!shown.to_string().contains("secret-renter"));
        let of: Vec<_> = claims.offerings.iter().map(|offered| offered.offering_id.as_str()).collect();
        assert_eq!(of, ["b", "a"], "what was measured first, and none that claims nothing");
        let b = &shown["offerings"][0]["claims"];
        assert_eq!((&b[0]["property"], &b[0]["verdict"]), (&json!("vcpus"), &json!("contradicted")));
        assert_eq!((&b[1]["claimed"], &b[1]["verdict"]), (&json!("4 GiB"), &json!("verified")));
        assert_eq!(
            b[1]["evidence"],
            json!([{
                "by": "renter", "site": null, "url": null, "seen_on": "2026-11-23", "seen": "3.82 GiB", "reading": "confirms"
            }])
        );
        assert_eq!(shown["offerings"][1]["claims"][0]["verdict"], "unverified");
        let none = json!({ "named_after_provider": 0, "otherwise_named": 0, "unnamed": 0 });
        assert_eq!(
            (&shown["offerings"][0]["networks"]["unnamed"], &shown["offerings"][1]["networks"]),
            (&json!(1), &none)
        );
    }

    #[test]
    fn sizes_are_cut_and_never_rounded_up() {
        for (size, text) in [
            (Size::mib(512), "512 MiB"),
            (Size::gib(4), "4 GiB"),
            (Size::kib(4 * 1024 * 1024 - 1), "3.99 GiB"),
            (Size::mib(1536), "1.5 GiB"),
        ] {
            assert_eq!(memory(size), text);
        }
    }
}
