#!/usr/bin/env bash
# The metrics of handoff-micrometer as Prometheus reads them: promtool checks their names, units and help texts.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
command -v promtool > /dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mvn -B -q -Dstyle.color=never -pl handoff-micrometer -am test -Dtest=MetricsTableTest \
  -Dsurefire.failIfNoSpecifiedTests=false -Djacoco.skip -Dhandoff.scrape="$work/scrape"
metrics=$(grep -c '^# TYPE handoff_' "$work/scrape" || true)
[[ $metrics -gt 0 ]] || { echo "FAILED (metrics): the scrape has no metric" >&2; exit 1; }
promtool check metrics < "$work/scrape"

# A check that accepts everything would be none.
if printf 'handoff_broken_count 1\n' | promtool check metrics > /dev/null 2>&1; then
  echo "FAILED (metrics): promtool accepted a metric with a reserved suffix" >&2
  exit 1
fi
echo "metrics: promtool accepts $metrics metrics"
