//! Sources on loopback that behave, and some that do not.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use probe::{guard::Guard, names::Names, tls::Roots};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

fn now() -> Moment {
    Moment::from_unix(1_790_000_000).unwrap()
}

/// A server that answers each request for a path with these bytes, and remembers what was asked.
struct Site {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    async fn answering<Answering>(
        answer: impl Fn(String, TcpStream) -> Answering + Send + Sync + 'static,
    ) -> Self
    where
        Answering: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let remembered = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut buffer = [0; 4_096];
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut buffer).await {
                        Ok(0) | Err(_) => break,
                        Ok(read) => request.extend_from_slice(&buffer[..read]),
                    }
                }
                let request = String::from_utf8(request).unwrap();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                remembered.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                tokio::spawn(answer(path, stream));
            }
        });
        Self { address, asked }
    }

    /// One that answers every request with this.
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        Self::answering(move |_, mut stream| {
            let answer = Arc::clone(&answer);
            async move { drop(stream.write_all(&answer).await) }
        })
        .await
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn fetcher_with(guard: Guard) -> Fetcher {
    let names = Names::asking(&["127.0.0.1:9".parse().unwrap()]).unwrap();
    let prober = Prober::new(guard, names, Roots::public()).unwrap();
    Fetcher::new(prober, &"https://trust.example/bot".parse().unwrap())
}

fn fetcher() -> Fetcher {
    fetcher_with(Guard::with_loopback_for_tests())
}

fn bounds() -> Bounds {
    Bounds { within: Duration::from_secs(10), most_bytes: 2 * 1024 * 1024 }
}

async fn page(url: &Url, validators: Option<&Validators>) -> Result<Answer, Failure> {
    fetcher().page(url, &Rules::unavailable(now()), validators, bounds(), now()).await
}

async fn saying(answer: impl Into<Vec<u8>>) -> Result<Answer, Failure> {
    page(&Site::saying(answer).await.url("/"), None).await
}

fn head(status: &str, more: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{more}connection: close\r\n\r\n")
}

#[tokio::test]
async fn a_page_is_asked_for_by_name_and_with_what_is_known_of_it() {
    let site = Site::saying(
        head("200 OK", "etag: \"v2\"\r\nlast-modified: Mon, 28 Sep 2026 14:00:00 GMT\r\n") + "facts",
    )
    .await;
    let known = Validators {
        etag: Some("\"v1\"".to_owned()),
        last_modified: Some("Sun, 27 Sep 2026 14:00:00 GMT".to_owned()),
    };
    let answer = page(&site.url("/a?b=c"), Some(&known)).await.unwrap();
    let validators = Validators {
        etag: Some("\"v2\"".to_owned()),
        last_modified: Some("Mon, 28 Sep 2026 14:00:00 GMT".to_owned()),
    };
    assert_eq!(answer, Answer::Page { bytes: b"facts".to_vec(), validators });
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "GET /a?b=c HTTP/1.1\r\nuser-agent: ProviderTrustBot/{version} (+https://trust.example/bot)\r\naccept: */*\r\n\
         accept-encoding: identity\r\nif-none-match: \"v1\"\r\nif-modified-since: Sun, 27 Sep 2026 14:00:00 GMT\r\n\
         host: {}\r\nconnection: close\r\n\r\n",
        site.address
    );
    assert_eq!(site.asked(), [expected]);
}

#[tokio::test]
async fn every_answer_has_its_name() {
    for (status, more, failure) in [
        ("404 Not Found", "", Failure::Missing(404)),
        ("410 Gone", "", Failure::Missing(410)),
        ("403 Forbidden", "", Failure::Status(403)),
        ("500 Oops", "", Failure::Status(500)),
        ("503 Busy", "", Failure::Status(503)),
        ("503 Busy", "retry-after: 120\r\n", Failure::Throttled(Some(120))),
        ("429 Too Many", "retry-after: 7\r\n", Failure::Throttled(Some(7))),
        ("429 Too Many", "", Failure::Throttled(None)),
        ("304 Not Modified", "", Failure::Protocol),
        ("302 Found", "", Failure::Redirected),
        ("204 No Content", "", Failure::Status(204)),
        ("200 OK", "content-encoding: gzip\r\n", Failure::Encoded),
    ] {
        assert_eq!(saying(head(status, more)).await, Err(failure), "{status} {more}");
    }
    assert_eq!(saying("SSH-2.0-OpenSSH_9.2\r\n").await, Err(Failure::Protocol));
    assert_eq!(saying("").await, Err(Failure::Unreachable));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert_eq!(page(&url, None).await, Err(Failure::Unreachable));
    let site = Site::saying(head("304 Not Modified", "")).await;
    let known = Validators { etag: Some("\"1\"".to_owned()), last_modified: None };
    assert_eq!(page(&site.url("/"), Some(&known)).await, Ok(Answer::Unchanged));
}

#[tokio::test]
async fn a_body_of_50_mb_is_read_to_the_limit_and_reported() {
    for announced in [true, false] {
        let site = Site::answering(move |_, mut stream| async move {
            let length = if announced { "content-length: 52428800\r\n" } else { "" };
            drop(stream.write_all(head("200 OK", length).as_bytes()).await);
            let chunk = vec![b'x'; 64 * 1024];
            for _ in 0..800 {
                // Who has read enough hangs up.
                if stream.write_all(&chunk).await.is_err() {
                    break;
                }
            }
        })
        .await;
        assert_eq!(page(&site.url("/"), None).await, Err(Failure::TooLarge), "{announced}");
    }
}

