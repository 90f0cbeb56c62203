//! Pages of other origins: what API Gateway answers their browsers in an API's name, and adds to what functions answer.
//!
//! An origin that is not allowed is not told anything; it is its browser that keeps the answer from it.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::wiring::Cors;

/// Headers of a function that do not count where the API says it itself.
const OURS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// Whether a browser asks for permission.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a browser that asks for permission. No function is asked.
pub(super) fn preflight(cors: &Cors, request: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    if let Some(origin) = allowed(cors, request) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        insert(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.methods);
        insert(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.headers);
        if let Some(seconds) = cors.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, seconds.into());
        }
    }
    response
}

/// Adds to an answer what the browser of an allowed origin wants to see.
pub(super) fn expose(cors: &Cors, request: &HeaderMap, answer: &mut HeaderMap) {
    for name in &OURS {
        answer.remove(name);
    }
    if let Some(origin) = allowed(cors, request) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        insert(answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.exposed);
    }
}

fn allowed(cors: &Cors, request: &HeaderMap) -> Option<HeaderValue> {
    let origin = request.get(header::ORIGIN)?;
    if cors.origins.iter().any(|known| known == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    cors.origins.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

fn insert(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(value) = HeaderValue::from_str(&values.join(","))
        && !values.is_empty()
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origin: &str) -> Cors {
        let texts = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect();
        Cors {
            origins: texts(&[origin]),
            methods: texts(&["GET", "POST"]),
            headers: texts(&["authorization", "x-nonce"]),
            exposed: texts(&["etag"]),
            max_age: Some(600),
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_browser_of_an_allowed_origin_is_told_what_it_may_and_of_another_nothing() {
        for (configured, origin, expected) in [
            ("*", "https://m.example", Some("*")),
            ("https://m.example", "https://m.example", Some("https://m.example")),
            ("https://m.example", "https://m.example.org", None),
            ("https://m.example", "null", None),
        ] {
            let request = headers(&[("origin", origin), ("access-control-request-method", "POST")]);
            assert!(is_preflight(&Method::OPTIONS, &request));
            let response = preflight(&cors(configured), &request);
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
            let found =
                |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(found("access-control-allow-origin").as_deref(), expected, "{origin}");
            assert_eq!(found("access-control-allow-methods").as_deref(), expected.map(|_| "GET,POST"));
            assert_eq!(
                found("access-control-allow-headers").as_deref(),
                expected.map(|_| "authorization,x-nonce")
            );
            assert_eq!(found("access-control-max-age").as_deref(), expected.map(|_| "600"));

            let mut answer =
                headers(&[("access-control-allow-origin", "https://else.example"), ("etag", "\"1\"")]);
            expose(&cors(configured), &request, &mut answer);
            let found = |name: &str| answer.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(found("access-control-allow-origin"), expected, "{origin}");
            assert_eq!(found("access-control-expose-headers"), expected.map(|_| "etag"));
            assert_eq!(found("etag"), Some("\"1\""));
        }
    }

    #[test]
    fn only_a_browser_that_asks_for_permission_is_a_preflight() {
        let asking = [("origin", "https://m.example"), ("access-control-request-method", "POST")];
        assert!(!is_preflight(&Method::POST, &headers(&asking)));
        for one in asking {
            assert!(!is_preflight(&Method::OPTIONS, &headers(&[one])));
        }
    }

    #[test]
    fn who_asks_from_no_page_gets_no_such_headers() {
        let mut answer = HeaderMap::new();
        expose(&cors("*"), &HeaderMap::new(), &mut answer);
        assert_eq!(answer, HeaderMap::new());
    }
}
