use serde_json::json;

use super::*;
use crate::outcome::Unrecognised;
use crate::page::tests::{facts_in, fixture, without_rungs};
use crate::text::Doubt;

fn read_plan(name: &str) -> ParseOutcome<Plan> {
    let slug = PlanSlug::new("hostinger", "kvm-8").unwrap();
    plan(&Page::read(&fixture(name)), &slug, &synonyms().unwrap())
}

fn read_hoster(name: &str) -> ParseOutcome<HosterPage> {
    hoster(&Page::read(&fixture(name)), &"verpex".parse().unwrap(), &synonyms().unwrap())
}

fn read_trial(name: &str, slug: &str) -> ParseOutcome<Trial> {
    trial(&Page::read(&fixture(name)), &slug.parse().unwrap(), &synonyms().unwrap())
}

fn read_yabs(name: &str) -> ParseOutcome<YabsRun> {
    let slug = "hetzner-16c-31gb-20251125-8f0aa2".parse().unwrap();
    yabs(&Page::read(&fixture(name)), &slug, &synonyms().unwrap())
}

#[test]
fn the_same_facts_in_three_skeletons_are_the_same_facts() {
    let trial_slug = "ovhcloud_performance_trial_09Dec2025";
    for skeleton in ["dl", "cards"] {
        for (kind, here, there) in [
            (
                "plan",
                facts_in(read_plan("vpsbenchmarks/plan-table.html")),
                facts_in(read_plan(&format!("vpsbenchmarks/plan-{skeleton}.html"))),
            ),
            (
                "hoster",
                facts_in(read_hoster("vpsbenchmarks/hoster-table.html")),
                facts_in(read_hoster(&format!("vpsbenchmarks/hoster-{skeleton}.html"))),
            ),
            (
                "trial",
                facts_in(read_trial("vpsbenchmarks/trial-table.html", trial_slug)),
                facts_in(read_trial(&format!("vpsbenchmarks/trial-{skeleton}.html"), trial_slug)),
            ),
            (
                "yabs",
                facts_in(read_yabs("vpsbenchmarks/yabs-table.html")),
                facts_in(read_yabs(&format!("vpsbenchmarks/yabs-{skeleton}.html"))),
            ),
        ] {
            assert_eq!(here, there, "{kind} as {skeleton}");
        }
    }
}

#[test]
fn a_plan_is_what_the_reference_quotes_of_it() {
    let plan = read_plan("vpsbenchmarks/plan-table.html").facts().unwrap();
    assert_eq!(
        serde_json::to_value(plan.machine.specification()).unwrap(),
        json!({
            "class": "shared", "vcpus": 8, "memory_mib": 32_768, "disk_gb": 400, "cpu_model": "AMD EPYC 9354P", "virtualisation": "kvm"
        })
    );
    let (price, terms) = plan.prices.list(plan.machine.traffic.as_ref()).unwrap();
    assert_eq!(serde_json::to_value(price).unwrap(), json!({"minor_units": 7_399, "currency": "USD"}));
    assert_eq!(terms.traffic_gb.map(u32::from), Some(32_000));
    assert_eq!(
        without_rungs(&plan.grades, true),
        json!({
            "version": "v2021.11", "score": null, "overall": "C", "web": "C", "cpu": "A", "disk": "B", "network": "D", "stability": "D"
        })
    );
    assert_eq!(
        without_rungs(
            &(plan.provider, plan.name, plan.prices.first_month, plan.prices.yearly_contract),
            true
        ),
        json!(["Hostinger", "KVM 8", {"money": {"minor_units": 5_099, "currency": "USD"}}, {"money": {"minor_units": 5_399, "currency": "USD"}}])
    );
}

#[test]
fn data_for_programs_says_the_same_as_the_page_for_people() {
    let of = |name| without_rungs(&read_plan(name).facts().unwrap(), true);
    assert_eq!(of("vpsbenchmarks/plan-json.html"), of("vpsbenchmarks/plan-table.html"));
}

#[test]
fn a_trial_has_its_day_from_page_and_address_and_none_where_they_differ() {
    let read = |slug| read_trial("vpsbenchmarks/trial-table.html", slug).facts().unwrap();
    let trial = read("ovhcloud_performance_trial_09Dec2025");
    assert_eq!(trial.date.as_ref().and_then(Said::value), Day::parse("2025-12-09").ok().as_ref());
    assert_eq!(
        without_rungs(
            &(trial.plan.grades, trial.plan.machine.hyperthreading, trial.plan.prices.monthly),
            true
        ),
        json!([
            {"version": null, "score": "49", "overall": null, "web": {"doubt": "absent"}, "cpu": "C", "disk": "C", "network": "C", "stability": "D"},
            false,
            {"money": {"minor_units": 1_999, "currency": "EUR"}}
        ])
    );
    let other = read("ovhcloud_performance_trial_10Dec2025");
    assert_eq!(other.date.and_then(|date| date.doubt()), Some(Doubt::Contradictory));
}

