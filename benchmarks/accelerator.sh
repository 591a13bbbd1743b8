#!/usr/bin/env bash
# Usage: bash benchmarks/accelerator.sh DATA OUT [WHEELS]
# Runs all measurements on an accelerator. DATA: folder written by `python -m benchmarks.accelerator.part`. OUT: folder of
# the results. WHEELS: folder with the packages that the Python lacks; they are installed into a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1 out=$2
export PYTHONPATH=$PWD PYTHONUNBUFFERED=1
if [ $# -ge 3 ]; then
    site=$(mktemp -d)
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$site" "$3"/*.whl
    PYTHONPATH=$PWD:$site
fi
mkdir -p "$out"
python3 -m benchmarks.accelerator --data "$data" --out "$out" 2>&1 | tee "$out/accelerator.log"
