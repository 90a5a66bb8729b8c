#!/usr/bin/env bash
# Is everything in place that an agent needs here, and does the program run?
set -euo pipefail
cd "$(dirname "$0")/.."
for file in AGENTS.md GEMINI.md scripts/bootstrap.sh scripts/test.sh; do
    test -s "$file" || { echo "validate: $file is missing or empty" >&2; exit 1; }
done
printed="$(.venv/bin/python -m tally samples/march.txt --account rent)"
test "$printed" = "rent 800.00" || { echo "validate: tally printed '$printed'" >&2; exit 1; }
