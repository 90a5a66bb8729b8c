"""Ask a model for one shell script per task folder, and keep what it says.

The tasks stand in HONING_TASKS. Argument: the file to write (JSONL: name, prompt, completion).
"""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

SHOWN_FILE, SHOWN_ALL = 4_000, 20_000


def prompt_of(task: dict[str, Any]) -> str:
    """What the model is asked: the task's own words, what lies there, and the form of the answer."""
    instruction = Path(task["folder"], "instruction.md").read_text(encoding="utf-8").strip()
    return (
        f"Task {task['name']}.\n\n{instruction}\n\n{files_of(task)}"
        f"You are in the folder {task['workdir']} of a Linux machine with bash and Python and no network. "
        "Reply with one ```bash block. It is run once, as it stands, and what it leaves behind is judged."
    )


def files_of(task: dict[str, Any]) -> str:
    """The files that lie on the machine, short texts with their content."""
    shown, room = [], SHOWN_ALL
    for source, inside in task["copies"]:
        path = Path(source)
        for file in sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]:
            name = f"{inside}/{file.relative_to(path)}" if path.is_dir() else inside
            content = file.read_bytes()
            text = content.decode("utf-8", "replace") if b"\0" not in content[:1000] else ""
            if text and len(text) <= min(SHOWN_FILE, room):
                room -= len(text)
                shown.append(f"{name}:\n```\n{text}\n```")
            else:
                shown.append(f"{name} ({len(content)} bytes)")
    return "These files lie there.\n\n" + "\n\n".join(shown) + "\n\n" if shown else ""


def ask(prompt: str) -> str:
    """The model's reply."""
    body = {"model": os.environ["HONING_MODEL"], "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"].rstrip("/") + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["choices"][0]["message"]["content"] or ""


def main() -> None:
    tasks, out = json.loads(os.environ["HONING_TASKS"]), Path(sys.argv[1])
    limit = os.environ.get("HONING_LIMIT")
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as stream:
        for task in tasks[: int(limit)] if limit else tasks:
            prompt = prompt_of(task)
            row = {"name": task["name"], "prompt": prompt, "completion": ask(prompt)}
            stream.write(json.dumps(row) + "\n")


main()
