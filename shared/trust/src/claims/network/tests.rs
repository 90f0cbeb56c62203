use proptest::prelude::*;

use super::*;

fn names(names: &[&str], website: Option<&str>) -> Names {
    let domain = website.and_then(|domain| Domain::of_website(&format!("https://{domain}")));
    Names::of(names.iter().copied(), domain.as_ref())
}

#[test]
fn a_network_bears_the_providers_name_however_it_is_written() {
    for (name, called) in [
        ("Clouvider", "Clouvider Limited"),
        ("Hetzner Online", "Hetzner Online GmbH"),
        ("Hetzner Online GmbH", "HETZNER-ONLINE"),
        ("Race Rocks", "RACEROCKS Inc."),
        ("HostHatch", "Host Hatch, LLC"),
        ("OVH", "OVH SAS"),
        ("Online", "Online S.A.S."),
        ("LeaseWeb B.V.", "Leaseweb Global B.V."),
        ("1&1", "1&1 SE"),
        ("1&1 Internet", "1&1 INTERNET SE"),
        ("A&B Hosting", "A&B HOSTING GmbH"),
        ("Acme s.r.o.", "ACME"),
        ("Level 3", "Level 3 B.V."),
        ("Côté Serveur", "CÔTÉ SERVEUR SARL"),
        ("Co\u{302}te\u{301} Serveur", "CO\u{302}TE\u{301}-SERVEUR"),
        ("The Constant Company", "The Constant Company, LLC"),
        ("Zitcom", "Zitcom A/S"),
        ("Acme", "ACME, S. A."),
        ("Acme", "Acme ApS"),
        ("Foo", "Foo OÜ"),
        ("Private Limited", "Private Ltd"),
        ("AG", "AG"),
    ] {
        assert!(names(&[name], None).stand_in(called), "{name}: {called}");
    }
}

#[test]
fn a_part_of_a_word_and_words_that_many_bear_are_nobodys_name() {
    for (name, called) in [
        ("Acme", "Acmeville Hosting"),
        ("Host", "Host Europe GmbH"),
        ("Cloud", "Google Cloud"),
        ("Web Hosting", "Unified Layer Web Hosting"),
        ("Cloud Server", "Alibaba Cloud Server"),
        ("Internet Services", "Foo Internet Services LLC"),
        ("Global", "LeaseWeb Global B.V."),
        ("The Limited", "The Constant Company, LLC"),
        ("AS Hosting", "Hosting Inc."),
        ("A&B Hosting", "Foo Hosting"),
        ("Limited", "Clouvider Limited"),
        ("Network Solutions", "Tata Network Solutions Ltd"),
        ("Private Limited", "Some Private Net"),
        ("Acme Hosting", "Acme Networks"),
        ("Acme Reseller of Clouvider", "Clouvider Limited"),
        ("AB", "AB Networks"),
        ("x", "x y z 1 2 3 networks"),
        ("Acme", ""),
        ("--", "--"),
    ] {
        assert!(!names(&[name], None).stand_in(called), "{name}: {called}");
    }
}

#[test]
fn of_a_website_what_is_surely_its_owners_name_counts_and_every_other_name_does() {
    for (website, called, bears) in [
        ("vultr.com", "Vultr Holdings, LLC", true),
        ("www.acme.co.uk", "Acme Ltd", true),
        ("acme-hosting.example", "ACME Hosting", true),
        // Whose these are is not known.
        ("shop.acme.example", "Acme Ltd", false),
        ("sites.google.com", "Google LLC", false),
        ("acme.cust.ovh.net", "OVH SAS", false),
        ("acme.github.io", "GitHub, Inc.", false),
        ("acme.msk.ru", "JSC MSK-IX", false),
        ("xn--bcher-kva.example", "xn--bcher-kva", false),
    ] {
        assert_eq!(names(&["Some Brand"], Some(website)).stand_in(called), bears, "{website}");
    }
    assert!(names(&["Some Brand", "acme_inc"], None).stand_in("ACME"));
}

