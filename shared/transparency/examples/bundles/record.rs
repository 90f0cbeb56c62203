//! Records of days, written as text, so that they can be written wrongly.

use trust::{time::Day, uptime::record::Sha256Hash};

/// A monitor with its days.
#[derive(Clone, Copy)]
pub(crate) struct Series {
    pub(crate) monitor: &'static str,
    /// In seconds.
    pub(crate) interval: usize,
    /// Its first day of the thirty, from 0.
    pub(crate) first: usize,
    /// How many it has.
    pub(crate) days: usize,
    /// The number of the first.
    pub(crate) sequence: usize,
    pub(crate) pattern: Pattern,
}

/// What a day of this number, of so many slots, is like.
pub(crate) type Pattern = fn(usize, usize) -> Runs;

/// Runs of equal slots.
pub(crate) type Runs = Vec<(usize, char)>;

/// What a series of records has in place of an honest one, by its number in the series from 0.
pub(crate) type Lie<'a> = &'a dyn Fn(usize, String) -> String;

/// A day that is mostly up, of so many slots.
pub(crate) fn steady(day: usize, slots: usize) -> Runs {
    let runs: &[(usize, char)] = match day % 6 {
        0 => &[],
        1 => &[(2, 't')],
        2 => &[(1, 'g'), (3, 'u'), (1, 's')],
        3 => &[(5, 'U'), (1, 'R'), (2, 'G')],
        4 => &[(3, '.'), (2, 'r'), (1, 'd')],
        _ => &[(1, 'a'), (1, 'f'), (1, 'c')],
    };
    let rest = slots - runs.iter().map(|(length, _)| length).sum::<usize>();
    if runs.is_empty() {
        return vec![(slots, 'u')];
    }
    [&[(rest / 2, 'u')], runs, &[(rest - rest / 2, 'u')]].concat()
}

/// A day of which little is known.
pub(crate) fn thin(_: usize, slots: usize) -> Runs {
    vec![(slots - slots / 12, 'u'), (slots / 12, 'g')]
}

/// A day on which the monitor was paused.
pub(crate) fn paused(_: usize, slots: usize) -> Runs {
    vec![(slots, '.')]
}

/// The thirty days' first, and the days after it.
pub(crate) fn date(day: usize) -> Day {
    (0..day).fold(Day::parse("2028-02-10").unwrap(), |day, _| day.next())
}

impl Series {
    /// The records, each with the hash of the one before, whatever that is.
    pub(crate) fn records(self, lie: Lie<'_>) -> Vec<String> {
        let mut previous = (self.sequence > 0).then(|| Sha256Hash::of(b"the record before"));
        (0..self.days)
            .map(|number| {
                let record = lie(number, self.record(number, previous));
                previous = Some(Sha256Hash::of(record.as_bytes()));
                record
            })
            .collect()
    }

    pub(crate) fn honest(self) -> Vec<String> {
        self.records(&|_, record| record)
    }

    fn record(self, number: usize, previous: Option<Sha256Hash>) -> String {
        let Self { monitor, interval, first, sequence, pattern, .. } = self;
        let runs = pattern(number, 86_400 / interval);
        let expected: usize =
            runs.iter().filter(|(_, letter)| *letter != '.').map(|(length, _)| length).sum();
        let slots: String = runs
            .iter()
            .map(
                |(length, letter)| {
                    if *length == 1 { letter.to_string() } else { format!("{length}{letter}") }
                },
            )
            .collect();
        let previous = previous.map_or("-".to_owned(), |hash| hash.to_string());
        let (down, latency) = if expected > 2 { (2, "41 180") } else { (expected, "-") };
        format!(
            "day/1\nmonitor {monitor}\nsequence {}\nprevious {previous}\nconfiguration 3\nday {}\ninterval {interval}\nphase 17\n\
             vantage eu-central-1 {} {down} 0\nvantage us-east-1 {} 0 0\nlatency {latency}\nslots {slots}\n",
            sequence + number,
            date(first + number),
            expected - down,
            expected,
        )
    }
}
