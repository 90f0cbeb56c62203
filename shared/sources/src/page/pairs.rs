//! Labels and the values beside them: `<th>Memory</th><td>32 GB</td>`, `<dt>`/`<dd>`, neighbours, and `Memory: 32 GB`.
//!
//! The value is what follows its label. Cards that put the value above the label look the same but one off, so a group in which the last
//! label has nothing behind it, or the first has before it what could be its value, gives nothing at all.

use std::collections::HashSet;

use super::Page;
use super::build::{Name, TOP};
use super::facts::{Pair, Rung};
use super::synonyms::{Meaning, Synonyms};

/// The longest value, in bytes: a CPU's name or a location. More is prose that happens to follow a label.
const LONGEST_VALUE: usize = 160;

struct Label<'p> {
    at: u32,
    meanings: &'p [Meaning],
}

impl Page {
    /// All labels of the page that have a value, in the page's order.
    pub(super) fn pairs<'p>(&'p self, synonyms: &'p Synonyms) -> Vec<Pair<'p>> {
        let (labels, mut pairs) = self.labels(synonyms);
        let mut groups: HashSet<u32> = HashSet::new();
        let mut backwards: HashSet<u32> = HashSet::new();
        let mut beside: Vec<(u32, Pair<'p>)> = Vec::new();
        let mut headers = HeaderRows::default();
        for label in &labels {
            let Some(element) = self.element(label.at) else { continue };
            if headers.hold(self, label.at) {
                continue;
            }
            if groups.insert(element.parent) && self.may_have_its_value_before(label.at, &labels, &pairs) {
                backwards.insert(element.parent);
            }
            match self.value_behind(label.at, &labels) {
                Behind::Value(value) => {
                    let pair = Pair {
                        meanings: label.meanings,
                        value: value.into(),
                        rung: Rung::Pair,
                        at: label.at,
                    };
                    beside.push((element.parent, pair));
                }
                Behind::SomethingElse => {}
                Behind::Nothing => {
                    backwards.insert(element.parent);
                }
            }
        }
        pairs
            .extend(beside.into_iter().filter(|(group, _)| !backwards.contains(group)).map(|(_, pair)| pair));
        pairs.sort_by_key(|pair| pair.at);
        pairs
    }

    /// The elements that are nothing but a label, outermost first, and those that hold label and value in one.
    fn labels<'p>(&'p self, synonyms: &'p Synonyms) -> (Vec<Label<'p>>, Vec<Pair<'p>>) {
        let (mut labels, mut pairs) = (Vec::new(), Vec::new());
        let mut buffer = String::new();
        let mut at = 0;
        while let Some(element) = self.element(at) {
            let end = element.end;
            let text = self.slice(&element.text);
            if element.name == Name::Head || text.is_empty() {
                at = end;
                continue;
            }
            let of_attribute = synonyms.meanings(self.attribute(&element.label), &mut buffer);
            if !of_attribute.is_empty() {
                pairs.push(Pair { meanings: of_attribute, value: text.into(), rung: Rung::Pair, at });
                at = end;
                continue;
            }
            if let Some((label, value)) = in_one(text) {
                let meanings = synonyms.meanings(label, &mut buffer);
                if !meanings.is_empty() {
                    pairs.push(Pair { meanings, value: value.into(), rung: Rung::Pair, at });
                    at = end;
                    continue;
                }
            }
            if text.len() <= synonyms.longest_label() && self.may_be_a_label(at) {
                let meanings = synonyms.meanings(text, &mut buffer);
                if !meanings.is_empty() {
                    labels.push(Label { at, meanings });
                    at = end;
                    continue;
                }
            }
            at += 1;
        }
        (labels, pairs)
    }

    /// Whether an element could be nothing but a label. One that ends with something empty is a label together with a value that is
    /// not there; what follows it belongs to somebody else.
    fn may_be_a_label(&self, at: u32) -> bool {
        let Some(element) = self.element(at) else { return false };
        match element.name {
            Name::HeadCell | Name::Cell | Name::Term => true,
            Name::Html
            | Name::Body
            | Name::Table
            | Name::TableHead
            | Name::TableBody
            | Name::Row
            | Name::Definitions
            | Name::List => false,
            _ => !self.ends_empty(at),
        }
    }

    fn ends_empty(&self, at: u32) -> bool {
        self.children(at).last().is_some_and(|last| self.text_of(last).is_empty())
    }

