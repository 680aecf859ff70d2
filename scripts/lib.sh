# Shared by the scripts here: where things are, how progress is shown. Sourced, never run.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
logs=${FACILITY_LOGS:-$root/logs}
mkdir -p "$logs"
# shellcheck disable=SC2034 # the scripts that source this tell how long they took
started=$SECONDS

say() { printf '%s\n' "$*"; }

# fail WHAT [MEND]: one clear line that says what to do, and the end.
fail() {
  printf '\nFAILED  %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '        %s\n' "$2" >&2
  exit 1
}

clock() { printf '%d:%02d' $((($1) / 60)) $((($1) % 60)); }

# step NAME LOG COMMAND...: run quietly into logs/LOG.log, show what happens and how long it took.
step() {
  local name=$1 log=$logs/$2.log from=$SECONDS rc
  shift 2
  printf '%-58s ' "$name"
  set +e # not `if "$@"`: that would switch errexit off inside the function we call
  (set -e && "$@") >"$log" 2>&1 </dev/null
  rc=$?
  set -e
  if [ $rc = 0 ]; then
    printf '%6s\n' "$(clock $((SECONDS - from)))"
  else
    printf 'failed\n'
    tail -n 25 "$log" | sed 's/^/    /' >&2
    fail "$name" "the full log is $log"
  fi
}

# as_root COMMAND...: with sudo when we are not root already.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null || fail "\`$1\` needs root and there is no sudo" "run this script as root"
    sudo "$@"
  fi
}

# packages NAME...: install the Debian packages that are missing.
packages() {
  local missing=() p
  for p in "$@"; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || fail "missing: ${missing[*]}" "install them with this system's package manager, then run again"
  step "System packages: ${missing[*]:0:4}${missing[4]:+ and more}" apt-install install_packages "${missing[@]}"
}

install_packages() {
  as_root apt-get update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}
