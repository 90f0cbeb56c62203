//! Event patterns: which events a rule takes, which records a function sees.
//!
//! Source: "Creating Amazon EventBridge event patterns" and "Comparison operators for use in event patterns" (AWS documentation),
//! and for arrays and absent fields the README of `aws/event-ruler`, the matcher EventBridge runs. A pattern's fields must all match;
//! of the values listed for a field, one. As there, an event is the list of its leaves: arrays are looked through, an object or an
//! empty array is no leaf, and fields within two elements of one array never match together.

use serde_json::{Map, Value};

/// A parsed pattern: the alternatives its `$or`s leave, each a list of fields that must all match.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Vec<Fields>);

type Fields = Vec<Field>;

/// The conditions on the leaves of one path; one must hold.
#[derive(Debug, Clone, PartialEq)]
struct Field {
    path: String,
    tests: Vec<Test>,
}

/// A condition on one leaf.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    PrefixIgnoreCase(String),
    Suffix(String),
    SuffixIgnoreCase(String),
    Wildcard(Wildcard),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    AnythingBut(Vec<Test>),
}

/// The texts between a wildcard's stars.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wildcard(Vec<String>);

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

/// EventBridge refuses patterns whose `$or`s multiply to more.
const MOST_ALTERNATIVES: usize = 1000;

/// EventBridge compares numbers between the negative of this and this.
const LARGEST_NUMBER: f64 = 5e9;

fn shape(at: &str, expected: &'static str) -> InvalidPattern {
    InvalidPattern::Shape { at: at.to_owned(), expected }
}

impl Pattern {
    /// Parses a pattern.
    pub fn parse(pattern: &Value) -> Result<Self, InvalidPattern> {
        match pattern {
            Value::Object(fields) if !fields.is_empty() => {
                let mut alternatives = parse_fields(fields, "", vec![Vec::new()])?;
                // In the order EventBridge looks: what is absent is absent from the elements settled on so far.
                for fields in &mut alternatives {
                    fields.sort_by(|one, other| one.path.cmp(&other.path));
                }
                Ok(Self(alternatives))
            }
            _ => Err(shape("$", "a pattern is an object with at least one field")),
        }
    }

    /// Whether an event matches.
    pub fn matches(&self, event: &Value) -> bool {
        let leaves = Leaves::of(event);
        self.0.iter().any(|fields| leaves.match_all(fields, &Vec::new()))
    }
}

/// Adds an object's fields to every alternative there is so far.
fn parse_fields(
    fields: &Map<String, Value>,
    parent: &str,
    mut alternatives: Vec<Fields>,
) -> Result<Vec<Fields>, InvalidPattern> {
    for (name, value) in fields {
        let path = join(parent, name);
        let at = format!("$.{path}");
        match value {
            Value::Array(choices) if name == "$or" => {
                if choices.len() < 2 {
                    return Err(shape(&at, "$or lists at least two patterns"));
                }
                let mut multiplied = Vec::new();
                for choice in choices {
                    let Value::Object(fields) = choice else { return Err(shape(&at, "$or lists patterns")) };
                    if fields.is_empty() {
                        return Err(shape(&at, "$or lists patterns"));
                    }
                    multiplied.extend(parse_fields(fields, parent, alternatives.clone())?);
                    if multiplied.len() > MOST_ALTERNATIVES {
                        return Err(shape(&at, "the $ors of a pattern multiply to at most 1000"));
                    }
                }
                alternatives = multiplied;
            }
            Value::Object(fields) if !fields.is_empty() => {
                alternatives = parse_fields(fields, &path, alternatives)?;
            }
            Value::Array(tests) if !tests.is_empty() => {
                let tests = tests.iter().map(|test| parse_test(test, &at)).collect::<Result<Vec<_>, _>>()?;
                for fields in &mut alternatives {
                    fields.push(Field { path: path.clone(), tests: tests.clone() });
                }
            }
            _ => {
                return Err(shape(&at, "a field holds a list of values or an object, neither of them empty"));
            }
        }
    }
    Ok(alternatives)
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
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
        "wildcard" => parse_wildcard(operand, at),
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
    match operand {
        Value::Object(inner) => match (inner.get("equals-ignore-case"), inner.len()) {
            (Some(affix), 1) => text(affix, at).map(|affix| ignoring_case(affix.to_lowercase())),
            _ => Err(shape(at, "this operator takes a text or equals-ignore-case")),
        },
        operand => text(operand, at).map(exact),
    }
}

fn parse_wildcard(operand: &Value, at: &str) -> Result<Test, InvalidPattern> {
    let text = text(operand, at)?;
    let mut pieces = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let literal = match character {
            '*' if characters.peek() == Some(&'*') => {
                return Err(shape(at, "a wildcard has no two * in a row"));
            }
            '*' => {
                pieces.push(String::new());
                continue;
            }
            '\\' => characters
                .next_if(|next| matches!(next, '*' | '\\'))
                .ok_or_else(|| shape(at, "a \\ in a wildcard stands before * or \\"))?,
            character => character,
        };
        if let Some(piece) = pieces.last_mut() {
            piece.push(literal);
        }
    }
    Ok(Test::Wildcard(Wildcard(pieces)))
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
        let number = pair[1].as_f64().ok_or_else(|| shape(at, expected))?;
        if number.abs() > LARGEST_NUMBER {
            return Err(shape(at, "numeric compares numbers from -5e9 to 5e9"));
        }
        Ok((comparison, number))
    });
    let pairs: Vec<_> = pairs.collect::<Result<_, _>>()?;
    if let [(from, bottom), (to, top)] = pairs[..] {
        let lower = matches!(from, Comparison::Greater | Comparison::AtLeast);
        let upper = matches!(to, Comparison::Less | Comparison::AtMost);
        if !lower || !upper || bottom >= top {
            return Err(shape(at, "a numeric range is a lower bound, then a larger upper bound"));
        }
    }
    Ok(Test::Numeric(pairs))
}

