"""Writes docs/compatibility.md from drivers.toml, limits.toml and the lock files."""

import judge
from catalog import MODES


def render(drivers, limits):
    return "TODO\n"
