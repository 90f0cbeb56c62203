//! A claim as lines for people. Other verifiers of the same format print the same lines, so that they can be compared.

use std::fmt;

use trust::{ratio::Ratio, uptime::day::Tally};

use super::{Claim, MonitorClaim, Period};

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (origin, size) = (self.checkpoint.origin(), self.checkpoint.head().size);
        writeln!(f, "log {origin} of size {size}")?;
        for (monitor, MonitorClaim { period, ended, corrected, tally }) in &self.monitors {
            write!(f, "\nmonitor {monitor}: {period}")?;
            if let Some(ended) = ended {
                write!(f, ", ended {ended}")?;
            }
            if *corrected > 0 {
                write!(f, ", {corrected} corrected")?;
            }
            write!(f, "\n{}", Figures(tally))?;
        }
        let monitors = counted(self.monitors.len() as u64, "monitor");
        write!(f, "\nall {monitors}: {}\n{}", self.period, Figures(&self.tally()))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} to {}", counted(self.days().into(), "day"), self.first, self.last)
    }
}

fn counted(count: u64, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

/// The contractual and the raw figures of these slots.
struct Figures<'a>(&'a Tally);

impl fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        figures(f, "uptime", self.0)?;
        figures(f, "raw uptime", &self.0.raw())
    }
}

fn figures(f: &mut fmt::Formatter<'_>, name: &str, tally: &Tally) -> fmt::Result {
    let uptime = tally.claim().map_or_else(|| "not enough data".to_owned(), shown);
    let bounds = tally.bounds();
    let (least, most, coverage) = (shown(bounds.least), shown(bounds.most), shown(tally.coverage()));
    writeln!(f, "  {name} {uptime}, bounds {least} to {most}, coverage {coverage}")?;
    let (expected, up, down) = (tally.expected(), tally.up(), tally.down());
    let (unknown, maintenance) = (tally.unknown(), tally.maintenance());
    writeln!(f, "    of {expected} slots {up} up, {down} down, {unknown} unknown, {maintenance} maintenance")
}

/// A share, truncated; of nothing there is none.
fn shown(ratio: Ratio) -> String {
    ratio.basis_points().map_or_else(|| "-".to_owned(), |share| share.to_string())
}
