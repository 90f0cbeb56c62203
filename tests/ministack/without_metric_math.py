"""Copies a template without the alarms over computed metrics: ministack refuses a template that has one."""

import json
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

template = yaml_parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
resources = template["Resources"]
for name in [name for name, resource in resources.items() if "Metrics" in resource.get("Properties", {})]:
    del resources[name]
    print(f"left out: {name}")
Path(sys.argv[2]).write_text(json.dumps(template), encoding="utf-8")
