"""Run each answered script in a fresh place, and then the task's own tests, which it could not see.

The tasks stand in HONING_TASKS. Arguments: the answers, the results (JSONL) and the metrics file to write.
Whatever a script may not see or change is taken off the disk while it runs: every task's tests, solutions and
files are held in this process, which no other may read.
"""

import ctypes
import json
import math
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
FENCE = re.compile(r"^(`{3,})([a-z]*)[^\n]*\n(.*?)\n?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
MOST_REWARD_BYTES = 1_000_000
KEPT = ("PATH", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "CI")

Files = dict[str, tuple[bytes, int]]


def read_tree(path: Path) -> Files:
    """Content and mode of every file below a folder (or of one file, named ""), by relative path."""
    if path.is_file():
        return {"": (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))}
    files = (one for one in sorted(path.rglob("*")) if one.is_file() and not one.is_symlink())
    return {str(one.relative_to(path)): (one.read_bytes(), stat.S_IMODE(one.stat().st_mode)) for one in files}


def write_tree(files: Files, path: Path) -> None:
    """Write files below a folder, or the one file that is named ""."""
    for name, (content, mode) in files.items():
        target = path / name if name else path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_bytes(content)
        target.chmod(mode)


def empty(folder: Path) -> None:
    """Remove what is in a folder, the folder itself left: it is a mount."""
    for one in folder.iterdir() if folder.is_dir() else ():
        remove(one)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def check_places(places: dict[str, str]) -> None:
    """Stop unless every fixed place is a folder of this working copy: they are about to be emptied."""
    for place, source in places.items():
        try:
            ours = os.path.samestat(Path(place).stat(), Path(source).stat())
        except OSError:
            ours = False
        if not ours:
            sys.exit(f"this sandbox cannot place a folder at {place}, where a task has its files")


def descendants() -> list[int]:
    """Every process that descends from this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found: list[int] = []
    mine = {os.getpid()}
    while grown := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= grown
        found += grown
    return found


def kill_descendants() -> None:
    """End every process that descends from this one; as their reaper it also has those that left it."""
    for _ in range(200):
        alive = descendants()
        if not alive:
            return
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        time.sleep(0.01)
    sys.exit("processes of a script cannot be ended")


def run(argv: list[str], task: dict[str, Any], limit_s: float, more: dict[str, str]) -> str:
    """Run a command to its end or limit, and end whatever it left running; how it ended, in words."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    process = subprocess.Popen(
        argv,
        cwd=task["workdir"],
        env={**env, "HOME": "/tmp", **task["env"], **more},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        ended = f"exited with {process.wait(limit_s)}"
    except subprocess.TimeoutExpired:
        ended = f"was stopped after {limit_s:g} s"
    kill_descendants()
    return ended


def script_in(completion: str) -> str:
    """The script of a reply: its last block of shell text, or its only block; empty where there is none."""
    blocks = [(match.group(2), match.group(3)) for match in FENCE.finditer(completion)]
    shell = [text for name, text in blocks if name in ("bash", "sh", "shell")]
    other = [text for name, text in blocks if not name]
    return (shell or other or [""])[-1]


def reward_in(folder: Path) -> float:
    """The number the tests wrote: reward.json (its `reward`, or its only number), else reward.txt."""
    for name in ("reward.json", "reward.txt"):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_size > MOST_REWARD_BYTES:
            raise ValueError(f"{name} is too large to be a reward")
        text = path.read_text(encoding="utf-8")
        value = json.loads(text) if name.endswith("json") else float(text)
        if isinstance(value, dict):
            value = value["reward"] if "reward" in value or len(value) != 1 else next(iter(value.values()))
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{name} holds {value!r}, which is no number")
        return float(value)
    raise ValueError("the tests wrote neither reward.json nor reward.txt")


def judge(task: dict[str, Any], hidden: dict[str, Any], completion: str) -> tuple[float, str]:
    """Reward of one task, and how the script ended."""
    for folder in task["places"]:
        empty(Path(folder))
    for one in Path("/tmp").iterdir():
        if one.name not in hidden["temporary"]:
            remove(one)
    for folder in (*task["makes"], task["workdir"], "/logs/verifier", "/logs/agent", "/logs/artifacts"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for files, (_, inside) in zip(hidden["copies"], task["copies"], strict=True):
        write_tree(files, Path(inside))
    Path("/tmp/answer.sh").write_text(script_in(completion), encoding="utf-8")
    ended = run(["bash", "/tmp/answer.sh"], task, task["agent_s"], {})
    # What the script put where the tests and their reward belong is not theirs.
    for folder in (Path("/tests"), Path("/logs")):
        empty(folder)
    for folder in ("verifier", "agent", "artifacts"):
        Path("/logs", folder).mkdir()
    write_tree(hidden["tests"], Path("/tests"))
    more = {"PYTHONNOUSERSITE": "1", **task["verifier_env"]}
    tests_ended = run(["bash", "/tests/test.sh"], task, task["verifier_s"], more)
    try:
        return reward_in(Path("/logs/verifier")), f"the script {ended}"
    except (ValueError, KeyError, OSError) as error:
        sys.exit(f"{task['name']}: no reward ({error}); the script {ended}, tests/test.sh {tests_ended}")


def main() -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    tasks = {task["name"]: task for task in json.loads(os.environ["HONING_TASKS"])}
    answers_at, results_at, metrics_at = map(Path, sys.argv[1:4])
    answers = [json.loads(line) for line in answers_at.read_text(encoding="utf-8").splitlines()]
    hidden: dict[str, dict[str, Any]] = {}
    for name, task in tasks.items():
        check_places(task["places"])
        folder = Path(task["folder"])
        hidden[name] = {
            "tests": read_tree(folder / "tests"),
            "solution": read_tree(folder / "solution"),
            "copies": [read_tree(Path(source)) for source, _ in task["copies"]],
            "temporary": {one.name for one in Path("/tmp").iterdir()},
        }
    for task in tasks.values():
        for name in ("tests", "solution"):
            shutil.rmtree(Path(task["folder"], name), ignore_errors=True)
    answers_at.unlink()
    rows = []
    try:
        for answer in answers:
            task = tasks[answer["name"]]
            reward, ended = judge(task, hidden[task["name"]], answer["completion"])
            row = {"id": task["name"], "reward": reward, "why": ended}
            rows.append({**row, "prompt": answer["prompt"], "completion": answer["completion"]})
    finally:
        for name, task in tasks.items():
            for part in ("tests", "solution"):
                write_tree(hidden[name][part], Path(task["folder"], part))
    for path in (results_at, metrics_at):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    results_at.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    score = math.fsum(row["reward"] for row in rows) / len(rows)
    metrics_at.write_text(json.dumps({"ok": True, "score": score, "n": len(rows)}), encoding="utf-8")


main()
