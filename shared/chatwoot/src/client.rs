//! Chatwoot's REST API (4.18 CE), as far as we use it.
//!
//! An [`Installation`] is spoken to as [`Chatwoot`] by the operator: with his platform app's token where accounts are made, with his user's token inside an
//! account. Every call says whether time may mend its failure ([`ClientError::nature`]). Reading is tried again here; making something
//! is not, because Chatwoot may have made it before it failed: whoever asked looks first, then asks again. What comes back is read
//! into types that have no field for what we must not keep.

mod conversations;
mod ensure;
mod ledger;
mod platform;
mod setup;

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder, StatusCode, Url, redirect};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{sync::Mutex, time::Instant};
use trust::setup::Nature;

pub use conversations::{Contact, NewConversation, OpenedConversation};
pub use ensure::{ATTRIBUTES, Found, same_place};
pub use ledger::Listed;
pub use platform::{Account, Membership, Profile, Server};
pub use setup::{AttributeKind, Inbox, User, Webhook};

/// The longest one call may take. Chatwoot's own database gives up after 14 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

/// The pauses before reading is tried again.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// How long nobody sends anything after Chatwoot has asked to slow down: it counts by the minute.
const HOLD: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes. A page of 25 conversations has about 100 KB; an unpaged list of what changed in a busy
/// account some MB.
const LONGEST_ANSWER: usize = 48 * 1024 * 1024;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nothing came back, or not in time. What was asked for may have been done.
    #[error("Chatwoot does not answer")]
    NoAnswer,
    /// Chatwoot failed. What was asked for may have been done.
    #[error("Chatwoot answered {0}")]
    Broken(u16),
    /// The caller's own time is over. Nothing was asked.
    #[error("there was no time left to ask Chatwoot")]
    NoTime,
    /// Too many requests. Nothing was done.
    #[error("Chatwoot asks to slow down")]
    Busy,
    /// The token is wrong, or may not do this.
    #[error("Chatwoot does not accept our token")]
    Unauthorised,
    /// There is no such thing, or not in this version.
    #[error("Chatwoot does not know {0}")]
    NotFound(String),
    /// Chatwoot refused what it was given: it exists already, or is not what Chatwoot wants.
    #[error("Chatwoot refused {0}")]
    Invalid(String),
    /// An answer of another form than this code knows.
    #[error("Chatwoot's answer to {0} can not be read")]
    Unreadable(String),
    /// No platform token is configured.
    #[error("no platform token is configured")]
    NoPlatformToken,
}

impl ClientError {
    /// Whether time may mend it.
    pub fn nature(&self) -> Nature {
        match self {
            Self::NoAnswer | Self::Broken(_) | Self::NoTime | Self::Busy => Nature::Passing,
            Self::Unauthorised
            | Self::NotFound(_)
            | Self::Invalid(_)
            | Self::Unreadable(_)
            | Self::NoPlatformToken => Nature::Lasting,
        }
    }
}

/// The operator's tokens.
#[derive(Clone)]
pub struct Tokens {
    /// Of his platform app: makes accounts.
    pub platform: Option<String>,
    /// Of the user that administers all accounts.
    pub user: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// A Chatwoot installation.
#[derive(Debug, Clone)]
pub struct Installation {
    base: Url,
    client: Client,
    pace: Arc<Pace>,
}

/// A Chatwoot installation, spoken to with the operator's tokens.
#[derive(Debug, Clone)]
pub struct Chatwoot {
    installation: Installation,
    tokens: Tokens,
    until: Option<Instant>,
}

/// The HTTP client can not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no HTTP client: {0}")]
pub struct NoClient(String);

/// With which token a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    PlatformApp,
    User,
    Nobody,
}

/// What most answers come wrapped in.
#[derive(Deserialize)]
struct Payload<T> {
    payload: T,
}

impl Installation {
    /// The installation at this address. No more than `a_minute` requests a minute are sent to it, by all clones together.
    pub fn at(base: Url, a_minute: NonZeroU32) -> Result<Self, NoClient> {
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            // A token goes nowhere but where it was configured to go.
            .redirect(redirect::Policy::none())
            .user_agent("provider-trust")
            .build()
            .map_err(|error| NoClient(error.to_string()))?;
        Ok(Self { base, client, pace: Arc::new(Pace::of(a_minute)) })
    }

