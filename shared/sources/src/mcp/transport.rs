//! The HTTP under the protocol: each message one exchange behind the guard, its answer bounded and read only as far as it is needed.
//!
//! An answer as an event stream is read up to the response it is for; what the server would send after it is not waited for.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use probe::outcome::Miss;
use probe::prober::Prober;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::{Sse, SseStream};
use tokio::time::Instant;
use trust::time::Moment;
use url::Url;

use super::{Cause, Error, Limits, short};
use crate::json;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// A client of one server, behind the guard.
#[derive(Clone)]
pub(super) struct Guarded {
    pub(super) prober: Arc<Prober>,
    pub(super) url: Url,
    pub(super) agent: HeaderValue,
    pub(super) limits: Limits,
    pub(super) now: Moment,
    pub(super) cause: Cause,
}

/// What an answer held.
enum Answer {
    Accepted,
    Json(Bytes, Option<String>),
    Events(Vec<Sse>, Option<String>),
}

impl Guarded {
    async fn send(
        &self,
        method: Method,
        body: Bytes,
        session: Option<&str>,
        others: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Answer, Error> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.extend(others.into_iter().filter(|(name, _)| *name != LAST_EVENT));
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(session) = session {
            let session = HeaderValue::from_str(session);
            headers.insert(
                SESSION,
                session.map_err(|_| Error::Protocol("a session that is no header".to_owned()))?,
            );
        }
        let answer = Instant::now().checked_add(self.limits.answer).unwrap_or(self.limits.until);
        let until = answer.min(self.limits.until);
        let most = self.limits.most_bytes;
        let read = move |response| async move { Ok::<_, Miss>(read(response, most).await) };
        self.prober.send(&self.url, request, until, self.now, read).await?
    }

    /// The same, with what went wrong remembered for whoever asked.
    async fn asked(
        &self,
        method: Method,
        body: Bytes,
        session: Option<&str>,
        others: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Answer, StreamableHttpError<Error>> {
        self.send(method, body, session, others).await.map_err(|error| {
            self.cause.set(error.clone());
            StreamableHttpError::Client(error)
        })
    }
}

async fn read(response: Response<Incoming>, most: usize) -> Result<Answer, Error> {
    let status = response.status();
    let text = |name: HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    if !status.is_success() {
        let retry_after = text(RETRY_AFTER).map(|value| short(&value));
        return Err(Error::Status { status: status.as_u16(), retry_after });
    }
    let session = text(SESSION);
    let kind = text(CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let body = Limited::new(response.into_body(), most);
    if status.as_u16() == 202 || status.as_u16() == 204 {
        return Ok(Answer::Accepted);
    }
    match kind.as_str() {
        "application/json" => {
            let body = body.collect().await.map_err(|error| cut_off(error.as_ref(), most))?;
            Ok(Answer::Json(body.to_bytes(), session))
        }
        "text/event-stream" => {
            let body = body.map_err(move |error| cut_off(error.as_ref(), most));
            Ok(Answer::Events(events(SseStream::new(body)).await?, session))
        }
        other => Err(Error::Protocol(short(&format!("content of the type {other:?}")))),
    }
}

/// The events of a stream, up to the response that it is for.
async fn events(stream: impl Stream<Item = Result<Sse, SseError>> + Send) -> Result<Vec<Sse>, Error> {
    let mut stream = std::pin::pin!(stream);
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        let event = event.map_err(|error| match error {
            SseError::Body(cause) => match cause.downcast::<Error>() {
                Ok(cause) => *cause,
                Err(other) => Error::Protocol(short(&other.to_string())),
            },
            other => Error::Protocol(short(&other.to_string())),
        })?;
        let data = event.data.as_deref().unwrap_or_default().trim();
        if data.is_empty() {
            continue;
        }
        let message: ServerJsonRpcMessage = parse(data.as_bytes())?;
        let is_response =
            matches!(message, ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_));
        events.push(event);
        if is_response {
            return Ok(events);
        }
    }
    Err(Error::Protocol("an event stream without a response".to_owned()))
}

fn parse(message: &[u8]) -> Result<ServerJsonRpcMessage, Error> {
    if json::weight(message) > json::HEAVIEST {
        return Err(Error::TooLarge { most: json::HEAVIEST });
    }
    serde_json::from_slice(message).map_err(|error| Error::Protocol(short(&error.to_string())))
}

fn cut_off(error: &(dyn std::error::Error + 'static), most: usize) -> Error {
    if error.is::<LengthLimitError>() {
        Error::TooLarge { most }
    } else {
        Error::NoAnswer(probe::outcome::Reason::Reset)
    }
}

impl StreamableHttpClient for Guarded {
    type Error = Error;

    async fn post_message(
        &self,
        _uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, StreamableHttpError<Error>> {
        let body = Bytes::from(serde_json::to_vec(&message)?);
        match self.asked(Method::POST, body, session_id.as_deref(), custom_headers).await? {
            Answer::Accepted => Ok(StreamableHttpPostResponse::Accepted),
            Answer::Json(body, session) => match parse(&body) {
                Ok(message) => Ok(StreamableHttpPostResponse::Json(message, session)),
                // Some answer a notification with 200 and nothing in it.
                Err(_) if body.is_empty() => Ok(StreamableHttpPostResponse::Accepted),
                Err(error) => {
                    self.cause.set(error.clone());
                    Err(StreamableHttpError::Client(error))
                }
            },
            Answer::Events(events, session) => {
                let events = stream::iter(events.into_iter().map(Ok)).boxed();
                Ok(StreamableHttpPostResponse::Sse(events, session))
            }
        }
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), StreamableHttpError<Error>> {
        // A server need not be able to; whatever it answers, the conversation is over.
        let _ = self.send(Method::DELETE, Bytes::new(), Some(&session_id), custom_headers).await;
        Ok(())
    }

    /// What a server would tell without being asked is not listened to.
    fn get_stream(
        &self,
        _uri: Arc<str>,
        _session_id: Option<Arc<str>>,
        _last_event_id: Option<String>,
        _auth_header: Option<String>,
        _custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> impl Future<Output = Result<BoxStream<'static, Result<Sse, SseError>>, StreamableHttpError<Error>>>
    + Send
    + '_ {
        std::future::ready(Err(StreamableHttpError::ServerDoesNotSupportSse))
    }
}
