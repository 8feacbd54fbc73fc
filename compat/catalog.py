"""Reads drivers.toml and limits.toml, and checks them."""

import pathlib
import re
import tomllib

import judge

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("visible", "hidden")


class Driver:
    """A client: how its driver is installed and started, and which version is pinned."""

    def __init__(self, entry, work):
        self.name = entry["name"]
        self.title = entry["title"]
        self.language = entry["language"]
        self.table = entry.get("table", True)
        self.install = entry.get("install")
        self.locks = [HERE / path for path in entry.get("locks", [])]
        self.command = [part.replace("{work}", str(work)) for part in entry["command"]]
        self.timeout = entry.get("timeout", 120)
        self._version = entry["version"]

    def version(self):
        """Returns the version in the lock file, or what a command prints, for clients of the operating system."""
        if isinstance(self._version, str):
            return self._version
        found = re.search(self._version["pattern"], (HERE / self._version["file"]).read_text(), re.MULTILINE)
        if not found:
            raise SystemExit(f"compat: {self._version['file']} has no match for {self._version['pattern']}")
        return found[1]


class Limit:
    """What a client does differently in some cells, and the setting that helps."""

    def __init__(self, entry):
        self.clients = entry["clients"]
        self.scenarios = entry["scenarios"]
        self.modes = entry.get("modes", MODES)
        self.shows = entry["shows"]
        self.text = entry["text"]
        self.setting = entry.get("setting")
        self.tried = entry.get("try")

    def covers(self, client, scenario, mode):
        return client in self.clients and scenario in self.scenarios and mode in self.modes


def drivers(work):
    return [Driver(entry, work) for entry in _load("drivers.toml", "driver")]


def limits(drivers):
    limits = [Limit(entry) for entry in _load("limits.toml", "limit")]
    names = {driver.name for driver in drivers}
    for limit in limits:
        for kind, named, known in (
            ("client", limit.clients, names),
            ("scenario", limit.scenarios, judge.SCENARIOS),
            ("mode", limit.modes, MODES),
            ("deviation", limit.shows, judge.DEVIATIONS),
        ):
            if unknown := set(named) - set(known):
                raise SystemExit(f"compat: limits.toml names an unknown {kind}: {', '.join(sorted(unknown))}")
        if judge.SERIOUS & set(limit.shows) and not limit.setting:
            raise SystemExit(f"compat: limits.toml names no setting that helps against {limit.shows}: {limit.text}")
    return limits


def _load(file, table):
    return tomllib.loads((HERE / file).read_text()).get(table, [])
