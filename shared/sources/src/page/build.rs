//! From tokens to a flat list of elements, in the order of their start tags.
//!
//! It follows HTML where that decides which value stands beside which label: end tags that may be left out (`tr`, `td`, `dt`, `dd`, `li`,
//! `p`, `option`), elements without content, scripts and styles whose content is no text. It does not move misplaced elements about.

use std::borrow::Cow;
use std::ops::Range;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::emitters::{Emitter, ForwardingEmitter};
use html5gum::{Span, Tokenizer};

use super::{DEEPEST, MOST_ELEMENTS, Page};
use crate::outcome::Unrecognised;

/// The longest JSON that is kept of a page, altogether. Parsed, it takes up to 130 times its length, 32 MiB: objects of one key each.
const MOST_JSON: usize = 256 * 1024;

/// The parent of what is in nothing.
pub(super) const TOP: u32 = u32::MAX;

/// One element, by what matters of it.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: Name,
    /// The element it is in, or [`TOP`].
    pub(super) parent: u32,
    /// One past the last element in it.
    pub(super) end: u32,
    /// Where its text stands.
    pub(super) text: Range<u32>,
    /// Where it links to.
    pub(super) link: Range<u32>,
    /// The label it carries in an attribute, as cells of tables do that fold up on small screens.
    pub(super) label: Range<u32>,
}

/// The elements that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Html,
    Head,
    Body,
    Title,
    Heading,
    Table,
    /// `thead`
    TableHead,
    /// `tbody` and `tfoot`
    TableBody,
    Row,
    /// `th`
    HeadCell,
    /// `td`
    Cell,
    /// `dl`
    Definitions,
    /// `dt`
    Term,
    /// `dd`
    Meaning,
    List,
    ListItem,
    Paragraph,
    Choice,
    Link,
    Inline,
    Block,
}

/// What is between the text so far and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Nothing,
    /// The border of an inline element: `$73` and `.99` belong together, two numbers do not.
    Seam,
    Space,
    Break,
}

struct Builder {
    page: Page,
    /// The elements that are open, outermost first.
    open: Vec<u32>,
    gap: Gap,
    saw_html: bool,
    closed_html: bool,
    tag: Tag,
    content: Content,
    json_left: usize,
}

/// The start tag that is being read.
#[derive(Default)]
struct Tag {
    name: Vec<u8>,
    attribute: Vec<u8>,
    link: Range<u32>,
    label: Range<u32>,
    has_json_type: bool,
    has_password_type: bool,
}

/// What the text that comes next is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    Json,
    /// Scripts, styles and what is for browsers without scripts.
    Nothing,
}

struct Stop;

pub(super) fn build(html: &str) -> Page {
    let mut builder = Builder {
        page: Page::default(),
        open: Vec::with_capacity(64),
        gap: Gap::Nothing,
        saw_html: false,
        closed_html: false,
        tag: Tag::default(),
        content: Content::Text,
        json_left: MOST_JSON,
    };
    builder.page.text.reserve(html.len() / 4);
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| {
        builder.take(&event);
        builder.page.flaw.map(|_| Stop)
    });
    emitter.naively_switch_states(true);
    // Reading from memory does not fail; the first token that comes out is the wish to stop.
    let _ = Tokenizer::new_with_emitter(html, Unjudged(emitter)).next();
    builder.finish(html)
}

/// The same tokens without a list of how each byte offends the standard, which takes longer than reading them.
struct Unjudged<Inner>(Inner);

impl<Inner: Emitter<Token = Stop>> ForwardingEmitter for Unjudged<Inner> {
    type Token = Stop;

    fn inner(&mut self) -> &mut impl Emitter<Token = Stop> {
        &mut self.0
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }
}

