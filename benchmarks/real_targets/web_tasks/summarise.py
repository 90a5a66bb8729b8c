"""The mean raw reward of the episodes that were played."""

import json
from pathlib import Path

rewards = [json.loads(line)["reward"] for line in Path("episodes.jsonl").read_text("utf-8").splitlines()]
Path("metrics.json").write_text(json.dumps({"ok": True, "raw_reward": sum(rewards) / len(rewards)}), "utf-8")
