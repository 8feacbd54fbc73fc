#!/usr/bin/env bash
# Builds the application and starts it as three processes on a stand-in for MongoDB. Ctrl+C stops them.
# Options go to Maven: with -Pboot-4 the application runs on Spring Boot 4.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

mvn -q -pl examples,examples/spring-roles -am package -DskipTests -Djacoco.skip -Dspotless.check.skip -Dmaven.javadoc.skip -Dmaven.source.skip "$@"

trap 'trap - EXIT; kill $(jobs -p) 2> /dev/null || true; wait' EXIT
trap 'exit 0' INT TERM

HANDOFF_SECRET=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
export HANDOFF_SECRET
# Spring Boot 3.5 reads the first name, Spring Boot 4 the second.
export SPRING_DATA_MONGODB_URI=mongodb://127.0.0.1:27017 SPRING_MONGODB_URI=mongodb://127.0.0.1:27017

bin/chat mongo-standin --port 27017 &
application="java -jar examples/spring-roles/target/reports.jar"
$application --handoff.roles=worker --spring.main.web-application-type=none &
$application --handoff.roles=stream --server.port=8081 &
$application --handoff.roles=app --server.port=8080 --handoff.events-url=http://127.0.0.1:8081/events &
# If one of them ends, all end.
wait -n
