"""Reads an attestation, the files it is of and a list of components with nothing of Tidegate's: by the libraries of the
Secure Systems Lab, of in-toto and of CycloneDX. Prints what it found as a line of JSON.

read.py ENVELOPE PUBLIC_KEY FOLDER SBOM
"""

import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf.json_format import Parse, ParseDict
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey


def digest_of(root):
    """As docs/guides/provenance.md has it."""
    lines = []
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            within = os.path.relpath(path, root)
            kind, digest = "file", "-"
            if os.path.islink(path):
                kind, digest = "link", hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()
            elif os.path.isdir(path):
                kind = "dir"
            elif os.path.isfile(path):
                kind = "exec" if os.stat(path).st_mode & 0o100 else "file"
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
            else:
                kind = "other"
            escaped = within.replace("\\", "\\\\").replace("\n", "\\n")
            lines.append((os.fsencode(within), f"{kind} {digest} {escaped}\n"))
    text = "".join(line for _, line in sorted(lines))
    return hashlib.sha256(text.encode()).hexdigest()


def refused(envelope, key, payload):
    """Whether an envelope with another payload is refused."""
    other = Envelope(payload, envelope.payload_type, envelope.signatures)
    try:
        other.verify([key], 1)
    except VerificationError:
        return True
    return False


envelope_file, key_file, folder, sbom_file = sys.argv[1:]
with open(key_file, "rb") as file:
    public = load_pem_public_key(file.read())
with open(envelope_file) as file:
    data = json.load(file)
key = SSlibKey.from_crypto(public, keyid=data["signatures"][0]["keyid"])
envelope = Envelope.from_dict(data)
envelope.verify([key], 1)

statement = Statement.copy_from_pb(Parse(envelope.payload, statement_pb2.Statement()))
statement.validate()
predicate = json.loads(envelope.payload)["predicate"]
provenance = ParseDict(predicate, provenance_pb2.Provenance())
commits = [one.digest["gitCommit"] for one in provenance.build_definition.resolved_dependencies if "gitCommit" in one.digest]

with open(sbom_file) as file:
    document = file.read()
mistake = JsonStrictValidator(SchemaVersion.V1_6).validate_str(document)
named = {one.name: dict(one.digest) for one in provenance.run_details.byproducts}

print(json.dumps({
    "payload_type": envelope.payload_type,
    "predicate_type": statement.pb.predicate_type,
    "build_type": provenance.build_definition.build_type,
    "commits": commits,
    "subject_is_folder": statement.pb.subject[0].digest["sha256"] == digest_of(folder),
    "tampered_is_refused": refused(envelope, key, envelope.payload.replace(b"shop", b"shot")),
    "sbom_mistake": repr(mistake) if mistake else None,
    "sbom_is_signed": named["sbom.cdx.json"]["sha256"] == hashlib.sha256(document.encode()).hexdigest(),
    "packages": sorted(one["purl"] for one in json.loads(document)["components"]),
    "finished": provenance.run_details.metadata.finished_on.ToJsonString(),
}))
