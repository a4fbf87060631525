# Shared by the scripts in this folder: builds loadgen, makes a work folder, starts the selftest's target.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -z "${LOADGEN:-}" ]; then
  cargo build --profile dist --features full --locked --quiet
  LOADGEN=${CARGO_TARGET_DIR:-target}/dist/loadgen
fi
work=$(mktemp -d)
target=
finish() {
  if [ -n "$target" ]; then kill "$target" 2>/dev/null || true; wait "$target" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

# start_target [flags…]: sets $url
start_target() {
  if [ -n "$target" ]; then kill "$target"; wait "$target" 2>/dev/null || true; fi
  : > "$work/url"
  "$LOADGEN" selftest target "$@" > "$work/url" &
  target=$!
  until [ -s "$work/url" ]; do sleep 0.05; done
  url=$(cat "$work/url")
}

# run_json flags…: runs loadgen, its report in $work/run.json
run_json() {
  "$LOADGEN" run --progress none --out "$work/runs" --format json "$@" > "$work/run.json" || true
}

# figure EXPRESSION: a Python expression over the report `run`
figure() {
  python3 - "$work/run.json" "$1" <<'PY'
import json, sys
run = json.load(open(sys.argv[1]))
steps = sum(s["ok"] + sum(s["errors"].values()) + sum(s["outcomes"].values()) for s in run["steps"])
journeys = sum(j["completed"] + j["failed"] for j in run["journeys"])
print(eval(sys.argv[2]), end="")
PY
}
