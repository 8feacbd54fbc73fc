#!/usr/bin/env bash
# A dry run of a release: deploys it to a local folder, checks the folder, compiles an application that takes handoff from there, and compares
# the API of a next version with it.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/.ci/release
cd "$root"

command -v python3 > /dev/null || { apt-get update -qq && apt-get install -y -qq python3; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mvn -B -q -Dstyle.color=never -Prelease -pl '!examples,!examples/webflux,!examples/war,!examples/dropwizard,!examples/spring-mvc,!examples/spring-roles,!benchmarks,!coverage' deploy \
  -DskipTests -Djacoco.skip -Dspotless.check.skip -DaltDeploymentRepository="staging::file://$work/staging"
PYTHONDONTWRITEBYTECODE=1 python3 "$here/release.py" "$root" "$work/staging"

# The application of the README, which is its first Java program. Its own local repository keeps handoff from being found anywhere but in the staged release.
version=$(sed -n '/<artifactId>handoff-parent</{n;s/.*<version>\(.*\)<\/version>.*/\1/p}' pom.xml)
mkdir -p "$work/application/src/main/java"
cp "$here/application.xml" "$work/application/pom.xml"
awk '/^```java$/ { inside = 1; next } inside && /^```$/ { exit } inside' README.md > "$work/application/src/main/java/Reports.java"
cd "$work/application"
mvn -B -q -Dstyle.color=never --no-transfer-progress compile \
  -Dmaven.repo.local="$work/repository" -Dstaging="$work/staging" -Dhandoff.version="$version"
[[ -f target/classes/Reports.class ]] || { echo "FAILED (release): the application was not compiled" >&2; exit 1; }
echo "release: the application compiles with handoff $version from the staged release"

# The check of the API compares the next version of handoff-core with the staged one. It has to find a method that is no longer public.
cat > "$work/settings.xml" << XML
<settings>
  <profiles>
    <profile>
      <id>staging</id>
      <repositories>
        <repository><id>staging</id><url>file://$work/staging</url></repository>
      </repositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>staging</activeProfile></activeProfiles>
</settings>
XML
next=$work/next
mkdir "$next"
(cd "$root" && git ls-files -z | xargs -0 cp --parents -t "$next")
cd "$next"
git -C "$root" ls-files -z -- '*pom.xml' | xargs -0 sed -i "s|<version>$version</version>|<version>9999.0.0-SNAPSHOT</version>|"
compare() {
  mvn -B -q -Dstyle.color=never --no-transfer-progress -gs "$work/settings.xml" -Dmaven.repo.local="$work/repository" -pl handoff-core verify \
    -Dmaven.test.skip -Djacoco.skip -Dspotless.check.skip -Dmaven.javadoc.skip -Djapicmp.base="$version"
}
compare
sed -i 's/public String title()/String title()/' handoff-core/src/main/java/dev/handoff/http/ProblemCode.java
if compare > "$work/japicmp.log" 2>&1; then
  echo "FAILED (release): the check of the API accepts a method that is no longer public" >&2
  exit 1
fi
grep -q 'title()' "$work/japicmp.log" || { cat "$work/japicmp.log" >&2; exit 1; }
echo "release: the next version keeps the API of $version, and a removed method is found"