#[test]
fn a_providers_page_lists_his_trials_and_plans() {
    let page = read_hoster("vpsbenchmarks/hoster-cards.html").facts().unwrap();
    let trials: Vec<_> = page
        .trials
        .iter()
        .map(|(slug, trial)| {
            (
                slug.day().to_string(),
                without_rungs(&trial.plan.grades.score, true),
                without_rungs(&trial.provisioning_seconds, true),
            )
        })
        .collect();
    assert_eq!(
        trials,
        [
            ("2026-09-12".to_owned(), json!("73"), json!(90)),
            ("2026-02-03".to_owned(), json!("68"), json!(72_000)),
            ("2025-07-04".to_owned(), json!({"doubt": "absent"}), json!({"doubt": "absent"})),
        ]
    );
    let prices: Vec<_> = page
        .plans
        .iter()
        .map(|(slug, plan)| (slug.plan(), plan.prices.list(None).unwrap().0.minor_units))
        .collect();
    assert_eq!(prices, [("ls-s1", 1_000), ("ls-s2", 132_400)]);
    assert_eq!(without_rungs(&page.consistency, true), json!("71"));
}

#[test]
fn a_run_is_summed_up_with_its_units() {
    let run = read_yabs("vpsbenchmarks/yabs-dl.html").facts().unwrap();
    let said = (
        run.geekbench_single,
        run.geekbench_multi,
        run.disk_rate_4k,
        run.disk_rate_1m,
        run.date,
        run.machine.memory,
    );
    assert_eq!(
        without_rungs(&said, true),
        json!([2_849, 13_063, 57_500_000, 1_980_000_000, "2025-11-25", 31_u64 << 30])
    );
}

#[test]
fn what_is_no_plan_is_unrecognised_and_says_in_which_way() {
    for (name, expected) in [
        ("odd/renamed.html", Unrecognised::Layout),
        ("odd/value-above-label.html", Unrecognised::Layout),
        ("odd/challenge.html", Unrecognised::Challenge),
        ("odd/sign-in.html", Unrecognised::Challenge),
        ("odd/truncated.html", Unrecognised::Truncated),
        ("serververify/list-table.html", Unrecognised::Layout),
    ] {
        let ParseOutcome::Unrecognised { why, .. } = read_plan(name) else { panic!("{name} was recognised") };
        assert_eq!(why, expected, "{name}");
    }
}

#[test]
fn every_text_without_a_value_says_why_and_what_it_was() {
    let plan = read_plan("odd/not-available.html").facts().unwrap();
    let machine = &plan.machine;
    assert_eq!(
        without_rungs(
            &(&machine.cores, &machine.memory, &machine.disk, &machine.traffic, &machine.network_rate),
            true
        ),
        json!([{"doubt": "absent"}, {"doubt": "absent"}, 400_000_000_000_u64, "unlimited", 2_500_000_000_u64])
    );
    assert_eq!(
        without_rungs(&(&plan.prices, &machine.cpu_model, &machine.burstable_cpu), false),
        json!([
            {
                "monthly": {"raw": "$1.324", "doubt": "ambiguous"},
                "first_month": {"raw": "", "doubt": "absent"},
                "yearly_contract": null
            },
            {"raw": "n/a", "doubt": "absent"},
            {"raw": "maybe", "doubt": "unreadable"}
        ])
    );
}

#[test]
fn a_price_without_a_certain_currency_is_no_price_and_the_rest_stands() {
    let plan = read_plan("odd/wrong-currency.html").facts().unwrap();
    assert_eq!(plan.prices.list(None), None);
    assert_eq!(
        without_rungs(&plan.prices, true),
        json!({"monthly": {"doubt": "no-currency"}, "first_month": {"doubt": "no-currency"}, "yearly_contract": {"doubt": "unreadable"}})
    );
    assert_eq!(plan.machine.cores.and_then(|cores| cores.value().copied()).map(u16::from), Some(8));
}

#[test]
fn a_page_that_says_two_things_under_one_label_says_neither() {
    let plan = read_plan("odd/twice.html").facts().unwrap();
    let cores = plan.machine.cores.unwrap();
    assert_eq!((cores.doubt(), cores.raw.as_str()), (Some(Doubt::Contradictory), "8 | 4"));
    assert_eq!(plan.machine.disk.and_then(|disk| disk.value().copied()), Some(trust::units::Size::gb(400)));
}

