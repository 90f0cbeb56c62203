//! Answers: pages for people, JSON for programs, and headers that keep the link to whoever has it.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use lambda::Problem;
use lambda_http::{Body, Response};
use maud::Markup;
use serde_json::{Value, json};
use trust::feedback::Answers;

use crate::{
    Refusal, form,
    form::Unread,
    page,
    state::{Asked, State},
};

/// Seconds after which it may be worth asking again when something that is needed can not be reached.
const SOON: u32 = 5;

/// No script, nothing from elsewhere; the pages carry their own styles, and their form comes back to us.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The link is in the address, so the address goes nowhere and is kept by nobody.
const PRIVATE: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// In which form an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Page,
    /// For programs.
    Json,
}

impl Form {
    /// The form in which a request is answered: what was posted as JSON in JSON, what was posted as a form with a page, and what is opened as
    /// its `Accept` has it. Browsers name HTML.
    pub(crate) fn asked(method: &Method, headers: &HeaderMap) -> Self {
        let text =
            |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        let json = if *method == Method::POST {
            !crate::content_type(headers).eq_ignore_ascii_case("application/x-www-form-urlencoded")
        } else {
            let accept = text(header::ACCEPT).to_ascii_lowercase();
            accept.contains("json") && !accept.contains("text/html")
        };
        if json { Self::Json } else { Self::Page }
    }
}

/// How a survey stands.
pub(crate) fn state(form: Form, asked: &Asked, state: &State, method: &Method) -> Response<Body> {
    let mut response = match form {
        Form::Page => html(StatusCode::OK, page::of(asked, state)),
        Form::Json => {
            private(Response::new(Body::Text(document(asked, state).to_string())), "application/json")
        }
    };
    if *method == Method::HEAD {
        *response.body_mut() = Body::Empty;
    }
    response
}

/// Back to the top of where the answer was posted, which is told relative to itself: the API may stand under another address than ours.
/// Without a place of its own a browser would keep the one that a link to an error led to.
pub(crate) fn back_to(token: &str) -> Response<Body> {
    let mut response = private(Response::new(Body::Empty), "text/html; charset=utf-8");
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(place) = HeaderValue::try_from(format!("{token}#top")) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// A problem, or the page that says it.
pub(crate) fn refused(form: Form, problem: Problem, page: Markup) -> Response<Body> {
    match form {
        Form::Page => {
            let status = problem.status();
            let retry = problem.into_response().headers_mut().remove(header::RETRY_AFTER);
            let mut response = html(status, page);
            if let Some(retry) = retry {
                response.headers_mut().insert(header::RETRY_AFTER, retry);
            }
            response
        }
        Form::Json => private(problem.into_response(), "application/problem+json"),
    }
}

/// What a refusal is called, and the page that says it.
pub(crate) fn refusal(refusal: Refusal) -> (Problem, Markup) {
    let detail = refusal.to_string();
    let with = |status, kind, title| Problem::new(status, kind, title).detail(&detail);
    match refusal {
        Refusal::NoSuchPath => (with(StatusCode::NOT_FOUND, "no-such-path", "No such path"), page::no_link()),
        Refusal::Method => (
            with(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed"),
            page::no_link(),
        ),
        Refusal::NoLink => (with(StatusCode::NOT_FOUND, "unknown-link", "No such link"), page::no_link()),
        Refusal::Closed(at) => {
            (with(StatusCode::GONE, "link-expired", "The link has expired"), page::closed(at))
        }
        Refusal::NotEnded => (
            with(StatusCode::CONFLICT, "contract-not-ended", "The contract has not ended"),
            page::not_ended(),
        ),
        Refusal::Refused(_) | Refusal::Forgotten => {
            (with(StatusCode::CONFLICT, "feedback-final", "The answers are final"), page::too_late(&detail))
        }
        Refusal::Faults(incomplete, asked) => {
            let errors: Vec<Value> = incomplete
                .faults
                .iter()
                .map(|fault| {
                    json!({ "pointer": format!("/{}", form::name(fault.question)), "detail": fault.wrong.text() })
                })
                .collect();
            let problem =
                with(StatusCode::UNPROCESSABLE_ENTITY, "invalid-feedback", "The answers are not valid");
            (problem.with("errors", errors), page::again(&asked, &incomplete))
        }
        Refusal::Unread(Unread::Type) => {
            let kind = "unsupported-media-type";
            (with(StatusCode::UNSUPPORTED_MEDIA_TYPE, kind, "This kind of body is not read"), page::no_link())
        }
        Refusal::Unread(Unread::Json) => {
            (with(StatusCode::BAD_REQUEST, "invalid-body", "The body can not be read"), page::no_link())
        }
        Refusal::TooLarge => {
            (with(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"), page::no_link())
        }
        Refusal::Table(_) | Refusal::Secrets(_) => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available")
                .detail("please try again; answers that are sent twice count once")
                .retry_after(SOON);
            (problem, page::unavailable())
        }
    }
}

fn document(asked: &Asked, state: &State) -> Value {
    let said = |answers: Answers| {
        let members = answers
            .each()
            .map(|(question, answer)| (form::name(question).to_owned(), Value::from(form::value(answer))));
        Value::Object(members.into_iter().collect())
    };
    let mut document = json!({
        "state": state.name(), "contract_id": asked.contract_id(), "provider_id": asked.provider,
        "answers": null, "until": null,
    });
    let (answers, until) = match *state {
        State::Open { until } => (None, Some(until)),
        State::Changeable { answers, until } => (Some(answers), Some(until)),
        State::Final { answers } => (answers, None),
    };
    document["answers"] = answers.map_or(Value::Null, said);
    document["until"] = json!(until);
    document
}

fn html(status: StatusCode, markup: Markup) -> Response<Body> {
    let mut response = private(Response::new(Body::Text(markup.into_string())), "text/html; charset=utf-8");
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn private(mut response: Response<Body>, content_type: &'static str) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in PRIVATE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_pages_and_programs_get_json() {
        for (method, name, value, expected) in [
            (Method::GET, header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8", Form::Page),
            (Method::GET, header::ACCEPT, "*/*", Form::Page),
            (Method::GET, header::ACCEPT, "application/json", Form::Json),
            (Method::GET, header::ACCEPT, "text/html, application/json", Form::Page),
            (Method::HEAD, header::HOST, "x", Form::Page),
            (
                Method::POST,
                header::CONTENT_TYPE,
                "application/x-www-form-urlencoded; charset=utf-8",
                Form::Page,
            ),
            (Method::POST, header::CONTENT_TYPE, "application/json", Form::Json),
            (Method::POST, header::ACCEPT, "text/html", Form::Json),
        ] {
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
            assert_eq!(Form::asked(&method, &headers), expected, "{method} {value}");
        }
    }
}
