//! The cases of RFC 9309 and those that Google documents for its own reading of `robots.txt`.

use proptest::prelude::*;

use super::*;

fn now() -> Moment {
    Moment::from_unix(1_790_000_000).unwrap()
}

fn body(text: impl Into<Vec<u8>>) -> Body {
    Body { bytes: text.into(), is_cut: false }
}

fn of(text: &str) -> Rules {
    rules(200, &HeaderMap::new(), &body(text), now())
}

fn allows(rules: &Rules, path: &str) -> bool {
    rules.allow(&Url::parse("https://a.example").unwrap().join(path).unwrap())
}

/// Rules that this path pattern is disallowed to us.
fn disallowing(pattern: &str) -> Rules {
    of(&format!("User-agent: *\nDisallow: {pattern}\n"))
}

#[test]
fn path_patterns_match_what_googles_table_says() {
    // "URL matching based on path values", Google's documentation of robots.txt: (pattern, matches, does not match).
    let table: [(&str, &[&str], &[&str]); 7] = [
        ("/", &["/", "/anything/at/all"], &[]),
        (
            "/fish",
            &[
                "/fish",
                "/fish.html",
                "/fish/salmon.html",
                "/fishheads",
                "/fishheads/yummy.html",
                "/fish.php?id=anything",
            ],
            &["/Fish.asp", "/catfish", "/?id=fish", "/desert/fish"],
        ),
        (
            "/fish*",
            &[
                "/fish",
                "/fish.html",
                "/fish/salmon.html",
                "/fishheads",
                "/fishheads/yummy.html",
                "/fish.php?id=anything",
            ],
            &["/Fish.asp", "/catfish", "/?id=fish", "/desert/fish"],
        ),
        (
            "/fish/",
            &["/fish/", "/fish/?id=anything", "/fish/salmon.htm"],
            &["/fish", "/fish.html", "/animals/fish/", "/Fish/Salmon.asp"],
        ),
        (
            "/*.php",
            &[
                "/index.php",
                "/filename.php",
                "/folder/filename.php",
                "/folder/filename.php?parameters",
                "/folder/any.php.file.html",
                "/filename.php/",
            ],
            &["/", "/windows.PHP"],
        ),
        (
            "/*.php$",
            &["/filename.php", "/folder/filename.php"],
            &["/filename.php?parameters", "/filename.php/", "/filename.php5", "/windows.PHP"],
        ),
        ("/fish*.php", &["/fish.php", "/fishheads/catfish.php?parameters"], &["/Fish.PHP"]),
    ];
    for (pattern, matching, others) in table {
        let rules = disallowing(pattern);
        for path in matching {
            assert!(!allows(&rules, path), "{pattern} {path}");
        }
        for path in others {
            assert!(allows(&rules, path), "{pattern} {path}");
        }
    }
}

#[test]
fn the_most_specific_rule_wins_and_of_two_alike_the_one_that_allows() {
    // "Order of precedence for rules", the same documentation, and RFC 9309, section 2.2.2.
    for (allow, disallow, path, is_allowed) in [
        ("/p", "/", "/page", true),
        ("/folder", "/folder", "/folder/page", true),
        ("/page", "/*.htm", "/page.htm", false),
        ("/page", "/*.ph", "/page.php5", true),
        ("/$", "/", "/", true),
        ("/$", "/", "/page.htm", false),
        ("/example/page/", "/example/page/disallowed.gif", "/example/page/disallowed.gif", false),
        ("/example/page/", "/example/page/disallowed.gif", "/example/page/", true),
    ] {
        for text in [
            format!("User-agent: *\nAllow: {allow}\nDisallow: {disallow}\n"),
            format!("User-agent: *\nDisallow: {disallow}\nAllow: {allow}\n"),
        ] {
            assert_eq!(allows(&of(&text), path), is_allowed, "{text} {path}");
        }
    }
}

#[test]
fn encoded_and_plain_spellings_of_a_path_are_one() {
    // RFC 9309, section 2.2.2: the table of percent-encodings.
    for (pattern, path) in [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar/\u{30c4}", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/\u{30c4}"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
    ] {
        assert!(!allows(&disallowing(pattern), path), "{pattern} {path}");
        assert!(allows(&disallowing(pattern), "/foo/else"), "{pattern}");
    }
}