fn parse_anything_but(operand: &Value, at: &str) -> Result<Test, InvalidPattern> {
    let tests = match operand {
        Value::Array(values) if !values.is_empty() => {
            if !values.iter().all(Value::is_string) && !values.iter().all(Value::is_number) {
                return Err(shape(at, "anything-but lists texts or numbers"));
            }
            values.iter().cloned().map(Test::Equals).collect()
        }
        Value::String(_) | Value::Number(_) => vec![Test::Equals(operand.clone())],
        Value::Object(inner) if inner.len() == 1 => {
            let name = inner.keys().next().map_or("", String::as_str);
            if !matches!(name, "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
                return Err(InvalidPattern::Operator { at: at.to_owned(), name: name.to_owned() });
            }
            let each = |value: &Value| {
                if text(value, at)?.is_empty() {
                    return Err(shape(at, "anything-but takes no empty text here"));
                }
                let one = Map::from_iter([(name.to_owned(), value.clone())]);
                parse_test(&Value::Object(one), at)
            };
            match &inner[name] {
                Value::Array(values) if values.is_empty() => {
                    return Err(shape(at, "anything-but takes a value, a list, or one operator"));
                }
                Value::Array(values) => values.iter().map(each).collect::<Result<_, _>>()?,
                value => vec![each(value)?],
            }
        }
        _ => return Err(shape(at, "anything-but takes a value, a list, or one operator")),
    };
    Ok(Test::AnythingBut(tests))
}

/// Which element of which array something is in.
type Within = Vec<(usize, usize)>;

/// An event, flattened.
#[derive(Debug, Default)]
struct Leaves<'a> {
    leaves: Vec<(String, &'a Value, Within)>,
    arrays: usize,
}

impl<'a> Leaves<'a> {
    fn of(event: &'a Value) -> Self {
        let mut leaves = Self::default();
        if event.is_object() {
            leaves.add("", event, &Vec::new());
        }
        leaves
    }

    fn add(&mut self, path: &str, value: &'a Value, within: &Within) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.add(&join(path, name), value, within);
                }
            }
            Value::Array(elements) => {
                let array = self.arrays;
                self.arrays += 1;
                for (index, element) in elements.iter().enumerate() {
                    // Plain elements are values of the field itself: only what is nested must agree on the element.
                    if element.is_object() || element.is_array() {
                        let mut within = within.clone();
                        within.push((array, index));
                        self.add(path, element, &within);
                    } else {
                        self.add(path, element, within);
                    }
                }
            }
            value => self.leaves.push((path.to_owned(), value, within.clone())),
        }
    }

    /// Whether all fields match, given the elements that fields before them have settled on.
    fn match_all(&self, fields: &[Field], settled: &Within) -> bool {
        let Some((field, rest)) = fields.split_first() else { return true };
        let mut present = self
            .leaves
            .iter()
            .filter(|(path, _, within)| *path == field.path && agree(settled, within))
            .peekable();
        if present.peek().is_none() {
            return field.tests.contains(&Test::Exists(false)) && self.match_all(rest, settled);
        }
        present.any(|(_, value, within)| {
            field.tests.iter().any(|test| test.matches(value))
                && self.match_all(rest, &[settled.as_slice(), within].concat())
        })
    }
}

/// Whether two places can be seen together: no two elements of one array.
fn agree(settled: &Within, within: &Within) -> bool {
    within.iter().all(|(array, index)| settled.iter().all(|(other, at)| array != other || index == at))
}

impl Test {
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
            Self::Wildcard(wildcard) => text.is_some_and(|text| wildcard.matches(text)),
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
        // Whole numbers first: beyond 2^53 two of them may share one float.
        (Value::Number(wanted), Value::Number(value)) if wanted.is_f64() || value.is_f64() => {
            wanted.as_f64() == value.as_f64()
        }
        (wanted, value) => wanted == value,
    }
}

impl Wildcard {
    /// Each star stands for any characters, none included.
    fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        let Some((last, between)) = rest.split_last() else { return text.is_empty() };
        for piece in between {
            match text.find(piece.as_str()) {
                Some(at) => text = &text[at + piece.len()..],
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
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
        fn a_wildcard_made_of_a_texts_own_pieces_matches_it(pieces in prop::collection::vec("[ab]{1,3}", 1..5)) {
            let pattern = Pattern::parse(&json!({"a": [{"wildcard": pieces.join("*")}]})).unwrap();
            let event = json!({"a": pieces.concat()});
            prop_assert!(pattern.matches(&event));
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
