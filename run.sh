#!/usr/bin/env bash
# Starts Reelcache: makes or refreshes .venv where that is needed, then hands every word over to the program.
# `./run.sh test [ARGS]` runs the linters, the type checker, the suite and a short form of the bench instead; ARGS go to
# pytest, and leave the bench out.
set -euo pipefail

say() { printf '%s\n' "$@" >&2; }

fail() {
  say "" "reelcache: $1"
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

script=${BASH_SOURCE[0]}
[[ $script == */* ]] || script=./$script
while [ -L "$script" ]; do
  link=$(readlink "$script")
  case $link in
    /*) script=$link ;;
    *) script=${script%/*}/$link ;;
  esac
done
root=$(cd -P "${script%/*}" && pwd)
venv=$root/.venv
stamp=$venv/reelcache-stamp
lock=$root/.venv.lock

# What .venv was made from, and where. No Python is started for this: it would cost more than all the rest.
fingerprint() { cksum "$root/pyproject.toml" "$root/constraints.txt" "$venv/pyvenv.cfg" 2>/dev/null || true; }

# Whether .venv is whole, up to date, and has the wanted extra ("test" or ""). An extra too many does no harm.
is_fresh() {
  [ -x "$venv/bin/python" ] && [ -f "$stamp" ] || return 1
  local made now
  made=$(<"$stamp")
  now=$(fingerprint)
  [ "$made" = "$now"$'\n'test ] || { [ -z "$1" ] && [ "$made" = "$now"$'\n'none ]; }
}

take_lock() {
  [ -w "$root" ] || fail "$root is not writable, so .venv cannot be made in it." "Copy the folder to a place of your own."
  local owner tries=0
  while ! mkdir "$lock" 2>/dev/null; do
    owner=$(cat "$lock/pid" 2>/dev/null || true)
    tries=$((tries + 1))
    # A copy that was killed leaves its lock behind; one without a number died before it wrote it.
    if { [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; } || { [ -z "$owner" ] && [ "$tries" -gt 25 ]; }; then
      rm -rf "$lock"
      continue
    fi
    [ "$tries" -ne 1 ] || say "· Waiting for another run.sh${owner:+ (process $owner)} to finish .venv"
    sleep 0.2
  done
  printf '%s\n' "$$" >"$lock/pid"
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# Sets `python` to one that is new enough (and has venv, unless uv makes it unnecessary), or says what to install.
find_python() {
  local candidate path lacking="" old=""
  for candidate in python3.13 python3.12 python3.11 python3 python; do
    path=$(command -v "$candidate") || continue
    if ! "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      old=${old:-$("$path" -V 2>&1 | grep '^Python [0-9]' || true)}
    elif [ "$1" = pip ] && ! "$path" -c 'import ensurepip, venv' 2>/dev/null; then
      lacking=${lacking:-$path}
    else
      python=$path
      return
    fi
  done
  if [ "$1" = uv ]; then
    python=3.12 # uv fetches one
    return
  fi
  if [ -n "$lacking" ]; then
    fail "$lacking lacks its venv module (with ensurepip), which makes the private environment." \
      "Debian, Ubuntu:  sudo apt install python$("$lacking" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" \
      "Fedora:          sudo dnf install python3" \
      "macOS:           brew install python" \
      "Then start again. (With uv installed, neither is needed.)"
  fi
  fail "Python 3.11 or newer is needed${old:+, but only $old was found}." \
    "Debian, Ubuntu:  sudo apt install python3 python3-venv" \
    "Fedora:          sudo dnf install python3" \
    "macOS:           brew install python" \
    "Then start again. (Or install uv: it fetches a Python by itself.)"
}

# Runs a step whose output matters only when it fails.
quietly() { "$@" >"$lock/output" 2>&1; }

install_with() {
  local tool=$1 wanted=$2 target=$root
  [ "$wanted" = none ] || target="${root}[$wanted]"
  # An environment without a stamp was never finished, or is not ours: nothing in it can be relied on.
  if [ ! -f "$stamp" ] || ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    local python
    find_python "$tool"
    say "· Making .venv with $python${uv:+ and $tool}"
    rm -rf "$venv"
    case $tool in
      uv) quietly "$uv" venv --seed --python "$python" "$venv" || return 1 ;;
      pip) quietly "$python" -m venv "$venv" || return 1 ;;
    esac
  fi
  rm -f "$stamp"
  say "· Installing what pyproject.toml names (the first time this fetches about 400 MB)"
  case $tool in
    uv) quietly "$uv" pip install --python "$venv/bin/python" -c "$root/constraints.txt" -e "$target" ;;
    pip)
      PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
        quietly "$venv/bin/python" -m pip install --no-input -c "$root/constraints.txt" -e "$target"
      ;;
  esac
}

make_venv() {
  local wanted=${1:-none} uv begun=$SECONDS
  uv=$(command -v uv || true)
  take_lock
  if ! is_fresh "$1"; then
    [ ! -f "$stamp" ] || [ "$(tail -n 1 "$stamp")" != test ] || wanted="test"
    if [ -n "$uv" ] && install_with uv "$wanted"; then
      :
    else
      # uv knows nothing of the index and the certificates that pip is configured with.
      [ -z "$uv" ] || { tail -n 5 "$lock/output" >&2; say "· uv could not do it; trying with pip"; }
      if ! install_with pip "$wanted"; then
        tail -n 25 "$lock/output" >&2
        fail "the step above failed." "Without network, or behind a proxy? pip's own settings (pip.conf, PIP_*) are honoured." \
          "Start again to go on."
      fi
    fi
    printf '%s\n%s\n' "$(fingerprint)" "$wanted" >"$stamp"
    say "· .venv is ready ($((SECONDS - begun)) s)"
  fi
  rm -rf "$lock"
  trap - EXIT INT TERM HUP
}

step() {
  say "" "== $*"
  "$@" || { local code=$?; say "" "== failed: $*"; exit "$code"; }
}

if [ "${1:-}" = test ]; then
  shift
  is_fresh test || make_venv test
  cd "$root"
  export PATH="$venv/bin:$PATH"
  step python -m ruff format --check .
  step python -m ruff check .
  step lint-imports
  # The suite waits for servers a third of its time: the type checker, which keeps one core busy, runs beside it.
  say "" "== python -m mypy, beside the suite"
  python -m mypy >"$venv/types" 2>&1 &
  types=$!
  trap 'kill "$types" 2>/dev/null || true' EXIT
  step python -m pytest -n 4 --dist worksteal "$@"
  trap - EXIT
  wait "$types" || { code=$?; cat "$venv/types" >&2; say "" "== failed: python -m mypy"; exit "$code"; }
  # The figures, for whoever reads this later: a missed goal is no failure here.
  [ $# -gt 0 ] || step python -m tests.bench --short
  exit 0
fi

is_fresh "" || make_venv ""
# -P: a folder named core, data or tui in the caller's working folder is not ours.
exec "$venv/bin/python" -P -m tui "$@"