/// The same with all values that stand in rows of a table made by a script.
fn emptied(html: &[u8]) -> String {
    let mut parts = std::str::from_utf8(html).unwrap().split("<td>");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |page, part| page + "<td x-text=\"value\">" + part.split_once("</td>").unwrap().1)
}

#[test]
fn a_page_whose_values_come_by_script_is_not_recognised() {
    let page = Page::read(emptied(&fixture("vpsbenchmarks/plan-table.html")).as_bytes());
    let slug = PlanSlug::new("hostinger", "kvm-8").unwrap();
    assert!(matches!(plan(&page, &slug, &synonyms().unwrap()), ParseOutcome::Unrecognised { .. }));
    let page = Page::read(emptied(&fixture("vpsbenchmarks/trial-table.html")).as_bytes());
    let slug = "ovhcloud_performance_trial_09Dec2025".parse().unwrap();
    assert!(matches!(trial(&page, &slug, &synonyms().unwrap()), ParseOutcome::Unrecognised { .. }));
}

fn hoster_of(of: &str, html: &str) -> ParseOutcome<HosterPage> {
    hoster(&Page::read(html.as_bytes()), &of.parse().unwrap(), &synonyms().unwrap())
}

#[test]
fn what_a_providers_page_lists_of_others_is_left_out_and_counted() {
    let row = |link: &str| format!("<tr><td><a href={link}>x</a><td>2<td>4 GB<td>$5<td>40</tr>");
    let page = |links: &[&str]| {
        let rows: String = links.iter().map(|link| row(link)).collect();
        format!("<h1>Review</h1><table><tr><th>Plan<th>Cores<th>RAM<th>Price<th>Score</tr>{rows}</table>")
    };
    let links = [
        "/hosters/server_optima/plans/a",
        "/hosters/contabo/plans/vps-10",
        "/trials/server_optima_performance_trial_09Dec2025",
        "/trials/optima_performance_trial_09Dec2025",
    ];
    let found = hoster_of("server_optima", &page(&links)).facts().unwrap();
    assert_eq!((found.plans.len(), found.trials.len(), found.others), (1, 1, 2));
    assert_eq!((found.plans[0].0.plan(), found.trials[0].0.hoster().as_str()), ("a", "server_optima"));
    let why = |outcome| match outcome {
        ParseOutcome::Unrecognised { why, .. } => why,
        ParseOutcome::Recognised { facts, .. } => panic!("{facts:?}"),
    };
    assert_eq!(why(hoster_of("optima", &page(&links[..2]))), Unrecognised::Layout);
    let no_list = "<h1>Review</h1><dl><dt>Consistency score<dd>71/100</dl>";
    assert_eq!(why(hoster_of("optima", no_list)), Unrecognised::Layout, "it lists neither plan nor trial");
}

#[test]
fn plans_that_a_tool_says_are_anothers_are_left_out_and_counted() {
    let plan = |hoster: Value| json!({ "plan_name": "A", "num_cores": 2, "memory_gb": 4, "hoster": hoster });
    let answer = json!([
        plan(json!("Server Optima")),
        plan(json!("Contabo")),
        plan(json!("server-optima")),
        plan(json!(null))
    ]);
    let of = |subject: Option<&str>| {
        let subject = subject.map(|subject| subject.parse().unwrap());
        plans_in(&answer, subject.as_ref(), &synonyms().unwrap())
    };
    let found = of(Some("server_optima")).facts().unwrap();
    assert_eq!((found.plans.len(), found.others), (3, 1));
    assert_eq!(of(None).facts().unwrap().plans.len(), 4, "of a tool that was asked about nobody");
    let contabo = json!([plan(json!("Contabo"))]);
    let other = plans_in(&contabo, Some(&"hetzner".parse().unwrap()), &synonyms().unwrap());
    assert!(matches!(other, ParseOutcome::Unrecognised { why: Unrecognised::Layout, .. }));
}

#[test]
fn a_price_in_another_currency_than_the_pages_is_no_price() {
    let monthly = |currency: &str, price: &str| {
        let html = format!(
            "<dl><dt>Price<dd>{price}<dt>Currency<dd>{currency}<dt>Cores<dd>2<dt>RAM<dd>4 GB<dt>Disk<dd>40 GB</dl>"
        );
        let plan =
            plan(&Page::read(html.as_bytes()), &PlanSlug::new("a", "b").unwrap(), &synonyms().unwrap());
        let said = plan.facts().unwrap().prices.monthly.unwrap();
        said.value().map(|price| String::from(price.money.currency)).ok_or_else(|| said.doubt().unwrap())
    };
    for (currency, price, expected) in [
        ("CAD", "$20", Err(Doubt::Contradictory)),
        ("EUR", "$20", Err(Doubt::Contradictory)),
        ("CAD", "CA$20", Ok("CAD")),
        ("USD", "$20", Ok("USD")),
        ("EUR", "20", Ok("EUR")),
        ("N/A", "$20", Ok("USD")),
        ("USD EUR GBP", "$20", Ok("USD")),
        ("USD EUR GBP", "20", Err(Doubt::Unreadable)),
    ] {
        assert_eq!(monthly(currency, price), expected.map(str::to_owned), "{price} of {currency}");
    }
}