    /// Where it is.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Speaks to it with these tokens.
    #[must_use]
    pub fn with(&self, tokens: Tokens) -> Chatwoot {
        Chatwoot { installation: self.clone(), tokens, until: None }
    }
}

impl Chatwoot {
    /// The same, with no call lasting, or beginning, after that: whoever calls has no more time himself.
    #[must_use]
    pub fn until(self, until: Instant) -> Self {
        Self { until: Some(until), ..self }
    }

    /// How long a call may take that begins now.
    fn patience(&self) -> Result<Duration, ClientError> {
        let Some(until) = self.until else { return Ok(PATIENCE) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ClientError::NoTime) } else { Ok(left.min(PATIENCE)) }
    }

    /// Reads, again where that may help.
    async fn get<T: DeserializeOwned>(&self, by: By, path: &str) -> Result<T, ClientError> {
        let mut pauses = PAUSES.iter();
        loop {
            let outcome = self.send(self.request(by, Method::GET, path)?, path).await;
            match (outcome, pauses.next()) {
                // Whoever is asked to slow down does not ask again at once.
                (Err(error @ (ClientError::NoAnswer | ClientError::Broken(_))), Some(pause)) => {
                    tracing::debug!(%error, "reading again");
                    tokio::time::sleep(*pause).await;
                }
                (outcome, _) => return outcome,
            }
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        by: By,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(self.request(by, method, path)?.json(body), path).await
    }

    fn request(&self, by: By, method: Method, path: &str) -> Result<RequestBuilder, ClientError> {
        let Installation { base, client, .. } = &self.installation;
        let url = format!("{}{path}", base.as_str().trim_end_matches('/'));
        let request = client.request(method, url);
        let token = match by {
            By::Nobody => return Ok(request),
            By::User => &self.tokens.user,
            By::PlatformApp => self.tokens.platform.as_ref().ok_or(ClientError::NoPlatformToken)?,
        };
        // With hyphens: proxies drop headers with underscores, and Chatwoot takes both.
        Ok(request.header("api-access-token", token))
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder, path: &str) -> Result<T, ClientError> {
        let pace = &self.installation.pace;
        pace.wait().await;
        let request = request.timeout(self.patience()?);
        let mut response = request.send().await.map_err(|_| ClientError::NoAnswer)?;
        // For messages: without what was searched for.
        let what = || path.split('?').next().unwrap_or_default().to_owned();
        match response.status() {
            status if status.is_success() => {}
            StatusCode::TOO_MANY_REQUESTS => {
                pace.hold(HOLD).await;
                return Err(ClientError::Busy);
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(ClientError::Unauthorised),
            StatusCode::NOT_FOUND => return Err(ClientError::NotFound(what())),
            status if status.is_client_error() => return Err(ClientError::Invalid(what())),
            status => return Err(ClientError::Broken(status.as_u16())),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| ClientError::NoAnswer)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(ClientError::Unreadable(what()));
            }
            body.extend_from_slice(&chunk);
        }
        // Some calls answer nothing at all.
        let body = if body.is_empty() { b"null".as_slice() } else { &body };
        serde_json::from_slice(body).map_err(|error| {
            // The parser's own words could quote the document.
            tracing::error!(path = what(), line = error.line(), column = error.column(), "unreadable answer");
            ClientError::Unreadable(what())
        })
    }
}

/// Spreads requests over time.
#[derive(Debug)]
struct Pace {
    apart: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    fn of(a_minute: NonZeroU32) -> Self {
        Self { apart: Duration::from_mins(1) / a_minute.get(), next: Mutex::new(None) }
    }

    /// Waits for a turn. A second's worth of turns may be taken at once.
    async fn wait(&self) {
        let now = Instant::now();
        let turn = {
            let mut next = self.next.lock().await;
            let earliest = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
            let turn = next.unwrap_or(earliest).max(earliest);
            *next = Some(turn + self.apart);
            turn
        };
        if turn > now {
            tokio::time::sleep_until(turn).await;
        }
    }

    /// Gives no turn for so long.
    async fn hold(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut next = self.next.lock().await;
        *next = Some(next.map_or(until, |next| next.max(until)));
    }
}
