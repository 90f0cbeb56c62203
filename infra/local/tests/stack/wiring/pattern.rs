//! Event patterns, by the sections of "Comparison operators for use in event patterns" (AWS documentation). Each test holds one event
//! and the patterns that take it or leave it.

use local_stack::pattern::Pattern;
use proptest::prelude::*;
use serde_json::{Value, json};

fn matches(pattern: &Value, event: &Value) -> bool {
    Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).matches(event)
}

fn judge(event: &Value, rows: &[(Value, bool)]) {
    for (pattern, expected) in rows {
        assert_eq!(matches(pattern, event), *expected, "{pattern} on {event}");
    }
}

fn refused(pattern: &Value) -> bool {
    Pattern::parse(pattern).is_err()
}

#[test]
fn every_field_of_a_pattern_must_match_and_one_of_its_values() {
    let event = json!({"source": "chat", "detail-type": "message.created", "detail": {"kind": "reply", "of": {"account": 1}}});
    judge(
        &event,
        &[
            (json!({"source": ["chat"]}), true),
            (json!({"source": ["marketplace", "trust"]}), false),
            (json!({"source": ["marketplace", "chat"]}), true),
            (json!({"source": ["chat"], "detail-type": ["message.created"]}), true),
            (json!({"source": ["chat"], "detail-type": ["message.updated"]}), false),
            (json!({"source": ["cha"]}), false),
            (json!({"source": ["CHAT"]}), false),
            (json!({"detail": {"of": {"account": [1]}}}), true),
            (json!({"detail": {"of": {"account": [2]}}}), false),
            (json!({"detail": {"of": {"inbox": [1]}}}), false),
            (json!({"detail": {"kind": ["reply"], "of": {"account": [1, 2]}}}), true),
            (json!({"detail": {"kind": {"deeper": ["reply"]}}}), false),
            (json!({"detail": {"of": ["account"]}}), false),
            (json!({"kind": ["reply"]}), false),
        ],
    );
}

#[test]
fn null_the_empty_text_and_absence_are_three_things() {
    let event = json!({"null": null, "empty": "", "zero": 0, "no": false});
    judge(
        &event,
        &[
            (json!({"null": [null]}), true),
            (json!({"null": [""]}), false),
            (json!({"null": ["null"]}), false),
            (json!({"empty": [""]}), true),
            (json!({"empty": [null]}), false),
            (json!({"absent": [null]}), false),
            (json!({"absent": [""]}), false),
            (json!({"zero": [null]}), false),
            (json!({"zero": [false]}), false),
            (json!({"no": [false]}), true),
            (json!({"no": ["false"]}), false),
            (json!({"null": [{"exists": true}]}), true),
            (json!({"empty": [{"exists": true}]}), true),
            (json!({"null": [{"exists": false}]}), false),
            (json!({"absent": [{"exists": false}]}), true),
            (json!({"absent": [{"exists": true}]}), false),
        ],
    );
}

#[test]
fn exists_looks_at_leaves_only() {
    let event = json!({"detail": {"state": "up", "count": {"of": 1}}});
    judge(
        &event,
        &[
            (json!({"detail": {"state": [{"exists": true}]}}), true),
            (json!({"detail": {"state": [{"exists": false}]}}), false),
            (json!({"detail": {"count": [{"exists": true}]}}), false),
            (json!({"detail": {"count": [{"exists": false}]}}), true),
            (json!({"detail": {"count": {"of": [{"exists": true}]}}}), true),
            (json!({"detail": {"gone": {"of": [{"exists": false}]}}}), true),
            (json!({"gone": {"of": {"old": [{"exists": false}]}}}), true),
            (json!({"detail": {"state": ["down", {"exists": false}]}}), false),
            (json!({"detail": {"gone": ["down", {"exists": false}]}}), true),
            (json!({"detail": {"state": ["up"], "gone": [{"exists": false}]}}), true),
        ],
    );
}

