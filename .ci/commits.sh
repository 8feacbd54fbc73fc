#!/usr/bin/env bash
# Checks the subjects of commits: at most 72 characters, and no full stop at the end. Commits before this script was added
# stay as they are. A clone without that commit has nothing to check.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly MAX_LENGTH=72

# A checkout may belong to another user.
history() {
  git -c safe.directory='*' log "$@"
}

if ! history -1 >/dev/null 2>&1; then
  echo "There is no history, so there is nothing to check."
  exit 0
fi
first=$(history --diff-filter=A --format=%H -- .ci/commits.sh | tail -1)
if [[ -z $first ]]; then
  echo "The history does not have the commit that added this check, so there is nothing to check."
  exit 0
fi

bad=0
checked=0
while IFS= read -r subject; do
  checked=$((checked + 1))
  if ((${#subject} > MAX_LENGTH)); then
    echo "The subject has ${#subject} characters, $MAX_LENGTH are allowed: $subject" >&2
    bad=1
  fi
  if [[ $subject == *. ]]; then
    echo "The subject ends with a full stop: $subject" >&2
    bad=1
  fi
done < <(history --no-merges --format=%s HEAD --not "$first^@")
echo "$checked subjects checked"
exit "$bad"
