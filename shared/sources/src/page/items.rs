//! Entries of a list: each is known by its link, and what stands around the link is what the page says of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use super::Page;
use super::build::{Name, TOP};
use super::facts::{Facts, Pair, Rung};
use super::synonyms::{Meaning, Synonyms};

/// An entry of a list.
#[derive(Debug)]
pub struct Item<'p, Key> {
    /// What its link says it is.
    pub key: Key,
    /// What is said of it.
    pub facts: Facts<'p>,
}

/// How a link's surroundings on a page about one thing belong to that thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beside {
    /// It leads to another thing of the same kind: what stands around it is about that one.
    Another,
    /// It leads to something about this thing. What stands around it is about this thing, unless there is a list of such links.
    Detail,
}

/// A page with its labels found, ready to be asked for its entries and for what it says of itself.
pub struct Sayings<'p> {
    page: &'p Page,
    synonyms: &'p Synonyms,
    pairs: Vec<Pair<'p>>,
    /// Objects of the page's JSON that state at least two facts, with all their texts.
    objects: Vec<(Vec<String>, Vec<Pair<'p>>)>,
    /// The page's table rows and the table each is in.
    rows: Vec<(u32, u32)>,
}

impl Page {
    /// Finds the labels and values of the page. A flawed page says nothing.
    pub fn sayings<'p>(&'p self, synonyms: &'p Synonyms) -> Sayings<'p> {
        if self.flaw().is_some() {
            return Sayings {
                page: self,
                synonyms,
                pairs: Vec::new(),
                objects: Vec::new(),
                rows: Vec::new(),
            };
        }
        let (pairs, objects, rows) = (self.pairs(synonyms), self.objects(synonyms), self.rows());
        Sayings { page: self, synonyms, pairs, objects, rows }
    }

    fn rows(&self) -> Vec<(u32, u32)> {
        let rows = (0_u32..).zip(&self.elements).filter(|(_, element)| element.name == Name::Row);
        rows.filter_map(|(at, _)| Some((at, self.table_of(at)?))).collect()
    }

    fn table_of(&self, row: u32) -> Option<u32> {
        let mut at = self.element(row)?.parent;
        loop {
            let element = self.element(at)?;
            if element.name == Name::Table {
                return Some(at);
            }
            at = element.parent;
        }
    }
}

impl<'p> Sayings<'p> {
    /// The page's entries, known by links that `key_of` recognises, in their first order; and what the page says outside them.
    pub fn items<Key: Eq + Hash + Clone>(
        &self,
        key_of: impl Fn(&str) -> Option<Key>,
    ) -> (Vec<Item<'p, Key>>, Facts<'p>) {
        let mut tables = Tables::default();
        let mut places: Vec<Range<u32>> = Vec::new();
        let mut found = Found::default();
        let links = self.runs(&key_of);
        for (place, key) in self.places(links) {
            let mut pairs = self.pairs_within(&place);
            pairs.extend(self.cells_of(place.start, &mut tables));
            places.push(place);
            found.add(key, pairs);
        }
        let mut own: Vec<Pair<'p>> = Vec::new();
        for (texts, pairs) in &self.objects {
            match texts.iter().find_map(|text| key_of(text)) {
                Some(key) => found.add(key, pairs.clone()),
                None => own.extend(pairs.iter().cloned()),
            }
        }
        own.extend(self.outside(&places, &mut tables));
        let items =
            found.items.into_iter().map(|(key, pairs)| Item { key, facts: Facts::of(pairs) }).collect();
        (items, Facts::of(own))
    }

