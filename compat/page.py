"""Writes docs/compatibility.md from drivers.toml, limits.toml and the lock files."""

import judge
from catalog import MODES

HEAD = """\
# Compatibility of OpenAI clients

The table shows what users of unmodified clients see when their client talks to the chat example ([examples](../examples)). Each client has its
default settings, a base URL and a key. [compat/README.md](../compat/README.md) describes the scenarios and how a client is added.
`.ci/long/compat.sh` runs all cells, and fails if one differs from this table.

* **ok**: the user sees what is right, and the model ran at most once. If the redirect is visible and if it is hidden, unless two results
  are given.
* **a number**: a limit of the client, which the list below explains, with the setting that helps.
* **a / b**: a with the redirect visible (`deploy/nginx.conf`), b with the redirect hidden (`deploy/nginx-hidden.conf`).

In no cell that is **ok** does a client take an incomplete answer for a whole one. The columns are:

| column | what happens | what the user must see |
|---|---|---|
| stream, plain | the client requests a stream, or an answer without a stream | the whole text and the finish reason |
| failure | the model fails after five words | an error with the message of the model |
| 401, 404, 400 | wrong key; unknown model; `"temperature": 99` | an error that names the reason |
| 429 | the model answers 429 | an error that names the reason |
| abort | the client stops after three words of a long answer | the model stops within 12 s (`--cancel-unattended 3s`) |
| retry | the connection is cut after the server has accepted the request | the whole text or an error; the model runs once |
| silence | the stream is silent for 2 s twice, with heartbeats every 1.5 s: a tenth of the usual times | the whole text |
| restart | the streaming server is killed in mid-answer, and started again | the whole text or an error |
| 1 MB | the answer has a million characters | the whole text |
| tools | the model calls a tool | the call |
"""

END = """\
## Update the pins

The versions come from lock files. These commands pin the newest releases:

```sh
compat/python/update.sh              # all clients for Python; or some: compat/python/update.sh openai litellm
{others}```

Then run `compat/run.py`. If a cell fails, the client has changed. Correct its entry in `compat/limits.toml`, or its driver.
`compat/run.py --write --no-run` writes this page.
"""


def render(drivers, limits):
    # Only limits of clients in the table.
    tabled = {driver.name for driver in drivers if driver.table}
    limits = [limit for limit in limits if tabled & set(limit.clients)]
    numbers = {id(limit): i for i, limit in enumerate(limits, 1)}
    columns = list(judge.SCENARIOS)
    lines = [HEAD, "## Results", ""]
    lines.append("| language | client | " + " | ".join(judge.SCENARIOS.values()) + " |")
    lines.append("|---" * (len(columns) + 2) + "|")
    for driver in [driver for driver in drivers if driver.table]:
        cells = [_cell(driver, scenario, limits, numbers) for scenario in columns]
        lines.append(f"| {driver.language} | {driver.title} {driver.version()} | " + " | ".join(cells) + " |")
    waiting = ", ".join(f"{driver.title} {driver.version()}" for driver in drivers if not driver.table)
    if waiting:
        lines += ["", f"The suite also has drivers for these clients. Not all their cells have been run yet: {waiting}."]
    lines += ["", "## Limits", ""]
    titles = {driver.name: f"{driver.title} ({driver.language})" for driver in drivers if driver.table}
    for limit in limits:
        lines += _explained(limit, numbers[id(limit)], titles)
    others = "".join(f"{command}\n" for command in _updates())
    return "\n".join([*lines, END.format(others=others)])


def _cell(driver, scenario, limits, numbers):
    shown = []
    for mode in MODES:
        covering = [limit for limit in limits if limit.covers(driver.name, scenario, mode)]
        shown.append(", ".join(f"[{numbers[id(limit)]}](#limit-{numbers[id(limit)]})" for limit in covering) or "ok")
    return shown[0] if shown[0] == shown[1] else " / ".join(shown)


def _explained(limit, number, titles):
    clients = ", ".join(titles[name] for name in limit.clients if name in titles)
    where = ", ".join(judge.SCENARIOS[scenario] for scenario in limit.scenarios)
    if list(limit.modes) != list(MODES):
        where += f", only with the redirect {' and '.join(limit.modes)}"
    lines = [f"### Limit {number}", "", f"**{clients}**: {where}. " + " ".join(judge.DEVIATIONS[name] for name in limit.shows)]
    lines += ["", limit.text.strip()]
    if limit.setting:
        tried = " The suite runs these cells with the setting, and they are ok." if limit.tried else ""
        lines += ["", f"**What helps:** {limit.setting.strip()}{tried}"]
    return [*lines, ""]


def _updates():
    """The commands for other languages, whose folders have the lock files."""
    from catalog import HERE

    return [f"compat/{script.relative_to(HERE)}" for script in sorted(HERE.glob("*/update.sh")) if script.parent.name != "python"]
