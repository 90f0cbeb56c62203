//! One HTTP exchange (HTTP/1.1, RFC 9110 and 9112), behind the guard.
//!
//! Each exchange has its own connection, opened by us to the address that the guard pinned, so that no HTTP library resolves a
//! name or follows a redirect behind our back. Headers are bounded by number and size; how much of a body is read is for whoever
//! reads it to say, and nothing is unpacked, so that a compressed body is just what it is.

use std::{convert::Infallible, error::Error, future::pending};

use bytes::Bytes;
use hyper::{
    Request, Response, Uri,
    body::{Body, Incoming},
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderValue, LOCATION},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use trust::time::Moment;
use url::{Position, Url};

use crate::{
    guard::{Place, Refusal},
    outcome::{Certificate, Miss, Reason},
    prober::Prober,
};

/// How many headers are read. Real answers have some dozens.
const HEADERS: usize = 128;

/// How much is read ahead, and with that the size of all headers together, in bytes.
const BUFFER: usize = 32 * 1024;

impl Prober {
    /// Sends a request to a URL and has its answer read, all within the time until `until`; whoever is later has missed it by
    /// [`Reason::Timeout`]. Redirects are an answer like any other: [`location`] says where one leads.
    ///
    /// Method, body and headers are the caller's; what is asked for of which host is set here, from the URL. `now` decides which
    /// certificates are valid.
    pub async fn send<Sent, Answer, Read>(
        &self,
        url: &Url,
        mut request: Request<Sent>,
        until: Instant,
        now: Moment,
        read: impl FnOnce(Response<Incoming>) -> Read + Send,
    ) -> Result<Answer, Miss>
    where
        Sent: Body<Data = Bytes> + Send + 'static,
        Sent::Error: Into<Box<dyn Error + Send + Sync>>,
        Read: Future<Output = Result<Answer, Miss>> + Send,
        Answer: Send,
    {
        let place = self.guard().check_url(url)?;
        address(&mut request, url, target(url)?)?;
        let mut certificate = None;
        let exchange = self.exchange(request, url, &place, now, &mut certificate, read);
        timeout_at(until, Box::pin(exchange)).await.unwrap_or(Err(Miss::Down(Reason::Timeout)))
    }

    /// The same to a place that was checked, with a request that is addressed, and without an end of its own.
    pub(crate) async fn exchange<Sent, Answer, Read>(
        &self,
        mut request: Request<Sent>,
        url: &Url,
        place: &Place,
        now: Moment,
        certificate: &mut Option<Certificate>,
        read: impl FnOnce(Response<Incoming>) -> Read + Send,
    ) -> Result<Answer, Miss>
    where
        Sent: Body<Data = Bytes> + Send + 'static,
        Sent::Error: Into<Box<dyn Error + Send + Sync>>,
        Read: Future<Output = Result<Answer, Miss>> + Send,
        Answer: Send,
    {
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let stream = self.connect(place).await?;
        if url.scheme() == "https" {
            let handshake = self.tls.handshake(stream, place.host(), &[b"http/1.1"], now, certificate);
            // A large thing, and moved around.
            let stream = Box::new(Box::pin(handshake).await?);
            Box::pin(over(stream, request, read)).await
        } else {
            Box::pin(over(stream, request, read)).await
        }
    }
}

/// Says in a request what is asked for of which host.
pub(crate) fn address<Sent>(request: &mut Request<Sent>, url: &Url, target: Uri) -> Result<(), Refusal> {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    *request.uri_mut() = target;
    request.headers_mut().insert(HOST, HeaderValue::from_str(host).map_err(|_| Refusal::Host)?);
    Ok(())
}

/// What is asked for of the host. Nothing where it is too long to be asked for.
pub(crate) fn target(url: &Url) -> Result<Uri, Refusal> {
    url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| Refusal::Url)
}

/// Where an answer redirects to, if it does. Never from https to http: what follows could be anybody's. Where it leads is still to be
/// checked, from the beginning.
pub fn location(response: &Response<Incoming>, url: &Url) -> Result<Option<Url>, Reason> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = location.to_str().map_err(|_| Reason::Redirect)?;
    let next = url.join(location).map_err(|_| Reason::Redirect)?;
    if url.scheme() == "https" && next.scheme() == "http" {
        return Err(Reason::Redirect);
    }
    Ok(Some(next))
}

/// Sends the request and reads the answer, in one future: the connection is driven only as long as somebody waits for it.
async fn over<Sent, Answer, Read>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    request: Request<Sent>,
    read: impl FnOnce(Response<Incoming>) -> Read,
) -> Result<Answer, Miss>
where
    Sent: Body<Data = Bytes> + Send + 'static,
    Sent::Error: Into<Box<dyn Error + Send + Sync>>,
    Read: Future<Output = Result<Answer, Miss>>,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(HEADERS)
        .max_buf_size(BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Reason::from(&error))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| Reason::from(&error))?;
        read(response).await
    };
    let driven = async {
        // Whatever ends it, the answer's end says so.
        let _ = connection.await;
        pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        answer = answer => answer,
        never = driven => match never {},
    }
}