    /// What a page about one thing says of it: everything but what stands around links to others.
    pub fn own(&self, beside: impl Fn(&str) -> Option<Beside>) -> Facts<'p> {
        let key_of = |link: &str| beside(link).map(|beside| (beside, link.to_owned()));
        let runs = self.runs(key_of);
        let sentences: Vec<_> = (0..runs.len()).map(|index| self.sentence_around(&runs, index)).collect();
        let places = self.places(runs);
        let group_of =
            |place: &Range<u32>| self.page.element(place.start).map(|element| (element.name, element.parent));
        let mut groups: HashMap<u32, u32> = HashMap::new();
        for (_, parent) in places.iter().filter_map(|(place, _)| group_of(place)) {
            *groups.entry(parent).or_default() += 1;
        }
        let apart = places.into_iter().zip(sentences).filter_map(|((place, (beside, _)), sentence)| {
            let is_in_list = group_of(&place).is_some_and(|(name, parent)| {
                name == Name::Row || groups.get(&parent).is_some_and(|&count| count >= 2)
            });
            if is_in_list {
                return Some(place);
            }
            // With labels behind it, the sentence heads a card that is of what it mentions.
            let heads = |sentence: &Range<u32>| {
                let behind = self.pairs.partition_point(|pair| pair.at < sentence.end);
                self.pairs.get(behind).is_some_and(|pair| place.contains(&pair.at))
            };
            let sentence = sentence.filter(|sentence| !heads(sentence));
            (beside == Beside::Another).then(|| sentence.unwrap_or(place))
        });
        let apart: Vec<Range<u32>> = apart.collect();
        let is_own = |texts: &[String]| !texts.iter().any(|text| beside(text).is_some());
        let objects = self.objects.iter().filter(|(texts, _)| is_own(texts));
        let mut pairs: Vec<Pair<'p>> = objects.flat_map(|(_, pairs)| pairs.iter().cloned()).collect();
        pairs.extend(self.outside(&apart, &mut Tables::default()));
        Facts::of(pairs)
    }

    /// The paragraph in which the links of a run, and no others, stand among words, none of which is a label. It mentions what they lead to,
    /// and what stands around it is about something else. A paragraph that is nothing but a link may be a title or a button: it heads
    /// or ends what it is of.
    fn sentence_around<Key>(&self, runs: &[(u32, u32, Key)], index: usize) -> Option<Range<u32>> {
        let page = self.page;
        let (first, last, _) = runs.get(index)?;
        let mut at = *first;
        while page.element(at)?.name != Name::Paragraph {
            at = page.element(at)?.parent;
        }
        let place = at..page.element(at)?.end;
        let before = index.checked_sub(1).and_then(|before| runs.get(before)).map(|(_, last, _)| last);
        let behind = runs.get(index + 1).map(|(first, ..)| first);
        if !place.contains(last) || before.into_iter().chain(behind).any(|link| place.contains(link)) {
            return None;
        }
        let first_pair = self.pairs.partition_point(|pair| pair.at < place.start);
        if self.pairs.get(first_pair).is_some_and(|pair| place.contains(&pair.at)) {
            return None;
        }
        let letters = |at: u32| page.text_of(at).chars().filter(|c| c.is_alphabetic()).count();
        let is_link = |at: &u32| page.element(*at).is_some_and(|element| !element.link.is_empty());
        let linked: usize = (*first..=*last).filter(is_link).map(letters).sum();
        (letters(at) > linked).then_some(place)
    }

    /// What stands outside these places, which are in the page's order and do not overlap.
    fn outside(&self, places: &[Range<u32>], tables: &mut Tables<'p>) -> Vec<Pair<'p>> {
        let is_outside = |at: u32| {
            let before = places.partition_point(|place| place.start <= at);
            before.checked_sub(1).and_then(|place| places.get(place)).is_none_or(|place| at >= place.end)
        };
        let mut pairs: Vec<Pair<'p>> =
            self.pairs.iter().filter(|pair| is_outside(pair.at)).cloned().collect();
        pairs.extend(self.only_rows(&is_outside, tables));
        pairs
    }

    /// Links of one entry that follow each other, as the first and the last of them.
    fn runs<Key: PartialEq>(&self, key_of: impl Fn(&str) -> Option<Key>) -> Vec<(u32, u32, Key)> {
        let mut runs: Vec<(u32, u32, Key)> = Vec::new();
        if self.pairs.is_empty() && self.rows.is_empty() {
            return runs;
        }
        for (at, element) in (0_u32..).zip(&self.page.elements) {
            if element.link.is_empty() {
                continue;
            }
            let Some(key) = key_of(self.page.attribute(&element.link)) else { continue };
            match runs.last_mut() {
                Some((_, last, before)) if *before == key => *last = at,
                _ => runs.push((at, at, key)),
            }
        }
        runs
    }

    /// Around each link the largest element that holds no other entry's link, nor the page's own heading.
    fn places<Key>(&self, runs: Vec<(u32, u32, Key)>) -> Vec<(Range<u32>, Key)> {
        let page = self.page;
        let heading = page.elements.iter().position(|element| element.name == Name::Heading);
        let bounds: Vec<(u32, u32)> = runs.iter().map(|(first, last, _)| (*first, *last)).collect();
        let mut places = Vec::with_capacity(runs.len());
        for (index, (first, _, key)) in runs.into_iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| bounds.get(before)).map(|(_, last)| *last);
            let behind = bounds.get(index + 1).map(|(first, _)| *first);
            let mut place = first;
            while let Some(element) = page.element(place) {
                if element.name == Name::Row || element.parent == TOP {
                    break;
                }
                let Some(parent) = page.element(element.parent) else { break };
                let holds = |at: u32| (element.parent..parent.end).contains(&at);
                let is_too_large = before.is_some_and(holds)
                    || behind.is_some_and(holds)
                    || heading
                        .is_some_and(|at| !(place..element.end).contains(&(at as u32)) && holds(at as u32))
                    || is_container_of_lists(parent.name);
                if is_too_large {
                    break;
                }
                place = element.parent;
            }
            let end = page.element(place).map_or(place + 1, |element| element.end);
            places.push((place..end, key));
        }
        places
    }

    fn pairs_within(&self, place: &Range<u32>) -> Vec<Pair<'p>> {
        let first = self.pairs.partition_point(|pair| pair.at < place.start);
        self.pairs.iter().skip(first).take_while(|pair| pair.at < place.end).cloned().collect()
    }

    /// The cells of a row, each under its column's label.
    fn cells_of(&self, row: u32, tables: &mut Tables<'p>) -> Vec<Pair<'p>> {
        let page = self.page;
        let Some(element) = page.element(row) else { return Vec::new() };
        if element.name == Name::Row {
            let Some(table) = self.page.table_of(row) else { return Vec::new() };
            let columns = tables.by_table.entry(table).or_insert_with(|| self.columns(table));
            return self.under(row, columns);
        }
        // Rows of a grid: the first element beside them is the header.
        let Some(header) = page.children(element.parent).next().filter(|first| *first != row) else {
            return Vec::new();
        };
        let columns = tables.by_table.entry(header).or_insert_with(|| self.labels_of(header));
        self.under(row, columns)
    }

    fn under(&self, row: u32, columns: &[&'p [Meaning]]) -> Vec<Pair<'p>> {
        let cells: Vec<u32> = self.page.children(row).take(columns.len() + 1).collect();
        if cells.len() != columns.len() {
            return Vec::new();
        }
        let keyed = cells.into_iter().zip(columns).filter(|(_, meanings)| !meanings.is_empty());
        keyed
            .map(|(at, &meanings)| {
                let value = Cow::Borrowed(self.page.text_of(at));
                Pair { meanings, value, rung: Rung::Table, at }
            })
            .collect()
    }

    /// What the columns of a table mean, by its first row that is a header.
    fn columns(&self, table: u32) -> Vec<&'p [Meaning]> {
        let Some(first) = self.rows(table).next() else { return Vec::new() };
        self.labels_of(first)
    }

    /// What the parts of a header mean; nothing if fewer than two of them are known.
    fn labels_of(&self, header: u32) -> Vec<&'p [Meaning]> {
        let mut buffer = String::new();
        let labels = self
            .page
            .children(header)
            .map(|cell| self.synonyms.meanings(self.page.text_of(cell), &mut buffer));
        let labels: Vec<&[Meaning]> = labels.collect();
        let known = labels.iter().filter(|meanings| !meanings.is_empty()).count();
        if known >= 2 { labels } else { Vec::new() }
    }

    fn rows(&self, table: u32) -> impl Iterator<Item = u32> {
        let end = self.page.element(table).map_or(0, |element| element.end);
        let first = self.rows.partition_point(|(row, _)| *row < table);
        let within = self.rows.iter().skip(first).take_while(move |(row, _)| *row < end);
        within.filter(move |(_, of)| *of == table).map(|(row, _)| *row)
    }

    /// The rows of tables that have a header and one row: what the page says of itself, written across.
    fn only_rows(&self, is_outside: &impl Fn(u32) -> bool, tables: &mut Tables<'p>) -> Vec<Pair<'p>> {
        let mut pairs = Vec::new();
        for (at, element) in (0_u32..).zip(&self.page.elements) {
            if element.name != Name::Table || !is_outside(at) {
                continue;
            }
            let mut rows = self.rows(at).skip(1);
            if let (Some(row), None) = (rows.next(), rows.next())
                && is_outside(row)
            {
                pairs.extend(self.cells_of(row, tables));
            }
        }
        pairs
    }
}

/// The columns of tables and grids that were looked at, by their element.
#[derive(Default)]
struct Tables<'p> {
    by_table: HashMap<u32, Vec<&'p [Meaning]>>,
}

/// Entries in their first order; one that is listed twice is one entry of which two things may be said.
struct Found<'p, Key> {
    items: Vec<(Key, Vec<Pair<'p>>)>,
    places: HashMap<Key, usize>,
}

impl<Key> Default for Found<'_, Key> {
    fn default() -> Self {
        Self { items: Vec::new(), places: HashMap::new() }
    }
}

impl<'p, Key: Eq + Hash + Clone> Found<'p, Key> {
    fn add(&mut self, key: Key, pairs: Vec<Pair<'p>>) {
        let place = *self.places.entry(key.clone()).or_insert(self.items.len());
        match self.items.get_mut(place) {
            Some((_, before)) => before.extend(pairs),
            None => self.items.push((key, pairs)),
        }
    }
}

fn is_container_of_lists(name: Name) -> bool {
    matches!(name, Name::Html | Name::Body | Name::Table | Name::TableHead | Name::TableBody | Name::List)
}
