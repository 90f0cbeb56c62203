//! The operator's Chatwoot, for functions that act in it (feature `chatwoot`).

use std::num::NonZeroU32;

use chatwoot::client::{Chatwoot, Installation, Tokens};

use crate::{
    Environment, Secrets, StartError,
    secrets::{Secret, SecretsUnavailable},
};

/// Requests a minute where `CHATWOOT_REQUESTS_A_MINUTE` does not say: below the 3,000 that Chatwoot takes from one address by default.
const A_MINUTE: u32 = 2_400;

/// Why the operator's Chatwoot can not be spoken to.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotConnected {
    /// The secrets can not be had at the moment.
    #[error(transparent)]
    Secrets(#[from] SecretsUnavailable),
    /// The secret document has no `operator`.
    #[error("the secret document has no operator")]
    NoOperator,
}

/// The operator's Chatwoot.
#[derive(Debug)]
pub struct OperatorChat {
    installation: Installation,
}

impl OperatorChat {
    /// The installation at `CHATWOOT_URL`; `None` where that is not set.
    pub fn connect(environment: &Environment) -> Result<Option<Self>, StartError> {
        let Some(base) = environment.optional("CHATWOOT_URL") else { return Ok(None) };
        let unavailable =
            |error: &dyn std::fmt::Display| StartError::Unavailable(format!("CHATWOOT_URL: {error}"));
        let base = base.parse().map_err(|error| unavailable(&error))?;
        let a_minute = match environment.optional("CHATWOOT_REQUESTS_A_MINUTE") {
            None => NonZeroU32::new(A_MINUTE).unwrap_or(NonZeroU32::MIN),
            Some(text) => text.parse().map_err(|_| {
                StartError::Unavailable("CHATWOOT_REQUESTS_A_MINUTE is no number above 0".to_owned())
            })?,
        };
        let installation = Installation::at(base, a_minute).map_err(|error| unavailable(&error))?;
        Ok(Some(Self { installation }))
    }

    /// Chatwoot, spoken to with the operator's tokens, and his user's id.
    pub async fn speak(&self, secrets: &Secrets) -> Result<(Chatwoot, u64), NotConnected> {
        let document = secrets.current().await?;
        let operator = document.operator.as_ref().ok_or(NotConnected::NoOperator)?;
        let token = |secret: &Secret| secret.expose().to_owned();
        let tokens =
            Tokens { platform: operator.platform_token.as_ref().map(token), user: token(&operator.token) };
        Ok((self.installation.with(tokens), operator.user))
    }
}
