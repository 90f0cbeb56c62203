//! The witnesses that are asked to cosign the log, and how they are reached: behind the egress guard, without redirects or proxies,
//! with a bound on what is read.

use std::{net::SocketAddr, time::Duration};

use lambda::{Environment, StartError};
use probe::guard::Guard;
use reqwest::{
    Client, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header, redirect,
};
use transparency::{WitnessKey, witness};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

/// Most bytes of an answer that are read. A witness may answer with signatures of several keys, which have up to some 3 KB each.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Most witnesses. Whoever reads notes has to accept 16 signatures, and two may be the log's own.
const MOST: usize = 14;

/// The witnesses of the log.
#[derive(Debug)]
pub(crate) struct Witnesses {
    all: Vec<Witness>,
    client: Client,
}

/// A witness.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    /// What its cosignatures are verified with.
    pub(crate) key: WitnessKey,
    url: Url,
}

/// What a witness answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Signature lines.
    Lines(String),
    /// It has cosigned the log at another size than it was told.
    LastSize(u64),
}

/// Why a witness gave no cosignature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// It could not be reached, or broke off.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// It refused. 403 and 404: it does not know the key, or the log. 409 without a size, and 422: the checkpoint contradicts what it
    /// has cosigned.
    #[error("it answered {0}")]
    Refused(StatusCode),
    /// It answered what is no text, or too much of it.
    #[error("its answer is not text of at most {LONGEST_ANSWER} bytes")]
    Unreadable,
}

impl Witnesses {
    /// Those that `WITNESSES` names; `None` where there are none.
    pub(crate) fn connect(environment: &Environment) -> Result<Option<Self>, StartError> {
        let guard = Guard::of_setting(environment.optional("EGRESS_REACH"));
        let all = parse(environment.optional("WITNESSES").unwrap_or_default(), &guard)
            .map_err(|wrong| StartError::Unavailable(format!("WITNESSES: {wrong}")))?;
        if all.is_empty() {
            return Ok(None);
        }
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            // A proxy would resolve names itself, and the guard would not be asked.
            .no_proxy()
            .dns_resolver(Guarded(guard))
            .user_agent("provider-trust")
            .build()
            .map_err(|error| StartError::Unavailable(error.to_string()))?;
        Ok(Some(Self { all, client }))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Witness> {
        self.all.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Posts a request of [`witness::request`].
    pub(crate) async fn ask(&self, witness: &Witness, request: String) -> Result<Answer, NoAnswer> {
        let unreachable = |error: reqwest::Error| NoAnswer::Unreachable(error.without_url().to_string());
        let mut response =
            self.client.post(witness.url.clone()).body(request).send().await.map_err(unreachable)?;
        let status = response.status();
        let media_type = response.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        if !matches!(status, StatusCode::OK | StatusCode::CONFLICT) {
            return Err(NoAnswer::Refused(status));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(NoAnswer::Unreadable);
            }
            body.extend(chunk);
        }
        let body = String::from_utf8(body).map_err(|_| NoAnswer::Unreadable)?;
        if status == StatusCode::OK {
            return Ok(Answer::Lines(body));
        }
        witness::last_size(&media_type, &body).map(Answer::LastSize).ok_or(NoAnswer::Refused(status))
    }
}

/// Resolves names as the system does, and refuses those of which any address is not to be connected to.
struct Guarded(Guard);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(resolved(guard, name))
    }
}

async fn resolved(guard: Guard, name: Name) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
    for address in &addresses {
        guard.check_address(address.ip())?;
    }
    Ok(Box::new(addresses.into_iter()))
}

fn parse(text: &str, guard: &Guard) -> Result<Vec<Witness>, String> {
    let mut all: Vec<Witness> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let witness = parse_one(entry, guard).map_err(|wrong| format!("{entry:?}: {wrong}"))?;
        if all.iter().any(|other| other.key == witness.key) {
            return Err(format!("{} is there twice", witness.key));
        }
        all.push(witness);
    }
    if all.len() > MOST { Err(format!("more than {MOST}")) } else { Ok(all) }
}

fn parse_one(entry: &str, guard: &Guard) -> Result<Witness, String> {
    let (key, url) = entry.split_once(char::is_whitespace).ok_or("not a key, a space and a URL")?;
    let key: WitnessKey = key.parse().map_err(|error| format!("{error}"))?;
    let prefix = url.trim().trim_end_matches('/');
    let (url, _) = guard
        .read_url(&format!("{prefix}/{}", witness::ADD_CHECKPOINT))
        .map_err(|refusal| refusal.to_string())?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a query or a fragment in the URL".to_owned());
    }
    Ok(Witness { key, url })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "witness.example/w1+24b5d9fe+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
    const OTHER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    fn urls(text: &str) -> Result<Vec<String>, String> {
        let all = parse(text, &Guard::public_only())?;
        Ok(all.into_iter().map(|witness| witness.url.to_string()).collect())
    }

    #[test]
    fn a_witness_is_a_key_and_where_checkpoints_are_posted_to_it() {
        assert_eq!(urls(""), Ok(Vec::new()));
        assert_eq!(urls(" , "), Ok(Vec::new()));
        for prefix in ["https://witness.example", "https://witness.example/", " https://witness.example "] {
            let expected = Ok(vec!["https://witness.example/add-checkpoint".to_owned()]);
            assert_eq!(urls(&format!("{KEY} {prefix}")), expected);
        }
        let expected = Ok(vec!["https://witness.example/a/b/add-checkpoint".to_owned()]);
        assert_eq!(urls(&format!("{KEY}\thttps://witness.example/a/b,")), expected);
    }

    #[test]
    fn what_is_no_witness_or_is_where_nobody_may_be_asked_is_refused() {
        for text in [
            KEY.to_owned(),
            format!("{KEY} "),
            format!("{KEY} witness.example"),
            format!("{KEY} ftp://witness.example"),
            format!("{KEY} https://user@witness.example"),
            format!("{KEY} https://witness.example?a=b"),
            format!("{KEY} https://witness.example#a"),
            format!("{KEY} https://127.0.0.1"),
            format!("{KEY} http://169.254.169.254/latest"),
            format!("{KEY} https://witness.example:25"),
            format!("{OTHER} https://witness.example"),
            format!("https://witness.example {KEY}"),
            format!("{KEY} https://witness.example,{KEY} https://other.example"),
        ] {
            assert!(urls(&text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_where_nobody_may_be_asked_is_not_resolved() {
        let resolve = |guard| async move { resolved(guard, "localhost".parse().unwrap()).await };
        assert!(resolve(Guard::public_only()).await.is_err());
        assert!(resolve(Guard::with_loopback_for_tests()).await.is_ok());
    }
}
