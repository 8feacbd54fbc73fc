#!/usr/bin/env python3
"""Runs unmodified clients against bin/chat and compares each cell with limits.toml. See README.md."""

import argparse
import hashlib
import json
import os
import pathlib
import secrets
import select
import signal
import subprocess
import sys
import time

import catalog
import judge
import page
import upstream
from deployment import KEY, MODES, ROOT, Deployment
from upstream import Upstream

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = ROOT / "docs/compatibility.md"
WORK = pathlib.Path(os.environ.get("COMPAT_WORK", HERE / ".work")).resolve()

# How long the work may go on after its client has gone: the time of --cancel-unattended, and a few sweeps.
STOPS_WITHIN = 12
RESTART_AFTER_EVENTS = 10


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compat: stopped by a signal"))  # so that what was started is stopped
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background, drivers need it
    options = arguments()
    drivers = catalog.drivers(WORK)
    limits = catalog.limits(drivers)
    if options.write:
        DOCUMENT.write_text(page.render(drivers, limits))
    if options.no_run:
        return 0
    chosen = [driver for driver in drivers if not options.only or driver.name in options.only]
    if unknown := set(options.only) - {driver.name for driver in chosen}:
        raise SystemExit(f"compat: drivers.toml has no {', '.join(sorted(unknown))}")
    for driver in chosen:
        install(driver)
    model = Upstream()
    deployment = Deployment()
    try:
        deployment.start(model)
        cells = Cells(model, deployment, limits)
        for driver in chosen:
            for scenario in options.scenarios or judge.SCENARIOS:
                for mode in options.modes or MODES:
                    cells.run(driver, scenario, mode)
        cells.check_roles()
    finally:
        deployment.close()
    if not options.only and not options.scenarios and not options.modes:
        cells.check_document(page.render(drivers, limits))
    print(f"compat: {cells.passed} passed, {len(cells.failed)} failed; {cells.limited} of the passed cells are limits")
    for line in cells.failed:
        print(f"FAILED (compat): {line}", file=sys.stderr)
    return 1 if cells.failed else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    names = {"type": lambda text: text.split(","), "default": []}
    parser.add_argument("--only", metavar="CLIENT,…", help="runs these clients only", **names)
    parser.add_argument("--scenarios", metavar="SCENARIO,…", help="runs these scenarios only", **names)
    parser.add_argument("--modes", metavar="MODE,…", help="visible, hidden, or both", **names)
    parser.add_argument("--write", action="store_true", help="writes docs/compatibility.md from drivers.toml and limits.toml")
    parser.add_argument("--no-run", action="store_true", help="runs nothing, for example to only write the document")
    options = parser.parse_args()
    for given, known in ((options.scenarios, judge.SCENARIOS), (options.modes, MODES)):
        if unknown := set(given) - set(known):
            parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return options


def install(driver):
    """Runs the install command of a driver, unless it has run with the same lock files."""
    if not driver.install:
        return
    WORK.mkdir(parents=True, exist_ok=True)
    files = [*driver.locks, HERE / driver.install[0]]
    state = hashlib.sha256(json.dumps([driver.install, [file.read_text() for file in files]]).encode()).hexdigest()
    stamp = WORK / f"{driver.name}.installed"
    if stamp.exists() and stamp.read_text() == state:
        return
    print(f"installs {driver.name}", flush=True)
    subprocess.run([HERE / driver.install[0], *driver.install[1:]], cwd=HERE, env={**os.environ, "COMPAT_WORK": str(WORK)}, check=True)
    stamp.write_text(state)


