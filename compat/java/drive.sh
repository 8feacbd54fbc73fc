#!/usr/bin/env bash
# Runs a driver. Arguments: the folder of its project, its class, and the arguments of the driver.
set -euo pipefail
target=$COMPAT_WORK/java/$1
exec java -XX:TieredStopAtLevel=1 -cp "$target/classes:$(cat "$target/classpath")" "${@:2}"
