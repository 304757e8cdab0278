"""Asks flags by OpenFeature's SDK for Python: `client.py ofrep|rpc|in-process ADDRESS QUESTIONS [KEY]`.

A question is [type, flag, default, context]. Prints the answers as a line of JSON, and once more after each change of flags until
its input ends.
"""

import json
import os
import sys

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent


def provider(kind, address, key):
    if kind == "ofrep":
        from openfeature.contrib.provider.ofrep import OFREPProvider

        headers = {"X-API-Key": key} if key else {}
        return OFREPProvider(base_url=f"http://{address}", headers_factory=lambda: headers)
    from openfeature.contrib.provider.flagd import FlagdProvider
    from openfeature.contrib.provider.flagd.config import ResolverType

    host, port = address.split(":")
    types = {"rpc": ResolverType.RPC, "in-process": ResolverType.IN_PROCESS}
    return FlagdProvider(host=host, port=int(port), resolver_type=types[kind], deadline_ms=5000)


def answers(client, questions):
    found = []
    for kind, flag, default, context in questions:
        attributes = dict(context)
        who = EvaluationContext(attributes.pop("targetingKey", None), attributes)
        details = getattr(client, f"get_{kind}_details")(flag, default, who)
        found.append(
            {
                "value": details.value,
                "reason": getattr(details.reason, "value", details.reason),
                "variant": details.variant,
                "errorCode": getattr(details.error_code, "value", details.error_code),
                "metadata": dict(details.flag_metadata),
            }
        )
    return json.dumps(found)


def main():
    kind, address, asked, *key = sys.argv[1:]
    questions = json.loads(asked)
    api.set_provider_and_wait(provider(kind, address, key[0] if key else None))
    client = api.get_client()
    client.add_handler(
        ProviderEvent.PROVIDER_CONFIGURATION_CHANGED,
        lambda _: print(answers(client, questions), flush=True),
    )
    print(answers(client, questions), flush=True)
    sys.stdin.read()
    api.shutdown()
    # Threads of a client are not waited for.
    os._exit(0)


main()
