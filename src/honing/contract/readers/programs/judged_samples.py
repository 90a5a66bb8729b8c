"""Write the samples that a rollout file names, with a number for each: `rollout.json` to `samples.jsonl`."""

import json
import sys
from pathlib import Path

rollout, out = map(Path, sys.argv[1:3])
named = json.loads(rollout.read_text(encoding="utf-8"))["paths"]["samples_jsonl"]
lines = [line for line in Path(named).read_text(encoding="utf-8").splitlines() if line.strip()]
with out.open("w", encoding="utf-8") as stream:
    for number, line in enumerate(lines, 1):
        row = json.loads(line)
        kept = {key: row[key] for key in ("prompt", "completion", "reward") if key in row}
        # Not the bare number: a completion may be that very number.
        stream.write(json.dumps({"id": str(row.get("id", f"line {number}")), **kept}) + "\n")
