"""What `hone measure` adds to a contract's own commands, against the same commands in a bare sandbox.

Both run in this process, in turn, on the same trivial target: a rollout command that asks a model once
through the gateway, and an evaluate command that writes metrics.json. Prints milliseconds a stage and the
import time.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.llm import Answering, EmptyModel, Gateway, GatewayConfig
from honing.sandbox import Command, Forward, Mount, choose, python_mounts

ROUNDS = 15
SUMS = [("What is 2 plus 2?", "4"), ("What is 3 plus 3?", "6")]
RUN = """
import json, os, urllib.request
head = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
out = open("answers.txt", "w")
for row in map(json.loads, open("questions.jsonl")):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": row["question"]}]}).encode()
    reply = json.load(urllib.request.urlopen(urllib.request.Request(url, body, head)))
    out.write(reply["choices"][0]["message"]["content"] + "\\n")
"""
GRADE = """
if [ "$(tr -d '\\n' < answers.txt)" = 46 ]; then score=1; else score=0; fi
printf '{"score": %s}' $score > metrics.json
"""
CONTRACT = """
schema: 1
oracle: {file: oracle.jsonl}
stages:
  rollout: {commands: [python3 run.py]}
  evaluate: {commands: [sh grade.sh]}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "target"
        write(folder)
        bare_folder = Path(scratch) / "bare"
        write(bare_folder)
        sandbox = choose("auto")
        with Gateway(GatewayConfig(socket_path=Path(scratch) / "g.sock")) as gateway:
            bare = [timed(partial(bare_stages, bare_folder, gateway, sandbox, n)) for n in range(ROUNDS)]
        ours = [measured(folder, Path(scratch) / f"runs{n}") for n in range(ROUNDS)]
    stages = [stage_count for _, stage_count in ours]
    per_stage = [seconds / count for seconds, count in ours]
    bare_s = statistics.median(bare) / 2
    ours_s = statistics.median(per_stage)
    print(f"sandbox                     {sandbox.name}")
    print(f"stages a measurement runs   {stages[0]} (rollout and evaluate of the model and of each control)")
    print(f"bare sandbox, a stage       {1000 * bare_s:7.1f} ms (median of {ROUNDS})")
    print(f"hone measure, a stage       {1000 * ours_s:7.1f} ms (median of {ROUNDS})")
    print(
        f"added                       {1000 * (ours_s - bare_s):7.1f} ms a stage (aim: <= 10), ratio "
        f"{ours_s / bare_s:.2f}"
    )
    print(f"import of honing.contract   {1000 * import_time():7.1f} ms, once")


def write(folder: Path) -> None:
    (folder / ".honing").mkdir(parents=True)
    (folder / ".honing" / "contract.yaml").write_text(CONTRACT)
    (folder / "run.py").write_text(RUN)
    (folder / "grade.sh").write_text(GRADE + "\n")
    asked = [json.dumps({"question": question}) for question, _ in SUMS]
    (folder / "questions.jsonl").write_text("\n".join(asked) + "\n")
    gold = [json.dumps({"match": question, "completion": answer}) for question, answer in SUMS]
    (folder / "oracle.jsonl").write_text("\n".join(gold) + "\n")


def bare_stages(folder: Path, gateway: Gateway, sandbox: object, number: int) -> None:
    with closing(gateway.channel(f"bare {number}", Answering(EmptyModel()))) as channel:
        port = int(channel.base_url.rsplit(":", 1)[1])
        for text, forwards in (("python3 run.py", (Forward(port, channel.socket),)), ("sh grade.sh", ())):
            finished = sandbox.run(
                Command(
                    argv=("bash", "-c", text),
                    workdir=folder,
                    mounts=(Mount(folder, writable=True), *python_mounts()),
                    env={
                        "PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin",
                        "HOME": "/tmp",
                        **channel.env(f"127.0.0.1:{port}"),
                    },
                    forwards=forwards,
                )
            )
            assert finished.ok, finished


def measured(folder: Path, home: Path) -> tuple[float, int]:
    """Seconds from the first stage to the last, and how many stages ran."""
    with setup(folder, SetupOptions(home=home)) as session:
        began = time.perf_counter()
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True))
        session.evaluate()
        took = time.perf_counter() - began
        stages = sum(record.kind == "command" for record in session.run.evidence().read())
    return took, stages


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def import_time() -> float:
    """Of `import honing.contract`, beyond the bare interpreter; the best of five."""

    def run(code: str) -> float:
        return min(timed(lambda: subprocess.run([sys.executable, "-c", code], check=True)) for _ in range(5))

    return run("import honing.contract") - run("pass")


if __name__ == "__main__":
    main()
