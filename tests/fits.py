"""The schemas of reports/: which one a document names, and whether it fits.

    tests/fits.py FILE...      JSON, or JSON a line; the first document names its schema
"""

import functools
import json
import pathlib
import sys

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "reports"


@functools.cache
def validator(name):
    """Of "c2w-result/1"."""
    schema = json.loads((FOLDER / f"{name.replace('/', '-')}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def fits(*documents):
    """They all fit the schema that the first of them names; returns them, or the only one."""
    for document in documents:
        validator(documents[0]["schema"]).validate(document)
    return documents[0] if len(documents) == 1 else documents


def fit_lines(text):
    return fits(*map(json.loads, text.splitlines()))


if __name__ == "__main__":
    for file in sys.argv[1:]:
        text = pathlib.Path(file).read_text()
        try:
            fits(json.loads(text))
        except json.JSONDecodeError:
            fit_lines(text)