    /// What stands behind a label, up to the end of what both are in.
    fn value_behind(&self, at: u32, labels: &[Label<'_>]) -> Behind<'_> {
        let Some(element) = self.element(at) else { return Behind::Nothing };
        let next = self.next_sibling(at);
        let parent_ends =
            self.element(element.parent).map_or(self.text.len() as u32, |parent| parent.text.end);
        let tail_ends = next.and_then(|next| self.element(next)).map_or(parent_ends, |next| next.text.start);
        let tail = self.slice(&(element.text.end..tail_ends)).trim_start_matches(':').trim();
        if !tail.is_empty() {
            return if tail.len() <= LONGEST_VALUE { Behind::Value(tail) } else { Behind::SomethingElse };
        }
        let Some(next) = next else { return Behind::Nothing };
        let value = self.text_of(next);
        let end = self.element(next).map_or(next, |element| element.end);
        let first_label = labels.partition_point(|label| label.at < next);
        let holds_label = labels.get(first_label).is_some_and(|label| label.at < end);
        if holds_label || value.len() > LONGEST_VALUE { Behind::SomethingElse } else { Behind::Value(value) }
    }

    /// Whether a text stands before the first label of a group that may be its value: one that is no heading and holds no label. Where
    /// HTML itself tells labels from values, their order does.
    fn may_have_its_value_before(&self, label: u32, labels: &[Label<'_>], in_one: &[Pair<'_>]) -> bool {
        let Some(element) = self.element(label) else { return false };
        let Some(group) = self.element(element.parent) else { return false };
        let before = self.children(element.parent).take_while(|&child| child < label);
        let mut before = before.filter(|&child| !self.text_of(child).is_empty());
        let name_of = |at| self.element(at).map(|element| element.name);
        match element.name {
            Name::Term => return before.next().and_then(name_of) == Some(Name::Meaning),
            Name::HeadCell => return false,
            _ => {}
        }
        let last = before.last();
        let ends = last.and_then(|last| self.element(last)).map_or(group.text.start, |last| last.text.end);
        if !self.slice(&(ends..element.text.start)).is_empty() {
            return true;
        }
        last.is_some_and(|last| {
            let end = self.element(last).map_or(last, |last| last.end);
            let is_labelled = labels
                .get(labels.partition_point(|label| label.at < last))
                .is_some_and(|label| label.at < end)
                || in_one
                    .get(in_one.partition_point(|pair| pair.at < last))
                    .is_some_and(|pair| pair.at < end);
            name_of(last) != Some(Name::Heading) && !is_labelled
        })
    }

    /// A row in a `thead`, or one of two or more cells that are all header cells.
    fn is_header_row(&self, row: u32) -> bool {
        let Some(element) = self.element(row).filter(|element| element.name == Name::Row) else {
            return false;
        };
        let is_in_head = self.element(element.parent).is_some_and(|parent| parent.name == Name::TableHead);
        let mut cells = self.children(row).filter_map(|cell| self.element(cell)).map(|cell| cell.name);
        is_in_head || (self.children(row).nth(1).is_some() && cells.all(|name| name == Name::HeadCell))
    }
}

/// Whether labels head a column rather than name what is beside them. Remembers the last row: a row may hold very many.
#[derive(Default)]
struct HeaderRows {
    last: Option<(u32, bool)>,
}

impl HeaderRows {
    fn hold(&mut self, page: &Page, label: u32) -> bool {
        let mut at = label;
        // A label may stand in elements within its cell.
        for _ in 0..4 {
            match page.element(at) {
                Some(found) if matches!(found.name, Name::HeadCell | Name::Cell) => break,
                Some(found) if found.parent != TOP => at = found.parent,
                _ => return false,
            }
        }
        let Some(row) = page.element(at).map(|cell| cell.parent) else { return false };
        match self.last {
            Some((last, is_header)) if last == row => is_header,
            _ => {
                let is_header = page.is_header_row(row);
                self.last = Some((row, is_header));
                is_header
            }
        }
    }
}

enum Behind<'p> {
    Value(&'p str),
    /// Another label, or prose.
    SomethingElse,
    Nothing,
}

/// `Memory: 32 GB` on one line.
fn in_one(text: &str) -> Option<(&str, &str)> {
    if text.len() > LONGEST_VALUE || text.contains('\n') {
        return None;
    }
    let (label, value) = text.split_once(':')?;
    let value = value.trim();
    (!value.is_empty() && !value.contains(':')).then_some((label, value))
}