#[test]
fn our_own_group_is_ours_and_the_one_for_all_is_for_those_without() {
    // RFC 9309, section 2.2.1; Google: "Order of precedence for user agents" and "Grouping of user agents and rules".
    let groups = "User-agent: *\nDisallow: /for-all\n\n\
         User-agent: OtherBot\nUser-agent: ProviderTrustBot\nDisallow: /for-both\nCrawl-delay: 7\n\n\
         User-agent: providertrustbot\nDisallow: /once-more\n";
    for (text, path, is_allowed) in [
        (groups, "/for-all", true),
        (groups, "/for-both", false),
        (groups, "/once-more", false),
        ("User-agent: OtherBot\nDisallow: /\n", "/", true),
        ("User-agent: PROVIDERTRUSTBOT\nDisallow: /\n", "/", false),
        ("Disallow: /\n", "/", true),
        ("user-agent: *\r\ndisallow: /a\r\rdisallow: /b\n", "/a", false),
        ("\u{feff}user-agent: *\ndisallow: /a # for now\n", "/a", false),
        ("user-agent: *\ndisallow:\n", "/a", true),
        ("<html><body>Not found</body></html>", "/a", true),
        ("", "/a", true),
    ] {
        assert_eq!(allows(&of(text), path), is_allowed, "{text} {path}");
    }
    assert!(allows(&disallowing("/"), "/robots.txt"));
    assert_eq!((of(groups).delay(), of("").delay()), (7, 0));
    assert_eq!(of("user-agent: *\ncrawl-delay: 1.5\n").delay(), 2);
    assert_eq!(of("user-agent: *\ncrawl-delay: soon\n").delay(), 0);
}

#[test]
fn a_group_that_names_us_with_anything_behind_the_name_is_ours() {
    // Google, "Order of precedence for user agents": "All non-matching text is ignored (for example, both googlebot/1.2 and googlebot*
    // are equivalent to googlebot)."
    for name in ["ProviderTrustBot/0.1", "ProviderTrustBot*", "providertrustbot 2", "PROVIDERTRUSTBOT # us"] {
        let rules = of(&format!("User-agent: *\nAllow: /\n\nUser-agent: {name}\nDisallow: /\n"));
        assert!(!allows(&rules, "/a"), "{name}");
    }
    for name in ["ProviderTrustBotNews", "ProviderTrustBot-News", "Provider", "*bot", "MyProviderTrustBot"] {
        let rules = of(&format!("User-agent: {name}\nDisallow: /\n"));
        assert!(allows(&rules, "/a"), "{name}");
    }
    assert!(!allows(&of("user-agent: * # all\ndisallow: /\n"), "/a"));
}

#[test]
fn a_line_that_is_no_rule_does_not_end_a_group() {
    // RFC 9309, section 2.2.4; Google, "Grouping of user agents and rules": rules other than allow, disallow and user-agent are ignored,
    // so that this is one group.
    for other in [
        "sitemap: https://a.example/sitemap.xml",
        "crawl-delay: 5",
        "host: a.example",
        "noindex: /",
        "# a word",
        "",
    ] {
        for (first, second) in [("ProviderTrustBot", "b"), ("a", "ProviderTrustBot"), ("*", "b")] {
            let rules = of(&format!("user-agent: {first}\n{other}\nuser-agent: {second}\ndisallow: /\n"));
            assert!(!allows(&rules, "/a"), "{first} {other} {second}");
        }
    }
    let rules = of("user-agent: *\ncrawl-delay: 5\ndisallow: /a\ncrawl-delay: 7\ndisallow: /b\n");
    assert_eq!((allows(&rules, "/a"), allows(&rules, "/b"), rules.delay()), (false, false, 5));
}

#[test]
fn no_line_keeps_us_from_a_host_for_ever() {
    let keep = 3_600;
    for delay in ["4294967295", "10000000", "1e15", "86400"] {
        let rules = of(&format!("user-agent: *\ncrawl-delay: {delay}\n"));
        assert!((43_200..=86_400).contains(&rules.delay()), "{delay}");
        // Whoever waits for it is not sent to read the rules once more instead.
        assert!(rules.are_fresh(keep, now().plus(i64::from(rules.delay()))), "{delay}");
    }
    for nonsense in ["inf", "nan", "1e300", "-1"] {
        assert_eq!(of(&format!("user-agent: *\ncrawl-delay: {nonsense}\n")).delay(), 0, "{nonsense}");
    }
}

