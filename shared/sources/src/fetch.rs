//! Asking a source for a page, politely and within bounds.
//!
//! What goes out says who asks, and goes where the egress [guard](probe::guard) lets it, each redirect anew. What comes in is bounded in
//! time, headers and size, and never unpacked; whatever the other side does is a [`Failure`] with a name. Nothing here waits or
//! remembers: when a host may be asked is [`trust::source::turn`]'s, and kept where all who ask see it.
//!
//! `robots.txt` is read by RFC 9309, with the crate `robotxt`: of those with a crawl delay it is the one that keeps to the RFC's text
//! (exact product token, longest rule, `Allow` on ties, 500 KiB, access results) without a regular expression a rule, and what it
//! understood can be kept.

mod body;
mod retry_after;
mod robots;
mod tool;

use std::time::Duration;

use http_body_util::Empty;
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    header::{
        ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue,
        IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, USER_AGENT,
    },
};
use probe::{
    exchange::location,
    outcome::{Miss, Reason},
    prober::{Contact, Prober},
};
use tokio::time::Instant;
use trust::{
    source::{failure::Failure, page::Validators},
    time::Moment,
};
use url::{Origin, Url};

use body::Body;
pub use robots::{LONGEST_KEPT, Rules};

/// The name that `robots.txt` calls us by.
pub const ROBOT: &str = "ProviderTrustBot";

/// How many redirects are followed, as RFC 9309 asks for `robots.txt`. More are loops.
const REDIRECTS: usize = 5;

/// The longest validator that is kept. Longer ones are not worth sending back.
const LONGEST_VALIDATOR: usize = 512;

/// Asks sources. To be made once and kept.
#[derive(Clone)]
pub struct Fetcher {
    prober: Prober,
    agent: HeaderValue,
}

/// What a page answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The page.
    Page {
        /// What it says.
        bytes: Vec<u8>,
        /// What to ask with the next time.
        validators: Validators,
    },
    /// It says what it said the last time.
    Unchanged,
}

/// How much a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The time for all of it: names, connection, redirects and body.
    pub within: Duration,
    /// The longest page, in bytes.
    pub most_bytes: usize,
}

/// One answer, on the way to what it means.
enum Hop {
    Redirect(Url),
    Done(u16, HeaderMap, Body),
}

impl Fetcher {
    /// Asks by way of this prober's guard, names and trust, and tells whom to turn to.
    pub fn new(prober: Prober, contact: &Contact) -> Self {
        let agent = format!("{ROBOT}/{} (+{})", env!("CARGO_PKG_VERSION"), contact.url());
        // A URL has no signs but those that a header may have, so that this is never the other one.
        let agent = HeaderValue::from_str(&agent).unwrap_or(HeaderValue::from_static(ROBOT));
        Self { prober, agent }
    }

    /// Reads a page that its host's rules allow.
    ///
    /// Redirects are followed on the same host only, and only where its rules allow them: another host has rules of its own, and a
    /// source that has moved is an operator's to look at.
    pub async fn page(
        &self,
        url: &Url,
        rules: &Rules,
        validators: Option<&Validators>,
        bounds: Bounds,
        now: Moment,
    ) -> Result<Answer, Failure> {
        let until = Instant::now() + bounds.within;
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            if !rules.allow(&url) {
                return Err(Failure::Disallowed);
            }
            match self
                .ask(&url, validators, bounds.most_bytes, until, now)
                .await
                .map_err(|miss| failure(&miss))?
            {
                Hop::Redirect(next) if is_same_site(&url, &next) => url = next,
                Hop::Redirect(_) => return Err(Failure::Redirected),
                Hop::Done(status, headers, body) => {
                    return answer(status, &headers, body, validators.is_some(), now);
                }
            }
        }
        Err(Failure::Redirected)
    }

    /// Reads the rules of the URL's host.
    ///
    /// Always an outcome (RFC 9309, section 2.3.1): no file, no restriction; no answer, nothing is allowed. A host that says 429 or
    /// sends something packed is one without an answer, since we can not know what it would say.
    pub async fn rules(&self, url: &Url, within: Duration, now: Moment) -> Rules {
        let until = Instant::now() + within;
        let Ok(mut url) = robotxt::robots_url(url) else { return Rules::unreachable(now) };
        for _ in 0..=REDIRECTS {
            match self.ask(&url, None, robotxt::BYTE_LIMIT + 1, until, now).await {
                Ok(Hop::Redirect(next)) => url = next,
                Ok(Hop::Done(status, headers, body)) => return robots::rules(status, &headers, &body, now),
                Err(miss) => {
                    tracing::info!(?miss, %url, "no robots.txt");
                    return Rules::unreachable(now);
                }
            }
        }
        // "If there are more than five consecutive redirects, crawlers MAY assume that the robots.txt file is unavailable."
        Rules::unavailable(now)
    }

    async fn ask(
        &self,
        url: &Url,
        validators: Option<&Validators>,
        most: usize,
        until: Instant,
        now: Moment,
    ) -> Result<Hop, Miss> {
        let request = self.request(validators);
        self.prober.send(url, request, until, now, |response| hop(response, url, most)).await
    }

    fn request(&self, validators: Option<&Validators>) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::GET;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let kept =
            validators.map(|known| [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)]);
        for (name, text) in kept.into_iter().flatten() {
            if let Some(value) = text.as_ref().and_then(|text| HeaderValue::from_str(text).ok()) {
                headers.insert(name, value);
            }
        }
        request
    }
}

/// Looks at one answer, and reads as much of it as is asked for. The body of a redirect or an error is nobody's business.
async fn hop(response: Response<Incoming>, url: &Url, most: usize) -> Result<Hop, Miss> {
    if let Some(next) = location(&response, url)? {
        return Ok(Hop::Redirect(next));
    }
    let (head, body) = response.into_parts();
    let read = if head.status.as_u16() == 200 && !is_encoded(&head.headers) {
        body::read(body, most).await?
    } else {
        Body::default()
    };
    Ok(Hop::Done(head.status.as_u16(), head.headers, read))
}

fn answer(
    status: u16,
    headers: &HeaderMap,
    body: Body,
    is_conditional: bool,
    now: Moment,
) -> Result<Answer, Failure> {
    let wait = retry_after::of(headers, now);
    match status {
        200 if is_encoded(headers) => Err(Failure::Encoded),
        200 if body.is_cut => Err(Failure::TooLarge),
        200 => Ok(Answer::Page { bytes: body.bytes, validators: validators(headers) }),
        304 if is_conditional => Ok(Answer::Unchanged),
        304 => Err(Failure::Protocol),
        404 | 410 => Err(Failure::Missing(status)),
        429 => Err(Failure::Throttled(wait)),
        503 if wait.is_some() => Err(Failure::Throttled(wait)),
        300..400 => Err(Failure::Redirected),
        _ => Err(Failure::Status(status)),
    }
}

fn validators(headers: &HeaderMap) -> Validators {
    let text = |name: HeaderName| {
        let text = headers.get(name)?.to_str().ok()?;
        (text.len() <= LONGEST_VALIDATOR).then(|| text.to_owned())
    };
    Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
}

/// Whether a body is packed. One that says it is not, in words, is not.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(CONTENT_ENCODING).iter();
    all.any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// Whether a redirect stays where it was asked: at the same host and port, or from http to https of the same host.
fn is_same_site(from: &Url, to: &Url) -> bool {
    let (Origin::Tuple(scheme, host, port), Origin::Tuple(next_scheme, next_host, next_port)) =
        (from.origin(), to.origin())
    else {
        return false;
    };
    let is_upgrade = (scheme.as_str(), port, next_scheme.as_str(), next_port) == ("http", 80, "https", 443);
    host == next_host && (is_upgrade || (scheme == next_scheme && port == next_port))
}

fn failure(miss: &Miss) -> Failure {
    match miss {
        Miss::Unknown(fault) => {
            tracing::warn!(?fault, "could not ask");
            Failure::Ours
        }
        Miss::Barred(refusal) => {
            tracing::warn!(%refusal, "an address that is never asked");
            Failure::Barred
        }
        Miss::Down(reason) => match reason {
            Reason::Dns | Reason::Refused | Reason::Reset | Reason::Unreachable => Failure::Unreachable,
            Reason::NotPublic => Failure::NotPublic,
            Reason::Timeout | Reason::Slow => Failure::TimedOut,
            Reason::Tls(_) => Failure::Tls,
            Reason::Redirect => Failure::Redirected,
            Reason::Status(status) => Failure::Status(*status),
            Reason::Protocol | Reason::Body => Failure::Protocol,
        },
    }
}

#[cfg(test)]
mod tests;
