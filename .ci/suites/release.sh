#!/usr/bin/env bash
# A dry run of a release: deploys it to a local folder, checks the folder, and compiles an application that takes handoff from there.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/.ci/release
cd "$root"

command -v python3 > /dev/null || { apt-get update -qq && apt-get install -y -qq python3; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mvn -B -q -Dstyle.color=never -Prelease -pl '!examples,!examples/webflux,!benchmarks,!coverage' deploy \
  -DskipTests -Djacoco.skip -Dspotless.check.skip -DaltDeploymentRepository="staging::file://$work/staging"
PYTHONDONTWRITEBYTECODE=1 python3 "$here/release.py" "$root" "$work/staging"

# The application of the README. Its own local repository keeps handoff from being found anywhere but in the staged release.
version=$(sed -n '/<artifactId>handoff-parent</{n;s/.*<version>\(.*\)<\/version>.*/\1/p}' pom.xml)
mkdir -p "$work/application/src/main/java"
cp "$here/application.xml" "$work/application/pom.xml"
awk '/^```java$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md > "$work/application/src/main/java/Reports.java"
cd "$work/application"
mvn -B -q -Dstyle.color=never --no-transfer-progress compile \
  -Dmaven.repo.local="$work/repository" -Dstaging="$work/staging" -Dhandoff.version="$version"
[[ -f target/classes/Reports.class ]] || { echo "FAILED (release): the application was not compiled" >&2; exit 1; }
echo "release: the application compiles with handoff $version from the staged release"
