//! The link by which a renter tells us something: a token that nobody but us can make, for one purpose, one contract, one renter and until
//! one moment.
//!
//! Text form: `1.` and base64url without padding over the end of its time (5 bytes, Unix seconds), a hash of the renter (16 bytes), the
//! contract's id, and HMAC-SHA256 over all of these (32 bytes). So a link is checked before anything is read, and whoever sees one
//! learns nothing of the renter. Whoever has it is the renter to us: it goes to the marketplace, which knows him, and into no log line.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::{
    id::{ContractId, RenterId},
    time::Moment,
};

/// The version this code writes and reads, before the rest.
const VERSION: &str = "1.";

/// What a link is for. What is authenticated begins with it, so that a link for one thing is none for another, though one secret makes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To answer two questions about a contract that has ended.
    Feedback,
    /// To send what a benchmark found on the machine that was handed over.
    Benchmark,
}

impl Purpose {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Feedback => b"provider-trust/feedback/1\0",
            Self::Benchmark => b"provider-trust/benchmark/1\0",
        }
    }
}

const TIME: usize = 5;
const RENTER: usize = 16;
const AUTHENTICATOR: usize = 32;

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    purpose: Purpose,
    contract: ContractId,
    expires_at: Moment,
    renter: [u8; RENTER],
}

/// A link as text. Its debug form hides it, so that no log line can hold it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// A text that is none of our links, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a link of ours")]
pub struct InvalidLink;

impl Token {
    /// The text, for whom it is.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Link {
    /// A link for this renter, about this contract, which is of use until then.
    pub fn new(purpose: Purpose, contract: ContractId, renter: &RenterId, expires_at: Moment) -> Self {
        let renter = hash_of(&contract, renter);
        Self { purpose, contract, expires_at, renter }
    }

    /// The contract it is about.
    pub fn contract(&self) -> &ContractId {
        &self.contract
    }

    /// From when on it is of no use.
    pub fn expires_at(&self) -> Moment {
        self.expires_at
    }

    /// Whether it is for this renter.
    pub fn is_for(&self, renter: &RenterId) -> bool {
        hash_of(&self.contract, renter) == self.renter
    }

