//! Intrinsic functions: `Ref`, `GetAtt`, `Sub` and `Join`, resolved to what they are on this machine.

use std::collections::BTreeMap;

use super::{
    TemplateError,
    node::{Kind, Node, Quoted},
    parameter::Parameter,
};

/// The region and account of everything local.
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCOUNT: &str = "000000000000";

/// The name under which the address of everything local is given among the parameters: what Function URLs begin with, and where the API is.
pub const ADDRESS: &str = "Local::Address";

const HTTP_API: &str = "AWS::Serverless::HttpApi";

pub(crate) const QUEUE: &str = "AWS::SQS::Queue";

/// The URL of a queue: its name for SQS, not an address. Where to call is told by the endpoint alone, as the SDKs have it.
pub(crate) fn queue_url(name: &str) -> String {
    format!("https://sqs.{REGION}.localhost/{ACCOUNT}/{name}")
}

/// The name of the queue that has this URL.
pub(crate) fn queue_of_url(url: &str) -> Option<&str> {
    // Whatever is before the account: an emulator's clients may have put their endpoint there.
    let (before, name) = url.rsplit_once('/')?;
    (before.rsplit('/').next() == Some(ACCOUNT)).then_some(name)
}

/// What names in the template stand for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    parameters: BTreeMap<String, Parameter>,
    /// Logical name -> resource type and physical name.
    resources: BTreeMap<String, (String, String)>,
    /// Logical name -> binary, of functions.
    binaries: BTreeMap<String, String>,
    /// What Function URLs begin with, and where the API is.
    address: String,
}

impl Names {
    pub(crate) fn read(template: &Node, given: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let address = given.get(ADDRESS).cloned().unwrap_or_default();
        let mut names = Self { address, ..Self::default() };
        if let Some(parameters) = template.get("Parameters") {
            for (name, parameter) in parameters.map()? {
                let value = Parameter::read(name, parameter, given.get(name))?;
                names.parameters.insert(name.clone(), value);
            }
        }
        if let Some(unknown) =
            given.keys().find(|name| *name != ADDRESS && !names.parameters.contains_key(*name))
        {
            return Err(template.error(format!("there is no parameter {unknown}")));
        }
        let resources = template.required("Resources")?.map()?;
        for (name, resource) in resources {
            let kind = resource.required("Type")?.text()?.to_owned();
            names.resources.insert(name.clone(), (kind, name.clone()));
            let metadata = resource.get("Metadata");
            if let Some(binary) = metadata.and_then(|metadata| metadata.get("BuildProperties")?.get("Binary"))
            {
                names.binaries.insert(name.clone(), binary.text()?.to_owned());
            }
        }
        // Names may use parameters, so they are resolved once those and the logical names are known.
        for (name, resource) in resources {
            let named = ["Name", "QueueName", "TableName", "FunctionName", "TopicName"]
                .iter()
                .find_map(|property| resource.get("Properties")?.get(property));
            if let Some(node) = named {
                let physical = names.resolve(node)?.text()?.to_owned();
                if let Some(entry) = names.resources.get_mut(name) {
                    entry.1 = physical;
                }
            }
        }
        Ok(names)
    }

    /// The physical name of a resource.
    pub(crate) fn physical(&self, logical: &str) -> String {
        self.resources.get(logical).map_or_else(|| logical.to_owned(), |(_, name)| name.clone())
    }

