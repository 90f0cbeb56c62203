//! What another policy changes: scores and ranks, tracks and flags, those who rise and those who fall.
//!
//! Ranks go by the interval's lower end, as the list does, among those who have a score.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    fmt::{self, Display},
};

use trust::{
    history::Change,
    id::ProviderId,
    score::Points,
    summary::{Concern, Track},
    time::{Day, Moment},
};

/// How a provider stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How far he has come.
    pub track: Track,
    /// His score and its interval's lower end; absent for a new one.
    pub points: Option<(Points, Points)>,
    /// What he is flagged for.
    pub flags: Vec<Concern>,
}

/// What is served beside the candidates of a policy.
#[derive(Debug)]
pub struct Comparison {
    policy: String,
    as_of: Moment,
    candidates: HashMap<ProviderId, Standing>,
    /// What is served and what would be.
    both: Vec<(ProviderId, Standing, Standing)>,
    /// Providers without a candidate.
    joined: u64,
    /// The days of which the served ones are.
    days: BTreeMap<Day, u64>,
}

/// How far somebody moves in one direction.
type By = fn(&Move<'_>) -> i64;

/// A provider who has a score by both.
struct Move<'a> {
    provider: &'a ProviderId,
    before: Points,
    after: Points,
    /// Places, the first being 1.
    ranks: (i64, i64),
}

impl Move<'_> {
    fn change(&self) -> Change {
        Change::between(self.before, self.after)
    }

    /// How many places he would rise.
    fn rise(&self) -> i64 {
        self.ranks.0 - self.ranks.1
    }
}

impl Comparison {
    /// Nobody yet beside the candidates of this policy, which are as of this moment.
    pub fn new(policy: String, as_of: Moment) -> Self {
        let (candidates, both, days) = (HashMap::new(), Vec::new(), BTreeMap::new());
        Self { policy, as_of, candidates, both, joined: 0, days }
    }

    /// Adds a candidate. All of them come before what is served.
    pub fn candidate(&mut self, provider: ProviderId, standing: Standing) {
        self.candidates.insert(provider, standing);
    }

    /// Adds how a provider stands in the list that is served, as of this moment.
    pub fn served(&mut self, provider: &ProviderId, standing: Standing, as_of: Moment) {
        *self.days.entry(as_of.day()).or_default() += 1;
        match self.candidates.remove_entry(provider) {
            Some((provider, candidate)) => self.both.push((provider, standing, candidate)),
            None => self.joined += 1,
        }
    }

    /// The report, with so many of those who move most in each direction.
    pub fn report(&self, most: usize) -> impl Display + '_ {
        Report { of: self, moves: self.moves(), most }
    }

    fn moves(&self) -> Vec<Move<'_>> {
        let before = ranks(self.both.iter().map(|(provider, before, _)| (provider, before)));
        let after = ranks(self.both.iter().map(|(provider, _, after)| (provider, after)));
        let both = self.both.iter().filter_map(|(provider, served, candidate)| {
            Some(Move {
                provider,
                before: served.points?.0,
                after: candidate.points?.0,
                ranks: (*before.get(provider)?, *after.get(provider)?),
            })
        });
        both.collect()
    }
}

/// Everybody's place by the interval's lower end, in the order of the list.
fn ranks<'a>(
    standings: impl Iterator<Item = (&'a ProviderId, &'a Standing)>,
) -> HashMap<&'a ProviderId, i64> {
    let mut scored: Vec<(Points, &ProviderId)> =
        standings.filter_map(|(provider, standing)| Some((standing.points?.1, provider))).collect();
    scored.sort_unstable_by(|a, b| b.cmp(a));
    scored.into_iter().zip(1..).map(|((_, provider), rank)| (provider, rank)).collect()
}

struct Report<'a> {
    of: &'a Comparison,
    moves: Vec<Move<'a>>,
    most: usize,
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { policy, as_of, .. } = self.of;
        writeln!(f, "{policy} beside what is served\n")?;
        self.providers(f)?;
        writeln!(f, "candidates  as of {as_of}")?;
        self.days(f)?;
        self.tracks(f)?;
        self.flags(f)?;
        self.scores(f)?;
        let by: [(&str, By); 4] = [
            ("who would gain most points", |moved| moved.change().billionths()),
            ("who would lose most points", |moved| -moved.change().billionths()),
            ("who would rise most places", |moved| moved.rise()),
            ("who would fall most places", |moved| -moved.rise()),
        ];
        by.into_iter().try_for_each(|(title, by)| self.most(f, title, by))
    }
}

