#!/usr/bin/env bash
# Is everything in place that an agent needs here?
set -euo pipefail
cd "$(dirname "$0")/.."
for file in AGENTS.md GEMINI.md scripts/bootstrap.sh scripts/test.sh; do
    test -s "$file" || { echo "validate: $file is missing or empty" >&2; exit 1; }
done
.venv/bin/python -c 'import greeting; assert greeting.greeting("you") == "Hello, you!"'
