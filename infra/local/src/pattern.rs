//! Event patterns: which events a rule takes, which records a function sees.
//!
//! Source: "Creating Amazon EventBridge event patterns" and "Comparison operators for use in event patterns" (AWS documentation). A
//! pattern's fields must all match; of the values listed for a field, one. A field that is an array matches if any element does.

use serde_json::{Map, Number, Value};

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Fields);

#[derive(Debug, Clone, Default, PartialEq)]
struct Fields {
    all: Vec<(String, Field)>,
    any: Vec<Vec<Fields>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Field {
    Nested(Fields),
    OneOf(Vec<Test>),
}

/// A condition on one value.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    PrefixIgnoreCase(String),
    Suffix(String),
    SuffixIgnoreCase(String),
    Wildcard(String),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    AnythingBut(Vec<Test>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

/// A pattern that EventBridge would refuse, or that is not known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// Something stands where it can not.
    #[error("{at}: {expected}")]
    Shape {
        /// The path to it.
        at: String,
        /// What can stand there.
        expected: &'static str,
    },
    /// An operator that is not known here.
    #[error("{at}: the operator {name:?} is not known")]
    Operator {
        /// The path to it.
        at: String,
        /// Its name.
        name: String,
    },
}

fn shape(at: &str, expected: &'static str) -> InvalidPattern {
    InvalidPattern::Shape { at: at.to_owned(), expected }
}

impl Pattern {
    /// Parses a pattern.
    pub fn parse(pattern: &Value) -> Result<Self, InvalidPattern> {
        match pattern {
            Value::Object(fields) if !fields.is_empty() => parse_fields(fields, "$").map(Self),
            _ => Err(shape("$", "a pattern is an object with at least one field")),
        }
    }

    /// Whether an event matches.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.match_object(Some(event))
    }
}

fn parse_fields(fields: &Map<String, Value>, at: &str) -> Result<Fields, InvalidPattern> {
    let mut parsed = Fields::default();
    for (name, value) in fields {
        let at = format!("{at}.{name}");
        match value {
            Value::Array(choices) if name == "$or" => {
                if choices.len() < 2 {
                    return Err(shape(&at, "$or lists at least two patterns"));
                }
                let choices = choices.iter().map(|choice| match choice {
                    Value::Object(fields) if !fields.is_empty() => parse_fields(fields, &at),
                    _ => Err(shape(&at, "$or lists patterns")),
                });
                parsed.any.push(choices.collect::<Result<_, _>>()?);
            }
            Value::Object(fields) if !fields.is_empty() => {
                parsed.all.push((name.clone(), Field::Nested(parse_fields(fields, &at)?)));
            }
            Value::Array(tests) if !tests.is_empty() => {
                let tests = tests.iter().map(|test| parse_test(test, &at)).collect::<Result<_, _>>()?;
                parsed.all.push((name.clone(), Field::OneOf(tests)));
            }
            _ => {
                return Err(shape(&at, "a field holds a list of values or an object, neither of them empty"));
            }
        }
    }
    Ok(parsed)
}

fn parse_test(test: &Value, at: &str) -> Result<Test, InvalidPattern> {
    let Value::Object(operator) = test else {
        return match test {
            Value::Array(_) => Err(shape(at, "a list of values holds no list")),
            value => Ok(Test::Equals(value.clone())),
        };
    };
    let mut entries = operator.iter();
    let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
        return Err(shape(at, "an operator is an object with one field"));
    };
    match name.as_str() {
        "prefix" => affix(operand, at, Test::Prefix, Test::PrefixIgnoreCase),
        "suffix" => affix(operand, at, Test::Suffix, Test::SuffixIgnoreCase),
        "equals-ignore-case" => text(operand, at).map(Test::EqualsIgnoreCase),
        "wildcard" => text(operand, at).map(Test::Wildcard),
        "exists" => match operand {
            Value::Bool(exists) => Ok(Test::Exists(*exists)),
            _ => Err(shape(at, "exists is true or false")),
        },
        "numeric" => parse_numeric(operand, at),
        "anything-but" => parse_anything_but(operand, at),
        _ => Err(InvalidPattern::Operator { at: at.to_owned(), name: name.clone() }),
    }
}

fn text(value: &Value, at: &str) -> Result<String, InvalidPattern> {
    value.as_str().map(str::to_owned).ok_or_else(|| shape(at, "this operator takes a text"))
}