class Cells:
    """Runs cells and keeps their results."""

    def __init__(self, model, deployment, limits):
        self.passed = self.limited = 0
        self.failed = []
        self._model = model
        self._deployment = deployment
        self._limits = limits

    def run(self, driver, scenario, mode):
        expected = [limit for limit in self._limits if limit.covers(driver.name, scenario, mode)]
        allowed = sorted({name for limit in expected for name in limit.shows})
        found, detail = self._find(driver, scenario, mode)
        name = f"{driver.name} {driver.version()}, {scenario}, {mode}"
        if sorted(found) != allowed:
            self.failed.append(f"{name}: expected {allowed or 'no deviation'}, found {found or 'no deviation'}: {detail}")
        else:
            self.passed += 1
            self.limited += bool(found)
        print(f"{'limit' if found and sorted(found) == allowed else 'FAILED' if sorted(found) != allowed else 'ok':6} {name}"
              + (f": {', '.join(found)}: {detail}" if found else ""), flush=True)
        for limit in expected:
            if limit.tried:
                self._try(driver, scenario, mode, limit)

    def _try(self, driver, scenario, mode, limit):
        """Runs the cell with the setting of a limit, which must remove what the limit shows."""
        left, detail = self._find(driver, scenario, mode, limit.tried)
        name = f"{driver.name} {driver.version()}, {scenario}, {mode}, with the setting {limit.tried}"
        if left:
            self.failed.append(f"{name}: found {left}: {detail}")
        else:
            self.passed += 1
        print(f"{'FAILED' if left else 'ok':6} {name}" + (f": {', '.join(left)}: {detail}" if left else ""), flush=True)

    def _find(self, driver, scenario, mode, setting=""):
        """Runs a cell once, and returns its deviations and what happened."""
        number = secrets.token_hex(8)
        relay = self._deployment.relays[mode]
        relay.reset((lambda: self._wait(lambda: self._model.of(number), 20)) if scenario == "retry" else None)
        began = time.monotonic()
        process = subprocess.Popen(
            [
                *driver.command,
                scenario,
                f"http://127.0.0.1:{relay.port}/v1",
                "wrong-key" if scenario == "unauthorized" else KEY,
                "no-such-model" if scenario == "missing" else upstream.MODEL,
            ],
            cwd=HERE,
            stdin=subprocess.PIPE if scenario == "abort" else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "HANDOFF_"))},
                "COMPAT_WORK": str(WORK),
                "COMPAT_PROMPT": f"Please answer compat:{scenario}:{number} now.",
                "COMPAT_ARGS": json.dumps({"temperature": 99} if scenario == "bad" else {}),
                "COMPAT_SETTING": setting,
            },
            start_new_session=True,
        )
        if scenario == "resume":
            self._wait(lambda: relay.events >= RESTART_AFTER_EVENTS or process.poll() is not None, 30)
            self._deployment.restart_streaming()
        if scenario == "abort":
            self._await_abort(driver, process, number)
        try:
            output, errors = process.communicate(timeout=driver.timeout)
            result = last_line(output, errors)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            result = {"outcome": "hangs"}
        took = time.monotonic() - began
        stopped = scenario != "abort" or self._wait(lambda: self._ended(number), STOPS_WITHIN)
        runs = self._model.of(number)
        stopped = stopped and all(run.ended == "closed" for run in runs)
        # The work of a client that has gone must not run on into the next cell.
        self._wait(lambda: self._ended(number), 30)
        found = judge.deviations(scenario, result, len(runs), stopped)
        detail = {**result, "runs": len(runs), "posts": relay.posts(), "seconds": round(took, 1)}
        if len(str(detail.get("text") or "")) > 200:
            detail["text"] = detail["text"][:100] + f"… ({len(detail['text'])} characters)"
        return found, json.dumps(detail, ensure_ascii=False)

    def _await_abort(self, driver, process, number):
        """Waits until the model stops, while the driver still runs. So the client has closed its connection, and not the end of the driver."""
        select.select([process.stdout], [], [], driver.timeout)
        self._wait(lambda: self._ended(number), STOPS_WITHIN)

    def _ended(self, number):
        return all(run.ended for run in self._model.of(number))

    @staticmethod
    def _wait(condition, seconds):
        limit = time.monotonic() + seconds
        while not condition() and time.monotonic() < limit:
            time.sleep(0.02)
        return condition()

    def check_roles(self):
        """No role has logged an error, whatever the clients did."""
        errors = self._deployment.errors()
        if errors:
            self.failed.append(f"the roles have logged errors: {errors[:5]}")
        else:
            self.passed += 1

    def check_document(self, rendered):
        if not DOCUMENT.exists() or DOCUMENT.read_text() != rendered:
            self.failed.append("docs/compatibility.md is not what compat/run.py --write --no-run writes")
        else:
            self.passed += 1


def last_line(output, errors):
    """Returns the JSON object on the last line of a driver's output."""
    lines = output.decode(errors="replace").strip().splitlines()
    try:
        result = json.loads(lines[-1])
        if isinstance(result, dict):
            return result
    except (IndexError, ValueError):
        pass
    return {"outcome": "broken", "error": (lines[-1:] or [""])[0][:300] + errors.decode(errors="replace")[-1500:]}


if __name__ == "__main__":
    sys.exit(main())
