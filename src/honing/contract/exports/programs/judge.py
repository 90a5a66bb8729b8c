"""Judge the answer file of a task: judge.py ANSWER LOGS writes LOGS/reward.txt and LOGS/judgement.json."""

import importlib
import json
import sys
from pathlib import Path

MOST_BYTES = 10_000_000

here = Path(__file__).resolve().parent
# The package of the scorer lies beside this file.
sys.path.insert(0, str(here))
judge = importlib.import_module("honing_judge").judge

answer, logs = Path(sys.argv[1]), Path(sys.argv[2])
given = answer.is_file() and not answer.is_symlink() and answer.stat().st_size <= MOST_BYTES
completion = answer.read_text(encoding="utf-8", errors="replace") if given else ""
judged = json.loads((here / "row.json").read_text(encoding="utf-8"))
found = judge(judged["row"], judged["parameters"], completion)
logs.mkdir(parents=True, exist_ok=True)
(logs / "judgement.json").write_text(json.dumps(found), encoding="utf-8")
if found["reward"] is None:
    # No reward file: a row that cannot be judged is no zero.
    sys.exit(f"not judged ({found['status']}): {found['why']}")
(logs / "reward.txt").write_text(f"{found['reward']}\n", encoding="utf-8")
