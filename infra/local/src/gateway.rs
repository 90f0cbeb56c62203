//! The HTTP front: routes of the HTTP API as the template has them, and Function URLs under `/lambda-url/<function>`.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use lambda::{Problem, clock};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{functions::Function, template::ACCOUNT, wiring::Route};

/// Most bytes API Gateway takes in a body.
const API_BODY: usize = 10 * 1024 * 1024;

/// Most bytes a Function URL takes in a body.
const URL_BODY: usize = 6 * 1024 * 1024;

/// Where requests go.
pub struct Gateway {
    /// The routes of the HTTP API.
    pub routes: Vec<Route>,
    /// The functions with a Function URL, by binary name.
    pub function_urls: HashMap<String, Function>,
    /// All functions, by logical name.
    pub functions: HashMap<String, Function>,
}

/// The front, to be merged with what else is served there.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new().fallback(serve).with_state(gateway)
}

/// What a request is for.
struct Call<'a> {
    function: &'a Function,
    route_key: String,
    path: String,
    parameters: Map<String, Value>,
    most_bytes: usize,
}

impl Gateway {
    fn find(&self, method: &str, path: &str) -> Option<Call<'_>> {
        if let Some(rest) = path.strip_prefix("/lambda-url/") {
            let (name, inner) = rest.split_once('/').unwrap_or((rest, ""));
            let function = self.function_urls.get(name)?;
            return Some(Call {
                function,
                route_key: "$default".to_owned(),
                path: format!("/{inner}"),
                parameters: Map::new(),
                most_bytes: URL_BODY,
            });
        }
        let matching = self.routes.iter().filter_map(|route| {
            let known = route.method == method || route.method == "ANY";
            known
                .then(|| match_path(&route.path, path))
                .flatten()
                .map(|(rank, parameters)| (rank, route, parameters))
        });
        // The most specific route wins: one with literals where others have parameters.
        let (_, route, parameters) = matching.max_by_key(|(rank, _, _)| rank.clone())?;
        Some(Call {
            function: self.functions.get(&route.function)?,
            route_key: format!("{} {}", route.method, route.path),
            path: path.to_owned(),
            parameters,
            most_bytes: API_BODY,
        })
    }
}

/// How specific each segment of a route is: a literal, a parameter, the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Rest,
    Parameter,
    Literal,
}

fn match_path(route: &str, path: &str) -> Option<(Vec<Segment>, Map<String, Value>)> {
    let (mut rank, mut parameters) = (Vec::new(), Map::new());
    let mut given = path.split('/');
    let mut wanted = route.split('/').peekable();
    while let Some(segment) = wanted.next() {
        match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if name.ends_with('+') && wanted.peek().is_none() => {
                let rest: Vec<&str> = given.collect();
                if rest.is_empty() {
                    return None;
                }
                parameters.insert(name.trim_end_matches('+').to_owned(), json!(rest.join("/")));
                rank.push(Segment::Rest);
                return Some((rank, parameters));
            }
            Some(name) => {
                let value = given.next().filter(|value| !value.is_empty())?;
                parameters.insert(name.to_owned(), json!(value));
                rank.push(Segment::Parameter);
            }
            None => {
                if given.next() != Some(segment) {
                    return None;
                }
                rank.push(Segment::Literal);
            }
        }
    }
    given.next().is_none().then_some((rank, parameters))
}

async fn serve(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(call) = gateway.find(parts.method.as_str(), parts.uri.path()) else {
        return problem(Problem::new(StatusCode::NOT_FOUND, "no-such-path", "No such path"));
    };
    let Ok(body) = to_bytes(body, call.most_bytes).await else {
        let most = call.most_bytes / (1024 * 1024);
        return problem(
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
                .detail(format!("the most is {most} MB")),
        );
    };
    match call.function.invoke_http(event(&parts, &call, &body)).await {
        Ok(response) => forward(response),
        Err(error) => {
            tracing::error!(%error, "no answer");
            // As API Gateway and Function URLs answer for a function that failed.
            (StatusCode::INTERNAL_SERVER_ERROR, "{\"message\":\"Internal Server Error\"}").into_response()
        }
    }
}