#[test]
fn numbers_compare_by_value() {
    let event = json!({"count": 5, "price": 301.8, "cents": 300.0, "debt": -2, "text": "5", "large": 9_007_199_254_740_993_i64});
    judge(
        &event,
        &[
            (json!({"count": [5]}), true),
            (json!({"count": [5.0]}), true),
            (json!({"count": ["5"]}), false),
            (json!({"text": [5]}), false),
            (json!({"cents": [300]}), true),
            (json!({"cents": [3.0e2]}), true),
            (json!({"price": [301.8]}), true),
            (json!({"count": [{"numeric": ["=", 5]}]}), true),
            (json!({"count": [{"numeric": [">", 5]}]}), false),
            (json!({"count": [{"numeric": [">=", 5]}]}), true),
            (json!({"count": [{"numeric": ["<", 5]}]}), false),
            (json!({"count": [{"numeric": ["<=", 5]}]}), true),
            (json!({"count": [{"numeric": [">", 0, "<", 5]}]}), false),
            (json!({"count": [{"numeric": [">", 0, "<=", 5]}]}), true),
            (json!({"price": [{"numeric": ["=", 3.018e2]}]}), true),
            (json!({"debt": [{"numeric": ["<", 0]}]}), true),
            (json!({"debt": [{"numeric": [">=", -2, "<", -1]}]}), true),
            (json!({"text": [{"numeric": ["=", 5]}]}), false),
            (json!({"absent": [{"numeric": ["<", 5]}]}), false),
        ],
    );
}

#[test]
fn prefixes_suffixes_and_case() {
    let event = json!({"file": "Reports/July.PNG", "number": 301, "empty": "", "null": null});
    judge(
        &event,
        &[
            (json!({"file": [{"prefix": "Reports/"}]}), true),
            (json!({"file": [{"prefix": "reports/"}]}), false),
            (json!({"file": [{"prefix": "Reports/July.PNG"}]}), true),
            (json!({"file": [{"prefix": "Reports/July.PNGs"}]}), false),
            (json!({"file": [{"prefix": {"equals-ignore-case": "REPORTS/"}}]}), true),
            (json!({"file": [{"prefix": {"equals-ignore-case": "eports/"}}]}), false),
            (json!({"file": [{"suffix": ".PNG"}]}), true),
            (json!({"file": [{"suffix": ".png"}]}), false),
            (json!({"file": [{"suffix": {"equals-ignore-case": ".Png"}}]}), true),
            (json!({"file": [{"equals-ignore-case": "reports/JULY.png"}]}), true),
            (json!({"file": [{"equals-ignore-case": "reports/JULY"}]}), false),
            (json!({"file": ["other", {"suffix": ".gif"}, {"prefix": "Rep"}]}), true),
            (json!({"number": [{"prefix": "30"}]}), false),
            (json!({"number": [{"suffix": "1"}]}), false),
            (json!({"number": [{"equals-ignore-case": "301"}]}), false),
            (json!({"null": [{"prefix": ""}]}), false),
            (json!({"empty": [{"prefix": ""}]}), true),
            (json!({"absent": [{"prefix": ""}]}), false),
        ],
    );
}

#[test]
fn wildcards_stand_for_any_characters() {
    let event = json!({"file": "dir/sub/picture.png", "number": 5, "empty": ""});
    judge(
        &event,
        &[
            (json!({"file": [{"wildcard": "dir/*.png"}]}), true),
            (json!({"file": [{"wildcard": "*"}]}), true),
            (json!({"file": [{"wildcard": "*/sub/*"}]}), true),
            (json!({"file": [{"wildcard": "dir/*/*.png"}]}), true),
            (json!({"file": [{"wildcard": "dir/*/*/*.png"}]}), false),
            (json!({"file": [{"wildcard": "dir/sub/picture.png"}]}), true),
            (json!({"file": [{"wildcard": "dir/sub/picture.png*"}]}), true),
            (json!({"file": [{"wildcard": "dir/sub"}]}), false),
            (json!({"file": [{"wildcard": "sub/*"}]}), false),
            (json!({"file": [{"wildcard": "*.PNG"}]}), false),
            (json!({"file": [{"wildcard": "dir/sub/picture.png*.png"}]}), false),
            (json!({"number": [{"wildcard": "*"}]}), false),
            (json!({"empty": [{"wildcard": "*"}]}), true),
            (json!({"empty": [{"wildcard": ""}]}), true),
        ],
    );
}

