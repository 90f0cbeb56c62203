//! A witness (C2SP `tlog-witness`) that checks what it is told by another implementation's proofs, and can be made to misbehave.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use tlog_tiles::Hash;
use tokio::net::TcpListener;
use transparency::WitnessKey;

/// How a witness behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// As the specification says.
    Honest,
    /// Refuses whatever it is asked.
    Refuses(StatusCode),
    /// Sends whoever asks to another place.
    Redirects,
    /// Signs another root than it was shown.
    Lies,
    /// Signs a time that has not come yet.
    Hurries,
    /// Answers without an end.
    Floods,
    /// Answers no signature line.
    Babbles,
    /// Never answers.
    Hangs,
}

/// A witness on loopback.
pub(crate) struct Witness {
    pub(crate) key: WitnessKey,
    /// Where it is.
    pub(crate) url: String,
    kept: Arc<Kept>,
}

struct Kept {
    name: String,
    key: SigningKey,
    id: [u8; 4],
    log: VerifyingKey,
    /// When it signs, in Unix seconds.
    now: u64,
    state: Mutex<Memory>,
}

struct Memory {
    behaviour: Behaviour,
    size: u64,
    root: Hash,
    /// The sizes it was told: the one it ought to have cosigned, and the checkpoint's.
    told: Vec<(u64, u64)>,
}

impl Witness {
    /// A witness of this number, who knows the log's key and signs at this time.
    pub(crate) async fn start(number: u8, log: &[u8; 32], now: u64) -> Self {
        let name = format!("witness.example/w{number}");
        let key = SigningKey::from_bytes(&[100 + number; 32]);
        let public = WitnessKey::from_bytes(name.parse().unwrap(), key.verifying_key().as_bytes()).unwrap();
        let kept = Arc::new(Kept {
            name,
            key,
            id: public.id(),
            log: VerifyingKey::from_bytes(log).unwrap(),
            now,
            state: Mutex::new(Memory {
                behaviour: Behaviour::Honest,
                size: 0,
                root: tlog_tiles::EMPTY_HASH,
                told: Vec::new(),
            }),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/of/{number}", listener.local_addr().unwrap());
        let router = Router::new()
            .route(&format!("/of/{number}/add-checkpoint"), post(add_checkpoint))
            .with_state(Arc::clone(&kept));
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self { key: public, url, kept }
    }

    /// From now on.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        self.kept.state.lock().unwrap().behaviour = behaviour;
    }

    /// What it was told since it was asked this last.
    pub(crate) fn told(&self) -> Vec<(u64, u64)> {
        std::mem::take(&mut self.kept.state.lock().unwrap().told)
    }

    /// Has it remember another log of this size.
    pub(crate) fn remember(&self, size: u64, root: [u8; 32]) {
        let mut state = self.kept.state.lock().unwrap();
        (state.size, state.root) = (size, Hash(root));
    }
}

impl Kept {
    fn cosign(&self, text: &str, seconds: u64) -> String {
        let signed = format!("cosignature/v1\ntime {seconds}\n{text}");
        let signature = self.key.sign(signed.as_bytes()).to_bytes();
        let bytes = [&self.id[..], &seconds.to_be_bytes(), &signature].concat();
        format!("— {} {}\n", self.name, STANDARD.encode(bytes))
    }

    /// Whether the log's key has signed the text in one of the lines.
    fn is_signed(&self, text: &str, lines: &str) -> bool {
        lines.lines().any(|line| {
            let bytes = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
            Signature::from_slice(&bytes[4..])
                .is_ok_and(|signature| self.log.verify(text.as_bytes(), &signature).is_ok())
        })
    }
}

/// A checkpoint that was posted, taken apart.
struct Told<'a> {
    old: u64,
    proof: Vec<Hash>,
    text: &'a str,
    lines: &'a str,
    size: u64,
    root: Hash,
}

impl<'a> Told<'a> {
    fn read(body: &'a str) -> Self {
        let (head, note) = body.split_once("\n\n").unwrap();
        let mut head = head.lines();
        let old = head.next().unwrap().strip_prefix("old ").unwrap().parse().unwrap();
        let proof = head.map(|line| Hash::parse_hash(line).unwrap()).collect();
        let (text, lines) = note.split_at(note.find("\n\n").unwrap() + 1);
        let mut checkpoint = text.lines().skip(1);
        let size = checkpoint.next().unwrap().parse().unwrap();
        let root = Hash::parse_hash(checkpoint.next().unwrap()).unwrap();
        Self { old, proof, text, lines: &lines[1..], size, root }
    }

    /// Whether it is proven to extend this tree, as Go's `sumdb/tlog` checks it.
    fn extends(&self, size: u64, root: Hash) -> bool {
        match size {
            0 => self.proof.is_empty(),
            _ if size == self.size => self.proof.is_empty() && root == self.root,
            _ => tlog_tiles::check_tree(&self.proof, self.size, self.root, size, root).is_ok(),
        }
    }
}

async fn add_checkpoint(State(kept): State<Arc<Kept>>, body: String) -> Response {
    let told = Told::read(&body);
    let behaviour = {
        let mut state = kept.state.lock().unwrap();
        state.told.push((told.old, told.size));
        state.behaviour
    };
    match behaviour {
        Behaviour::Honest => return honest(&kept, &told),
        Behaviour::Refuses(status) => return status.into_response(),
        Behaviour::Redirects => {
            let location = format!("{}/", kept.name);
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response();
        }
        Behaviour::Lies => {
            let other = told.text.replacen(&told.size.to_string(), &(told.size + 1).to_string(), 1);
            kept.cosign(&other, kept.now)
        }
        Behaviour::Hurries => kept.cosign(told.text, kept.now + 1_000_000_000),
        Behaviour::Floods => kept.cosign(told.text, kept.now).repeat(1000),
        Behaviour::Babbles => "welcome\n".to_owned(),
        Behaviour::Hangs => std::future::pending().await,
    }
    .into_response()
}

fn honest(kept: &Kept, told: &Told<'_>) -> Response {
    let mut state = kept.state.lock().unwrap();
    if !kept.is_signed(told.text, told.lines) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if told.old != state.size {
        let size = [(header::CONTENT_TYPE, "text/x.tlog.size")];
        return (StatusCode::CONFLICT, size, format!("{}\n", state.size)).into_response();
    }
    if !told.extends(state.size, state.root) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    (state.size, state.root) = (told.size, told.root);
    kept.cosign(told.text, kept.now).into_response()
}
