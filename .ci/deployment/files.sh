#!/usr/bin/env bash
# Checks the files of deploy/ with the tools that would read them: systemd, Caddy, docker compose's parser, and a linter of Containerfiles.
# usage: files.sh PYTHON-VENV WORK-FOLDER
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
venv=$1 work=$2
passed=0
fail() { echo "FAILED (deployment): $1" >&2; exit 1; }
ok() { passed=$((passed + 1)); }

# systemd only warns about settings that it does not know, so any output is an error. The units name /usr/bin/java.
units=$work/units
cp -r "$root/deploy/systemd" "$units"
rm "$units/handoff.env"
verify() { SYSTEMD_UNIT_PATH=$units: systemd-analyze verify --man=no "$units"/*.service "$units"/*.target 2>&1; }
said=$(verify) && [[ -z $said ]] || fail "systemd-analyze verify: $said"; ok
for unit in "$units"/*.service; do
  # 10 times the exposure level that systemd computes: 0 is best, 100 worst.
  SYSTEMD_UNIT_PATH=$units: systemd-analyze security --offline=yes --threshold=20 "$unit" > "$work/security" 2>&1 ||
    fail "systemd-analyze security: $(tail -n 3 "$work/security")"; ok
done
echo 'Unheard=of' >> "$units/handoff-.service.d/sandbox.conf"
[[ -n $(verify) ]] || fail "systemd-analyze verify does not read the drop-in"; ok

for file in Caddyfile Caddyfile.hidden deploy/Caddyfile deploy/compose/Caddyfile; do
  caddy validate --adapter caddyfile --config "$root/$file" > "$work/caddy" 2>&1 || fail "$file: $(tail -n 3 "$work/caddy")"; ok
  cp "$root/$file" "$work/Caddyfile"
  caddy fmt --overwrite "$work/Caddyfile"
  diff "$root/$file" "$work/Caddyfile" || fail "$file is not formatted: caddy fmt --overwrite $file"; ok
done

"$venv/bin/hadolint" "$root/deploy/Containerfile" || fail "hadolint"; ok

(cd "$root/.ci/deployment/compose" && go build -buildvcs=false -o "$work/compose" .)
load() { (cd "$root/deploy/compose" && env -u HANDOFF_SECRET -u HANDOFF_API_KEYS "$@" "$work/compose" "$work/compose.yaml" 2>&1); }
sed "s|context: ../..|context: $root|; s|\./Caddyfile|$root/deploy/compose/Caddyfile|" "$root/deploy/compose/compose.yaml" > "$work/compose.yaml"
said=$(load HANDOFF_SECRET=s HANDOFF_API_KEYS=k) || fail "compose.yaml: $said"; ok
said=$(load HANDOFF_SECRET=s) && fail "compose.yaml starts without HANDOFF_API_KEYS"; ok
said=$(load HANDOFF_API_KEYS=k) && fail "compose.yaml starts without HANDOFF_SECRET"; ok

echo "deployment: $passed checks of the files in deploy/ passed, 0 failed"