impl Report<'_> {
    fn providers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { both, joined, candidates, .. } = self.of;
        writeln!(f, "providers   {} compared", both.len())?;
        if *joined > 0 {
            writeln!(f, "            {joined} without a candidate: they have joined since")?;
        }
        if !candidates.is_empty() {
            writeln!(f, "            {} with a candidate are not served any more", candidates.len())?;
        }
        Ok(())
    }

    /// Scores of different days differ by more than the policy.
    fn days(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.of.as_of.day();
        let count = |of: &dyn Fn(Day) -> bool| -> u64 {
            self.of.days.iter().filter(|(day, _)| of(**day)).map(|(_, count)| count).sum()
        };
        let (later, earlier) = (count(&|of| of > day), count(&|of| of < day));
        if later > 0 {
            writeln!(f, "            {later} summaries served are of a later day: compute again")?;
        }
        if earlier > 0 {
            writeln!(f, "            {earlier} summaries served are of an earlier day")?;
        }
        Ok(())
    }

    fn tracks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut changes: BTreeMap<(Track, Track), u64> = BTreeMap::new();
        for (_, before, after) in &self.of.both {
            *changes.entry((before.track, after.track)).or_default() += 1;
        }
        changes.retain(|(before, after), _| before != after);
        let mut title = "tracks      ";
        if changes.is_empty() {
            writeln!(f, "{title}nobody's changes")?;
        }
        for ((before, after), count) in changes {
            writeln!(f, "{title}{count} from {} to {}", before.name(), after.name())?;
            title = "            ";
        }
        Ok(())
    }

    fn flags(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut changes: BTreeMap<Concern, (u64, u64)> = BTreeMap::new();
        for (_, before, after) in &self.of.both {
            for raised in after.flags.iter().filter(|flag| !before.flags.contains(flag)) {
                changes.entry(*raised).or_default().0 += 1;
            }
            for dropped in before.flags.iter().filter(|flag| !after.flags.contains(flag)) {
                changes.entry(*dropped).or_default().1 += 1;
            }
        }
        let mut title = "flags       ";
        if changes.is_empty() {
            writeln!(f, "{title}nobody's change")?;
        }
        for (concern, (raised, dropped)) in changes {
            writeln!(f, "{title}{concern:?}: {raised} raised, {dropped} dropped")?;
            title = "            ";
        }
        Ok(())
    }

    fn scores(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut changes: Vec<Change> = self.moves.iter().map(Move::change).collect();
        changes.sort_unstable();
        writeln!(f, "scores      {} have one by both", changes.len())?;
        if changes.is_empty() {
            return Ok(());
        }
        write!(f, "            change:")?;
        for (name, hundredths) in [
            ("least", 0),
            ("5 %", 5),
            ("25 %", 25),
            ("median", 50),
            ("75 %", 75),
            ("95 %", 95),
            ("most", 100),
        ] {
            let change = changes[(changes.len() - 1) * hundredths / 100];
            write!(f, "  {name} {}", signed(change.billionths()))?;
        }
        let mut places: Vec<u64> = self.moves.iter().map(|moved| moved.rise().unsigned_abs()).collect();
        places.sort_unstable();
        let (median, most) = (places[(places.len() - 1) / 2], places[places.len() - 1]);
        writeln!(f, "\nranks       move by {median} places in the median, {most} at most")?;
        if let Some(rho) = spearman(&self.moves) {
            writeln!(f, "            Spearman's rho {rho:.4} (1: the same order)")?;
        }
        Ok(())
    }

    fn most(&self, f: &mut fmt::Formatter<'_>, title: &str, by: impl Fn(&Move<'_>) -> i64) -> fmt::Result {
        let mut moves: Vec<&Move<'_>> = self.moves.iter().filter(|moved| by(moved) > 0).collect();
        moves.sort_by_key(|moved| (Reverse(by(moved)), moved.provider));
        if moves.is_empty() || self.most == 0 {
            return Ok(());
        }
        writeln!(f, "\n{title}")?;
        for moved in moves.into_iter().take(self.most) {
            let (before, after) = (cut(moved.before.billionths()), cut(moved.after.billionths()));
            let change = signed(moved.change().billionths());
            let ((from, to), rise) = (moved.ranks, moved.rise());
            writeln!(
                f,
                "  {}  score {before} -> {after} ({change})  rank {from} -> {to} ({rise:+})",
                moved.provider
            )?;
        }
        Ok(())
    }
}