    /// The name of the resource of this type that an ARN stands for.
    pub(crate) fn named<'a>(&self, arn: &'a Node, kind: &str) -> Result<&'a str, TemplateError> {
        let text = arn.text()?;
        let name = name_of(text);
        if text.starts_with("arn:") && self.is(kind, name) {
            return Ok(name);
        }
        Err(arn.error(format!("the ARN of an {kind} of this template is expected here, not {text}")))
    }

    /// Whether a resource of this type has this name.
    pub(crate) fn is(&self, kind: &str, name: &str) -> bool {
        self.resources.values().any(|(of, physical)| of == kind && physical == name)
    }

    /// The node with every intrinsic replaced by its value.
    pub(crate) fn resolve(&self, node: &Node) -> Result<Node, TemplateError> {
        let kind = match &node.kind {
            Kind::Scalar { .. } => return Ok(node.clone()),
            Kind::List(items) => {
                Kind::List(items.iter().map(|item| self.resolve(item)).collect::<Result<_, _>>()?)
            }
            Kind::Tagged { tag, inner } => return self.intrinsic(node, tag, inner),
            Kind::Map(entries) => {
                if let [(name, inner)] = entries.as_slice()
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.intrinsic(node, name.trim_start_matches("Fn::"), inner);
                }
                let entries = entries.iter().map(|(name, value)| Ok((name.clone(), self.resolve(value)?)));
                Kind::Map(entries.collect::<Result<_, TemplateError>>()?)
            }
        };
        Ok(Node { line: node.line, key_line: node.key_line, kind })
    }

    fn intrinsic(&self, node: &Node, name: &str, inner: &Node) -> Result<Node, TemplateError> {
        let scalar = |text| Node {
            line: node.line,
            key_line: node.key_line,
            kind: Kind::Scalar { text, quoted: Quoted::Quoted },
        };
        let text = match name {
            "Ref" => {
                let name = inner.text()?;
                if let Some(Parameter::List(items)) = self.parameters.get(name) {
                    let items = items.iter().cloned().map(scalar).collect();
                    return Ok(Node { kind: Kind::List(items), ..scalar(String::new()) });
                }
                self.reference(name).ok_or_else(|| unknown(node, name))?
            }
            "GetAtt" => {
                let path = match &inner.kind {
                    Kind::List(parts) => {
                        parts.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?.join(".")
                    }
                    _ => inner.text()?.to_owned(),
                };
                self.attribute(&path).ok_or_else(|| unknown(node, &path))?
            }
            "Sub" => self.substitute(node, inner.text()?)?,
            "Join" => self.join(node, inner)?,
            other => return Err(node.error(format!("the intrinsic function {other} is not known here"))),
        };
        Ok(scalar(text))
    }

    fn join(&self, node: &Node, inner: &Node) -> Result<String, TemplateError> {
        let Ok([between, items]) = inner.list() else {
            return Err(node.error("Join takes what goes between and a list"));
        };
        let items = self.resolve(items)?;
        let items = items.list()?.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?;
        Ok(items.join(between.text()?))
    }

    fn substitute(&self, node: &Node, text: &str) -> Result<String, TemplateError> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| node.error("${ without }"))?;
            result.push_str(before);
            let value = if name.contains('.') { self.attribute(name) } else { self.reference(name) };
            result.push_str(&value.ok_or_else(|| unknown(node, name))?);
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn reference(&self, name: &str) -> Option<String> {
        match name {
            "AWS::Region" => return Some(REGION.to_owned()),
            "AWS::AccountId" => return Some(ACCOUNT.to_owned()),
            "AWS::Partition" => return Some("aws".to_owned()),
            "AWS::URLSuffix" => return Some("localhost".to_owned()),
            "AWS::StackName" => return Some("local".to_owned()),
            _ => {}
        }
        match self.parameters.get(name) {
            Some(Parameter::Text(value)) => return Some(value.clone()),
            // CloudFormation puts no list into a text either.
            Some(Parameter::List(_)) => return None,
            None => {}
        }
        let (kind, physical) = self.resources.get(name)?;
        Some(if kind == QUEUE { queue_url(physical) } else { physical.clone() })
    }

    fn attribute(&self, path: &str) -> Option<String> {
        let (logical, attribute) = path.split_once('.')?;
        // A Function URL is a resource that SAM makes: `<function>Url`.
        if attribute == "FunctionUrl" {
            let binary = self.binaries.get(logical.strip_suffix("Url")?)?;
            return Some(format!("{}/lambda-url/{binary}/", self.address));
        }
        let (kind, name) = self.resources.get(logical)?;
        if attribute == "ApiEndpoint" && kind == HTTP_API {
            return Some(self.address.clone());
        }
        let service = match kind.as_str() {
            QUEUE => "sqs",
            "AWS::Events::EventBus" | "AWS::Events::Rule" => "events",
            "AWS::DynamoDB::Table" => "dynamodb",
            "AWS::Serverless::Function" => "lambda",
            "AWS::SNS::Topic" => "sns",
            _ => "local",
        };
        match attribute {
            "Arn" => Some(format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}")),
            "StreamArn" => Some(format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:{name}/stream")),
            "QueueUrl" if kind == QUEUE => Some(queue_url(name)),
            "QueueName" | "Name" => Some(name.clone()),
            _ => None,
        }
    }
}

/// The name at the end of a local ARN.
fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn).trim_end_matches("/stream")
}

fn unknown(node: &Node, name: &str) -> TemplateError {
    node.error(format!("{name} is not in this template, or nothing local has it"))
}
