#!/usr/bin/env bash
# Deployments of several processes and a replica set in virtual time: 20,000 seeds or two minutes, whichever comes first.
# SIMULATION_SEEDS and SIMULATION_MINUTES set other limits, SIMULATION_FIRST another first seed.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

# Threads switch faster on a JDK that has virtual ones. A seed does the same on each JDK.
for home in /usr/lib/jvm/*; do
  if [[ -x $home/bin/javac && -f $home/release ]] && grep -q '^JAVA_VERSION="25' "$home/release"; then
    export JAVA_HOME=$home
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mvn -B -q -Dstyle.color=never -pl handoff-mongo -am test -Dtest=SimulationTest,SimulationFindsTest \
  -Dsurefire.failIfNoSpecifiedTests=false -Djacoco.skip \
  -Dhandoff.simulation.first="${SIMULATION_FIRST:-0}" \
  -Dhandoff.simulation.seeds="${SIMULATION_SEEDS:-20000}" \
  -Dhandoff.simulation.minutes="${SIMULATION_MINUTES:-2}" 2>&1 | tee "$work/out"
grep -q '^simulation: [0-9]* seeds' "$work/out" || { echo "FAILED (simulation): no seed was run" >&2; exit 1; }