impl Builder {
    fn take(&mut self, event: &CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag.name.clear();
                self.tag.name.extend_from_slice(name);
                self.tag = Tag { name: std::mem::take(&mut self.tag.name), ..Tag::default() };
            }
            CallbackEvent::AttributeName { name } => {
                self.tag.attribute.clear();
                self.tag.attribute.extend_from_slice(name);
            }
            CallbackEvent::AttributeValue { value } => self.take_attribute(value),
            CallbackEvent::CloseStartTag { self_closing } => self.start(*self_closing),
            CallbackEvent::EndTag { name } => self.end(name),
            CallbackEvent::String { value } => match self.content {
                Content::Text => self.take_text(&text(value)),
                Content::Json => self.take_json(value),
                Content::Nothing => {}
            },
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
    }

    fn take_attribute(&mut self, value: &[u8]) {
        match self.tag.attribute.as_slice() {
            b"href" if self.tag.name == b"a" => self.tag.link = self.keep(value),
            b"data-label" | b"data-title" | b"data-th" => self.tag.label = self.keep(value),
            b"type" if self.tag.name == b"script" => {
                self.tag.has_json_type = value.ends_with(b"json");
            }
            b"type" if self.tag.name == b"input" => {
                self.tag.has_password_type = value.eq_ignore_ascii_case(b"password");
            }
            _ if value.starts_with(b"{\"") || value.starts_with(b"[{") => self.take_json(value),
            _ => {}
        }
    }

    fn keep(&mut self, value: &[u8]) -> Range<u32> {
        let start = self.page.attributes.len() as u32;
        self.page.attributes.push_str(&text(value));
        start..self.page.attributes.len() as u32
    }

    fn take_json(&mut self, value: &[u8]) {
        if value.len() <= self.json_left {
            self.json_left -= value.len();
            self.page.json.push(text(value).into_owned());
        }
    }

    fn start(&mut self, self_closing: bool) {
        let tag = std::mem::take(&mut self.tag.name);
        self.start_named(&tag, self_closing);
        self.tag.name = tag;
    }

    fn start_named(&mut self, tag: &[u8], self_closing: bool) {
        match tag {
            b"br" | b"hr" => return self.gap = Gap::Break,
            b"input" => return self.page.asks_for_a_password |= self.tag.has_password_type,
            b"area" | b"base" | b"col" | b"embed" | b"img" | b"link" | b"meta" | b"source" | b"track"
            | b"wbr" => return,
            b"script" => {
                return self.content = if self.tag.has_json_type { Content::Json } else { Content::Nothing };
            }
            b"style" | b"noscript" | b"textarea" | b"iframe" | b"xmp" | b"noembed" | b"noframe"
            | b"plaintext" => return self.content = Content::Nothing,
            // In HTML the slash means nothing, but in drawings it does, and they have no text.
            _ if self_closing && !is_known(tag) => return,
            _ => {}
        }
        let name = Name::of(tag);
        self.close_implied(name);
        self.gap = self.gap.max(if name.is_inline() { Gap::Seam } else { Gap::Break });
        if self.page.elements.len() >= MOST_ELEMENTS || self.open.len() >= DEEPEST {
            self.page.flaw = Some(Unrecognised::TooLarge);
            return;
        }
        self.saw_html |= name == Name::Html;
        let at = self.page.elements.len() as u32;
        let text = self.page.text.len() as u32;
        self.page.elements.push(Element {
            name,
            parent: self.open.last().copied().unwrap_or(TOP),
            end: at + 1,
            text: text..text,
            link: self.tag.link.clone(),
            label: self.tag.label.clone(),
        });
        self.open.push(at);
    }

    /// Closes what a start tag ends without saying so, up to the nearest element that it can not reach out of.
    fn close_implied(&mut self, name: Name) {
        let (closes, within): (&[Name], &[Name]) = match name {
            Name::Cell | Name::HeadCell => (&[Name::Cell, Name::HeadCell], &[Name::Row, Name::Table]),
            Name::Row => (&[Name::Row], &[Name::Table]),
            Name::TableHead | Name::TableBody => {
                (&[Name::TableHead, Name::TableBody, Name::Row], &[Name::Table])
            }
            Name::Term | Name::Meaning => (&[Name::Term, Name::Meaning], &[Name::Definitions]),
            Name::ListItem => (&[Name::ListItem], &[Name::List]),
            Name::Choice => (&[Name::Choice], &[]),
            Name::Link => (&[Name::Link], &[Name::Cell, Name::Table]),
            Name::Inline => return,
            _ => (&[Name::Paragraph], &[Name::Cell, Name::HeadCell, Name::ListItem, Name::Table]),
        };
        let name_at = |at: &u32| self.page.elements.get(*at as usize).map(|element| element.name);
        let mut close_from = None;
        for (depth, at) in self.open.iter().enumerate().rev() {
            match name_at(at) {
                Some(open) if closes.contains(&open) => close_from = Some(depth),
                Some(open) if within.contains(&open) => break,
                _ => {}
            }
            if close_from.is_some() && !matches!(name, Name::TableBody | Name::TableHead) {
                break;
            }
        }
        if let Some(depth) = close_from {
            self.close_to(depth);
        }
    }

    fn end(&mut self, tag: &[u8]) {
        if matches!(
            tag,
            b"script" | b"style" | b"noscript" | b"textarea" | b"iframe" | b"xmp" | b"noembed" | b"noframe"
        ) {
            self.content = Content::Text;
            return;
        }
        let name = Name::of(tag);
        self.closed_html |= name == Name::Html;
        self.gap = self.gap.max(if name.is_inline() { Gap::Seam } else { Gap::Break });
        // A stray end tag inside a cell must not close what the table is in.
        let is_of_tables = matches!(
            name,
            Name::Table | Name::TableHead | Name::TableBody | Name::Row | Name::Body | Name::Html
        );
        for (depth, at) in self.open.iter().enumerate().rev() {
            let Some(open) = self.page.elements.get(*at as usize).map(|element| element.name) else { return };
            if open == name {
                return self.close_to(depth);
            }
            if matches!(open, Name::Cell | Name::HeadCell) && !is_of_tables {
                return;
            }
        }
    }

    /// Closes all open elements from this depth on.
    fn close_to(&mut self, depth: usize) {
        let (end, text) = (self.page.elements.len() as u32, self.page.text.len() as u32);
        for at in self.open.drain(depth.min(self.open.len())..) {
            if let Some(element) = self.page.elements.get_mut(at as usize) {
                element.end = end;
                element.text.end = text;
            }
        }
    }

    fn take_text(&mut self, text: &str) {
        if text.starts_with(is_space) {
            self.gap = self.gap.max(Gap::Space);
        }
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            self.write_gap(word);
            self.page.text.push_str(word);
            self.gap = Gap::Space;
        }
        if !text.ends_with(is_space) && self.gap == Gap::Space {
            self.gap = Gap::Nothing;
        }
    }

    fn write_gap(&mut self, word: &str) {
        let is_one_piece = |last: char| {
            let is_part = char::is_alphanumeric;
            !(is_part(last) && word.starts_with(is_part))
        };
        let Some(last) = self.page.text.chars().next_back() else { return };
        match self.gap {
            Gap::Nothing => {}
            Gap::Seam if is_one_piece(last) => {}
            Gap::Space => self.page.text.push(' '),
            Gap::Seam | Gap::Break => self.page.text.push('\n'),
        }
    }

    fn finish(mut self, html: &str) -> Page {
        self.close_to(0);
        let mut page = self.page;
        if page.flaw.is_none() {
            // Without its end, or within a tag.
            let is_unfinished = (self.saw_html && !self.closed_html) || html.rfind('<') > html.rfind('>');
            if html.trim().is_empty() || (is_unfinished && !page.elements.is_empty()) {
                page.flaw = Some(Unrecognised::Truncated);
            } else if page.elements.is_empty() {
                page.flaw = Some(Unrecognised::Format);
            }
        }
        page
    }
}