#[test]
fn each_renter_counts_once_while_what_he_measured_is_evidence_and_no_site_does() {
    let today = Day::parse("2026-11-02").unwrap();
    let seen = |source: Source, ago, figure| Evidence { source, seen_on: today.minus(ago), figure };
    let renter = |name: &str| Source::Renter { renter: name.parse().unwrap() };
    let network = |name: &str| Figure::Network(NetworkName::of(name).unwrap());
    let evidence = [
        seen(renter("r1"), 0, network("Carrier")),
        seen(renter("r1"), 3, network("Acme Ltd")),
        seen(renter("r2"), 1, network("Carrier")),
        seen(renter("r3"), 2, Figure::Vcpus(2)),
        seen(renter("r4"), KEPT_DAYS, network("Acme")),
        // A name that was seen before it was a year ago is still that of the machine that has shown a better figure since.
        seen(renter("r5"), KEPT_DAYS, network("Acme")),
        seen(renter("r5"), KEPT_DAYS - 1, Figure::Vcpus(4)),
        seen(Source::Upload { site: "s".to_owned(), url: String::new() }, 0, network("Acme")),
    ];
    let expected = Networks { of_provider: 2, of_another: 1, unnamed: 1 };
    let acme = names(&["Acme"], None);
    assert_eq!(Networks::of(&acme, &evidence, today), expected);
    assert_eq!(Networks::of(&acme, evidence.iter().rev(), today), expected);
    let nobody = Networks { unnamed: 4, ..Networks::default() };
    assert_eq!(Networks::of(&Names::default(), &evidence, today), nobody);
}

#[test]
fn of_a_networks_name_the_first_words_are_kept() {
    let kept = |name: &str| NetworkName::of(name).map(String::from);
    assert_eq!(kept("Host-Hatch, LLC").as_deref(), Some("host hatch llc"));
    let long = "The Corporation for Financing & Promoting Technology";
    assert!(names(&[long], None).stand_in(NetworkName::of(&format!("{long}, Ltd.")).unwrap().as_str()));
    assert_eq!(kept(&"word ".repeat(40)).unwrap(), "word ".repeat(24).trim_end());
    assert_eq!((kept(""), kept(" -- "), kept(&"x".repeat(LONGEST + 1))), (None, None, None));
}

proptest! {
    #[test]
    fn a_kept_name_is_short_and_stays_what_it_is(name in "\\PC{0,100}") {
        if let Some(kept) = NetworkName::of(&name) {
            prop_assert!(kept.as_str().len() <= LONGEST);
            prop_assert_eq!(NetworkName::of(kept.as_str()), Some(kept));
        }
    }

    #[test]
    fn a_name_stands_in_what_is_made_of_whole_words_of_it_and_in_nothing_else(
        name in "[a-z]{4,6}( [a-z]{4,6}){0,2}", called in "[a-z]{1,6}( [a-z]{1,6}){0,5}"
    ) {
        let (of, called_words) = (names(&[&name], None), words(&called));
        let joined = words(&name).concat();
        let spans = (0..called_words.len()).flat_map(|first| (first..called_words.len()).map(move |last| (first, last)));
        let is_there = spans.into_iter().any(|(first, last)| called_words[first..=last].concat() == joined);
        let is_common = !is_telling(&words(&name));
        prop_assert_eq!(of.stand_in(&called), called_words.concat() == joined || (is_there && !is_common));
        let around = format!("{called}zz {name} zz{called}");
        prop_assert_eq!(of.stand_in(&around), !is_common);
    }

    #[test]
    fn any_text_is_compared(name in "\\PC{0,100}", called in "\\PC{0,100}") {
        let of = names(&[&name], None);
        prop_assert!(of.is_empty() || of.stand_in(&name));
        of.stand_in(&called);
    }
}
