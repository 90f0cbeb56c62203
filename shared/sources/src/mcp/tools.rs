//! Choosing a tool and its arguments by patterns that an operator configures, because nobody has promised their names.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Error, short};

/// The longest pattern. Matching takes at most its length times a name's.
const LONGEST_PATTERN: usize = 64;

/// A tool of a server: its name, what it takes and what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    name: String,
    takes: Vec<String>,
    needs: Vec<String>,
}

impl Tool {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments for this tool: each value under the one property that its patterns choose. Nothing is left out silently.
    pub fn arguments(&self, wanted: &[Argument]) -> Result<Map<String, Value>, Error> {
        let mut arguments = Map::new();
        let mut unplaced = Vec::new();
        for Argument { patterns, value } in wanted {
            match patterns.choose(&self.takes.iter().map(String::as_str)) {
                Choice::One(name) => {
                    arguments.insert(name.to_owned(), value.clone());
                }
                Choice::None | Choice::Several(_) => unplaced.push(patterns.to_string()),
            }
        }
        let missing: Vec<String> =
            self.needs.iter().filter(|name| !arguments.contains_key(*name)).cloned().collect();
        if missing.is_empty() && unplaced.is_empty() {
            Ok(arguments)
        } else {
            Err(Error::Arguments { tool: self.name.clone(), missing, unplaced })
        }
    }
}

impl From<rmcp::model::Tool> for Tool {
    fn from(tool: rmcp::model::Tool) -> Self {
        let schema = &tool.input_schema;
        let properties = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        Self {
            name: tool.name.to_string(),
            takes: properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default(),
            needs: required
                .map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                .unwrap_or_default(),
        }
    }
}

/// A value for a tool, and the patterns of the property it goes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Which property.
    pub patterns: Patterns,
    /// The value.
    pub value: Value,
}

/// Names, in the order of preference; `*` stands for anything, case makes no difference: `["list_plans", "*plan*"]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Patterns(Vec<String>);

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// There is none.
    #[error("no patterns")]
    None,
    /// One is empty or too long.
    #[error("a pattern has 1 to 64 bytes, not {0:?}")]
    Length(String),
}

impl TryFrom<Vec<String>> for Patterns {
    type Error = InvalidPattern;
    fn try_from(patterns: Vec<String>) -> Result<Self, InvalidPattern> {
        if patterns.is_empty() {
            return Err(InvalidPattern::None);
        }
        match patterns.iter().find(|pattern| !(1..=LONGEST_PATTERN).contains(&pattern.len())) {
            Some(wrong) => Err(InvalidPattern::Length(wrong.chars().take(LONGEST_PATTERN).collect())),
            None => Ok(Self(patterns.into_iter().map(|pattern| pattern.to_ascii_lowercase()).collect())),
        }
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("|"))
    }
}

enum Choice<'n> {
    None,
    One(&'n str),
    Several(Vec<&'n str>),
}

impl Patterns {
    /// The tool that the first pattern with a match matches; it must match one only.
    pub fn tool<'t>(&self, tools: &'t [Tool]) -> Result<&'t Tool, Error> {
        let names = tools.iter().map(|tool| tool.name.as_str());
        let matching = match self.choose(&names) {
            Choice::One(name) => match tools.iter().find(|tool| tool.name == name) {
                Some(tool) => return Ok(tool),
                None => Vec::new(),
            },
            Choice::None => Vec::new(),
            Choice::Several(names) => names.into_iter().map(short).collect(),
        };
        let offered = names.take(20).map(short).collect();
        Err(Error::Choice { patterns: self.to_string(), matching, offered })
    }

    fn choose<'n>(&self, names: &(impl Iterator<Item = &'n str> + Clone)) -> Choice<'n> {
        for pattern in &self.0 {
            let mut matching: Vec<&str> = names.clone().filter(|name| matches(pattern, name)).collect();
            match (matching.pop(), matching.is_empty()) {
                (None, _) => {}
                (Some(only), true) => return Choice::One(only),
                (Some(last), false) => {
                    matching.push(last);
                    return Choice::Several(matching);
                }
            }
        }
        Choice::None
    }
}

/// Whether a name is of a pattern. At a mismatch only the last `*` takes one more, which finds a match if there is one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut in_pattern, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&letter) = name.get(in_name) {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                star = Some((in_pattern, in_name));
                in_pattern += 1;
            }
            Some(wanted) if wanted.eq_ignore_ascii_case(&letter) => {
                in_pattern += 1;
                in_name += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                in_pattern = at + 1;
                in_name = taken + 1;
            }
        }
    }
    pattern.get(in_pattern..).is_some_and(|rest| rest.iter().all(|&left| left == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn patterns(of: &[&str]) -> Patterns {
        of.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>().try_into().unwrap()
    }

    fn tool(name: &str, takes: &[&str], needs: &[&str]) -> Tool {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Tool { name: name.to_owned(), takes: owned(takes), needs: owned(needs) }
    }

    #[test]
    fn a_star_stands_for_anything_and_case_for_nothing() {
        for (pattern, name, is_match) in [
            ("list_plans", "list_plans", true),
            ("LIST_*", "list_plans", true),
            ("*plan*", "vps_plans_search", true),
            ("*plan*s", "planet_plans", true),
            ("*", "", true),
            ("**a", "bca", true),
            ("list", "list_plans", false),
            ("*plan", "plans", false),
            ("a*b*c", "a_c_b", false),
        ] {
            assert_eq!(matches(pattern, name), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn the_first_pattern_that_matches_one_tool_chooses_and_two_matches_choose_none() {
        let tools =
            [tool("search_plans", &[], &[]), tool("plan_details", &[], &[]), tool("list_yabs", &[], &[])];
        assert_eq!(patterns(&["plans", "*yabs*"]).tool(&tools).unwrap().name(), "list_yabs");
        let Err(Error::Choice { matching, .. }) = patterns(&["*plan*", "list_yabs"]).tool(&tools) else {
            panic!()
        };
        assert_eq!(matching, ["search_plans", "plan_details"]);
        let Err(Error::Choice { matching, offered, .. }) = patterns(&["*trial*"]).tool(&tools) else {
            panic!()
        };
        assert_eq!((matching.len(), offered.len()), (0, 3));
    }

    #[test]
    fn arguments_find_their_place_or_are_an_error() {
        let search = tool("search_plans", &["provider_slug", "max_price"], &["provider_slug"]);
        let hetzner =
            Argument { patterns: patterns(&["provider", "*provider*", "*hoster*"]), value: json!("hetzner") };
        let arguments = search.arguments(std::slice::from_ref(&hetzner)).unwrap();
        assert_eq!(Value::Object(arguments), json!({"provider_slug": "hetzner"}));
        let Err(Error::Arguments { missing, .. }) = search.arguments(&[]) else { panic!() };
        assert_eq!(missing, ["provider_slug"]);
        let Err(Error::Arguments { unplaced, .. }) = tool("all", &[], &[]).arguments(&[hetzner]) else {
            panic!()
        };
        assert_eq!(unplaced.len(), 1);
    }

    proptest! {
        #[test]
        fn any_pattern_and_any_name_are_compared_in_bounded_time(pattern in "[a*]{1,64}", name in "[ab]{0,200}") {
            let is_match = matches(&pattern, &name);
            let first = pattern.split('*').next().unwrap_or_default();
            prop_assert!(!is_match || name.starts_with(first));
        }
    }
}
