//! YAML with line numbers and tags, so that an error can name the line that caused it.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::TemplateError;

/// A value in the template, and the line it begins on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    /// The line of the key it belongs to; its own where it has none.
    pub(crate) key_line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A scalar; plain ones may mean numbers and booleans.
    Scalar {
        text: String,
        quoted: Quoted,
    },
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    /// A short-form intrinsic: `!Ref x`.
    Tagged {
        tag: String,
        inner: Box<Node>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoted {
    Plain,
    Quoted,
}

impl Node {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut reader = Reader { parser: Parser::new_from_str(text), line: 1 };
        loop {
            match reader.next()? {
                Event::StreamStart | Event::DocumentStart(_) => {}
                event => return reader.node(event),
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn error(&self, what: impl Into<String>) -> TemplateError {
        TemplateError { line: self.line, what: what.into() }
    }

    /// An error about the key.
    pub(crate) fn key_error(&self, what: impl Into<String>) -> TemplateError {
        TemplateError { line: self.key_line, what: what.into() }
    }

    pub(crate) fn map(&self) -> Result<&[(String, Self)], TemplateError> {
        match &self.kind {
            Kind::Map(entries) => Ok(entries),
            _ => Err(self.error("a map is expected here")),
        }
    }

    pub(crate) fn list(&self) -> Result<&[Self], TemplateError> {
        match &self.kind {
            Kind::List(items) => Ok(items),
            _ => Err(self.error("a list is expected here")),
        }
    }

    pub(crate) fn text(&self) -> Result<&str, TemplateError> {
        match &self.kind {
            Kind::Scalar { text, .. } => Ok(text),
            _ => Err(self.error("a plain value is expected here")),
        }
    }

    pub(crate) fn required(&self, name: &str) -> Result<&Self, TemplateError> {
        self.get(name).ok_or_else(|| self.error(format!("{name} is missing")))
    }

    pub(crate) fn number(&self) -> Result<u64, TemplateError> {
        self.text()?.parse().map_err(|_| self.error("a whole number is expected here"))
    }

    /// The node as JSON, once every intrinsic has been resolved.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Scalar { text, quoted: Quoted::Plain } => match text.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" | "~" | "" => Value::Null,
                text => text
                    .parse::<i64>()
                    .map(Value::from)
                    .or_else(|_| text.parse::<f64>().map(Value::from))
                    .unwrap_or_else(|_| Value::String(text.to_owned())),
            },
            Kind::Scalar { text, .. } => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
            Kind::Tagged { inner, .. } => inner.to_json(),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, TemplateError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok(event)
            }
            Some(Err(error)) => {
                Err(TemplateError { line: error.marker().line(), what: error.info().to_owned() })
            }
            None => Err(TemplateError { line: self.line, what: "the template ends too early".to_owned() }),
        }
    }

    fn node(&mut self, event: Event<'a>) -> Result<Node, TemplateError> {
        let line = self.line;
        let (tag, kind) = match event {
            Event::Scalar(text, style, _, tag) => {
                let quoted = if style == ScalarStyle::Plain { Quoted::Plain } else { Quoted::Quoted };
                (tag, Kind::Scalar { text: text.into_owned(), quoted })
            }
            Event::SequenceStart(_, tag) => (tag, Kind::List(self.list()?)),
            Event::MappingStart(_, tag) => (tag, Kind::Map(self.map()?)),
            Event::Alias(_) => {
                return Err(TemplateError { line, what: "aliases are not known here".to_owned() });
            }
            _ => return Err(TemplateError { line, what: "a value is expected here".to_owned() }),
        };
        let node = Node { line, key_line: line, kind };
        Ok(match tag {
            Some(tag) => {
                let tag = tag.suffix.clone();
                Node { line, key_line: line, kind: Kind::Tagged { tag, inner: Box::new(node) } }
            }
            None => node,
        })
    }

    fn list(&mut self) -> Result<Vec<Node>, TemplateError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(items),
                event => items.push(self.node(event)?),
            }
        }
    }

    fn map(&mut self) -> Result<Vec<(String, Node)>, TemplateError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        loop {
            match self.next()? {
                Event::MappingEnd => return Ok(entries),
                event => {
                    let key = self.node(event)?;
                    let name = key.text()?.to_owned();
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(key.error(format!("{name} stands here twice")));
                    }
                    let value = self.next()?;
                    entries.push((name, Node { key_line: key.line, ..self.node(value)? }));
                }
            }
        }
    }
}
