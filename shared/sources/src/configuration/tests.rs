use serde_json::json;

use super::*;

fn changed(changes: &Value) -> Result<Configuration, String> {
    Configuration::named("sources/1", Some(&changes.to_string())).map_err(|error| error.to_string())
}

fn of_a(change: &Value) -> Value {
    let mut source = json!({
        "title": "A", "home": "https://a.example/", "attribution": "A", "base": "https://a.example",
        "pages": { "hoster": { "path": "/hosters/{subject}", "reader": "frankfurter-rates", "about": "providers" } },
    });
    patch::merge(&mut source, change.clone());
    json!({ "sources": { "a": source } })
}

#[test]
fn every_built_in_configuration_is_one_and_goes_by_its_version() {
    for (version, _) in BUILT_IN {
        assert_eq!(Configuration::named(version, None).unwrap().version, version);
    }
    let unknown = Configuration::named("sources/99", None).unwrap_err().to_string();
    assert_eq!(unknown, "there is no source configuration sources/99; there is sources/1");
    let missing = Configuration::named("@no/such/file", None).unwrap_err().to_string();
    assert!(missing.starts_with("the source configuration in no/such/file: "), "{missing}");
}

#[test]
fn a_deployment_changes_what_it_names_and_nothing_else() {
    let before = Configuration::named("sources/1", None).unwrap();
    let after = changed(&json!({ "sources": { "frankfurter": { "enabled": false } } })).unwrap();
    let name: SourceName = "frankfurter".parse().unwrap();
    assert!(!after.sources[&name].enabled);
    let mut expected = before;
    expected.sources.get_mut(&name).unwrap().enabled = false;
    assert_eq!(after, expected);
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (changes, told) in [
        (
            of_a(&json!({ "base": "ftp://a.example" })),
            "sources.a.base: a URL of http or https without a user",
        ),
        (
            of_a(&json!({ "base": "https://a:b@a.example" })),
            "sources.a.base: a URL of http or https without a user",
        ),
        (of_a(&json!({ "base": "https://a.example/x" })), "sources.a.base: scheme, host and port only"),
        (of_a(&json!({ "title": " " })), "sources.a.title: 1 to 200 characters"),
        (
            of_a(&json!({ "pages": { "hoster": { "path": "/all" } } })),
            "pages.hoster.path: needs {subject}, once",
        ),
        (of_a(&json!({ "pages": { "hoster": { "path": "//b.example/{subject}" } } })), "begins with one /"),
        (of_a(&json!({ "pages": { "hoster": { "about": null } } })), "nothing says about what"),
        (
            of_a(&json!({ "pages": { "hoster": { "about": { "these": [".."] } } } })),
            "not beginning with a dot",
        ),
        (of_a(&json!({ "pages": { "hoster": { "about": { "these": [] } } } })), "1 to 1000 subjects"),
        (
            of_a(&json!({ "pages": { "hoster": { "reader": "guess" } } })),
            "sources.a.pages.hoster.reader: unknown variant `guess`",
        ),
        (
            of_a(&json!({ "pages": {
                "hoster": null,
                "one": { "path": "/1", "reader": "vultr-prices" }, "two": { "path": "/2", "reader": "scaleway-prices" },
            } })),
            "sources.a.pages.one: has prices about the same as two",
        ),
        (
            of_a(&json!({ "pages": {
                "hoster": { "reader": "vpsbenchmarks-hoster" },
                "more": { "path": "/more/{subject}", "reader": "vultr-prices", "about": "providers" },
            } })),
            "sources.a.pages.hoster: has prices about the same as more",
        ),
        (of_a(&json!({ "colour": 1 })), "sources.a.colour: unknown field `colour`"),
        (json!({ "defaults": { "delay_seconds": 0 } }), "defaults.delay_seconds: 0 is not from 1 to 43200"),
        (
            json!({ "defaults": { "delay_seconds": 120, "jitter_seconds": 5, "robots_seconds": 249 } }),
            "defaults.robots_seconds: 249 is less than two delays with their jitter (250)",
        ),
        (
            json!({ "defaults": { "robots_seconds": 86_401 } }),
            "robots_seconds: 86401 is not from 60 to 86400",
        ),
        (json!({ "sources": { "A b": {} } }), "is not the name of a source"),
    ] {
        let error = changed(&changes).unwrap_err();
        assert!(error.contains(told), "{error}: {told}");
    }
    let error = Configuration::named("sources/1", Some("{")).unwrap_err().to_string();
    assert!(error.starts_with("the changes to the source configuration are not JSON"), "{error}");
}

#[test]
fn a_source_has_a_page_for_each_of_its_names_that_is_confirmed_and_each_only_once() {
    let configuration = changed(&of_a(&json!({
        "names": { "acme": "p1" },
        "pages": { "plan": { "path": "/plan?of={subject}", "reader": "frankfurter-rates", "about": { "these": ["x"] } } },
    })))
    .unwrap();
    let name: SourceName = "a".parse().unwrap();
    let source = &configuration.sources[&name];
    let confirmed = ["acme", "beta"].map(|subject| subject.parse().unwrap()).into();
    let pages: Vec<String> = source
        .all_pages(&name, &confirmed)
        .iter()
        .map(|id| configuration.find(id).unwrap().address(id.subject.as_ref()).unwrap().to_string())
        .collect();
    assert_eq!(
        pages,
        ["https://a.example/hosters/acme", "https://a.example/hosters/beta", "https://a.example/plan?of=x"]
    );
}

#[test]
fn a_source_may_have_prices_about_others_and_a_second_best_about_the_same() {
    let these = |subject: &str| json!({ "these": [subject] });
    let pages = json!({
        "hoster": { "reader": "vpsbenchmarks-hoster" },
        "second": { "path": "/x/{subject}", "reader": "vultr-prices", "about": "providers", "instead_of": "hoster" },
        "list": { "path": "/list", "reader": "vultr-prices" },
        "rates": { "path": "/rates", "reader": "frankfurter-rates" },
        "north": { "path": "/{subject}", "reader": "vultr-prices", "about": these("north") },
        "south": { "path": "/{subject}", "reader": "vultr-prices", "about": these("south") },
    });
    changed(&of_a(&json!({ "pages": pages }))).unwrap();
}

#[test]
fn a_page_that_is_configured_no_more_is_not_found() {
    let configuration = changed(&of_a(&json!({}))).unwrap();
    let id = |source: &str, page: &str, subject: Option<&str>| PageId {
        source: source.parse().unwrap(),
        page: page.parse().unwrap(),
        subject: subject.map(|subject| subject.parse().unwrap()),
    };
    assert!(configuration.find(&id("a", "hoster", Some("acme"))).is_some());
    for gone in [id("a", "hoster", None), id("a", "plan", None), id("b", "hoster", Some("acme"))] {
        assert!(configuration.find(&gone).is_none(), "{gone}");
    }
}