#[test]
fn anything_but_needs_something() {
    let event = json!({"state": "initializing", "limit": 100, "null": null, "flag": true, "deep": {"x": 1}});
    judge(
        &event,
        &[
            (json!({"state": [{"anything-but": "initializing"}]}), false),
            (json!({"state": [{"anything-but": "stopped"}]}), true),
            (json!({"state": [{"anything-but": ["stopped", "initializing"]}]}), false),
            (json!({"state": [{"anything-but": ["stopped", "overloaded"]}]}), true),
            (json!({"state": [{"anything-but": 100}]}), true),
            (json!({"limit": [{"anything-but": 100}]}), false),
            (json!({"limit": [{"anything-but": 100.0}]}), false),
            (json!({"limit": [{"anything-but": [200, 300]}]}), true),
            (json!({"limit": [{"anything-but": "100"}]}), true),
            (json!({"state": [{"anything-but": {"prefix": "init"}}]}), false),
            (json!({"state": [{"anything-but": {"prefix": ["stop", "init"]}}]}), false),
            (json!({"state": [{"anything-but": {"prefix": "stop"}}]}), true),
            (json!({"state": [{"anything-but": {"suffix": "ing"}}]}), false),
            (json!({"state": [{"anything-but": {"suffix": ["ed", "er"]}}]}), true),
            (json!({"state": [{"anything-but": {"equals-ignore-case": "INITIALIZING"}}]}), false),
            (json!({"state": [{"anything-but": {"equals-ignore-case": ["A", "B"]}}]}), true),
            (json!({"state": [{"anything-but": {"wildcard": "*ial*"}}]}), false),
            (json!({"state": [{"anything-but": {"wildcard": ["x*", "*y"]}}]}), true),
            (json!({"null": [{"anything-but": "x"}]}), true),
            (json!({"flag": [{"anything-but": "true"}]}), true),
            (json!({"absent": [{"anything-but": "x"}]}), false),
            (json!({"deep": [{"anything-but": "x"}]}), false),
            (json!({"state": ["initializing", {"anything-but": "initializing"}]}), true),
        ],
    );
}

#[test]
fn or_joins_fields_and_and_binds_inside_it() {
    let event = json!({"source": "trust", "type": "outage.opened", "detail": {"seconds": 90, "state": "open", "place": "here"}});
    judge(
        &event,
        &[
            (json!({"$or": [{"source": ["trust"]}, {"type": ["x"]}]}), true),
            (json!({"$or": [{"source": ["x"]}, {"type": ["x"]}]}), false),
            (json!({"source": ["chat"], "$or": [{"source": ["trust"]}, {"type": ["x"]}]}), false),
            (json!({"source": ["trust"], "$or": [{"type": ["x"]}, {"type": [{"prefix": "outage."}]}]}), true),
            (json!({"$or": [{"source": ["trust"], "type": ["x"]}, {"source": ["x"]}]}), false),
            (json!({"$or": [{"source": ["x"]}, {"source": ["trust"], "type": ["outage.opened"]}]}), true),
            (json!({"detail": {"$or": [{"state": ["shut"]}, {"seconds": [{"numeric": [">", 60]}]}]}}), true),
            (
                json!({"detail": {"$or": [{"state": ["shut"]}, {"seconds": [{"numeric": [">", 100]}]}]}}),
                false,
            ),
            (json!({"$or": [{"detail": {"state": ["shut"]}}, {"detail": {"place": ["here"]}}]}), true),
            (json!({"$or": [{"a": [1]}, {"$or": [{"source": ["x"]}, {"source": ["trust"]}]}]}), true),
            (json!({"$or": [{"gone": [{"exists": false}]}, {"source": ["x"]}]}), true),
            (
                json!({"$or": [{"source": ["trust"]}, {"a": [1]}], "detail": {"$or": [{"state": ["x"]}, {"place": ["x"]}]}}),
                false,
            ),
        ],
    );
}

