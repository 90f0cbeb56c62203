"""Transforms a SAM template as CloudFormation would, offline, and says how many resources came of it."""

import sys
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.parser.parser import Parser
from samtranslator.yaml_helper import yaml_parse


class ManagedPolicies:
    """The template names no AWS managed policy, so none needs looking up in an account."""

    def load(self):
        return {}


template = yaml_parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
# Code is uploaded by `sam deploy`, which then puts a bucket's address here.
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
transformed = transform(template, {}, ManagedPolicies(), feature_toggle=None, passthrough_metadata=False)
assert not any(resource["Type"].startswith("AWS::Serverless") for resource in transformed["Resources"].values())
print(f"{len(template['Resources'])} resources became {len(transformed['Resources'])}")