fn affix(
    operand: &Value,
    at: &str,
    exact: impl Fn(String) -> Test,
    ignoring_case: impl Fn(String) -> Test,
) -> Result<Test, InvalidPattern> {
    match operand.get("equals-ignore-case") {
        Some(inner) => text(inner, at).map(|affix| ignoring_case(affix.to_lowercase())),
        None => text(operand, at).map(exact),
    }
}

fn parse_numeric(operand: &Value, at: &str) -> Result<Test, InvalidPattern> {
    let expected = "numeric takes one or two pairs of comparison and number";
    let parts =
        operand.as_array().filter(|parts| matches!(parts.len(), 2 | 4)).ok_or_else(|| shape(at, expected))?;
    let pairs = parts.chunks(2).map(|pair| {
        let comparison = match pair[0].as_str() {
            Some("<") => Comparison::Less,
            Some("<=") => Comparison::AtMost,
            Some("=") => Comparison::Equal,
            Some(">=") => Comparison::AtLeast,
            Some(">") => Comparison::Greater,
            _ => return Err(shape(at, expected)),
        };
        Ok((comparison, pair[1].as_f64().ok_or_else(|| shape(at, expected))?))
    });
    pairs.collect::<Result<_, _>>().map(Test::Numeric)
}

fn parse_anything_but(operand: &Value, at: &str) -> Result<Test, InvalidPattern> {
    let tests = match operand {
        Value::Array(values) if !values.is_empty() => values
            .iter()
            .map(|value| match value {
                Value::String(_) | Value::Number(_) => Ok(Test::Equals(value.clone())),
                _ => Err(shape(at, "anything-but lists texts or numbers")),
            })
            .collect::<Result<_, _>>()?,
        Value::String(_) | Value::Number(_) => vec![Test::Equals(operand.clone())],
        Value::Object(inner) if inner.len() == 1 => {
            let name = inner.keys().next().map_or("", String::as_str);
            if !matches!(name, "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
                return Err(InvalidPattern::Operator { at: at.to_owned(), name: name.to_owned() });
            }
            let each = |value: &Value| {
                let one = Map::from_iter([(name.to_owned(), value.clone())]);
                parse_test(&Value::Object(one), at)
            };
            match &inner[name] {
                Value::Array(values) => values.iter().map(each).collect::<Result<_, _>>()?,
                value => vec![each(value)?],
            }
        }
        _ => return Err(shape(at, "anything-but takes a value, a list, or one operator")),
    };
    Ok(Test::AnythingBut(tests))
}

impl Fields {
    fn match_object(&self, object: Option<&Value>) -> bool {
        self.all.iter().all(|(name, field)| match object {
            // An array of objects matches if one of them does.
            Some(Value::Array(elements)) => elements.iter().any(|element| field.matches(element.get(name))),
            object => field.matches(object.and_then(|object| object.get(name))),
        }) && self.any.iter().all(|choices| choices.iter().any(|choice| choice.match_object(object)))
    }
}

impl Field {
    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Nested(fields) => fields.match_object(value),
            Self::OneOf(tests) => tests.iter().any(|test| test.matches_field(value)),
        }
    }
}

impl Test {
    fn matches_field(&self, value: Option<&Value>) -> bool {
        // `exists` looks at leaves: an object is not one.
        let leaf = value.filter(|value| !value.is_object());
        match (self, leaf) {
            (Self::Exists(wanted), leaf) => leaf.is_some() == *wanted,
            (_, None) => false,
            (_, Some(Value::Array(elements))) => elements.iter().any(|element| self.matches(element)),
            (_, Some(value)) => self.matches(value),
        }
    }

    fn matches(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Equals(wanted) => same(wanted, value),
            Self::EqualsIgnoreCase(wanted) => {
                text.is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::PrefixIgnoreCase(prefix) => {
                text.is_some_and(|text| text.to_lowercase().starts_with(prefix))
            }
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::SuffixIgnoreCase(suffix) => text.is_some_and(|text| text.to_lowercase().ends_with(suffix)),
            Self::Wildcard(wildcard) => text.is_some_and(|text| matches_wildcard(wildcard, text)),
            Self::Numeric(bounds) => value.as_f64().is_some_and(|number| {
                bounds.iter().all(|(comparison, bound)| comparison.holds(number, *bound))
            }),
            Self::Exists(wanted) => *wanted,
            Self::AnythingBut(tests) => !tests.iter().any(|test| test.matches(value)),
        }
    }
}