#[test]
fn an_array_matches_by_any_of_its_elements() {
    let event = json!({"tags": ["fast", 7, null], "resources": ["arn:aws:a", "arn:aws:b"],
        "items": [{"sku": "A", "count": 1}, {"sku": "B", "count": 2}]});
    judge(
        &event,
        &[
            (json!({"tags": ["fast"]}), true),
            (json!({"tags": [7]}), true),
            (json!({"tags": [null]}), true),
            (json!({"tags": ["slow"]}), false),
            (json!({"tags": [{"exists": true}]}), true),
            (json!({"tags": [{"exists": false}]}), false),
            (json!({"tags": [{"numeric": [">", 6]}]}), true),
            (json!({"resources": [{"suffix": ":b"}]}), true),
            (json!({"resources": [{"anything-but": "arn:aws:a"}]}), true),
            (json!({"resources": [{"anything-but": {"prefix": "arn:"}}]}), false),
            (json!({"items": {"sku": ["B"]}}), true),
            (json!({"items": {"sku": ["C"]}}), false),
            (json!({"items": {"sku": ["B"], "count": [2]}}), true),
            (json!({"items": {"weight": [{"exists": false}]}}), true),
        ],
    );
}

#[test]
fn fields_of_two_elements_of_one_array_never_match_together() {
    // The example of event-ruler's README.
    let event = json!({"employees": [{"first": "John", "last": "Doe"}, {"first": "Anna", "last": "Smith"}, {"first": "Peter", "last": "Jones"}]});
    let nested = json!({"employees": [[{"first": "John", "last": "Doe"}, {"first": "Anna", "last": "Smith"}], [{"first": "Peter", "last": "Jones"}]]});
    for event in [event, nested] {
        judge(
            &event,
            &[
                (json!({"employees": {"first": ["Anna"]}}), true),
                (json!({"employees": {"first": ["Anna"], "last": ["Smith"]}}), true),
                (json!({"employees": {"first": ["Anna"], "last": ["Jones"]}}), false),
                (json!({"employees": {"first": ["Anna", "Peter"], "last": ["Jones"]}}), true),
                (
                    json!({"employees": {"first": ["Anna"], "$or": [{"last": ["Jones"]}, {"last": ["Doe"]}]}}),
                    false,
                ),
                (json!({"employees": {"last": [{"exists": false}]}}), false),
            ],
        );
    }
}

#[test]
fn an_object_in_an_array_and_an_empty_array_are_no_leaves() {
    let event =
        json!({"things": [{"kind": "a"}, {"size": 2}], "none": [], "objects": [{}], "nested": [[1, 2], [3]]});
    judge(
        &event,
        &[
            (json!({"things": [{"exists": true}]}), false),
            (json!({"things": [{"exists": false}]}), true),
            (json!({"things": [{"anything-but": "x"}]}), false),
            (json!({"none": [{"exists": true}]}), false),
            (json!({"none": [{"exists": false}]}), true),
            (json!({"none": {"deep": [{"exists": false}]}}), true),
            (json!({"objects": [{"exists": true}]}), false),
            (json!({"nested": [3]}), true),
            (json!({"nested": [{"numeric": [">", 3]}]}), false),
            (json!({"things": {"size": [2], "kind": ["a"]}}), false),
            // `kind` is looked at first, and the event has one.
            (json!({"things": {"size": [2], "kind": [{"exists": false}]}}), false),
            // `size` comes after `kind` has settled on the first element, which has none.
            (json!({"things": {"kind": ["a"], "size": [{"exists": false}]}}), true),
        ],
    );
}

