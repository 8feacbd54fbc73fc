#!/usr/bin/env bash
# Downloads the clients of a project and compiles its driver. Arguments: the folder of the project, and the class of the driver.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
target=$COMPAT_WORK/java/$1
rm -rf "$target"
mkdir -p "$target"
mvn -B -q -Dstyle.color=never -f "$1/pom.xml" dependency:build-classpath -Dmdep.outputFile="$target/classpath"
javac -Xlint:all,-processing -parameters -cp "$(cat "$target/classpath")" -d "$target/classes" Scenario.java "$2.java"
