//! Which function a request is for: routes as API Gateway ranks them, Function URLs by the function's name.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::{
    functions::Function,
    tokens::Keys,
    wiring::{Cors, JwtAuthorizer, Route},
};

/// Most bytes API Gateway takes in a body.
const API_BODY: usize = 10 * 1024 * 1024;

/// Most bytes a Function URL takes in a body.
const URL_BODY: usize = 6 * 1024 * 1024;

/// Where Function URLs are found.
const FUNCTION_URLS: &str = "/lambda-url/";

/// Where requests go.
pub struct Gateway {
    /// The routes of the HTTP API.
    pub routes: Vec<Route>,
    /// The functions with a Function URL, by binary name.
    pub function_urls: HashMap<String, Function>,
    /// All functions, by logical name.
    pub functions: HashMap<String, Function>,
    /// The keys by which tokens are checked.
    pub keys: Keys,
}

/// What a request is for.
pub(super) struct Call<'a> {
    pub(super) function: &'a Function,
    pub(super) door: Door,
    pub(super) route_key: String,
    pub(super) path: String,
    pub(super) parameters: Map<String, Value>,
    pub(super) authorizer: Option<&'a JwtAuthorizer>,
}

/// By which service a request would have come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    HttpApi,
    FunctionUrl,
}

impl Door {
    pub(super) fn most_bytes(self) -> usize {
        match self {
            Self::HttpApi => API_BODY,
            Self::FunctionUrl => URL_BODY,
        }
    }
}

impl Gateway {
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Call<'_>> {
        if let Some(rest) = path.strip_prefix(FUNCTION_URLS) {
            let (name, inner) = rest.split_once('/').unwrap_or((rest, ""));
            return Some(Call {
                function: self.function_urls.get(name)?,
                door: Door::FunctionUrl,
                route_key: "$default".to_owned(),
                path: format!("/{inner}"),
                parameters: Map::new(),
                authorizer: None,
            });
        }
        let (route, parameters) = best(&self.routes, method, path)?;
        Some(Call {
            function: self.functions.get(&route.function)?,
            door: Door::HttpApi,
            route_key: format!("{} {}", route.method, route.path),
            // Unlike a Function URL, an HTTP API hands the path on decoded.
            path: decoded(path),
            parameters,
            authorizer: route.authorizer.as_ref(),
        })
    }

    /// What the API of this path tells other origins' pages, whatever the method.
    pub(super) fn cors(&self, path: &str) -> Option<&Cors> {
        // A Function URL is another service's.
        let routes = if path.starts_with(FUNCTION_URLS) { &[] } else { self.routes.as_slice() };
        let mut matching = routes.iter().filter(|route| match_path(&route.path, path).is_some());
        matching.find_map(|route| route.cors.as_ref())
    }
}

/// The most specific route: one with literals where others have parameters, and with the method where others take any.
fn best<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<(&'a Route, Map<String, Value>)> {
    let matching = routes.iter().filter_map(|route| {
        let named = route.method == method;
        let (rank, parameters) = match_path(&route.path, path).filter(|_| named || route.method == "ANY")?;
        Some(((rank, named), route, parameters))
    });
    let (_, route, parameters) = matching.max_by(|(a, ..), (b, ..)| a.cmp(b))?;
    Some((route, parameters))
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
                parameters.insert(name.trim_end_matches('+').to_owned(), json!(decoded(&rest.join("/"))));
                rank.push(Segment::Rest);
                return Some((rank, parameters));
            }
            Some(name) => {
                let value = given.next().filter(|value| !value.is_empty())?;
                parameters.insert(name.to_owned(), json!(decoded(value)));
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

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
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
            ("/v1/providers/{id}", "/v1/providers/p%201", Some(json!({"id": "p 1"}))),
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
    fn the_most_specific_route_wins_wherever_it_stands() {
        let all = [
            ("ANY", "/{rest+}"),
            ("ANY", "/a/{x+}"),
            ("ANY", "/a/{x}"),
            ("GET", "/a/{x}"),
            ("GET", "/a/b"),
            ("POST", "/{x}/b"),
        ];
        for (method, path, expected) in [
            ("GET", "/a/b", Some("GET /a/b")),
            ("GET", "/a/c", Some("GET /a/{x}")),
            ("PUT", "/a/c", Some("ANY /a/{x}")),
            ("POST", "/a/b", Some("ANY /a/{x}")),
            ("POST", "/c/b", Some("POST /{x}/b")),
            ("GET", "/a/c/d", Some("ANY /a/{x+}")),
            ("GET", "/z", Some("ANY /{rest+}")),
        ] {
            for turned in 0..all.len() {
                let mut routes: Vec<Route> = all
                    .iter()
                    .map(|(method, path)| Route {
                        method: (*method).to_owned(),
                        path: (*path).to_owned(),
                        function: String::new(),
                        authorizer: None,
                        cors: None,
                    })
                    .collect();
                routes.rotate_left(turned);
                let found =
                    best(&routes, method, path).map(|(route, _)| format!("{} {}", route.method, route.path));
                assert_eq!(found.as_deref(), expected, "{method} {path}");
            }
        }
    }
}
