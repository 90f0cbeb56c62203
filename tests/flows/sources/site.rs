//! A source on loopback, which does what a test tells it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri},
};
use tokio::net::TcpListener;

/// What a page of the source answers.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    /// This, with this `ETag`, and 304 to who has it.
    Page(String, &'static str),
    /// This status, with this `Retry-After`.
    Status(u16, Option<&'static str>),
    /// This many bytes of nothing.
    Bytes(usize),
    /// A redirect to there.
    Redirect(&'static str),
}

#[derive(Debug, Default)]
struct Kept {
    robots: Option<Says>,
    page: Option<Says>,
    asked: Vec<(String, HeaderMap)>,
}

/// A running source. Without a word about it, there is neither a `robots.txt` nor a page.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

/// What Frankfurter says, of so many currencies.
pub(crate) fn rates(day: &str, currencies: usize) -> String {
    let rate = |number: usize| {
        let letter = char::from(b'A' + u8::try_from(number).unwrap());
        format!("\"X{letter}X\":1.{number:02}")
    };
    let rates: Vec<String> = (0..currencies).map(rate).collect();
    format!(r#"{{"amount":1.0,"base":"EUR","date":"{day}","rates":{{{}}}}}"#, rates.join(","))
}

impl Site {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Self { address: listener.local_addr().unwrap(), kept: Arc::default() };
        let router = Router::new().fallback(answer).with_state(Arc::clone(&site.kept));
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        site
    }

    pub(crate) fn says(&self, page: Says) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).page = Some(page);
    }

    pub(crate) fn rules(&self, robots: Says) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).robots = Some(robots);
    }

    /// The paths that were asked for since the last time, and with which headers.
    pub(crate) fn asked(&self) -> Vec<(String, HeaderMap)> {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner).asked)
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|(path, _)| path).collect()
    }
}

async fn answer(State(kept): State<Arc<Mutex<Kept>>>, uri: Uri, headers: HeaderMap) -> Response<Body> {
    let says = {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked.push((uri.path().to_owned(), headers.clone()));
        if uri.path() == "/robots.txt" { kept.robots.clone() } else { kept.page.clone() }
    };
    let mut response = Response::new(Body::empty());
    match says.unwrap_or(Says::Status(404, None)) {
        Says::Page(_, etag) if headers.get("if-none-match").is_some_and(|known| known == etag) => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        Says::Page(text, etag) => {
            *response.body_mut() = text.into();
            response.headers_mut().insert("etag", HeaderValue::from_static(etag));
        }
        Says::Status(status, wait) => {
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some(wait) = wait {
                response.headers_mut().insert("retry-after", HeaderValue::from_static(wait));
            }
        }
        Says::Bytes(count) => *response.body_mut() = vec![b' '; count].into(),
        Says::Redirect(to) => {
            *response.status_mut() = StatusCode::FOUND;
            response.headers_mut().insert("location", HeaderValue::from_static(to));
        }
    }
    response
}