#[test]
fn a_sentence_that_mentions_another_plan_makes_nobody_elses_what_stands_beside_it() {
    let read = |behind: &str| {
        let specs = "<table><tr><th>Num Cores<td>8<tr><th>Memory GBs<td>32<tr><th>Disk GBs<td>400</table>";
        let html = format!("<main><h1>KVM 8</h1><div class=content>{specs}{behind}</div></main>");
        plan(
            &Page::read(html.as_bytes()),
            &PlanSlug::new("hostinger", "kvm-8").unwrap(),
            &synonyms().unwrap(),
        )
    };
    for behind in [
        "<p>Compare <a href=/hosters/hostinger/plans/kvm-4>KVM 4</a></p>",
        "<p>Smaller: <b><a href=/hosters/hostinger/plans/kvm-4>KVM 4</a></b> or <a href=/hosters/hostinger/plans/kvm-4>its page</a>.</p>",
    ] {
        let plan = read(behind).facts().unwrap();
        assert_eq!(
            plan.machine.cores.and_then(|cores| cores.value().map(|cores| cores.get())),
            Some(8),
            "{behind}"
        );
    }
    // Whose these are is not certain: the link, or the sentence around it, may head a card as well.
    for behind in [
        "<p><a href=/hosters/hostinger/plans/kvm-4>KVM 4</a></p>",
        "<p>Plan: <a href=/hosters/hostinger/plans/kvm-4>KVM 4</a></p>",
        "<div class=card><p>Need less? See <a href=/hosters/hostinger/plans/kvm-4>KVM 4</a></p><dl><dt>Monthly price<dd>$9.99</dl></div>",
        "<p>Compare <a href=/hosters/hostinger/plans/kvm-4>KVM 4</a></p><a href=/hosters/hostinger/plans/kvm-4>Details</a>",
    ] {
        assert!(matches!(read(behind), ParseOutcome::Unrecognised { .. }), "{behind}");
    }
}

#[test]
fn addresses_are_read_as_the_site_writes_them_and_no_others_are() {
    for path in [
        "/hosters/hetzner",
        "/hosters/ovhcloud_us/plans/vps-4-2027",
        "/hosters/vultr/plans/regular_8gb_4cores",
        "/hosters/netcup/plans/2240",
        "/trials/ovhcloud_performance_trial_09Dec2025",
        "/trials/hetzner_performance_trial_17Oct2020/endurance_runs",
        "/yabs/hetzner-16c-31gb-20251125-8f0aa2",
        "/yabs/contabo-8c-31gb-20260611-tg10226",
        "/yabs/hetzner-2c-4gb-e277e9",
        "/yabs/unknown-32c-126gb-616b0a",
        "/plan_grades/metrics/v2021.11",
    ] {
        assert_eq!(path.parse::<Address>().map(|address| address.to_string()), Ok(path.to_owned()));
        for link in [
            format!("https://www.vpsbenchmarks.com{path}"),
            format!("http://vpsbenchmarks.com{path}/?a=b#c"),
            path.to_owned(),
        ] {
            assert_eq!(Address::of_link(&link), path.parse().ok(), "{link}");
        }
        assert_eq!(Address::of_link(&format!("https://vpsbenchmarks.com.example{path}")), None);
    }
    for path in [
        "/",
        "",
        "hosters/hetzner",
        "/hosters/",
        "/hosters/Hetzner",
        "/hosters/a/b",
        "/hosters/a/plans/",
        "/hosters/a/plans/b c",
        "/trials/hetzner",
        "/trials/hetzner_performance_trial_31Feb2025",
        "/trials/hetzner_performance_trial_20251209",
        "/yabs/get_started",
        "/yabs/upload",
        "/yabs/hetzner-16c-31gb-20251325-8f0aa2",
        "/yabs/hetzner-16c-31gb-8F0AA2",
        "/plan_grades/metrics/local_web_runs",
        "/compare/hetzner",
        "javascript://vpsbenchmarks.com/hosters/a",
    ] {
        assert!(path.parse::<Address>().is_err(), "{path}");
        assert_eq!(Address::of_link(path), None, "{path}");
    }
    let run: YabsSlug = "unknown-32c-126gb-616b0a".parse().unwrap();
    assert_eq!((run.hoster(), run.cores(), run.memory_gib(), run.day()), (None, 32, 126, None));
}