/// How alike two orders are, 1 for the same and -1 for the opposite (C. Spearman, 1904), over the places among those in both.
fn spearman(moves: &[Move<'_>]) -> Option<f64> {
    let places = |rank: fn(&Move<'_>) -> i64| {
        let mut order: Vec<usize> = (0..moves.len()).collect();
        order.sort_unstable_by_key(|&index| rank(&moves[index]));
        let mut places = vec![0_i64; moves.len()];
        for (&index, place) in order.iter().zip(0..) {
            places[index] = place;
        }
        places
    };
    let (before, after) = (places(|moved| moved.ranks.0), places(|moved| moved.ranks.1));
    let squares: f64 = before.iter().zip(&after).map(|(a, b)| ((a - b) as f64).powi(2)).sum();
    let n = moves.len() as f64;
    (moves.len() > 1).then(|| 1.0 - 6.0 * squares / (n * (n * n - 1.0)))
}

/// Points with two decimals, cut.
fn cut(billionths: i64) -> String {
    let hundredths = billionths / 10_000_000;
    let sign = if hundredths < 0 { "-" } else { "" };
    let hundredths = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}

fn signed(billionths: i64) -> String {
    let text = cut(billionths);
    if text.starts_with('-') { text } else { format!("+{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ProviderId {
        text.parse().unwrap()
    }

    fn scored(low: u32) -> Standing {
        let points = Some((Points::whole(low + 10), Points::whole(low)));
        Standing { track: Track::Vetting, points, flags: Vec::new() }
    }

    fn now() -> Moment {
        Moment::parse("2026-11-25T10:00:00Z").unwrap()
    }

    fn compared(both: &[(&str, Standing, Standing)]) -> Comparison {
        let mut comparison = Comparison::new("p/2".to_owned(), now());
        for (provider, _, candidate) in both {
            comparison.candidate(id(provider), candidate.clone());
        }
        for (provider, served, _) in both {
            comparison.served(&id(provider), served.clone(), now());
        }
        comparison
    }

    #[test]
    fn the_report_says_how_scores_and_ranks_tracks_and_flags_move() {
        let flagged = Standing { flags: vec![Concern::BadDays], ..scored(60) };
        let new = Standing { track: Track::New, points: None, flags: Vec::new() };
        let mut comparison = compared(&[
            ("a", scored(80), scored(80)),
            ("b", scored(70), scored(50)),
            ("c", scored(55), flagged),
            ("d", new, scored(20)),
        ]);
        comparison.candidate(id("gone"), scored(1));
        comparison.served(&id("late"), scored(1), now().plus(86_400));
        assert_eq!(
            comparison.report(1).to_string(),
            "p/2 beside what is served\n\
             \n\
             providers   4 compared\n\
             \x20           1 without a candidate: they have joined since\n\
             \x20           1 with a candidate are not served any more\n\
             candidates  as of 2026-11-25T10:00:00Z\n\
             \x20           1 summaries served are of a later day: compute again\n\
             tracks      1 from new to vetting\n\
             flags       BadDays: 1 raised, 0 dropped\n\
             scores      3 have one by both\n\
             \x20           change:  least -20.00  5 % -20.00  25 % -20.00  median +0.00  75 % +0.00  95 % +0.00  most +5.00\n\
             ranks       move by 1 places in the median, 1 at most\n\
             \x20           Spearman's rho 0.5000 (1: the same order)\n\
             \n\
             who would gain most points\n  c  score 65.00 -> 70.00 (+5.00)  rank 3 -> 2 (+1)\n\
             \n\
             who would lose most points\n  b  score 80.00 -> 60.00 (-20.00)  rank 2 -> 3 (-1)\n\
             \n\
             who would rise most places\n  c  score 65.00 -> 70.00 (+5.00)  rank 3 -> 2 (+1)\n\
             \n\
             who would fall most places\n  b  score 80.00 -> 60.00 (-20.00)  rank 2 -> 3 (-1)\n"
        );
    }

    #[test]
    fn where_nothing_changes_nobody_is_named() {
        let report =
            compared(&[("a", scored(80), scored(80)), ("b", scored(80), scored(80))]).report(5).to_string();
        assert!(report.ends_with("Spearman's rho 1.0000 (1: the same order)\n"), "{report}");
        assert!(report.contains("tracks      nobody's changes\nflags       nobody's change\n"), "{report}");
        assert!(compared(&[]).report(5).to_string().ends_with("scores      0 have one by both\n"));
    }

    #[test]
    fn opposite_orders_correlate_by_minus_one() {
        let both: Vec<(String, Standing, Standing)> =
            (0..9).map(|number| (format!("p{number}"), scored(number), scored(9 - number))).collect();
        let both: Vec<(&str, Standing, Standing)> =
            both.iter().map(|(id, before, after)| (id.as_str(), before.clone(), after.clone())).collect();
        assert_eq!(spearman(&compared(&both).moves()), Some(-1.0));
    }

    #[test]
    fn points_are_cut_and_not_rounded() {
        assert_eq!(
            (cut(1_999_999_999), cut(-1_999_999_999), cut(-9_999_999)),
            ("1.99".into(), "-1.99".into(), "0.00".into())
        );
    }
}