/// Bytes as text. Nearly all are: to see that takes less than to look for what is not.
pub(super) fn text(piece: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(piece).map_or_else(|_| String::from_utf8_lossy(piece), Cow::Borrowed)
}

/// HTML's whitespace. A space that does not break stays: it groups digits.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\n' | '\t' | '\r' | '\u{c}')
}

fn is_known(tag: &[u8]) -> bool {
    !matches!(Name::of(tag), Name::Block) || matches!(tag, b"div" | b"section" | b"article")
}

impl Name {
    fn of(tag: &[u8]) -> Self {
        match tag {
            b"html" => Self::Html,
            b"head" => Self::Head,
            b"body" => Self::Body,
            b"title" => Self::Title,
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => Self::Heading,
            b"table" => Self::Table,
            b"thead" => Self::TableHead,
            b"tbody" | b"tfoot" => Self::TableBody,
            b"tr" => Self::Row,
            b"th" => Self::HeadCell,
            b"td" => Self::Cell,
            b"dl" => Self::Definitions,
            b"dt" => Self::Term,
            b"dd" => Self::Meaning,
            b"ul" | b"ol" => Self::List,
            b"li" => Self::ListItem,
            b"p" => Self::Paragraph,
            b"option" => Self::Choice,
            b"a" => Self::Link,
            b"span" | b"b" | b"i" | b"em" | b"strong" | b"small" | b"sup" | b"sub" | b"abbr" | b"code"
            | b"time" | b"u" | b"s" | b"mark" | b"bdi" | b"font" | b"data" | b"q" | b"cite" | b"kbd"
            | b"samp" | b"var" | b"label" => Self::Inline,
            _ => Self::Block,
        }
    }

    fn is_inline(self) -> bool {
        matches!(self, Self::Inline | Self::Link)
    }
}
