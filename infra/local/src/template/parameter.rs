//! Parameters: what is given for them, or their default, held to what the template allows, as `CloudFormation` does before it deploys.

use regex::Regex;

use super::{TemplateError, node::Node, only};

/// A parameter's value.
#[derive(Debug)]
pub(super) enum Parameter {
    Text(String),
    List(Vec<String>),
}

impl Parameter {
    pub(super) fn read(name: &str, parameter: &Node, given: Option<&String>) -> Result<Self, TemplateError> {
        only(
            parameter,
            &[
                "Type",
                "Default",
                "Description",
                "NoEcho",
                "ConstraintDescription",
                "AllowedPattern",
                "AllowedValues",
                "MinLength",
                "MaxLength",
                "MinValue",
                "MaxValue",
            ],
        )?;
        let text = match (given, parameter.get("Default")) {
            (Some(given), _) => given.as_str(),
            (None, Some(default)) => default.text()?,
            (None, None) => {
                return Err(parameter.error(format!("the parameter {name} has no default and no value")));
            }
        };
        let kind = parameter.required("Type")?;
        let value = match kind.text()? {
            "String" | "Number" => Self::Text(text.to_owned()),
            "CommaDelimitedList" => Self::List(text.split(',').map(|item| item.trim().to_owned()).collect()),
            other => return Err(kind.error(format!("the local stack has no parameters of type {other}"))),
        };
        value.check(name, parameter)?;
        Ok(value)
    }

    /// Refuses a value that the template does not allow. Each item of a list is held to what is said of the parameter.
    fn check(&self, name: &str, parameter: &Node) -> Result<(), TemplateError> {
        let items = match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(items) => items.as_slice(),
        };
        let refused = |node: &Node, why: String| Err(node.error(format!("the parameter {name} {why}")));
        if let Some(pattern) = parameter.get("AllowedPattern") {
            let whole = Regex::new(&format!("^(?:{})$", pattern.text()?))
                .map_err(|_| pattern.error("the local stack can not read this pattern"))?;
            if items.iter().any(|item| !whole.is_match(item)) {
                return refused(pattern, format!("does not match {}", pattern.text()?));
            }
        }
        if let Some(allowed) = parameter.get("AllowedValues") {
            let values = allowed.list()?.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?;
            if items.iter().any(|item| !values.contains(&item.as_str())) {
                return refused(allowed, format!("is none of {}", values.join(", ")));
            }
        }
        let lengths = || items.iter().map(|item| item.chars().count() as u64);
        if let Some(least) = parameter.get("MinLength") {
            let least_length = least.number()?;
            if lengths().any(|length| length < least_length) {
                return refused(least, format!("has fewer than {least_length} characters"));
            }
        }
        if let Some(most) = parameter.get("MaxLength") {
            let most_length = most.number()?;
            if lengths().any(|length| length > most_length) {
                return refused(most, format!("has more than {most_length} characters"));
            }
        }
        if parameter.required("Type")?.text()? == "Number" {
            return self.check_number(name, parameter);
        }
        match parameter.get("MinValue").or(parameter.get("MaxValue")) {
            Some(node) => refused(node, "is no number, so it has no least or greatest value".to_owned()),
            None => Ok(()),
        }
    }

    fn check_number(&self, name: &str, parameter: &Node) -> Result<(), TemplateError> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        let value = match self {
            Self::Text(text) => number(text),
            Self::List(_) => None,
        };
        let Some(value) = value else {
            return Err(parameter.error(format!("the parameter {name} is no number")));
        };
        for (bound, over) in [("MinValue", "less"), ("MaxValue", "more")] {
            let Some(node) = parameter.get(bound) else { continue };
            let limit = number(node.text()?).ok_or_else(|| node.error("a number is expected here"))?;
            if (bound == "MinValue" && value < limit) || (bound == "MaxValue" && value > limit) {
                return Err(node.error(format!("the parameter {name} is {over} than {limit}")));
            }
        }
        Ok(())
    }
}
