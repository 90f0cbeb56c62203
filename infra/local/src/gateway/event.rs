//! The event that API Gateway and Function URLs make of a request: payload format version 2.0.

use std::net::SocketAddr;

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use trust::time::Moment;
use uuid::Uuid;

use super::routes::Call;
use crate::template::ACCOUNT;

/// Content types that reach a function as text. Everything else comes as base64: measured on AWS by others, nowhere documented.
const TEXT_TYPES: [&str; 3] = ["application/json", "application/xml", "application/javascript"];

/// The event; `claims` are those of a token that was checked.
pub(super) fn event(
    parts: &Parts,
    call: &Call<'_>,
    claims: Option<Map<String, Value>>,
    body: &Bytes,
    now: Moment,
) -> Value {
    let query = parts.uri.query().unwrap_or_default();
    let source = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let source = source.map(|source| source.0.ip().to_string()).unwrap_or_default();
    let host = text(&parts.headers, &header::HOST);
    let mut event = json!({
        "version": "2.0",
        "routeKey": call.route_key,
        "rawPath": call.path,
        "rawQueryString": query,
        "headers": headers(&parts.headers, &source),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next(),
            "http": {
                "method": parts.method.as_str(),
                "path": call.path,
                "protocol": "HTTP/1.1",
                "sourceIp": source,
                "userAgent": text(&parts.headers, &header::USER_AGENT),
            },
            "requestId": Uuid::new_v4().to_string(),
            "routeKey": call.route_key,
            "stage": "$default",
            "time": common_log_time(now),
            "timeEpoch": now.unix() * 1000,
        },
        "isBase64Encoded": false,
    });
    if let Some(claims) = claims {
        event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    }
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let parameters = query_parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = Value::Object(parameters);
    }
    if !call.parameters.is_empty() {
        event["pathParameters"] = Value::Object(call.parameters.clone());
    }
    if body.is_empty() {
        return event;
    }
    match std::str::from_utf8(body) {
        Ok(body) if is_text(text(&parts.headers, &header::CONTENT_TYPE)) => event["body"] = json!(body),
        _ => {
            event["body"] = json!(STANDARD.encode(body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/") || TEXT_TYPES.contains(&kind.as_str())
}

/// `12/Mar/2020:19:03:58 +0000`.
fn common_log_time(now: Moment) -> String {
    let time = Timestamp::from_second(now.unix());
    time.map(|time| time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()).unwrap_or_default()
}

/// The headers, lower-case, repeated ones joined by commas, with what a gateway adds. Cookies go apart.
fn headers(headers: &HeaderMap, source: &str) -> Map<String, Value> {
    let mut joined: Map<String, Value> = Map::new();
    for (name, value) in headers {
        if name != header::COOKIE {
            join(&mut joined, name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    join(&mut joined, "x-forwarded-for", source);
    joined.insert("x-forwarded-proto".to_owned(), json!("http"));
    joined
}

fn cookies(headers: &HeaderMap) -> Vec<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .map(str::trim)
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        join(&mut parameters, &name, &value);
    }
    parameters
}

fn join(values: &mut Map<String, Value>, name: &str, value: &str) {
    match values.get_mut(name) {
        Some(Value::String(known)) => {
            known.push(',');
            known.push_str(value);
        }
        _ => {
            values.insert(name.to_owned(), json!(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_query_parameters_and_headers_are_joined_by_commas() {
        let expected = json!({"a": "1,2", "b": "x y"});
        assert_eq!(Value::Object(query_parameters("a=1&b=x%20y&a=2")), expected);
        let mut given = HeaderMap::new();
        given.append("X-Many", "1".parse().unwrap());
        given.append("X-Many", "2".parse().unwrap());
        given.append("Cookie", "a=1; b=2".parse().unwrap());
        given.append("Cookie", "c=3".parse().unwrap());
        given.append("X-Forwarded-For", "203.0.113.9".parse().unwrap());
        let expected = json!({
            "x-many": "1,2", "x-forwarded-for": "203.0.113.9,127.0.0.1", "x-forwarded-proto": "http",
        });
        assert_eq!(Value::Object(headers(&given, "127.0.0.1")), expected);
        assert_eq!(cookies(&given), ["a=1", "b=2", "c=3"]);
    }

    #[test]
    fn only_what_aws_takes_for_text_comes_as_text() {
        for (content_type, expected) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Text/Plain", true),
            ("application/xml", true),
            ("application/cloudevents+json", false),
            ("application/x-www-form-urlencoded", false),
            ("application/octet-stream", false),
            ("", false),
        ] {
            assert_eq!(is_text(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn the_time_is_written_as_in_an_access_log() {
        let time = Moment::parse("2020-03-12T19:03:58Z").unwrap();
        assert_eq!(common_log_time(time), "12/Mar/2020:19:03:58 +0000");
    }
}
