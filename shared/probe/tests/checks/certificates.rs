//! The tests' own authority, and servers with certificates of all kinds.

use std::{
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::servers;

struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    // Not that of its certificates, which would otherwise seem to be signed by it.
    params.distinguished_name.push(DnType::CommonName, "The tests' authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Authority { certificate, issuer: Issuer::new(params, key) }
});

/// The only root that the tests trust.
pub(crate) fn root() -> CertificateDer<'static> {
    AUTHORITY.certificate.clone()
}

/// What is on a certificate.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) name: &'static str,
    /// From the first of January of this year to that of that one.
    pub(crate) valid: (i32, i32),
    pub(crate) self_signed: bool,
}

impl Identity {
    /// One without fault.
    pub(crate) fn of(name: &'static str) -> Self {
        Self { name, valid: (2026, 2027), self_signed: false }
    }

    /// A certificate with this on it, and its key.
    fn issue(self) -> (CertificateDer<'static>, PrivatePkcs8KeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([self.name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(self.valid.0, 1, 1);
        params.not_after = date_time_ymd(self.valid.1, 1, 1);
        let certificate = if self.self_signed {
            params.self_signed(&key).unwrap()
        } else {
            params.signed_by(&key, &AUTHORITY.issuer).unwrap()
        };
        (certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()))
    }

    /// The certificate and its key in one text, as servers read them (RFC 7468).
    pub(crate) fn pem(self) -> String {
        let (certificate, key) = self.issue();
        let pem = |label: &str, der: &[u8]| {
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
        };
        pem("CERTIFICATE", &certificate) + &pem("PRIVATE KEY", key.secret_pkcs8_der())
    }

    fn config(self) -> ServerConfig {
        let (certificate, key) = self.issue();
        showing(certificate, key)
    }
}

/// A server that shows this certificate and signs with this key, whether it is the certificate's or not.
fn showing(certificate: CertificateDer<'static>, key: PrivatePkcs8KeyDer<'static>) -> ServerConfig {
    let key = aws_lc_rs::sign::any_supported_type(&key.into()).unwrap();
    let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown))
}

/// Shows a certificate for this: to the first who connects with its key, to all others without.
pub(crate) async fn robbed(identity: Identity) -> SocketAddr {
    let (certificate, key) = identity.issue();
    let (_, other) = identity.issue();
    let own = Arc::new(showing(certificate.clone(), key));
    let without = Arc::new(showing(certificate, other));
    let asked = AtomicUsize::new(0);
    servers::serve(move |stream| {
        let config = if asked.fetch_add(1, Ordering::SeqCst) == 0 { &own } else { &without };
        let acceptor = TlsAcceptor::from(Arc::clone(config));
        async move {
            let _ = acceptor.accept(stream).await;
        }
    })
    .await
}

/// Does this with every connection of TLS that comes about.
pub(crate) async fn serve<F, D>(identity: Identity, each: F) -> SocketAddr
where
    F: Fn(TlsStream<TcpStream>) -> D + Send + Sync + 'static,
    D: Future<Output = ()> + Send + 'static,
{
    let acceptor = TlsAcceptor::from(Arc::new(identity.config()));
    let each = Arc::new(each);
    servers::serve(move |stream| {
        let (acceptor, each) = (acceptor.clone(), each.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                each(stream).await;
            }
        }
    })
    .await
}