    /// The link as text, under this secret; `None` under an empty one, which everybody knows.
    pub fn seal(&self, secret: &str) -> Option<Token> {
        let mut bytes = self.expires_at.unix().to_be_bytes()[8 - TIME..].to_vec();
        bytes.extend(self.renter);
        bytes.extend(self.contract.as_str().bytes());
        let authenticator = authenticator(self.purpose, secret, &bytes)?.finalize().into_bytes();
        bytes.extend(authenticator);
        Some(Token(format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Reads a text that was made for this purpose under one of these secrets. The comparison takes the same time wherever the two differ.
    pub fn open<'a>(
        purpose: Purpose,
        text: &str,
        secrets: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidLink> {
        let text = text.strip_prefix(VERSION).ok_or(InvalidLink)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidLink)?;
        let (said, given) = bytes
            .len()
            .checked_sub(AUTHENTICATOR)
            .and_then(|end| bytes.split_at_checked(end))
            .ok_or(InvalidLink)?;
        let ours = |secret| {
            authenticator(purpose, secret, said).is_some_and(|made| made.verify_slice(given).is_ok())
        };
        if !secrets.into_iter().any(ours) {
            return Err(InvalidLink);
        }
        Self::read(purpose, said).ok_or(InvalidLink)
    }

    fn read(purpose: Purpose, said: &[u8]) -> Option<Self> {
        let (time, rest) = said.split_at_checked(TIME)?;
        let (renter, contract) = rest.split_at_checked(RENTER)?;
        let seconds = time.iter().fold(0, |seconds, byte| seconds << 8 | i64::from(*byte));
        Some(Self {
            purpose,
            contract: std::str::from_utf8(contract).ok()?.parse().ok()?,
            expires_at: Moment::from_unix(seconds)?,
            renter: renter.try_into().ok()?,
        })
    }
}

/// Salted with the contract, so that two links of one renter have nothing in common.
fn hash_of(contract: &ContractId, renter: &RenterId) -> [u8; RENTER] {
    let hash = Sha256::new().chain_update(contract.as_str()).chain_update([0]).chain_update(renter.as_str());
    let mut cut = [0; RENTER];
    cut.copy_from_slice(&hash.finalize()[..RENTER]);
    cut
}

fn authenticator(purpose: Purpose, secret: &str, said: &[u8]) -> Option<Hmac<Sha256>> {
    let secret = Some(secret).filter(|secret| !secret.is_empty())?;
    let mut authenticator = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    authenticator.update(purpose.text());
    authenticator.update(said);
    Some(authenticator)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRETS: [&str; 2] = ["current", "previous"];

    fn renter() -> RenterId {
        "r1".parse().unwrap()
    }

    fn link(contract: &str) -> Link {
        Link::new(
            Purpose::Feedback,
            contract.parse().unwrap(),
            &renter(),
            Moment::from_unix(1_800_000_000).unwrap(),
        )
    }

    #[test]
    fn a_link_is_the_text_that_its_description_says() {
        // Python: e = (1800000000).to_bytes(5); r = sha256(b"c1\0r1").digest()[:16]; m = e + r + b"c1";
        // "1." + urlsafe_b64encode(m + hmac.digest(b"current", b"provider-trust/feedback/1\0" + m, "sha256")).rstrip(b"=")
        let token = link("c1").seal("current").unwrap();
        assert_eq!(
            token.expose(),
            "1.AGtJ0gAigbZ-DAy1WCBfqBbUhQvIYzHmBBRacrQyFGEG3qKAy1xUfu4gKOB6md4WJUTScLz7Bw"
        );
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert_eq!(link("c1").seal(""), None);
    }

    #[test]
    fn a_link_opens_under_the_current_and_the_previous_secret_and_no_other() {
        for secret in SECRETS {
            let token = link("c-1._X").seal(secret).unwrap();
            assert_eq!(Link::open(Purpose::Feedback, token.expose(), SECRETS), Ok(link("c-1._X")));
            assert_eq!(Link::open(Purpose::Feedback, token.expose(), ["another", ""]), Err(InvalidLink));
            assert_eq!(Link::open(Purpose::Feedback, token.expose(), []), Err(InvalidLink));
        }
    }

    #[test]
    fn a_link_for_one_thing_is_none_for_another() {
        let (contract, until) = ("c1".parse().unwrap(), Moment::from_unix(1_800_000_000).unwrap());
        let benchmark = Link::new(Purpose::Benchmark, contract, &renter(), until);
        let token = benchmark.seal("current").unwrap();
        assert_eq!(Link::open(Purpose::Benchmark, token.expose(), SECRETS), Ok(benchmark));
        assert_eq!(Link::open(Purpose::Feedback, token.expose(), SECRETS), Err(InvalidLink));
    }

    #[test]
    fn a_link_is_for_one_renter() {
        assert!(link("c1").is_for(&renter()));
        assert!(!link("c1").is_for(&"r2".parse().unwrap()));
    }

    #[test]
    fn no_other_text_is_a_link() {
        let token = link("c1").seal("current").unwrap().expose().to_owned();
        let other_version = token.replacen('1', "2", 1);
        for text in
            ["", "1.", "1.AAAA", &token[2..], &other_version, &format!("{token}="), &format!(" {token}")]
        {
            assert_eq!(Link::open(Purpose::Feedback, text, SECRETS), Err(InvalidLink), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_link_reads_back_and_goes_into_a_url_as_it_is(
            contract in "[A-Za-z0-9._-]{1,128}", seconds in 0..=Moment::LATEST.unix()
        ) {
            let link = Link::new(Purpose::Feedback, contract.parse().unwrap(), &renter(), Moment::from_unix(seconds).unwrap());
            let token = link.seal("previous").unwrap();
            prop_assert!(token.expose().bytes().all(|c| c.is_ascii_alphanumeric() || b".-_".contains(&c)));
            prop_assert_eq!(Link::open(Purpose::Feedback, token.expose(), SECRETS), Ok(link));
        }

        #[test]
        fn a_link_of_which_any_byte_was_changed_added_or_left_out_is_refused(
            contract in "[a-z0-9]{1,40}", place in any::<prop::sample::Index>(), byte in 0x20..0x7f_u8
        ) {
            let token = link(&contract).seal("current").unwrap().expose().to_owned();
            let place = place.index(token.len());
            let with = |replaced: &[u8]| {
                let mut bytes = token.clone().into_bytes();
                bytes.splice(place..=place, replaced.iter().copied());
                String::from_utf8(bytes).unwrap()
            };
            let original = token.as_bytes()[place];
            prop_assume!(byte != original);
            for changed in [with(&[byte]), with(&[]), with(&[original, byte]), with(&[byte, original])] {
                if changed != token {
                    prop_assert_eq!(Link::open(Purpose::Feedback, &changed, SECRETS), Err(InvalidLink), "{}", changed);
                }
            }
        }
    }
}