#[test]
fn a_backslash_makes_a_star_of_a_wildcard_plain() {
    let event = json!({"star": "a*b", "slash": "a\\b", "plain": "axb"});
    judge(
        &event,
        &[
            (json!({"star": [{"wildcard": "a\\*b"}]}), true),
            (json!({"plain": [{"wildcard": "a\\*b"}]}), false),
            (json!({"star": [{"wildcard": "a\\**"}]}), true),
            (json!({"slash": [{"wildcard": "a\\\\b"}]}), true),
            (json!({"slash": [{"wildcard": "a\\\\*"}]}), true),
        ],
    );
}

#[test]
fn large_whole_numbers_are_not_rounded_together() {
    let event = json!({"account": 9_007_199_254_740_993_i64});
    judge(
        &event,
        &[
            (json!({"account": [9_007_199_254_740_993_i64]}), true),
            (json!({"account": [9_007_199_254_740_992_i64]}), false),
        ],
    );
}

#[test]
fn what_eventbridge_refuses_is_refused() {
    for pattern in [
        json!({"a": [{"prefix": {"equals-ignore-case": "x", "more": 1}}]}),
        json!({"a": [{"wildcard": "a**b"}]}),
        json!({"a": [{"wildcard": "a\\b"}]}),
        json!({"a": [{"wildcard": "a\\"}]}),
        json!({"a": [{"numeric": [">", 5, "<", 5]}]}),
        json!({"a": [{"numeric": ["<", 9, ">", 5]}]}),
        json!({"a": [{"numeric": ["=", 5, "<", 9]}]}),
        json!({"a": [{"numeric": ["<", 5.1e9]}]}),
        json!({"a": [{"anything-but": ["a", 1]}]}),
        json!({"a": [{"anything-but": {"prefix": ""}}]}),
        json!({"a": [{"anything-but": {"suffix": []}}]}),
        json!("chat"),
        json!([]),
        json!({}),
        json!({"a": {}}),
        json!({"a": []}),
        json!({"a": 1}),
        json!({"a": null}),
        json!({"a": [[1]]}),
        json!({"a": [{}]}),
        json!({"a": [{"unheard-of": "x"}]}),
        json!({"a": [{"cidr": "10.0.0.0/24"}]}),
        json!({"a": [{"prefix": "x", "suffix": "y"}]}),
        json!({"a": [{"prefix": 1}]}),
        json!({"a": [{"prefix": ["x"]}]}),
        json!({"a": [{"equals-ignore-case": 1}]}),
        json!({"a": [{"wildcard": 1}]}),
        json!({"a": [{"exists": "true"}]}),
        json!({"a": [{"exists": null}]}),
        json!({"a": [{"numeric": 5}]}),
        json!({"a": [{"numeric": []}]}),
        json!({"a": [{"numeric": ["=", "5"]}]}),
        json!({"a": [{"numeric": ["!=", 5]}]}),
        json!({"a": [{"numeric": [">", 0, "<"]}]}),
        json!({"a": [{"anything-but": null}]}),
        json!({"a": [{"anything-but": true}]}),
        json!({"a": [{"anything-but": []}]}),
        json!({"a": [{"anything-but": [null]}]}),
        json!({"a": [{"anything-but": {"exists": true}}]}),
        json!({"a": [{"anything-but": {"prefix": "a", "suffix": "b"}}]}),
        json!({"$or": []}),
        json!({"$or": [{"a": [1]}]}),
        json!({"$or": [{"a": [1]}, 2]}),
        json!({"$or": [{"a": [1]}, {}]}),
    ] {
        assert!(refused(&pattern), "{pattern}");
    }
}

/// A wildcard by the definition: try every length for every star.
fn wildcard_by_trying(wildcard: &[char], text: &[char]) -> bool {
    match wildcard.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|length| wildcard_by_trying(rest, &text[length..])),
        Some((character, rest)) => text.first() == Some(character) && wildcard_by_trying(rest, &text[1..]),
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        "[abA]{0,3}".prop_map(Value::from),
    ]
}

