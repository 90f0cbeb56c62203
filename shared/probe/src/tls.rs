//! TLS, with the chain and the name verified at a given time.
//!
//! Roots are Mozilla's, compiled in rather than the machine's: what counts as trusted must not depend on where a check
//! happens to run. Sessions are never resumed: a resumed one shows no certificate, and a target whose certificate has expired
//! would stay up until we forget it. Revocation is not checked.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::{Resumption, WebPkiServerVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
    time_provider::TimeProvider,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use trust::time::Moment;
use x509_cert::der::Decode;

use crate::{
    chains::Chains,
    guard::Host,
    outcome::{Certificate, Miss, Reason, TlsFailure, within},
};

/// Whose signature makes a certificate trustworthy.
#[derive(Debug, Clone)]
pub struct Roots(RootCertStore);

/// TLS can not be set up.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("no TLS: {0}")]
pub struct NoTls(rustls::Error);

impl Roots {
    /// Those that browsers trust.
    pub fn public() -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        Self(store)
    }

    /// These and no others.
    pub fn only(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, NoTls> {
        let mut store = RootCertStore::empty();
        for certificate in certificates {
            store.add(certificate).map_err(NoTls)?;
        }
        Ok(Self(store))
    }
}

/// Makes connections trustworthy.
#[derive(Debug, Clone)]
pub(crate) struct Tls(ClientConfig);

/// The time that certificates are held against.
#[derive(Debug)]
struct At(Moment);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.unix()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl Tls {
    pub(crate) fn trusting(roots: Roots) -> Result<Self, NoTls> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.0), Arc::clone(&provider))
            .build()
            .map_err(|error| NoTls(rustls::Error::General(error.to_string())))?;
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(At(Moment::EPOCH)))
            .with_safe_default_protocol_versions()
            .map_err(NoTls)?
            // Not dangerous: it is rustls' own verifier that is asked.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Chains::verified_by(verifier)))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self(config))
    }

    /// Makes a connection one with this host, verified. Remembers the certificate if it expires before the one that is
    /// remembered.
    pub(crate) async fn handshake(
        &self,
        stream: TcpStream,
        host: &Host,
        protocols: &[&[u8]],
        now: Moment,
        certificate: &mut Option<Certificate>,
    ) -> Result<TlsStream<TcpStream>, Miss> {
        let name = match host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) => {
                // A name that may be in the DNS but in no certificate.
                ServerName::try_from(name.clone()).map_err(|_| Reason::Tls(TlsFailure::WrongName))?
            }
        };
        let mut config = self.0.clone();
        config.time_provider = Arc::new(At(now));
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let seen = match &connected {
            Ok(stream) => stream.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(expiry),
            Err(error) => within::<rustls::Error>(error).and_then(expired),
        };
        let seen = seen.map(|expires| Certificate { expires });
        *certificate = certificate.iter().copied().chain(seen).min();
        connected.map_err(|error| Miss::Down(Reason::from(&error)))
    }
}

/// When a certificate expires.
fn expiry(certificate: &CertificateDer<'_>) -> Option<Moment> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let expires = certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
    Some(moment(expires))
}

/// When a certificate has expired, if that is what is wrong.
fn expired(error: &rustls::Error) -> Option<Moment> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            Some(moment(not_after.as_secs()))
        }
        _ => None,
    }
}

fn moment(seconds: u64) -> Moment {
    Moment::EPOCH.plus(i64::try_from(seconds).unwrap_or(i64::MAX))
}
