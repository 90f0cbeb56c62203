//! What people see: pages rendered here, with pictures inline, readable on a phone, in light and dark, without script but for the
//! check of a proof.

mod bars;
mod chart;
mod claims;
mod compare;
mod contracts;
mod feedback;
mod figures;
pub(crate) mod frame;
mod history;
pub(crate) mod list;
mod price;
mod proof;
mod provider;
mod sites;
pub(crate) mod uptime;
pub(crate) mod words;

use axum::{http::StatusCode, response::Response};

use crate::answer;

pub(crate) use compare::{Compared, bad_comparison, compare};
pub(crate) use list::{bad_search, list};
pub(crate) use proof::proof;
pub(crate) use provider::{Known, SIBLINGS_SHOWN, provider};

/// The answer where there is no such provider.
pub(crate) fn no_provider(id: &str) -> Response {
    answer::html_with(StatusCode::NOT_FOUND, provider::unknown(id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use table::{Card, History, HistoryEntry, Page};
    use trust::{
        contract::{ContractCount, ContractDay, Outcome, Stage},
        duration::Bucket,
        feedback::{Answer, FeedbackCount, Question, Standing},
        id::{AccountId, ConversationId, ConversationNumber},
        marketplace::CancelledBy,
        policy::{Family, Policy},
        provider::Provider,
        renters::{Renters, Served},
        replies::{Counts, Kept, OpenWait, Promise, Rank, ReplyDay, Scope, WaitCount},
        score::Points,
        summary::{Days, Siblings, Signals, Summary, summarise},
        uptime::{
            day::Tally,
            facts::Facts,
            reports::{Disagreement, Reported, Reporter, Said, Says},
        },
    };

    use super::{Compared, Known, words::NBSP};
    use crate::{
        asked::Parameters,
        overview::{Overview, Window},
        samples,
        view::uptime::ReportedOf,
    };

    fn summary() -> Summary {
        summarise(Policy::current(), &"p1".parse().unwrap(), &Signals::default(), samples::now())
    }

    fn page(facts: &[Facts]) -> String {
        page_with(facts, &ReportedOf::new())
    }

    fn page_with(facts: &[Facts], reported: &ReportedOf) -> String {
        page_of(&summary(), facts, reported)
    }

    fn page_of(summary: &Summary, facts: &[Facts], reported: &ReportedOf) -> String {
        let now = samples::now();
        let quarter = Overview::of(facts, Window::quarter(now), now);
        let month = Overview::of(facts, Window::month(now), now);
        let history = History { page: Page { items: Vec::new(), next: None }, before: None };
        let known = Known {
            summary,
            quarter: &quarter,
            month: &month,
            facts,
            reported,
            history: &history,
            claims: &crate::view::claims::Claims::of(
                summary,
                Vec::new(),
                &crate::view::claims::Held::default(),
                Vec::new(),
                now.day(),
            ),
            siblings: &[],
            priced: &[],
            base: "https://trust.example",
        };
        super::provider(&known).into_string()
    }

    /// The same as it reads, wherever its lines may end.
    fn read(summary: &Summary) -> String {
        page_of(summary, &[], &ReportedOf::new()).replace(NBSP, " ")
    }

    /// A provider whose contracts went in several ways, and whose renters said this often yes and this often no.
    fn told(yes: u64, no: u64) -> Summary {
        let today = samples::now().day();
        let contracts = [
            (Outcome::Completed, 12),
            (Outcome::ProvisioningFailed, 1),
            (Outcome::Rejected, 2),
            (Outcome::Minimal, 3),
        ];
        let contracts: ContractDay =
            contracts.into_iter().map(|(outcome, count)| (ContractCount::Outcome(outcome), count)).collect();
        let vote = |question, answer, standing| FeedbackCount { question, answer, standing };
        let feedback = [
            (vote(Question::MatchedDescription, Answer::Yes, Standing::Counted), yes),
            (vote(Question::MatchedDescription, Answer::No, Standing::Counted), no),
            (vote(Question::RentAgain, Answer::Yes, Standing::Counted), yes + no),
            (vote(Question::RentAgain, Answer::Yes, Standing::TooShort), 2),
        ];
        let days = Days {
            contracts: BTreeMap::from([(today.minus(40), contracts)]),
            feedback: BTreeMap::from([(today.minus(30), feedback.into_iter().collect())]),
            ..Days::default()
        };
        let renters = Renters::new([(Served::of(1).unwrap(), 6), (Served::of(3).unwrap(), 2)].into());
        let signals = Signals { days, renters, ..Signals::default() };
        summarise(Policy::current(), &"p1".parse().unwrap(), &signals, samples::now())
    }

    #[test]
    fn each_question_has_a_bar_with_its_interval_and_what_does_not_count_stands_apart() {
        let page = read(&told(8, 2));
        for said in [
            "aria-label=\"8 of 10 answered yes\"",
            "aria-label=\"10 of 10 answered yes\"",
            "<strong>80.0 % yes</strong> (54.0 % to 93.1 %): 8 yes, 2 no",
            "the service was there for under an hour</th><td class=\"n\">2</td>",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        let none = read(&told(0, 0));
        assert!(none.contains("no answer that counts is revealed yet"));
    }

    #[test]
    fn contracts_have_their_shares_with_n_and_what_is_not_scored_is_named() {
        let page = read(&told(1, 0));
        for said in [
            "for nothing or under an hour, not scored</th><td class=\"n\">3</td>",
            "Handover failed or never came</th><td class=\"n\">7.6 %",
            "Requests declined</th><td class=\"n\">13.3 %",
            "Renters who came back, of all time</th><td class=\"n\">25.0 %",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
    }

    #[test]
    fn what_is_scored_of_replies_stands_beside_what_was_promised() {
        let wait = |hours: u32| {
            let after = Bucket::of(hours * 3600);
            WaitCount { scope: Scope::Contract, rank: Rank::First, after, promise: Kept::Kept }
        };
        let replies =
            BTreeMap::from([(samples::now().day().minus(9), ReplyDay::from([(wait(1), 1), (wait(50), 3)]))]);
        let signals = Signals { days: Days { replies, ..Days::default() }, ..Signals::default() };
        let summary = summarise(Policy::current(), &"p1".parse().unwrap(), &signals, samples::now());
        let page = page_of(&summary, &[], &ReportedOf::new());
        for said in [
            "Within 4\u{a0}h (scored)</th><td class=\"n\">25.0",
            "Within the promised time</th><td class=\"n\">100.0",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
    }

    #[test]
    fn a_shared_link_says_what_it_leads_to_and_shows_a_picture() {
        let page = page(&[]);
        for said in [
            "property=\"og:url\" content=\"https://trust.example/providers/p1\"",
            "property=\"og:image\" content=\"https://trust.example/providers/p1/og.png\"",
            "property=\"og:description\" content=\"p1: no trust score yet\"",
        ] {
            assert!(page.contains(said), "{said}");
        }
    }

    #[test]
    fn the_list_and_the_comparison_stay_below_60_kilobytes_without_a_script() {
        let cards: Vec<Card> =
            (0..50).map(|number| samples::silent_card(&format!("n{number} {}", "x".repeat(60)))).collect();
        let list = super::list(&Parameters::default(), &Page { items: cards, next: None }).into_string();
        let compared: Vec<Compared> = (0..4)
            .map(|number| {
                let summary = samples::summary(&format!("p{number}"), 30, Some(96));
                Compared { card: Card::of(&summary).unwrap(), summary, month: Tally::default() }
            })
            .collect();
        let compared = super::compare(&compared, &[]).into_string();
        for page in [&list, &compared] {
            assert!(page.len() < 60_000, "{} bytes", page.len());
            assert!(!page.contains("<script"));
        }
        assert_eq!(compared.matches("capped").count(), 4);
    }

    #[test]
    fn a_wrong_search_says_what_is_wrong_and_keeps_what_was_filled_in() {
        let asked = Parameters::from_pairs(&[("q", "<a>"), ("min_score", "many")]);
        let page = super::bad_search(&asked, "min_score", "a number from 0 to 100").into_string();
        assert!(page.contains("role=\"alert\"") && page.contains("value=\"&lt;a&gt;\""), "{page}");
    }

    /// A provider of whom there is everything to say: flags, siblings, advice, every kind of wait, votes and contracts.
    fn eventful() -> Summary {
        let today = samples::now().day();
        let mut days = Days::default();
        let scopes = [
            Scope::Contract,
            Scope::PreSales,
            Scope::Unverified,
            Scope::SelfDealing,
            Scope::Minimal,
            Scope::Excess,
        ];
        for ago in 1..90 {
            let wait = |scope, step: u32| WaitCount {
                scope,
                rank: if step.is_multiple_of(2) { Rank::First } else { Rank::Later },
                after: Bucket::of(60 << (step + u32::from(ago) % 5)),
                promise: if step > 6 { Kept::Broken } else { Kept::Kept },
            };
            let waits = scopes.iter().flat_map(|&scope| (0..9).map(move |step| (wait(scope, step), 3)));
            days.replies.insert(today.minus(ago), waits.collect());
            let outcomes = [
                (Outcome::Completed, 4),
                (Outcome::ProvisioningFailed, 4),
                (Outcome::Rejected, 40),
                (Outcome::Minimal, 4),
                (Outcome::SelfDealing, 4),
                (Outcome::AwaitingDelivery, 4),
                (Outcome::AwaitingResponse, 4),
                (Outcome::NoResponse, 4),
                (Outcome::NeverDelivered, 4),
                (Outcome::Cancelled { by: CancelledBy::Provider, stage: Stage::Early }, 12),
            ];
            let outcomes = outcomes.map(|(outcome, count)| (ContractCount::Outcome(outcome), count));
            days.contracts.insert(today.minus(ago), outcomes.into_iter().collect());
        }
        let standings =
            [Standing::Counted, Standing::SameParty, Standing::Free, Standing::TooShort, Standing::Repeated];
        for week in 0..12u16 {
            let votes = standings.iter().flat_map(|&standing| {
                [Question::MatchedDescription, Question::RentAgain].map(|question| {
                    (
                        FeedbackCount { question, answer: Answer::No, standing },
                        if week == 0 { 500 } else { 5 },
                    )
                })
            });
            days.feedback.insert(today.minus(2 + week * 7), votes.collect());
        }
        let profile = serde_json::json!({
            "provider_id": "p1", "name": "n".repeat(200), "operator_id": "op-1", "website": format!("https://{}.example/", "w".repeat(200)),
        });
        let wait = OpenWait {
            scope: Scope::Contract,
            opened_at: samples::now().plus(-96 * 3600),
            conversation: ConversationId { account: AccountId(1), number: ConversationNumber(1) },
            rank: Rank::First,
            promise: Promise::default(),
            silent_after: None,
            counts: Counts::Scored,
        };
        let signals = Signals {
            provider: Provider {
                profile: Some((samples::now(), serde_json::from_value(profile).unwrap())),
                known_since: Some(samples::now().plus(-400 * 86_400)),
                ..Provider::default()
            },
            days,
            renters: Renters::new([(Served::of(1).unwrap(), 6), (Served::of(200).unwrap(), 1)].into()),
            waiting: vec![wait; 40],
            siblings: Some(Siblings {
                operator: "op-1".parse().unwrap(),
                seen_on: today,
                others: 120,
                flagged: 60,
                known_since: Some(samples::now()),
            }),
            ..Signals::default()
        };
        summarise(Policy::current(), &"p1".parse().unwrap(), &signals, samples::now())
    }

    #[test]
    fn the_fullest_page_there_is_stays_below_60_kilobytes() {
        let summary = eventful();
        let services = failing_services();
        let now = samples::now();
        let said = |reporter| {
            let differs = |says| Disagreement { says, slots: 4, spans: Vec::new() };
            let disagreements = vec![differs(Says::Down), differs(Says::Up)];
            let said = Said { up_seconds: 40_000, down_seconds: 14_400, statements: 2, disagreements };
            (reporter, said)
        };
        let of_day = BTreeMap::from(
            [Reporter::Agent, Reporter::UptimeKuma, Reporter::Gatus, Reporter::Alertmanager].map(said),
        );
        let days: BTreeMap<_, _> = (1..30).map(|ago| (now.day().minus(ago), of_day.clone())).collect();
        let reported = services
            .iter()
            .map(|facts| (facts.watch.service.monitor.clone(), Reported { days: days.clone() }));
        let entry = |ago: u16| HistoryEntry {
            day: now.day().minus(ago),
            points: Points::whole(u32::from(40 + ago % 9 * 5)),
            low: Points::whole(u32::from(30 + ago % 9 * 5)),
            high: Points::whole(u32::from(50 + ago % 9 * 5)),
            policy: "trust-score/1".to_owned(),
            inputs_hash: "0".repeat(64),
            capped_from: None,
            families: Family::ALL.map(|family| (family, Points::whole(u32::from(ago % 9)))).to_vec(),
            leaf: Some(1_000_000),
        };
        let history =
            History { page: Page { items: (0..180).map(entry).collect(), next: None }, before: None };
        let siblings: Vec<Card> =
            (0..10).map(|number| samples::silent_card(&format!("s{number} {}", "x".repeat(60)))).collect();
        let offering = |number: u32| -> trust::marketplace::Offering {
            serde_json::from_value(serde_json::json!({
                "provider_id": "p1", "offering_id": format!("offering-{number}"), "name": "x".repeat(60),
                "specification": {
                    "vcpus": 4, "memory_mib": 8192, "disk_gb": 80, "disk_kind": "nvme", "disk_mb_per_second": 900,
                    "network_mbit_per_second": 1000, "cpu_model": "AMD EPYC 9354P 32-Core Processor", "virtualisation": "kvm",
                    "country": "DE", "asn": 64500,
                },
            }))
            .unwrap()
        };
        let site = |site: &str| trust::claims::Source::Benchmark {
            site: site.to_owned(),
            url: format!("https://{site}.example/trials/a_performance_trial_09Dec2025"),
        };
        let evidence = ["one", "two", "three"].map(|name| trust::claims::Evidence {
            source: site(name),
            seen_on: now.day().minus(3),
            figure: trust::claims::Figure::Vcpus(2),
        });
        let published = (0..20)
            .map(|number| (format!("offering-{number}").parse().unwrap(), evidence.to_vec()))
            .collect();
        let offerings = (0..20).map(offering).collect();
        let held = crate::view::claims::Held { evidence: published, ..Default::default() };
        let claims =
            crate::view::claims::Claims::of(&summary, offerings, &held, samples::sites(24), now.day());
        let priced: Vec<_> =
            (0..9).map(|number| samples::priced(&format!("offering-{number}"), 900)).collect();
        let known = Known {
            summary: &summary,
            quarter: &Overview::of(&services, Window::quarter(now), now),
            month: &Overview::of(&services, Window::month(now), now),
            facts: &services,
            reported: &reported.collect(),
            history: &history,
            siblings: &siblings,
            claims: &claims,
            priced: &priced,
            base: "https://trust.example",
        };
        let page = super::provider(&known).into_string();
        let sizes: Vec<(usize, String)> =
            page.split("<h2>").map(|part| (part.len(), part.chars().take(20).collect())).collect();
        assert!(page.len() < 60_000, "{} bytes: {sizes:?}", page.len());
        for said in [
            "What cost most: ",
            "What others say of the rest is in the JSON",
            "What would raise it: ",
            "surveys were answered in one week, and 275 in the",
            "Kaplan-Meier",
            "claimed",
            "more jumps are in the JSON",
            "In contracts, beyond three a renter and week",
            "more services are in the JSON",
            "The site's word, not part of the score. 21 more in the JSON.",
        ] {
            assert!(page.contains(said), "{said}");
        }
        assert!(summary.flags.len() > 7, "{:?}", summary.flags);
    }

    #[test]
    fn a_page_of_a_hundred_failing_services_stays_below_60_kilobytes_and_says_what_it_leaves_out() {
        let page = page(&failing_services());
        assert!(page.len() < 60_000, "{} bytes", page.len());
        for said in ["90 more services are in the JSON", "95 more contracts are in the JSON"] {
            assert!(page.contains(said), "{said}");
        }
    }

    fn failing_services() -> Vec<Facts> {
        let seen = |day: u32, hour: u32| match (day + hour) % 5 {
            0 => 'd',
            1 => '?',
            2 => 'm',
            _ => 'u',
        };
        let service = |number: u32| {
            let name = format!("{number:03}-{}", "n".repeat(50));
            samples::promised(samples::monitor(&name, 91, seen), &format!("c{number}"), 9_990)
        };
        (0..100).map(service).collect()
    }

    #[test]
    fn what_others_report_stands_apart_as_a_claim_and_says_where_it_differs_from_what_we_saw() {
        let facts = [samples::monitor("web", 20, |_, _| 'u')];
        let differs = Disagreement { says: Says::Down, slots: 4, spans: Vec::new() };
        let said = Said { up_seconds: 0, down_seconds: 14_400, statements: 2, disagreements: vec![differs] };
        let of_yesterday = BTreeMap::from([(Reporter::UptimeKuma, said)]);
        let days = BTreeMap::from([(samples::now().day().minus(1), of_yesterday)]);
        let reported = ReportedOf::from([("m-web".parse().unwrap(), Reported { days })]);
        let (with, without) = (page_with(&facts, &reported), page(&facts));
        assert!(!without.contains("claimed"));
        let begins = with.find("<p class=\"soft\"><span class=\"tag\">claimed").unwrap();
        let ends = begins + with[begins..].find("</p>").unwrap() + "</p>".len();
        for said in ["Uptime Kuma says: down for 4\u{a0}h", "down where we saw up, n = 4 checks"] {
            assert!(with[begins..ends].contains(said), "{}", &with[begins..ends]);
        }
        assert_eq!(format!("{}{}", &with[..begins], &with[ends..]), without);
    }

    #[test]
    fn each_day_has_a_bar_that_says_what_it_was_and_pages_of_providers_need_no_script() {
        let page =
            page(&[samples::monitor("web", 20, |day, hour| if day == 4 && hour < 6 { 'd' } else { 'u' })]);
        assert_eq!(page.matches("<title>").count(), 90 + 1);
        assert_eq!(page.matches(": not watched</title>").count(), 70);
        assert!(page.contains("<title>2026-11-21: 75.00 % of 24, 6 down</title>"));
        let label =
            "web, the last 90 days: 1 with downtime, 0 with unknown time, 0 with maintenance, 70 not watched";
        assert!(page.contains(label));
        assert!(!page.contains("<script"));
    }

    #[test]
    fn where_nothing_is_watched_the_page_says_so() {
        let page = page(&[]);
        assert!(page.contains("Not enough data: no service of this provider is watched yet."));
        assert!(!page.contains("100.00"));
    }

    #[test]
    fn an_uptime_that_is_not_covered_is_not_shown() {
        let seen = |day: u32, _| if day < 4 { '?' } else { 'u' };
        let page = page(&[samples::monitor("web", 30, seen)]);
        assert!(page.contains("30 days: <strong>not enough data</strong> ("), "{page}");
    }
}
