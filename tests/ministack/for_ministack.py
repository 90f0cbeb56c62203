"""Copies a built template for ministack: without the alarms over computed metrics, which it refuses, and with the HTTP API's routes as
resources, because it does not read them where SAM puts them (in the API's OpenAPI body).

Routes that want a token stay away: nobody issues any here.
"""

import json
import re
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse


def main(built, deployed):
    template = yaml_parse(Path(built).read_text(encoding="utf-8"))
    resources = template["Resources"]
    for name in [name for name, resource in resources.items() if "Metrics" in resource.get("Properties", {})]:
        del resources[name]
        print(f"left out: {name}")
    routes = {}
    for name, function in resources.items():
        if function["Type"] == "AWS::Serverless::Function":
            routes |= routes_of(name, function["Properties"].get("Events", {}))
    resources |= routes
    Path(deployed).write_text(json.dumps(template), encoding="utf-8")


def routes_of(function, events):
    """The routes to a function, and the integration that they lead to."""
    found = {}
    for name, event in events.items():
        route = event["Properties"]
        if event["Type"] != "HttpApi":
            continue
        key = f"{route['Method']} {route['Path']}"
        if "Auth" in route:
            print(f"left out: {key}, for it wants a token")
            continue
        properties = {"ApiId": route["ApiId"], "RouteKey": key, "Target": {"Fn::Sub": f"integrations/${{{function}Integration}}"}}
        found[f"{function}{re.sub('[^A-Za-z0-9]', '', name)}Route"] = resource("Route", properties)
    if found:
        arn = {"Fn::GetAtt": [function, "Arn"]}
        properties = {"IntegrationType": "AWS_PROXY", "IntegrationUri": arn, "PayloadFormatVersion": "2.0"}
        found[f"{function}Integration"] = resource("Integration", {"ApiId": {"Ref": "Api"}, **properties})
    return found


def resource(kind, properties):
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}


main(*sys.argv[1:])
