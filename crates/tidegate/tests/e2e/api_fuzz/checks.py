"""What schemathesis looks at besides its own checks: nobody gets more than their role gives, and lines of JSON are JSON.

FUZZ_FORBIDDEN: names of the operations that the role may do nowhere, with commas between.
FUZZ_ASKER: who asks, as roles are given to them.
FUZZ_SEEN: a file that gets a line with the operation and the status of each answer.
"""

import json
import os
import re
import zlib

import jsonschema_rs
import schemathesis

FORBIDDEN = set(filter(None, os.environ["FUZZ_FORBIDDEN"].split(",")))
ASKER = os.environ["FUZZ_ASKER"]
SEEN = open(os.environ["FUZZ_SEEN"], "a", buffering=1)
OBJECT = {"properties", "patternProperties", "additionalProperties"}
REAL = {"app": "bad", "environment": "production", "service": "web", "run": "1", "id": "1", "what": "r1"}


@schemathesis.check
def within_role(ctx, response, case):
    operation = case.operation.definition.raw["operationId"]
    SEEN.write(f"{operation} {response.status_code}\n")
    # About oneself everybody may ask.
    own = operation == "access_explain" and (case.query or {}).get("who") == ASKER
    if operation in FORBIDDEN and response.status_code < 400 and not own:
        raise AssertionError(f"{operation} was done, which the role does not allow")


@schemathesis.check
def documented(ctx, response, case):
    """What an answer has in it stands in the document, in all of its lines."""
    definition = case.operation.definition.raw["responses"].get(str(response.status_code))
    if not definition or not response.content:
        return
    media, content = next(iter(definition["content"].items()))
    if "json" not in media:
        return
    text = response.content.decode()
    answers = [json.loads(line) for line in text.splitlines()] if "ndjson" in media else [json.loads(text)]
    document = case.operation.schema.raw_schema
    schema = jsonschema_rs.Draft202012Validator({**content["schema"], "components": document["components"]})
    for answer in answers:
        schema.validate(answer)
        if found := unnamed(answer, content["schema"], document["components"]["schemas"], "the answer"):
            raise AssertionError(f"{found} are not in the document")


def unnamed(value, schema, schemas, place):
    """The members of a value that its schema does not name."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if choices := schema.get("anyOf", schema.get("oneOf")):
        return min((unnamed(value, choice, schemas, place) for choice in choices), key=len)
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        kinds = first + [schema.get("items", {})] * (len(value) - len(first))
        return [name for item, kind in zip(value, kinds) for name in unnamed(item, kind, schemas, place)]
    if not isinstance(value, dict) or schema.keys().isdisjoint(OBJECT):
        return [place] if isinstance(value, dict) and schema.get("type", "object") != "object" else []
    found = []
    for name, member in value.items():
        patterns = [kind for pattern, kind in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
        kinds = [schema.get("properties", {}).get(name), *patterns, schema.get("additionalProperties")]
        kind = next((kind for kind in kinds if isinstance(kind, dict)), None)
        inner = f"{place}.{name}"
        found += [inner] if kind is None else unnamed(member, kind, schemas, inner)
    return found


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
