"""Reads metrics from standard input as Prometheus does, and writes the families as JSON.

The argument is the form: text (version 0.0.4) or openmetrics.
"""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

readers = {
    "text": parser.text_string_to_metric_families,
    "openmetrics": openmetrics_parser.text_string_to_metric_families,
}
families = readers[sys.argv[1]](sys.stdin.read())
json.dump(
    [
        {
            "name": family.name,
            "type": family.type,
            "help": family.documentation,
            "samples": [[sample.name, sample.labels, str(float(sample.value))] for sample in family.samples],
        }
        for family in families
    ],
    sys.stdout,
)