#[test]
fn a_host_without_rules_that_asks_for_time_gets_it() {
    let says = |status, wait: &str| {
        let headers = HeaderMap::from_iter([(hyper::header::RETRY_AFTER, wait.parse().unwrap())]);
        rules(status, &headers, &body(""), now())
    };
    for status in [429, 503] {
        let asked = says(status, "86400");
        assert!(asked.are_fresh(86_400, now().plus(86_399)) && !asked.are_fresh(86_400, now().plus(86_400)));
        assert!(says(status, "60").are_fresh(86_400, now().plus(1_799)));
    }
}

#[test]
fn without_a_file_all_is_allowed_and_without_an_answer_nothing_is() {
    // RFC 9309, sections 2.3.1.3 and 2.3.1.4.
    let says = |status| {
        let rules = rules(status, &HeaderMap::new(), &body("user-agent: *\ndisallow: /"), now());
        (allows(&rules, "/a"), rules.is_reachable())
    };
    for status in [400, 401, 403, 404, 410, 418, 451] {
        assert_eq!(says(status), (true, true), "{status}");
    }
    for status in [429, 500, 502, 503, 504, 204, 304] {
        assert_eq!(says(status), (false, false), "{status}");
    }
    assert_eq!(says(200), (false, true));
    let mut packed = HeaderMap::new();
    packed.insert("content-encoding", "gzip".parse().unwrap());
    assert!(!rules(200, &packed, &body(""), now()).is_reachable());
}

#[test]
fn of_a_file_without_end_the_first_500_kib_count_to_the_last_whole_line() {
    // RFC 9309, section 2.5.
    let mut text = "user-agent: *\ndisallow: /early\n".to_owned();
    while text.len() < robotxt::BYTE_LIMIT - 20 {
        text.push_str("# filler\n");
    }
    text.push_str("disallow: /late-and-cut-off\n");
    text.push_str(&"disallow: /later\n".repeat(1_000));
    text.truncate(robotxt::BYTE_LIMIT + 1);
    let rules = of(&text);
    assert_eq!(
        [allows(&rules, "/early"), allows(&rules, "/late"), allows(&rules, "/later")],
        [false, true, true]
    );
}

#[test]
fn what_is_kept_of_any_file_fits_and_means_the_same() {
    let many = |count: usize| {
        let lines: Vec<String> = (0..count).map(|n| format!("disallow: /{n:06}{}", "x".repeat(80))).collect();
        let lines = lines.join("\n") + "\n";
        of(&format!("user-agent: *\n{lines}{}", "sitemap: https://a.example/sitemap.xml\n".repeat(1_000)))
    };
    let escaped = of(&format!("user-agent: *\ndisallow: /{}\n", "\\".repeat(250_000)));
    assert!(!escaped.is_reachable() && serde_json::to_string(&escaped).unwrap().len() < 1_024);
    for (count, is_reachable) in [(10, true), (2_000, true), (4_000, false)] {
        let rules = many(count);
        assert_eq!(rules.is_reachable(), is_reachable, "{count}");
        let kept = serde_json::to_string(&rules).unwrap();
        assert!(kept.len() <= LONGEST_KEPT + 1_024, "{}", kept.len());
        assert!(!kept.contains("sitemap.xml"));
        assert_eq!(serde_json::from_str::<Rules>(&kept).unwrap(), rules);
    }
}

#[test]
fn rules_are_gone_by_for_a_day_at_most_and_no_answer_for_half_an_hour() {
    let day = 86_400;
    let (good, none) = (of(""), Rules::unreachable(now()));
    let later = |seconds| now().plus(seconds);
    assert!(good.are_fresh(day, later(86_399)) && !good.are_fresh(day, later(86_400)));
    assert!(none.are_fresh(day, later(1_799)) && !none.are_fresh(day, later(1_800)));
    assert!(!good.are_fresh(day, now().plus(-1)));
}

proptest! {
    #[test]
    fn any_bytes_are_rules_that_read_back(bytes in prop::collection::vec(any::<u8>(), 0..2_000), path in "/[0-9A-Za-z%*$?&=._~ -]{0,40}") {
        let rules = rules(200, &HeaderMap::new(), &body(bytes), now());
        allows(&rules, &path);
        let kept = serde_json::to_string(&rules).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Rules>(&kept).unwrap(), &rules);
    }
}
