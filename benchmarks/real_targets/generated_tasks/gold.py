"""The right answers of the questions that config.yaml asks, from the target's own generators."""

import json
import sys
from pathlib import Path

import reasoning_gym
import yaml

config = yaml.safe_load(Path(".honing/config.yaml").read_text("utf-8"))
with Path(sys.argv[1]).open("w", encoding="utf-8") as out:
    for category in config["categories"]:
        for one in category["datasets"]:
            data = reasoning_gym.create_dataset(
                one["dataset"], size=config["default_size"], seed=config["default_seed"]
            )
            for number, entry in enumerate(data):
                row = {
                    "id": f"{one['dataset']}/{number}",
                    "match": entry["question"],
                    "completion": f"<answer>{entry['answer']}</answer>",
                }
                out.write(json.dumps(row) + "\n")
