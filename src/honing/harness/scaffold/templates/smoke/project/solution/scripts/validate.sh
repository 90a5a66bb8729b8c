#!/usr/bin/env bash
# Is the guidance in place?
set -euo pipefail
cd "$(dirname "$0")/.."
for file in AGENTS.md GEMINI.md; do
    test -s "$file" || { echo "validate: $file is missing or empty" >&2; exit 1; }
done
