# What checks the files in deploy/ without a network or a cluster: PyPI's kubernetes-validate, which carries the schemas of
# the API's versions, in a virtual environment in .lane. Sourced, never run; needs lane.sh and parts.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

schemas_version=1.37.0
schemas=$root/.lane/kubernetes-$schemas_version

# get_schemas: `kubernetes-validate` on PATH, where it can be had, and $schemas/bin/python that reads YAML.
get_schemas() {
  if [[ ! -x $schemas/commands/kubernetes-validate ]] && type -P python3 >/dev/null; then
    rm -rf "$schemas"
    # Debian keeps what makes environments apart from Python.
    if ! python3 -c 'import ensurepip' 2>/dev/null && [[ $(id -u) == 0 ]] && type -P apt-get >/dev/null; then
      install_package python3-venv >>"$work/apt.log" 2>&1 || echo "apt-get could not install python3-venv"
    fi
    if python3 -m venv "$schemas" >"$work/schemas.log" 2>&1 </dev/null &&
      timeout 120 "$schemas/bin/pip" install --quiet --disable-pip-version-check "kubernetes-validate==$schemas_version" \
        >>"$work/schemas.log" 2>&1 </dev/null; then
      mkdir -p "$schemas/commands"
      ln -sf ../bin/kubernetes-validate "$schemas/commands/kubernetes-validate"
    else
      echo "kubernetes-validate could not be had:"
      tail -n 3 "$work/schemas.log" | sed 's/^/  /'
    fi
  fi
  PATH=$PATH:$schemas/commands
}
