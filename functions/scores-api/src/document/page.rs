//! The OpenAPI document for people.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::page::frame::{Head, frame};

/// The address in examples, where one runs the local stack.
const EXAMPLE: &str = "http://127.0.0.1:8787";

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

pub(super) fn page(document: &str) -> Markup {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let empty = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&empty);
    let schemas = document["components"]["schemas"].as_object().unwrap_or(&empty);
    let groups = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let body = html! {
        h1 { "API" }
        p { (text(&document["info"]["description"])) " " a href="/v1/openapi.json" { "The same as OpenAPI 3.1" } "." }
        @for group in groups {
            section {
                h2 { (text(&group["name"])) }
                p.soft { (text(&group["description"])) }
                @for (path, methods) in paths {
                    @for method in METHODS {
                        @let operation = &methods[method];
                        @if operation["tags"][0] == group["name"] { (shown(path, method, operation)) }
                    }
                }
            }
        }
        section {
            h2 { "Schemas" }
            @for (name, schema) in schemas {
                details.op id={ "schema-" (name) } { summary { code { (name) } } (fields(schema)) }
            }
        }
    };
    frame(&Head::titled("API"), &body)
}

fn shown(path: &str, method: &str, operation: &Value) -> Markup {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let empty = Map::new();
    let answers = operation["responses"].as_object().unwrap_or(&empty);
    html! {
        details.op id=(text(&operation["operationId"])) {
            summary { span.verb { (method.to_uppercase()) } code { (path) } " " span.soft { (text(&operation["summary"])) } }
            @if let Some(description) = operation["description"].as_str() { p { (description) } }
            @if !parameters.is_empty() {
                div.scroll { table {
                    thead { tr { th { "Parameter" } th { "is" } } }
                    tbody { @for parameter in parameters { tr {
                        th scope="row" { code { (text(&parameter["name"])) } @if parameter["in"] != "query" { div.soft { "in the " (text(&parameter["in"])) } } }
                        td { (text(&parameter["description"])) div.soft { (kind(&parameter["schema"])) } }
                    } } }
                } }
            }
            div.scroll { table {
                thead { tr { th { "Answer" } th { "is" } } }
                tbody { @for (status, answer) in answers { tr {
                    th scope="row" { (status) }
                    td { (text(&answer["description"])) (content(&answer["content"])) }
                } } }
            } }
            @if let Some(example) = operation["x-example"].as_str() {
                div.scroll { pre { code { "curl -s '" (EXAMPLE) (example) "'" } } }
            }
        }
    }
}

fn content(content: &Value) -> Markup {
    let empty = Map::new();
    html! {
        @for (media, body) in content.as_object().unwrap_or(&empty) {
            div.soft { (media) ": " (kind(&body["schema"])) }
        }
    }
}

fn fields(schema: &Value) -> Markup {
    let empty = Map::new();
    let members = schema["properties"].as_object().unwrap_or(&empty);
    html! {
        @if let Some(description) = schema["description"].as_str() { p { (description) } }
        @if members.is_empty() { p.soft { (kind(schema)) } } @else {
            div.scroll { table { tbody { @for (name, member) in members { tr {
                th scope="row" { code { (name) } }
                td { (text(&member["description"])) div.soft { (kind(member)) } }
            } } } } }
        }
    }
}

/// What kind of value a schema wants.
fn kind(schema: &Value) -> Markup {
    let any = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
    html! {
        @if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            a href={ "#schema-" (name) } { (name) }
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

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
