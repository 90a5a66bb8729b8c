"""A small interactive target: guess games in which every reply depends on what the model said before."""

from __future__ import annotations

from pathlib import Path

PLAY = """
import json, os, urllib.request

def ask(text):
    body = {"model": os.environ["HONING_MODEL"], "messages": [{"role": "user", "content": text}]}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"].strip()

doors = ["red", "green", "blue", "white", "black", "brown"]
with open("episodes.jsonl", "w") as out:
    for number in range(6):
        said = []
        for step in range(2):
            door = doors[(number + step) % 6]
            said.append(ask(f"Game {number}, step {step}. The key is {door}. Which door?") == door)
        out.write(json.dumps({"game": f"g{number}", "won": all(said)}) + "\\n")
"""

SUM_UP = """
import json
won = [json.loads(line)["won"] for line in open("episodes.jsonl")]
print("games", len(won))
print("success rate:", 100 * sum(won) / len(won), "%")
"""

POLICY = """
import json, re, sys
for line in sys.stdin:
    prompt = json.loads(line)["prompt"]
    print(json.dumps({"completion": re.search("key is ([a-z]+)", prompt)[1]}))
"""

CONTRACT = """
schema: 1
name: doors
metric: {name: success, unit: percent, range: [0, 100]}
oracle: {policy: .honing/policy.py}
stages:
  rollout: {answers: policy, commands: [python3 play.py]}
  evaluate:
    commands: [python3 sum_up.py]
    source: stdout
    pattern: 'success rate: *(?P<score>[0-9.]+ *%?)'
    results: {path: episodes.jsonl, id: game, reward: won}
"""


def write_interactive(
    folder: Path, *, policy: str = POLICY, contract: str = CONTRACT, play: str = PLAY
) -> Path:
    """The target's folder, with its contract."""
    (folder / ".honing").mkdir(parents=True)
    files = {
        ".honing/contract.yaml": CONTRACT,
        ".honing/policy.py": policy,
        "play.py": play,
        "sum_up.py": SUM_UP,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder
