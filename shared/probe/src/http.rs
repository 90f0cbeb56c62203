//! That a URL answers as it should (HTTP/1.1, RFC 9110 and 9112).
//!
//! Each visit is an [exchange](crate::exchange) of its own. What the other side can make us keep is bounded: headers by number and
//! size, the body by [`LONGEST_BODY`].

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Method, Request, Response, Uri,
    body::Incoming,
    header::{ACCEPT, ACCEPT_ENCODING, HeaderValue, USER_AGENT},
};
use memchr::memmem;
use trust::time::Moment;
use url::Url;

use crate::{
    exchange::{address, location, target},
    guard::{Place, Refusal},
    outcome::{Certificate, Miss, Reason},
    prober::Prober,
};

/// A URL, and how it should answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// The URL, `http` or `https`.
    pub url: String,
    /// How it is asked.
    pub ask: Ask,
    /// The status it should answer with. Of an answer with a redirect that is not expected here, the target is asked.
    pub expected: Expected,
    /// The latency from which it counts as down.
    pub within: Option<Duration>,
}

/// How a URL is asked. With no method that could change anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// For the headers only.
    Head,
    /// For all of it.
    Get {
        /// What must be in the first [`LONGEST_BODY`] bytes, byte for byte.
        contains: Option<String>,
    },
}

/// The status of a right answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Any from 200 to 299.
    Success,
    /// This one.
    Status(u16),
}

/// How much of a body is read, in bytes. More would be paid for by all other checks; less would miss what pages show at their
/// end.
pub const LONGEST_BODY: usize = 64 * 1024;

/// How many redirects are followed. Fewer would call sites down that go from a name to its `www`, to https and to a language;
/// more are loops.
pub const REDIRECTS: usize = 5;

enum Visit {
    Right,
    Redirected(Url),
}

// What each step needs is boxed for as long as it lasts: of a thousand checks that wait for an answer, none should keep the room
// for a handshake.
impl Prober {
    pub(crate) async fn http(
        &self,
        check: &HttpCheck,
        now: Moment,
        certificate: &mut Option<Certificate>,
    ) -> Result<(), Miss> {
        let (mut url, mut place) = self.guard.read_url(&check.url)?;
        let mut target = target(&url)?;
        for _ in 0..=REDIRECTS {
            let request = self.request(check, &url, target)?;
            match self.visit(check, request, &url, &place, now, certificate).await? {
                Visit::Right => return Ok(()),
                Visit::Redirected(next) => {
                    // Asked anew, as if somebody had written it; but it was the target who did.
                    place = self.guard.check_url(&next).map_err(barred)?;
                    target = crate::exchange::target(&next).map_err(barred)?;
                    url = next;
                }
            }
        }
        Err(Reason::Redirect.into())
    }

    async fn visit(
        &self,
        check: &HttpCheck,
        request: Request<Empty<Bytes>>,
        url: &Url,
        place: &Place,
        now: Moment,
        certificate: &mut Option<Certificate>,
    ) -> Result<Visit, Miss> {
        self.exchange(request, url, place, now, certificate, |response| judge(response, check, url)).await
    }

    fn request(&self, check: &HttpCheck, url: &Url, target: Uri) -> Result<Request<Empty<Bytes>>, Refusal> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = match check.ask {
            Ask::Head => Method::HEAD,
            Ask::Get { .. } => Method::GET,
        };
        address(&mut request, url, target)?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(request)
    }
}

/// Of where a target redirects to.
fn barred(refusal: Refusal) -> Reason {
    tracing::debug!(%refusal, "redirected to where nobody may be led");
    Reason::Redirect
}

async fn judge(response: Response<Incoming>, check: &HttpCheck, url: &Url) -> Result<Visit, Miss> {
    let status = response.status().as_u16();
    let is_expected = match check.expected {
        Expected::Success => response.status().is_success(),
        Expected::Status(expected) => status == expected,
    };
    if !is_expected {
        return location(&response, url)?.map(Visit::Redirected).ok_or(Reason::Status(status).into());
    }
    let body = read(response.into_body()).await?;
    match &check.ask {
        Ask::Get { contains: Some(text) } if memmem::find(&body, text.as_bytes()).is_none() => {
            Err(Reason::Body.into())
        }
        _ => Ok(Visit::Right),
    }
}

/// The body, to its end or to [`LONGEST_BODY`].
async fn read(mut body: Incoming) -> Result<Vec<u8>, Reason> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        // Trailers are nothing to us.
        let Ok(data) = frame.map_err(|error| Reason::from(&error))?.into_data() else { continue };
        let room = LONGEST_BODY - read.len();
        read.extend_from_slice(&data[..data.len().min(room)]);
        if read.len() == LONGEST_BODY {
            break;
        }
    }
    Ok(read)
}
