# Sets $uv to the tool uv, which installs faster than pip. To be sourced; $COMPAT_WORK is the folder for it.
if ! python3 -m venv --help > /dev/null 2>&1; then
  apt-get update -qq && apt-get install -y -qq python3-venv
fi
uv=$COMPAT_WORK/python/uv/bin/uv
if [[ ! -x $uv ]]; then
  python3 -m venv "$COMPAT_WORK/python/uv"
  "$COMPAT_WORK/python/uv/bin/pip" install --quiet --disable-pip-version-check --no-compile uv==0.13.9
fi
