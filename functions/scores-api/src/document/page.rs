//! The OpenAPI document for people.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use crate::page::frame::{Head, frame};

/// The address in examples, where one runs the local stack.
const EXAMPLE: &str = "http://127.0.0.1:8787";

/// Which schemas a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schemas {
    /// Those of what is answered and taken whose names begin with A to M. All on one page would be too much for it.
    Answers,
    /// The rest of those.
    MoreAnswers,
    /// Those of the marketplace's events, which are named like these.
    Events,
}

impl Schemas {
    /// Those that a schema of this name is among.
    fn with(name: &str) -> Self {
        match name.chars().next() {
            _ if name.contains('.') => Self::Events,
            Some('N'..='Z') => Self::MoreAnswers,
            _ => Self::Answers,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Answers => "/docs?part=schemas",
            Self::MoreAnswers => "/docs?part=more-schemas",
            Self::Events => "/docs?part=events",
        }
    }
}

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// What there is to ask, group by group.
pub(super) fn operations(document: &str) -> Markup {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let empty = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&empty);
    let groups = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let body = html! {
        h1 { "API" }
        p { (prose(&document["info"]["description"])) " " a href="/v1/openapi.json" { "The same as OpenAPI 3.1" } "." }
        @for group in groups {
            section {
                h2 { (text(&group["name"])) }
                p.soft { (prose(&group["description"])) }
                @for (path, methods) in paths {
                    @for method in METHODS {
                        @let operation = &methods[method];
                        @if operation["tags"][0] == group["name"] { (shown(&document, path, method, operation)) }
                    }
                }
            }
        }
        p { "The schemas of what is answered and taken, " a href=(Schemas::Answers.path()) { "A to M" } " and "
            a href=(Schemas::MoreAnswers.path()) { "N to Z" } ", and "
            a href=(Schemas::Events.path()) { "those of events" } ". Answers from 400 on are " (kind(&problem)) "s." }
    };
    frame(&Head::titled("API"), &body)
}

/// What is answered and taken, member by member.
pub(super) fn schemas(document: &str, which: Schemas) -> Markup {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let empty = Map::new();
    let schemas = document["components"]["schemas"].as_object().unwrap_or(&empty);
    let body = html! {
        h1 { "Schemas" }
        p { "What the " a href="/docs" { "API" } " answers and takes." }
        section {
            @for (name, schema) in schemas.iter().filter(|(name, _)| Schemas::with(name) == which) {
                details.op id={ "schema-" (name) } { summary { code { (name) } } (fields(schema)) }
            }
        }
    };
    frame(&Head::titled("Schemas"), &body)
}

fn shown(document: &Value, path: &str, method: &str, operation: &Value) -> Markup {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let empty = Map::new();
    let answers = operation["responses"].as_object().unwrap_or(&empty);
    html! {
        details.op id=(text(&operation["operationId"])) {
            summary { span.verb { (method.to_uppercase()) } code { (path) } " " span.soft { (text(&operation["summary"])) } }
            @if operation["description"].is_string() { p { (prose(&operation["description"])) } }
            @if !parameters.is_empty() {
                div.scroll { table {
                    tbody { @for parameter in parameters { tr {
                        th scope="row" { code { (text(&parameter["name"])) } @if parameter["in"] != "query" { div.soft { "in the " (text(&parameter["in"])) } } }
                        td { (prose(&parameter["description"])) div.soft { (kind(&parameter["schema"])) } }
                    } } }
                } }
            }
            ul {
                @for (status, answer) in answers {
                    @let answer = resolved(document, answer);
                    li { strong { (status) } " " (prose(&answer["description"])) (content(&answer["content"])) }
                }
            }
            @if let Some(example) = operation["x-example"].as_str() {
                pre { code { "curl -s '" (EXAMPLE) (example) "'" } }
            }
        }
    }
}

/// What a reference stands for.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(value)
}

/// Problems are said once: all have the same schema.
fn content(content: &Value) -> Markup {
    let empty = Map::new();
    let bodies = content
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .filter(|(media, _)| *media != "application/problem+json");
    html! {
        @for (media, body) in bodies { " " code { (media) } @if media == "application/json" { ": " (kind(&body["schema"])) } }
    }
}

fn fields(schema: &Value) -> Markup {
    let empty = Map::new();
    let members = schema["properties"].as_object().unwrap_or(&empty);
    html! {
        @if schema["description"].is_string() { p { (prose(&schema["description"])) } }
        @if members.is_empty() { p.soft { (kind(schema)) } } @else {
            dl { @for (name, member) in members {
                dt { (name) } dd { (prose(&member["description"])) " " small { (kind(member)) } }
            } }
        }
    }
}

/// What kind of value a schema wants.
fn kind(schema: &Value) -> Markup {
    let any = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
    html! {
        @if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            a href={ (Schemas::with(name).path()) "#schema-" (name) } { (name) }
        } @else if let Some(any) = any {
            @for (place, one) in any.iter().enumerate() { @if place > 0 { " or " } (kind(one)) }
        } @else {
            (types(&schema["type"]))
            @if !schema["items"].is_null() && schema["items"] != false { " of " (kind(&schema["items"])) }
            @if let Some(format) = schema["format"].as_str().filter(|format| format.starts_with("date")) { ", " (format) }
            @if let Some(words) = schema["enum"].as_array() {
                ": " (words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
            }
            @if !schema["minimum"].is_null() && !schema["maximum"].is_null() { ", " (schema["minimum"]) " to " (schema["maximum"]) }
            @if !schema["default"].is_null() { ", " (text_of(&schema["default"])) " where absent" }
        }
    }
}

fn types(types: &Value) -> String {
    match types {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A description, with what stands between backticks as code.
fn prose(value: &Value) -> Markup {
    html! {
        @for (place, part) in text(value).split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
