//! Tokens: the keys by which they are checked, and a mint of our own for those who have no issuer at hand.
//!
//! The key set is read whenever a token is checked, so keys may come and go while the stack runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, ensure};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet, ThumbprintHash},
};
use serde::Serialize;
use trust::{id::CallerId, time::Moment};

use crate::{secrets::write, wiring::JwtAuthorizer};

/// The key set's name in a data directory.
pub const KEY_SET: &str = "jwks.json";

/// The mint's private key's.
const PRIVATE_KEY: &str = "token-key.der";

/// The public keys of those who issue tokens.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    file: Option<PathBuf>,
}

impl Keys {
    /// The keys in this file, a JSON Web Key Set; none while it is not there.
    pub fn in_file(file: Option<PathBuf>) -> Self {
        Self { file }
    }

    /// The keys as they are now.
    pub fn read(&self) -> JwkSet {
        let none = JwkSet { keys: Vec::new() };
        let Some(file) = self.file.as_deref().filter(|file| file.exists()) else { return none };
        let keys =
            fs::read(file).map_err(anyhow::Error::from).and_then(|text| Ok(serde_json::from_slice(&text)?));
        keys.unwrap_or_else(|error| {
            tracing::error!(%error, file = %file.display(), "no token can be checked");
            none
        })
    }
}

/// Makes tokens for this machine. Its private key lies beside the key set, for nobody but the user.
#[derive(Debug)]
pub struct Mint {
    key: EncodingKey,
    id: String,
}

impl Mint {
    /// The mint of a data directory, with a key that is made up if there is none.
    pub fn in_directory(directory: &Path) -> anyhow::Result<Self> {
        let (private, public) = (directory.join(PRIVATE_KEY), directory.join(KEY_SET));
        if !private.exists() {
            ensure!(
                !public.exists(),
                "{} holds somebody else's keys: their issuer makes the tokens",
                public.display()
            );
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| anyhow!("no key could be made"))?;
            write(&private, made.as_ref()).with_context(|| format!("writing {}", private.display()))?;
        }
        let key = fs::read(&private).with_context(|| format!("reading {}", private.display()))?;
        let key = EncodingKey::from_ec_der(&key);
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256)
            .with_context(|| format!("{} is no key", private.display()))?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(id.clone());
        // A key without its set is what an interrupted start leaves.
        if !public.exists() {
            let set = serde_json::to_vec_pretty(&JwkSet { keys: vec![jwk] })?;
            write(&public, &set).with_context(|| format!("writing {}", public.display()))?;
        }
        Ok(Self { key, id })
    }

    /// A token for somebody, such as this authorizer lets in until it expires.
    pub fn issue(
        &self,
        authorizer: &JwtAuthorizer,
        subject: &CallerId,
        now: Moment,
        expires: Moment,
    ) -> anyhow::Result<String> {
        self.sign(&serde_json::json!({
            "iss": authorizer.issuer,
            "aud": authorizer.audience.first(),
            "sub": subject,
            "iat": now.unix(),
            "exp": expires.unix(),
        }))
    }

    /// A token with these claims, whatever they are.
    pub fn sign(&self, claims: &impl Serialize) -> anyhow::Result<String> {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::ES256) };
        Ok(encode(&header, claims, &self.key)?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_mint_keeps_its_key_to_the_user_and_shows_the_public_one() {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::in_file(Some(directory.path().join(KEY_SET)));
        assert!(keys.read().keys.is_empty(), "there is none yet");
        let first = Mint::in_directory(directory.path()).unwrap();
        let again = Mint::in_directory(directory.path()).unwrap();
        assert_eq!(first.id, again.id);
        assert!(keys.read().find(&first.id).is_some());
        let private = directory.path().join(PRIVATE_KEY);
        assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
        let shown = fs::read_to_string(directory.path().join(KEY_SET)).unwrap();
        assert!(!shown.contains("\"d\""), "{shown}");
    }

    #[test]
    fn a_mint_leaves_the_keys_of_another_issuer_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(KEY_SET), "{\"keys\": []}").unwrap();
        assert!(Mint::in_directory(directory.path()).unwrap_err().to_string().contains("somebody else's"));
    }

    #[test]
    fn a_key_set_that_can_not_be_read_holds_no_keys() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(KEY_SET);
        fs::write(&file, "{").unwrap();
        assert!(Keys::in_file(Some(file)).read().keys.is_empty());
        assert!(Keys::in_file(None).read().keys.is_empty());
    }
}
