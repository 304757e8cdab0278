"""Draws with flagd's own evaluator for Python, whose `fractional` is the third version: a JSON array of {set, asks: [{key,
context}]} on standard input, for each ask {variant, reason} or {error} as a JSON array on standard output."""

import json
import logging
import sys

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

logging.disable(logging.CRITICAL)


def answer(core, ask):
    attributes = dict(ask["context"])
    context = EvaluationContext(attributes.pop("targetingKey", None), attributes)
    try:
        details = core.resolve_string_value(ask["key"], "own", context)
    except OpenFeatureError as error:
        return {"error": error.error_code.value}
    return {"variant": details.variant, "reason": details.reason.value}


def answers(case):
    core = FlagdCore()
    core.set_flags(json.dumps(case["set"]))
    return [answer(core, ask) for ask in case["asks"]]


json.dump([answers(case) for case in json.load(sys.stdin)], sys.stdout)
