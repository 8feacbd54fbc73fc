#!/usr/bin/env bash
# Pins the newest release of each client, within the major version that its project has.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
for project in */pom.xml; do
  mvn -B -q -f "$project" org.codehaus.mojo:versions-maven-plugin:2.21.0:use-latest-releases -DallowMajorUpdates=false \
    -Dmaven.version.ignore='.*-(M|RC|alpha|beta).*' -DgenerateBackupPoms=false
done