fn forward(response: lambda_http::Response<lambda_http::Body>) -> Response {
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, Body::from(body.to_vec()))
}

fn problem(problem: Problem) -> Response {
    forward(problem.into_response())
}

/// The event that API Gateway and Function URLs make of a request, payload version 2.0.
fn event(parts: &Parts, call: &Call<'_>, body: &Bytes) -> Value {
    let now = clock::now();
    let query = parts.uri.query().unwrap_or_default();
    let source = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let mut event = json!({
        "version": "2.0",
        "routeKey": call.route_key,
        "rawPath": call.path,
        "rawQueryString": query,
        "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": parts.method.as_str(),
                "path": call.path,
                "protocol": "HTTP/1.1",
                "sourceIp": source.map(|source| source.0.ip().to_string()).unwrap_or_default(),
                "userAgent": text(&parts.headers, header::USER_AGENT),
            },
            "requestId": Uuid::new_v4().to_string(),
            "routeKey": call.route_key,
            "stage": "$default",
            "time": now,
            "timeEpoch": now.unix() * 1000,
        },
        "isBase64Encoded": false,
    });
    let parameters = query_parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = Value::Object(parameters);
    }
    if !call.parameters.is_empty() {
        event["pathParameters"] = Value::Object(call.parameters.clone());
    }
    if !body.is_empty() {
        // As AWS does: text stays text, everything else is base64.
        if let Ok(text) = std::str::from_utf8(body) {
            event["body"] = json!(text);
        } else {
            event["body"] = json!(STANDARD.encode(body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut joined: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match joined.get_mut(name.as_str()) {
            Some(Value::String(known)) => {
                known.push(',');
                known.push_str(&value);
            }
            _ => {
                joined.insert(name.as_str().to_owned(), json!(value));
            }
        }
    }
    joined
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match parameters.get_mut(name.as_ref()) {
            Some(Value::String(known)) => {
                known.push(',');
                known.push_str(&value);
            }
            _ => {
                parameters.insert(name.into_owned(), json!(value));
            }
        }
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_match_literals_parameters_and_the_rest() {
        for (route, path, parameters) in [
            ("/", "/", Some(json!({}))),
            ("/", "/x", None),
            ("/v1/providers", "/v1/providers", Some(json!({}))),
            ("/v1/providers", "/v1/providers/", None),
            ("/v1/providers/{id}", "/v1/providers/p1", Some(json!({"id": "p1"}))),
            ("/v1/providers/{id}", "/v1/providers/", None),
            ("/v1/providers/{id}", "/v1/providers/p1/score", None),
            ("/v1/providers/{id}/score", "/v1/providers/p1/score", Some(json!({"id": "p1"}))),
            ("/v1/log/{proxy+}", "/v1/log/tile/0/x", Some(json!({"proxy": "tile/0/x"}))),
            ("/v1/log/{proxy+}", "/v1/log", None),
        ] {
            let found = match_path(route, path).map(|(_, parameters)| Value::Object(parameters));
            assert_eq!(found, parameters, "{route} {path}");
        }
    }

    #[test]
    fn a_literal_outranks_a_parameter_and_a_parameter_the_rest() {
        let rank = |route: &str| match_path(route, "/a/b").unwrap().0;
        assert!(rank("/a/b") > rank("/a/{x}"));
        assert!(rank("/a/{x}") > rank("/a/{x+}"));
        assert!(rank("/a/{x+}") > rank("/{x+}"));
    }

    #[test]
    fn repeated_query_parameters_and_headers_are_joined_by_commas() {
        assert_eq!(
            query_parameters("a=1&b=x%20y&a=2"),
            json!({"a": "1,2", "b": "x y"}).as_object().unwrap().clone()
        );
        let mut given = HeaderMap::new();
        given.append("X-Many", "1".parse().unwrap());
        given.append("X-Many", "2".parse().unwrap());
        assert_eq!(headers(&given)["x-many"], json!("1,2"));
    }
}
