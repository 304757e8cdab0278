"""What schemathesis looks at besides its own checks: nobody gets more than their role gives, and lines of JSON are JSON.

FUZZ_FORBIDDEN: names of the operations that the role may do nowhere, with commas between.
FUZZ_SEEN: a file that gets a line with the operation and the status of each answer.
"""

import json
import os
import zlib

import schemathesis

FORBIDDEN = set(filter(None, os.environ["FUZZ_FORBIDDEN"].split(",")))
SEEN = open(os.environ["FUZZ_SEEN"], "a", buffering=1)
REAL = {"app": "bad", "environment": "production", "service": "web", "run": "1", "id": "1", "what": "r1"}


@schemathesis.check
def within_role(ctx, response, case):
    operation = case.operation.definition.raw["operationId"]
    SEEN.write(f"{operation} {response.status_code}\n")
    if operation in FORBIDDEN and response.status_code < 400:
        raise AssertionError(f"{operation} was done, which the role does not allow")


@schemathesis.check
def documented(ctx, response, case):
    """What an answer has in it stands in the document."""
    definition = case.operation.definition.raw["responses"].get(str(response.status_code))
    if not definition or not response.content:
        return
    media, content = next(iter(definition["content"].items()))
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    if not name or "json" not in media:
        return
    text = response.content.decode()
    answers = [json.loads(line) for line in text.splitlines()] if "ndjson" in media else [json.loads(text)]
    fields = set(case.operation.schema.raw_schema["components"]["schemas"][name].get("properties", {}))
    for answer in answers:
        if fields and isinstance(answer, dict) and not set(answer) <= fields:
            raise AssertionError(f"{sorted(set(answer) - fields)} of {name} is not in the document")


def known(values):
    """Every second request names what is there: what does not exist is refused before it is looked at closely."""
    if values and zlib.crc32(repr(sorted(values.items(), key=repr)).encode()) % 2:
        return {name: REAL.get(name, value) for name, value in values.items()}
    return values


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    return known(path_parameters)


@schemathesis.hook
def map_query(ctx, query):
    return known(query)


@schemathesis.deserializer("application/x-ndjson")
def lines(ctx, response):
    """The first of the lines: the document says what each of them is."""
    all_lines = [json.loads(line) for line in response.content.decode().splitlines()]
    return all_lines[0] if all_lines else {}


@schemathesis.serializer("application/x-protobuf", "application/vnd.tidegate.deploy", "application/vnd.tidegate.run")
def any_bytes(ctx, value):
    """What these bodies are is nothing that a document says: they get what was made up, as text."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()