impl Comparison {
    #[expect(clippy::float_cmp, reason = "`=` of a pattern means the same number")]
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Less => number < bound,
            Self::AtMost => number <= bound,
            Self::Equal => number == bound,
            Self::AtLeast => number >= bound,
            Self::Greater => number > bound,
        }
    }
}

/// Numbers are the same by value: 300 and 300.0 match.
fn same(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Number(wanted), Value::Number(value)) => number(wanted) == number(value),
        (wanted, value) => wanted == value,
    }
}

fn number(number: &Number) -> Option<f64> {
    number.as_f64()
}

/// `*` stands for any characters, none included.
fn matches_wildcard(wildcard: &str, text: &str) -> bool {
    let mut parts = wildcard.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn patterns_match_as_documented() {
        let event = json!({
            "source": "chat", "detail-type": "message.created", "empty": "", "nothing": null,
            "detail": {"state": "running", "count": 5, "cost": 300.0, "tags": ["a", "b"], "deep": {"x": true},
                       "things": [{"kind": "k1", "n": 1}, {"kind": "k2", "n": 2}], "name": "EventBridge"}
        });
        for (pattern, expected) in [
            (json!({"source": ["chat"]}), true),
            (json!({"source": ["trust", "chat"]}), true),
            (json!({"source": ["trust"]}), false),
            (json!({"source": ["chat"], "detail-type": ["other"]}), false),
            (json!({"missing": ["chat"]}), false),
            (json!({"empty": [""]}), true),
            (json!({"nothing": [null]}), true),
            (json!({"empty": [null]}), false),
            (json!({"detail": {"state": ["running", "stopped"]}}), true),
            (json!({"detail": {"deep": {"x": [true]}}}), true),
            (json!({"detail": {"deep": {"x": [false]}}}), false),
            (json!({"detail": {"deep": {"y": [true]}}}), false),
            (json!({"detail": {"count": [5]}}), true),
            (json!({"detail": {"count": [5.0]}}), true),
            (json!({"detail": {"count": ["5"]}}), false),
            (json!({"detail": {"cost": [300]}}), true),
            (json!({"detail": {"tags": ["b"]}}), true),
            (json!({"detail": {"tags": ["c"]}}), false),
            (json!({"detail": {"things": {"kind": ["k2"]}}}), true),
            (json!({"detail": {"things": {"kind": ["k3"]}}}), false),
            (json!({"detail-type": [{"prefix": "message."}]}), true),
            (json!({"detail-type": [{"prefix": "conversation."}, {"prefix": "mess"}]}), true),
            (json!({"detail-type": [{"prefix": ""}]}), true),
            (json!({"detail-type": [{"prefix": "Message."}]}), false),
            (json!({"detail-type": [{"prefix": {"equals-ignore-case": "Message."}}]}), true),
            (json!({"detail": {"count": [{"prefix": "5"}]}}), false),
            (json!({"missing": [{"prefix": ""}]}), false),
            (json!({"detail-type": [{"suffix": ".created"}]}), true),
            (json!({"detail-type": [{"suffix": ".Created"}]}), false),
            (json!({"detail-type": [{"suffix": {"equals-ignore-case": ".CREATED"}}]}), true),
            (json!({"detail": {"name": [{"equals-ignore-case": "eventbridge"}]}}), true),
            (json!({"detail": {"name": [{"equals-ignore-case": "event"}]}}), false),
            (json!({"source": [{"anything-but": "trust"}]}), true),
            (json!({"source": [{"anything-but": "chat"}]}), false),
            (json!({"source": [{"anything-but": ["trust", "chat"]}]}), false),
            (json!({"source": [{"anything-but": ["trust", "marketplace"]}]}), true),
            (json!({"missing": [{"anything-but": "x"}]}), false),
            (json!({"detail": {"count": [{"anything-but": 5}]}}), false),
            (json!({"detail": {"count": [{"anything-but": [4, 6]}]}}), true),
            (json!({"detail": {"state": [{"anything-but": {"prefix": "run"}}]}}), false),
            (json!({"detail": {"state": [{"anything-but": {"prefix": ["stop", "pend"]}}]}}), true),
            (json!({"detail": {"state": [{"anything-but": {"suffix": "ing"}}]}}), false),
            (json!({"detail": {"state": [{"anything-but": {"equals-ignore-case": "RUNNING"}}]}}), false),
            (json!({"detail": {"state": [{"anything-but": {"wildcard": "*un*"}}]}}), false),
            (json!({"detail": {"state": [{"exists": true}]}}), true),
            (json!({"detail": {"state": [{"exists": false}]}}), false),
            (json!({"detail": {"gone": [{"exists": false}]}}), true),
            (json!({"detail": {"gone": [{"exists": true}]}}), false),
            (json!({"detail": {"deep": [{"exists": true}]}}), false),
            (json!({"nothing": [{"exists": true}]}), true),
            (json!({"detail": {"count": [{"numeric": [">", 0, "<=", 5]}]}}), true),
            (json!({"detail": {"count": [{"numeric": ["<", 5]}]}}), false),
            (json!({"detail": {"count": [{"numeric": ["=", 5]}]}}), true),
            (json!({"detail": {"count": [{"numeric": [">=", 5]}]}}), true),
            (json!({"detail": {"state": [{"numeric": [">", 0]}]}}), false),
            (json!({"detail": {"name": [{"wildcard": "Event*"}]}}), true),
            (json!({"detail": {"name": [{"wildcard": "*B*dge"}]}}), true),
            (json!({"detail": {"name": [{"wildcard": "Bridge*"}]}}), false),
            (json!({"detail": {"name": [{"wildcard": "EventBridge"}]}}), true),
            (json!({"$or": [{"source": ["trust"]}, {"detail": {"count": [5]}}]}), true),
            (json!({"$or": [{"source": ["trust"]}, {"detail": {"count": [6]}}]}), false),
            (json!({"source": ["chat"], "$or": [{"empty": ["x"]}, {"empty": [""]}]}), true),
            (json!({"detail": {"$or": [{"state": ["x"]}, {"count": [5]}]}}), true),
            (json!({"detail": {"tags": [{"anything-but": "a"}]}}), true),
        ] {
            let parsed = Pattern::parse(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(parsed.matches(&event), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_its_place() {
        for (pattern, message) in [
            (json!({}), "$: a pattern is an object with at least one field"),
            (json!([]), "$: a pattern is an object with at least one field"),
            (json!({"a": "b"}), "$.a: a field holds a list of values or an object, neither of them empty"),
            (json!({"a": []}), "$.a: a field holds a list of values or an object, neither of them empty"),
            (json!({"a": {"b": [[1]]}}), "$.a.b: a list of values holds no list"),
            (json!({"a": [{"cidr": "10.0.0.0/8"}]}), "$.a: the operator \"cidr\" is not known"),
            (json!({"a": [{"prefix": 1}]}), "$.a: this operator takes a text"),
            (json!({"a": [{"exists": "yes"}]}), "$.a: exists is true or false"),
            (
                json!({"a": [{"numeric": [">"]}]}),
                "$.a: numeric takes one or two pairs of comparison and number",
            ),
            (
                json!({"a": [{"numeric": ["~", 1]}]}),
                "$.a: numeric takes one or two pairs of comparison and number",
            ),
            (json!({"a": [{"prefix": "x", "suffix": "y"}]}), "$.a: an operator is an object with one field"),
            (
                json!({"a": [{"anything-but": {"numeric": [">", 1]}}]}),
                "$.a: the operator \"numeric\" is not known",
            ),
            (json!({"$or": [{"a": [1]}]}), "$.$or: $or lists at least two patterns"),
        ] {
            assert_eq!(Pattern::parse(&pattern).unwrap_err().to_string(), message, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_wildcard_made_of_a_texts_own_pieces_matches_it(pieces in prop::collection::vec("[ab]{0,3}", 1..5)) {
            prop_assert!(matches_wildcard(&pieces.join("*"), &pieces.concat()));
        }

        #[test]
        fn anything_but_is_the_contrary_of_equals_where_the_field_exists(wanted in "[a-c]{1}", found in "[a-c]{1}") {
            let event = json!({"a": found});
            let equals = Pattern::parse(&json!({"a": [wanted]})).unwrap();
            let differs = Pattern::parse(&json!({"a": [{"anything-but": wanted}]})).unwrap();
            prop_assert_ne!(equals.matches(&event), differs.matches(&event));
        }
    }
}
