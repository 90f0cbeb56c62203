//! A monitor's configuration.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::text::{Lines, Malformed, decode};
use crate::{
    time::Moment,
    uptime::{
        names::{MonitorId, Vantage},
        record::Sha256Hash,
        schedule::{Grid, Interval},
        slot::Panel,
    },
};

/// How a target is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckKind {
    /// A request without TLS, and its answer.
    Http,
    /// A request over TLS, and its answer.
    Https,
    /// A connection.
    Tcp,
    /// A handshake and its certificate.
    Tls,
    /// The banner of an SSH server.
    Ssh,
    /// A question to a name server.
    Dns,
}

/// A kind of check there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a check is one of http, https, tcp, tls, ssh and dns")]
pub struct UnknownCheck;

impl CheckKind {
    /// All there are.
    pub const ALL: [Self; 6] = [Self::Http, Self::Https, Self::Tcp, Self::Tls, Self::Ssh, Self::Dns];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ssh => "ssh",
            Self::Dns => "dns",
        }
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CheckKind {
    type Err = UnknownCheck;
    fn from_str(text: &str) -> Result<Self, UnknownCheck> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownCheck)
    }
}

/// From when to when a monitor is there, pauses and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    since: Moment,
    ended: Option<Moment>,
}

/// An end that is not after the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a monitor ends after it began")]
pub struct InvalidLifetime;

impl Lifetime {
    /// Since a moment, and until it ended, if it did.
    pub fn new(since: Moment, ended: Option<Moment>) -> Result<Self, InvalidLifetime> {
        let is_sound = ended.is_none_or(|ended| since < ended);
        is_sound.then_some(Self { since, ended }).ok_or(InvalidLifetime)
    }

    /// When it first ran.
    pub fn since(self) -> Moment {
        self.since
    }

    /// When it ceased to, for good.
    pub fn ended(self) -> Option<Moment> {
        self.ended
    }
}

/// The record `monitor/1`: a version of a monitor's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorLeaf {
    /// The monitor.
    pub monitor: MonitorId,
    /// The version, which the records of its days name.
    pub version: u32,
    /// When it takes effect.
    pub from: Moment,
    /// How time is cut into slots.
    pub grid: Grid,
    /// From where it is asked.
    pub panel: Panel,
    /// How it is asked.
    pub check: CheckKind,
    /// The [`commitment`] to what is asked.
    pub target: Sha256Hash,
    /// From when to when it is there.
    pub lifetime: Lifetime,
}

/// Commits to a target without telling it: SHA-256 over 16 bytes of salt, then the target's text as it is
/// kept, in UTF-8.
///
/// The salt is drawn at random for each target and told only to whom the target may be told. Without it, or
/// with a shorter one, whoever can guess an address could look it up in the log.
pub fn commitment(salt: &[u8; 16], target: &str) -> Sha256Hash {
    Sha256Hash::of(&[&salt[..], target.as_bytes()].concat())
}

impl MonitorLeaf {
    /// The kind of these records: the first line of each.
    pub const KIND: &str = "monitor/1";

    /// Whether this is the target that the record commits to, and its salt.
    pub fn is_opened_by(&self, salt: &[u8; 16], target: &str) -> bool {
        self.target == commitment(salt, target)
    }

    /// The record's text, the one there is.
    pub fn encode(&self) -> String {
        let panel: Vec<&str> = self.panel.vantages().iter().map(Vantage::as_str).collect();
        format!(
            "{}\nmonitor {}\nversion {}\nfrom {}\ninterval {}\nphase {}\npanel {}\ncheck {}\ntarget {}\n\
             since {}\nended {}\n",
            Self::KIND,
            self.monitor,
            self.version,
            self.from,
            self.grid.interval().seconds(),
            self.grid.phase(),
            panel.join(" "),
            self.check,
            self.target,
            self.lifetime.since,
            self.lifetime.ended.map_or_else(|| "-".to_owned(), |ended| ended.to_string()),
        )
    }

    /// Reads a record. Takes only what [`MonitorLeaf::encode`] writes, byte for byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        decode(bytes, Self::KIND, Self::read, Self::encode)
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, Malformed> {
        let monitor = lines.parsed("monitor")?;
        let version = lines.parsed("version")?;
        let from = lines.moment("from")?;
        let interval = Interval::from_seconds(lines.parsed("interval")?);
        let interval = interval.map_err(|_| Malformed::Line("interval"))?;
        let grid = Grid::new(interval, lines.parsed("phase")?).map_err(|_| Malformed::Line("phase"))?;
        let vantages = lines.next("panel")?.split(' ').map(str::parse).collect::<Result<_, _>>();
        let panel = vantages.ok().and_then(|vantages| Panel::new(vantages).ok());
        let panel = panel.ok_or(Malformed::Line("panel"))?;
        let check = lines.parsed("check")?;
        let target = lines.parsed("target")?;
        let since = lines.moment("since")?;
        let ended = match lines.next("ended")? {
            "-" => None,
            moment => Some(Moment::parse(moment).map_err(|_| Malformed::Line("ended"))?),
        };
        let lifetime = Lifetime::new(since, ended).map_err(|_| Malformed::Line("ended"))?;
        Ok(Self { monitor, version, from, grid, panel, check, target, lifetime })
    }
}
