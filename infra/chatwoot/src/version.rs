//! Which Chatwoot will do.

use std::fmt;

/// The oldest version that can be worked with: the first whose account webhooks are signed. With an older one anybody could send them.
pub const OLDEST_USABLE: Version = Version(4, 12, 0);

/// The oldest version that should run: a security release.
pub const OLDEST_SOUND: Version = Version(4, 18, 0);

/// A version of Chatwoot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Whether a version will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitness {
    /// It will.
    Sound,
    /// It will, but has known holes.
    Old,
    /// It will not.
    TooOld,
    /// It does not say so in a form that is known here.
    Unknown,
}

impl Fitness {
    /// Of a version as Chatwoot names it.
    pub fn of(named: &str) -> Self {
        match read(named) {
            None => Self::Unknown,
            Some(version) if version < OLDEST_USABLE => Self::TooOld,
            Some(version) if version < OLDEST_SOUND => Self::Old,
            Some(_) => Self::Sound,
        }
    }
}

/// Three numbers; what follows them, such as a fork's own, does not count.
fn read(named: &str) -> Option<Version> {
    let numbers = named.trim_start_matches('v').split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut numbers = numbers.split('.').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Version(next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        for (named, fitness) in [
            ("4.18.0", Fitness::Sound),
            ("4.18.0-ce", Fitness::Sound),
            ("v4.20.1", Fitness::Sound),
            ("10.0.0", Fitness::Sound),
            ("4.17.9", Fitness::Old),
            ("4.12.0", Fitness::Old),
            ("4.9.12", Fitness::TooOld),
            ("3.16.0", Fitness::TooOld),
            ("", Fitness::Unknown),
            ("4.18", Fitness::Unknown),
            ("latest", Fitness::Unknown),
        ] {
            assert_eq!(Fitness::of(named), fitness, "{named}");
        }
    }
}
