"""Running an experiment: real programs, results written, kills survived, endings told apart."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from registry_scene import WRITES, Scene, scene_of

import honing
from honing.errors import BudgetExhaustedError, StoppedError
from honing.experiments import ExperimentMode
from honing.store import Report, Run, RunStatus, list_runs

SMOKE = ExperimentMode.SMOKE


def document(path: Path) -> dict[str, object]:
    found = json.loads(path.read_text())
    assert isinstance(found, dict)
    return found


def test_a_run_leaves_its_result_with_values_verdicts_and_hashes(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)

    result = scene.run()

    assert (result.ok, result.exit_code, result.best, result.metrics) == (
        True,
        0,
        0.5,
        {"metrics.score": 0.5},
    )
    assert [(one.expression, one.holds) for one in result.signals] == [
        ("rollout_ok", True),
        ("metrics.ok == true", True),
        ("number(metrics.score)", True),
    ]
    assert [(read.name, read.value) for read in result.signals[2].reads] == [("metrics.score", 0.5)]
    (metrics, output) = result.artifacts
    content = (tmp_path / "runs/E1-smoke/metrics.json").read_bytes()
    assert (metrics.path, metrics.bytes) == ("runs/E1-smoke/metrics.json", len(content))
    assert metrics.sha256 == hashlib.sha256(content).hexdigest()
    assert (output.name, output.path) == ("output", "runs/E1-smoke/commands/output.json")
    assert document(scene.results / "E1-smoke.json") == result.as_document()
    run = Run.open(tmp_path / "runs/E1-smoke")
    assert (run.kind, run.status) == ("experiment", RunStatus.DONE)
    assert Report.read(run.path / "report.json").title == "E1: writes a score"


def test_the_table_of_a_result_has_a_row_for_each_part(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    scene.run()

    rows = [line.split("\t") for line in (scene.results / "E1-smoke.tsv").read_text().splitlines()]

    assert rows[0] == ["id", "mode", "kind", "name", "value", "holds", "bytes", "sha256", "reason"]
    kinds = [row[2] for row in rows[1:]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "result": 9, "command": 1, "signal": 3, "metric": 1, "artifact": 2,
    }  # fmt: skip
    assert [
        "E1",
        "smoke",
        "signal",
        "number(metrics.score)",
        "metrics.score = 0.5",
        "true",
        "",
        "",
        "",
    ] in rows


def test_a_signal_that_does_not_hold_is_exit_code_1(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, program="import sys; open(sys.argv[1], 'w').write('{\"ok\": false}')")

    result = scene.run()

    assert (result.ok, result.exit_code) == (False, 1)
    assert [one.holds for one in result.signals] == [False, False, False]
    assert Run.open(tmp_path / "runs/E1-smoke").status is RunStatus.FAILED
    assert scene.states() == [("E1", "failed", scene.states()[0][2])]
    assert "`metrics.ok == true`: it does not hold: metrics.ok is False" in result.reason


def test_the_code_of_a_command_that_ends_badly_is_kept_and_nothing_after_it_is_run(tmp_path: Path) -> None:
    text = WRITES.replace(
        "smoke: python program.py {run}/metrics.json",
        "smoke: ['python -c \"import sys; sys.exit(3)\"', 'python program.py {run}/metrics.json']",
    )
    scene = scene_of(tmp_path, text)

    result = scene.run()

    assert (result.ok, result.exit_code, len(result.commands)) == (False, 3, 1)
    assert not (tmp_path / "runs/E1-smoke/metrics.json").exists()


def test_signals_that_hold_do_not_make_up_for_a_bad_exit_code(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, program=scene_program("sys.exit(1)"))

    result = scene.run()

    assert ([one.holds for one in result.signals], result.ok, result.exit_code) == ([True] * 3, False, 1)


def test_a_program_that_is_not_there_is_code_127_with_its_message(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, WRITES.replace("python program.py", "no-such-program"))

    result = scene.run()

    assert result.exit_code == 127
    shown = (tmp_path / "runs/E1-smoke" / result.commands[0].stderr).read_text()
    assert shown == "no-such-program: No such file or directory\n"


def test_what_is_done_is_begun_anew_in_a_folder_of_its_own(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    first, second = scene.run(), scene.run()

    assert (first.run, second.run) == ("runs/E1-smoke", "runs/E1-smoke-2")
    assert document(scene.results / "E1-smoke.json")["run"] == "runs/E1-smoke-2"


@pytest.mark.parametrize(
    ("ending", "error", "code", "status"),
    [
        ("sys.exit(4)", BudgetExhaustedError, 4, RunStatus.EXHAUSTED),
        ("sys.exit(5)", StoppedError, 5, RunStatus.STOPPED),
        ("sys.exit(130)", KeyboardInterrupt, 130, RunStatus.STOPPED),
        ("os.kill(os.getpid(), 9)", StoppedError, 5, RunStatus.STOPPED),
    ],
    ids=["budget", "stopped", "ctrl-c", "killed"],
)
def test_a_command_that_can_go_on_is_run_again_in_the_same_run(
    ending: str, error: type[BaseException], code: int, status: RunStatus, tmp_path: Path
) -> None:
    once = f"import os\nif not os.path.exists('again'):\n    open('again', 'w').close()\n    {ending}"
    scene = scene_of(tmp_path, program=scene_program(once))

    with pytest.raises(error):
        scene.run()
    between = document(scene.results / "E1-smoke.json")
    stood = Run.open(tmp_path / "runs/E1-smoke").status
    result = scene.run()

    assert (between["ok"], between["exit_code"], stood) == (False, code, status)
    assert (result.ok, result.run, len(list_runs(tmp_path / "runs"))) == (True, "runs/E1-smoke", 1)


def test_at_its_limit_a_command_and_what_it_started_are_ended(tmp_path: Path) -> None:
    text = WRITES.replace(
        "smoke: python program.py {run}/metrics.json",
        'smoke: {run: "sleep 60 & echo $! > pid; sleep 60", shell: true, time_limit_s: 0.5}',
    )
    scene = scene_of(tmp_path, text)

    began = time.monotonic()
    with pytest.raises(BudgetExhaustedError, match="met its time limit"):
        scene.run()

    assert time.monotonic() - began < 15
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_stop_file_stops_the_command_and_the_run(tmp_path: Path) -> None:
    program = scene_program(
        "from pathlib import Path; import time\nPath(sys.argv[1]).with_name('stop').touch()"
    )
    scene = scene_of(tmp_path, program=program + "time.sleep(60)\n")

    with pytest.raises(StoppedError, match="the stop file"):
        scene.run()

    assert Run.open(tmp_path / "runs/E1-smoke").status is RunStatus.STOPPED


def test_what_ended_before_a_kill_is_not_run_again(tmp_path: Path) -> None:
    """kill -9 at the supervisor: its command dies with it, and only that command is run again."""
    text = WRITES.replace(
        "smoke: python program.py {run}/metrics.json",
        "smoke: [python count.py one, python slow.py, 'python program.py {run}/metrics.json']",
    )
    scene = scene_of(tmp_path, text)
    scene.write("count.py", "import sys; open(sys.argv[1], 'a').write('x')\n")
    scene.write("slow.py", SLOW)
    with started(tmp_path) as process:
        child = pid_in(tmp_path / "slow")
        process.kill()
        process.wait()
    dead = gone(child)
    (tmp_path / "go").touch()

    result = scene.run()

    assert dead
    assert (result.ok, result.run, len(result.commands)) == (True, "runs/E1-smoke", 3)
    assert ((tmp_path / "one").read_text(), (tmp_path / "ended").read_text()) == ("x", "x")


def test_sigterm_stops_the_command_and_the_same_command_line_goes_on(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, WRITES.replace("smoke: python program.py {run}/metrics.json", MIDDLE))
    scene.write("slow.py", SLOW)
    with started(tmp_path) as process:
        pid_in(tmp_path / "slow")
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=60)
    (tmp_path / "go").touch()
    run = Run.open(tmp_path / "runs/E1-smoke")

    stopped = run.status
    again = subprocess.run([sys.executable, "-m", "honing", *run.command[1:]], env=env(tmp_path), check=False)

    assert (code, stopped, again.returncode) == (5, RunStatus.STOPPED, 0)
    assert Scene(tmp_path).states() == [("E1", "passed", "")]


MIDDLE = "smoke: [python slow.py, 'python program.py {run}/metrics.json']"
SLOW = """\
import os, time
open("slow", "w").write(str(os.getpid()))
while not os.path.exists("go"):
    time.sleep(0.02)
