//! Chains of certificates that were verified before, which need not be verified again.
//!
//! A target shows the same chain every minute, and verifying its signatures is about as much work as the handshake that proves that
//! the target has the key. That proof is asked for each time; of the chain, all that can change is the time. So a chain that
//! was good for a name at one time is taken to be good for it as long as none of its certificates expires, by the same roots.
//! Anything else (another certificate, another name, another time) is verified, and what is not good is never remembered.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::digest::{Context, Digest, SHA256};
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_cert::der::Decode;

/// How many chains are remembered, at about 100 bytes each. Fewer than a vantage has targets and they would push each other out.
const MOST: usize = 20_000;

/// Verifies certificates, and remembers the chains that were good.
#[derive(Debug)]
pub(crate) struct Chains {
    verifier: Arc<dyn ServerCertVerifier>,
    good: Mutex<HashMap<[u8; 32], RangeInclusive<u64>>>,
}

impl Chains {
    pub(crate) fn verified_by(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        Self { verifier, good: Mutex::default() }
    }

    fn is_good(&self, chain: &[u8; 32], now: UnixTime) -> bool {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.get(chain).is_some_and(|valid| valid.contains(&now.as_secs()))
    }

    fn remember(&self, chain: [u8; 32], valid: RangeInclusive<u64>) {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= MOST {
            good.clear();
        }
        good.insert(chain, valid);
    }
}

impl ServerCertVerifier for Chains {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = id(end_entity, intermediates, server_name);
        if let Ok(chain) = &chain
            && self.is_good(chain, now)
        {
            return Ok(ServerCertVerified::assertion());
        }
        let verified =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        if let (Ok(chain), Some(valid)) = (chain, validity(end_entity, intermediates)) {
            self.remember(chain, valid);
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// A chain for a name by its hash.
fn id(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
) -> Result<[u8; 32], std::array::TryFromSliceError> {
    let mut hash = Context::new(&SHA256);
    let mut add = |part: &[u8]| {
        // With its length, so that no two lists of parts read alike.
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(name.to_str().as_bytes());
    add(end_entity);
    for certificate in intermediates {
        add(certificate);
    }
    let digest: Digest = hash.finish();
    digest.as_ref().try_into()
}

/// When all of the chain are valid, in Unix seconds, both ends included; those among it as well that do not lead to a root.
/// Nothing where one of them can not be read.
fn validity(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Option<RangeInclusive<u64>> {
    let (mut from, mut to) = (0, u64::MAX);
    for certificate in std::iter::once(end_entity).chain(intermediates) {
        let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
        let validity = certificate.tbs_certificate().validity();
        from = from.max(validity.not_before.to_unix_duration().as_secs());
        to = to.min(validity.not_after.to_unix_duration().as_secs());
    }
    Some(from..=to)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use rustls::CertificateError;

    use super::*;

    /// Finds everything good before its time is over, and counts how often it is asked.
    #[derive(Debug, Default)]
    struct Counting {
        asked: AtomicUsize,
        over: u64,
    }

    impl ServerCertVerifier for Counting {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if now.as_secs() < self.over {
                Ok(ServerCertVerified::assertion())
            } else {
                Err(CertificateError::Revoked.into())
            }
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    /// Valid for the first days of 1970, up to the beginning of this one.
    fn certificate(until_day: u8) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(1970, 1, 2);
        params.not_after = date_time_ymd(1970, 1, until_day);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn a_good_chain_is_verified_once_for_its_name_while_all_of_it_is_valid() {
        const DAY: u64 = 86_400;
        let counting = Arc::new(Counting { over: 100 * DAY, ..Counting::default() });
        let chains = Chains::verified_by(counting.clone());
        let (leaf, between, other) = (certificate(20), certificate(10), certificate(20));
        let ask =
            |leaf: &CertificateDer<'_>, between: &[CertificateDer<'_>], name: &'static str, now: u64| {
                let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
                let name = ServerName::try_from(name).unwrap();
                let good = chains.verify_server_cert(leaf, between, &name, &[], now).is_ok();
                (good, counting.asked.load(Ordering::SeqCst))
            };
        let between = std::slice::from_ref(&between);
        assert_eq!(ask(&leaf, between, "a.example", 5 * DAY), (true, 1));
        for now in [DAY, 5 * DAY, 9 * DAY] {
            assert_eq!(ask(&leaf, between, "a.example", now), (true, 1), "nothing has changed");
        }
        assert_eq!(ask(&leaf, between, "b.example", 5 * DAY), (true, 2), "another name");
        assert_eq!(ask(&leaf, &[], "a.example", 5 * DAY), (true, 3), "another chain");
        assert_eq!(ask(&other, between, "a.example", 5 * DAY), (true, 4), "another certificate");
        assert_eq!(ask(&leaf, between, "a.example", 9 * DAY + 1), (true, 5), "one between has expired");
        assert_eq!(ask(&leaf, between, "a.example", DAY - 1), (true, 6), "before its time");
        assert_eq!(ask(&leaf, &[], "a.example", 19 * DAY), (true, 6), "its own chain");
    }

    #[test]
    fn a_chain_that_is_not_good_is_verified_each_time() {
        let counting = Arc::new(Counting::default());
        let chains = Chains::verified_by(counting.clone());
        let name = ServerName::try_from("a.example").unwrap();
        for asked in 1..4 {
            let now = UnixTime::since_unix_epoch(Duration::from_hours(48));
            assert!(chains.verify_server_cert(&certificate(20), &[], &name, &[], now).is_err());
            assert_eq!(counting.asked.load(Ordering::SeqCst), asked);
        }
    }

    #[test]
    fn no_more_chains_are_remembered_than_there_is_room_for() {
        let chains = Chains::verified_by(Arc::new(Counting::default()));
        for number in 0..=MOST as u64 {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            chains.remember(id, 0..=1);
        }
        assert_eq!(chains.good.lock().unwrap().len(), 1);
    }
}
