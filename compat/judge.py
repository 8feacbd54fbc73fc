"""Judges what a driver printed: the list of deviations from what the user of a client needs. No deviation is a green cell."""

import upstream

# The scenarios in the order of the table, and what each is called there.
SCENARIOS = {
    "stream": "stream",
    "plain": "plain",
    "failure-stream": "failure (stream)",
    "failure-plain": "failure (plain)",
    "unauthorized": "401",
    "missing": "404",
    "bad": "400",
    "limited": "429",
    "abort": "abort",
    "retry": "retry",
    "silence": "silence",
    "resume": "restart",
    "large": "1 MB",
    "tools": "tools",
}

# What can be wrong with a cell.
DEVIATIONS = {
    "unsupported": "The client cannot do this.",
    "no-answer": "The user does not get the answer.",
    "finish": "The user does not get the finish reason.",
    "whole": "The user takes an incomplete answer for a whole one.",
    "error-taken": "The user takes an error for an answer.",
    "message": "The error does not say what happened.",
    "runs": "The model runs more than once.",
    "works-on": "The work does not stop.",
    "hangs": "The client does not return.",
    "broken": "The driver printed no result.",
}

# A limit with one of these must name a part of the documentation.
SERIOUS = {"whole", "error-taken", "runs", "works-on"}

# The error of these scenarios names its status or contains one of these texts.
ERRORS = {
    "failure-stream": (500, 502, "on purpose"),
    "failure-plain": ("on purpose",),
    "unauthorized": (401, "API key"),
    "missing": (404, "no-such-model"),
    "bad": (400, "temperature"),
    "limited": (429, "on purpose"),
}


def deviations(scenario, result, runs, stopped):
    """
    Returns the names of the deviations.

    :param result: what the driver printed; a dictionary
    :param runs: how many times the model ran
    :param stopped: whether the last run ended before its end, for the scenario abort
    """
    outcome = result.get("outcome")
    if outcome in ("unsupported", "hangs", "broken"):
        return [outcome]
    if outcome not in ("answer", "error", "cut", "aborted"):
        return ["broken"]
    found = list(_CHECKS.get(scenario, _refused)(scenario, outcome, result))
    if scenario == "abort" and not stopped:
        found.append("works-on")
    if scenario != "limited" and runs > {"tools": 2}.get(scenario, 1):
        found.append("runs")
    return found


def _answered(scenario, outcome, result):
    whole = (result.get("text") or "").strip() == upstream.text(scenario)
    if outcome != "answer":
        yield "no-answer"
    elif not whole:
        yield "whole"
    elif result.get("finish") not in ("stop", "tool_calls"):
        yield "finish"


def _failed(scenario, outcome, result):
    """The model failed in mid-answer."""
    if outcome == "answer":
        yield "whole"
    elif not _says(scenario, result):
        yield "message"


def _refused(scenario, outcome, result):
    if outcome == "answer":
        yield "error-taken"
    elif not _says(scenario, result):
        yield "message"


def _says(scenario, result):
    error = str(result.get("error") or "")
    return any(result.get("status") == sign if isinstance(sign, int) else sign in error for sign in ERRORS[scenario])


def _aborted(scenario, outcome, result):
    if outcome != "aborted":
        yield "no-answer"  # there was nothing to stop


def _interrupted(scenario, outcome, result):
    """A connection was lost: an error is right, and so is the whole answer."""
    if outcome == "answer" and (result.get("text") or "").strip() != upstream.text(scenario):
        yield "whole"


def _called(scenario, outcome, result):
    tool = result.get("tool") or {}
    if tool.get("name") != upstream.TOOL["name"] or tool.get("arguments") != upstream.TOOL["arguments"]:
        yield "no-answer"


_CHECKS = {
    "stream": _answered,
    "plain": _answered,
    "silence": _answered,
    "large": _answered,
    "failure-stream": _failed,
    "failure-plain": _failed,
    "abort": _aborted,
    "retry": _interrupted,
    "resume": _interrupted,
    "tools": _called,
}