open("ended", "a").write("x")
"""


def scene_program(ending: str) -> str:
    """Write a score, say that all went well, and end in this way."""
    lines = (
        "import json, os, sys",
        'json.dump({"ok": True, "score": 0.5}, open(sys.argv[1], "w"))',
        'print(json.dumps({"rollout_ok": True}), flush=True)',
    )
    return "\n".join([*lines, ending]) + "\n"


def env(folder: Path) -> dict[str, str]:
    source = str(Path(honing.__file__).parents[1])
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": source}


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`hone experiment run E1` as a process of its own, gone at the end."""
    words = ["-m", "honing", "-q", "--home", str(folder / "runs"), "experiment", "run", "E1"]
    process = subprocess.Popen([sys.executable, *words], cwd=folder, env=env(folder))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def pid_in(file: Path, limit_s: float = 60.0) -> int:
    """The process that has written its number into a file, once it has."""
    ends = time.monotonic() + limit_s
    while not file.exists() or not file.read_text():
        assert time.monotonic() < ends, f"{file} did not come"
        time.sleep(0.02)
    return int(file.read_text())


def gone(pid: int, limit_s: float = 10.0) -> bool:
    """Whether a process ends within the time; a zombie that nobody reaps counts as ended."""
    ends = time.monotonic() + limit_s
    while time.monotonic() < ends:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False