fn test() -> impl Strategy<Value = Value> {
    prop_oneof![
        leaf(),
        "[abA]{0,2}".prop_map(|text| json!({"prefix": text})),
        "[abA]{0,2}".prop_map(|text| json!({"suffix": text})),
        "[abA]{0,2}".prop_map(|text| json!({"equals-ignore-case": text})),
        "[abA]{1,2}".prop_map(|text| json!({"anything-but": text})),
        "[abA]{1,2}".prop_map(|text| json!({"anything-but": {"prefix": text}})),
        (-3_i64..3).prop_map(|number| json!({"numeric": [">=", number]})),
        Just(json!({"exists": true})),
    ]
}

proptest! {
    #[test]
    fn a_wildcard_matches_what_trying_every_length_matches(
        pieces in prop::collection::vec("[ab]{1,2}", 1..4), open in any::<bool>(), text in "[ab]{0,8}",
    ) {
        let wildcard = pieces.join("*") + if open { "*" } else { "" };
        let tried = wildcard_by_trying(&wildcard.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
        prop_assert_eq!(matches(&json!({"a": [{"wildcard": wildcard}]}), &json!({"a": text})), tried);
    }

    #[test]
    fn a_numeric_range_holds_what_lies_within(bottom in -50_i64..50, width in 1_i64..50, number in -120_i64..120) {
        let top = bottom + width;
        let event = json!({"a": number});
        prop_assert_eq!(matches(&json!({"a": [{"numeric": [">", bottom, "<=", top]}]}), &event), bottom < number && number <= top);
        prop_assert_eq!(matches(&json!({"a": [{"numeric": [">=", bottom, "<", top]}]}), &event), bottom <= number && number < top);
    }

    #[test]
    fn a_list_of_values_is_an_or_of_them(one in test(), other in test(), found in leaf()) {
        let event = json!({"a": found});
        let listed = matches(&json!({"a": [one.clone(), other.clone()]}), &event);
        let joined = matches(&json!({"$or": [{"a": [one.clone()]}, {"a": [other.clone()]}]}), &event);
        let apart = matches(&json!({"a": [one]}), &event) || matches(&json!({"a": [other]}), &event);
        prop_assert_eq!(listed, apart);
        prop_assert_eq!(joined, apart);
    }

    #[test]
    fn an_array_of_plain_values_is_an_or_of_events(test in test(), found in prop::collection::vec(leaf(), 1..4)) {
        let pattern = json!({"a": [test]});
        let any = found.iter().any(|value| matches(&pattern, &json!({"a": value})));
        prop_assert_eq!(matches(&pattern, &json!({"a": found})), any);
    }

    #[test]
    fn further_fields_of_an_event_change_nothing(test in test(), found in leaf(), further in leaf()) {
        let pattern = json!({"detail": {"a": [test]}});
        let bare = matches(&pattern, &json!({"detail": {"a": found}}));
        let more = json!({"b": further, "detail": {"a": found, "b": further, "c": {"a": further}}});
        prop_assert_eq!(matches(&pattern, &more), bare);
    }

    #[test]
    fn two_fields_are_both_needed(one in test(), other in test(), found in leaf(), beside in leaf()) {
        let event = json!({"a": found, "b": beside});
        let both = matches(&json!({"a": [one.clone()], "b": [other.clone()]}), &event);
        prop_assert_eq!(both, matches(&json!({"a": [one]}), &event) && matches(&json!({"b": [other]}), &event));
    }

    #[test]
    fn no_event_and_no_pattern_makes_it_panic(pattern in json(), event in json()) {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            pattern.matches(&event);
        }
    }
}

fn json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("a"),
        Just("$or"),
        Just("prefix"),
        Just("suffix"),
        Just("anything-but"),
        Just("exists"),
        Just("numeric"),
        Just("wildcard"),
        Just("equals-ignore-case"),
    ];
    leaf().prop_recursive(4, 24, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..3).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}
