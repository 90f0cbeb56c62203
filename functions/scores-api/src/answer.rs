//! Answers: bodies with a strong `ETag`, 304 for those who have them, and how long they may be kept.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use lambda::Problem;
use maud::Markup;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A minute in browsers, five in shared caches, which may serve on while they ask anew or we are down.
const CACHING: HeaderValue = HeaderValue::from_static(
    "public, max-age=60, s-maxage=300, stale-while-revalidate=600, stale-if-error=86400",
);

/// No script, nothing from elsewhere, forms to ourselves only; the pages carry their own styles.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// The proof's page checks it by our own script, which asks nobody but us.
const POLICY_WITH_SCRIPT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// For what grows every few minutes.
const A_MOMENT: HeaderValue = HeaderValue::from_static("public, max-age=10");

/// For what never changes.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml; charset=utf-8");

const PNG: HeaderValue = HeaderValue::from_static("image/png");

const ATOM: HeaderValue = HeaderValue::from_static("application/atom+xml; charset=utf-8");

/// Whoever is told that something is not there may be told again soon: it may be there by then. A failure is not to be kept at all.
const SHORTLY: HeaderValue = HeaderValue::from_static("public, max-age=10, s-maxage=30");

const NOT_AT_ALL: HeaderValue = HeaderValue::from_static("no-store");

/// The API adds to an answer what the asking page's browser needs, which a shared cache must not give to another.
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");

pub(crate) fn json(request: &HeaderMap, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => cached(request, JSON, body),
        Err(error) => {
            tracing::error!(%error, "an answer does not serialise");
            problem(crate::unavailable())
        }
    }
}

/// JSON that is text already.
pub(crate) fn json_text(request: &HeaderMap, text: &'static str) -> Response {
    cached(request, JSON, text)
}

/// Adds where the next page of a list is (RFC 8288).
pub(crate) fn with_next(mut response: Response, next: Option<&str>) -> Response {
    let link = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

pub(crate) fn svg(request: &HeaderMap, image: String) -> Response {
    let mut response = cached(request, SVG, image);
    // Opened by itself it is a document of this origin: nothing in it may run.
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

pub(crate) fn png(request: &HeaderMap, image: Vec<u8>) -> Response {
    cached(request, PNG, image)
}

pub(crate) fn atom(request: &HeaderMap, feed: String) -> Response {
    cached(request, ATOM, feed)
}

/// For what somebody waits to see change: nobody keeps it without asking whether it still holds.
pub(crate) fn json_soon_stale(request: &HeaderMap, value: &impl Serialize) -> Response {
    let mut response = json(request, value);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

pub(crate) fn html(request: &HeaderMap, markup: Markup) -> Response {
    let mut response = cached(request, HTML, markup.into_string());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// A page with a script of ours.
pub(crate) fn html_with_script(request: &HeaderMap, markup: Markup) -> Response {
    let mut response = html(request, markup);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY_WITH_SCRIPT);
    response
}

pub(crate) fn script(request: &HeaderMap, source: &'static str) -> Response {
    cached(request, SCRIPT, source)
}

pub(crate) fn text(request: &HeaderMap, text: String) -> Response {
    cached(request, TEXT, text)
}

pub(crate) fn text_of_a_moment(request: &HeaderMap, body: String) -> Response {
    let mut response = text(request, body);
    response.headers_mut().insert(header::CACHE_CONTROL, A_MOMENT);
    response
}

pub(crate) fn forever(request: &HeaderMap, bytes: Vec<u8>) -> Response {
    let mut response = cached(request, BINARY, bytes);
    response.headers_mut().insert(header::CACHE_CONTROL, FOREVER);
    response
}

/// Whether a body is bytes rather than text, whatever its bytes happen to be.
pub(crate) fn is_binary(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| *kind == BINARY || *kind == PNG)
}

/// A text to be kept as a file of this name, which has no quotes in it.
pub(crate) fn download(request: &HeaderMap, name: &str, body: String) -> Response {
    let mut response = text(request, body);
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

pub(crate) fn html_with(status: StatusCode, markup: Markup) -> Response {
    let mut response = Response::new(Body::from(markup.into_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HTML);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response.headers_mut().insert(header::CACHE_CONTROL, kept(status));
    response.headers_mut().insert(header::VARY, BY_ORIGIN);
    response
}

pub(crate) fn problem(problem: Problem) -> Response {
    let (parts, body) = problem.into_response().into_parts();
    let mut response = Response::from_parts(parts, Body::from(body.to_vec()));
    let kept = kept(response.status());
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response.headers_mut().insert(header::VARY, BY_ORIGIN);
    response
}

fn kept(status: StatusCode) -> HeaderValue {
    if status == StatusCode::NOT_FOUND { SHORTLY } else { NOT_AT_ALL }
}

fn cached(request: &HeaderMap, content_type: HeaderValue, body: impl AsRef<[u8]> + Into<Body>) -> Response {
    let digest = hex::encode(Sha256::digest(body.as_ref()));
    let tag = format!("\"{}\"", &digest[..32]);
    let mut response = if has(request, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(body.into())
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, CACHING);
    headers.insert(header::VARY, BY_ORIGIN);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether the client says it has the body of this tag (RFC 9110, 13.1.2: weak comparison).
fn has(request: &HeaderMap, tag: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(if_none_match: &str) -> StatusCode {
        let mut headers = HeaderMap::new();
        if !if_none_match.is_empty() {
            headers.insert(header::IF_NONE_MATCH, if_none_match.parse().unwrap());
        }
        json(&headers, &1).status()
    }

    #[test]
    fn whoever_has_the_body_is_told_so_and_everybody_else_gets_it() {
        let response = json(&HeaderMap::new(), &1);
        let tag = response.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(asked(""), StatusCode::OK);
        assert_eq!(asked("\"other\""), StatusCode::OK);
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            assert_eq!(asked(&known), StatusCode::NOT_MODIFIED, "{known}");
        }
    }
}
