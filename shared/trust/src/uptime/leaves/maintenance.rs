//! Work that is announced.

use super::text::{Lines, Malformed, decode};
use crate::uptime::{
    maintenance::{InvalidWindow, Window},
    names::MonitorId,
    span::Span,
};

/// The record `maintenance/1`: a maintenance window of a monitor, logged before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceLeaf {
    monitor: MonitorId,
    window: Window,
}

impl MaintenanceLeaf {
    /// The kind of these records: the first line of each.
    pub const KIND: &str = "maintenance/1";

    /// The record of a window, which starts after it was announced and ends after it starts.
    pub fn new(monitor: MonitorId, window: Window) -> Result<Self, InvalidWindow> {
        let window = Window::announce(window.span, window.announced_at)?;
        Ok(Self { monitor, window })
    }

    /// The monitor.
    pub fn monitor(&self) -> &MonitorId {
        &self.monitor
    }

    /// When the work is, and since when that is known.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The record's text, the one there is.
    pub fn encode(&self) -> String {
        let Window { announced_at, span: Span { from, until } } = self.window;
        format!(
            "{}\nmonitor {}\nannounced {announced_at}\nfrom {from}\nuntil {until}\n",
            Self::KIND,
            self.monitor
        )
    }

    /// Reads a record. Takes only what [`MaintenanceLeaf::encode`] writes, byte for byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        decode(bytes, Self::KIND, Self::read, Self::encode)
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, Malformed> {
        let monitor = lines.parsed("monitor")?;
        let announced_at = lines.moment("announced")?;
        let span = Span { from: lines.moment("from")?, until: lines.moment("until")? };
        Self::new(monitor, Window { announced_at, span }).map_err(|invalid| match invalid {
            InvalidWindow::Past => Malformed::Line("from"),
            InvalidWindow::Empty | InvalidWindow::TooLong => Malformed::Line("until"),
        })
    }
}