#[tokio::test]
async fn a_page_of_just_the_limit_is_one_and_one_byte_more_is_not() {
    let bounds = Bounds { most_bytes: 1_000, ..bounds() };
    for (length, is_read) in [(999, true), (1_000, true), (1_001, false)] {
        let site = Site::saying(head("200 OK", "") + &"x".repeat(length)).await;
        let answer = fetcher().page(&site.url("/"), &Rules::unavailable(now()), None, bounds, now()).await;
        assert_eq!(answer.is_ok(), is_read, "{length}");
    }
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_time() {
    let site = Site::answering(|_, mut stream| async move {
        drop(stream.write_all(head("200 OK", "").as_bytes()).await);
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let bounds = Bounds { within: Duration::from_millis(300), ..bounds() };
    let begun = Instant::now();
    let answer = fetcher().page(&site.url("/"), &Rules::unavailable(now()), None, bounds, now()).await;
    assert_eq!(answer, Err(Failure::TimedOut));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn endless_headers_are_no_answer() {
    let site = Site::answering(|_, mut stream| async move {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n").await);
        let mut number = 0_u64;
        while stream.write_all(format!("x-{number}: {}\r\n", "y".repeat(900)).as_bytes()).await.is_ok() {
            number += 1;
        }
    })
    .await;
    assert_eq!(page(&site.url("/"), None).await, Err(Failure::Protocol));
}

#[tokio::test]
async fn what_is_packed_is_not_unpacked() {
    // The head of a gzip stream; whatever it would become, nobody looks.
    let mut bomb = head("200 OK", "content-encoding: br, gzip\r\n").into_bytes();
    bomb.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    assert_eq!(saying(bomb).await, Err(Failure::Encoded));
    assert!(saying(head("200 OK", "content-encoding: identity\r\n") + "x").await.is_ok());
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_host_and_never_elsewhere() {
    let other = Site::saying(head("200 OK", "") + "elsewhere").await;
    let elsewhere = other.url("/");
    let site = Site::answering(move |path, mut stream| {
        let elsewhere = elsewhere.clone();
        async move {
            let to = match path.as_str() {
                "/old" => "/new".to_owned(),
                "/loop" => "/loop".to_owned(),
                "/away" => elsewhere.to_string(),
                "/metadata" => "http://169.254.169.254/latest/meta-data/".to_owned(),
                "/file" => "file:///etc/passwd".to_owned(),
                "/forbidden" => "/private".to_owned(),
                _ => return drop(stream.write_all((head("200 OK", "") + "here").as_bytes()).await),
            };
            drop(stream.write_all(head("301 Moved", &format!("location: {to}\r\n")).as_bytes()).await);
        }
    })
    .await;
    let rules = robots::rules(
        200,
        &HeaderMap::new(),
        &Body { bytes: b"user-agent: *\ndisallow: /private".to_vec(), is_cut: false },
        now(),
    );
    let ask = async |path: &str| fetcher().page(&site.url(path), &rules, None, bounds(), now()).await;
    assert!(matches!(ask("/old").await, Ok(Answer::Page { bytes, .. }) if bytes == b"here"));
    for (path, failure) in [
        ("/loop", Failure::Redirected),
        ("/away", Failure::Redirected),
        ("/metadata", Failure::Redirected),
        ("/file", Failure::Redirected),
        ("/forbidden", Failure::Disallowed),
        ("/private", Failure::Disallowed),
    ] {
        assert_eq!(ask(path).await, Err(failure), "{path}");
    }
    assert!(other.asked().is_empty());
    assert!(!site.asked().iter().any(|request| request.starts_with("GET /private")));
}

#[tokio::test]
async fn private_addresses_are_never_asked_however_they_are_written() {
    let site = Site::saying(head("200 OK", "")).await;
    let public_only = fetcher_with(Guard::public_only());
    let port = site.address.port();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "10.0.0.1", "[fd00::1]"] {
        let url = Url::parse(&format!("http://{host}:{port}/")).unwrap();
        let rules = Rules::unavailable(now());
        let answer = public_only.page(&url, &rules, None, bounds(), now()).await;
        assert_eq!(answer, Err(Failure::Barred), "{host}");
        assert!(!public_only.rules(&url, bounds().within, now()).await.is_reachable(), "{host}");
    }
    assert!(site.asked().is_empty());
}

#[tokio::test]
async fn rules_are_read_at_their_place_and_through_five_redirects_even_to_another_host() {
    let other =
        Site::saying(head("200 OK", "") + "user-agent: providertrustbot\ndisallow: /a\ncrawl-delay: 3\n")
            .await;
    let there = other.url("/robots.txt");
    let site = Site::answering(move |path, mut stream| {
        let there = there.clone();
        async move {
            let hops: u32 =
                path.trim_start_matches("/robots.txt").trim_start_matches('/').parse().unwrap_or(0);
            let to = if hops == 4 { there.to_string() } else { format!("/robots.txt/{}", hops + 1) };
            drop(stream.write_all(head("302 Found", &format!("location: {to}\r\n")).as_bytes()).await);
        }
    })
    .await;
    let rules = fetcher().rules(&site.url("/some/page?x=1"), bounds().within, now()).await;
    assert_eq!((rules.allow(&site.url("/a")), rules.allow(&site.url("/b")), rules.delay()), (false, true, 3));
    assert!(site.asked()[0].starts_with("GET /robots.txt HTTP/1.1"));
    // One more than that, and there is as good as no file.
    let rules = fetcher()
        .rules(
            &Site::saying(head("302 Found", "location: /robots.txt\r\n")).await.url("/"),
            bounds().within,
            now(),
        )
        .await;
    assert!(rules.allow(&site.url("/a")) && rules.is_reachable());
}

#[tokio::test]
async fn a_host_that_does_not_answer_allows_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    // It takes the connection and says nothing.
    let rules = fetcher().rules(&url, Duration::from_millis(200), now()).await;
    assert!(!rules.is_reachable() && !rules.allow(&url));
}
