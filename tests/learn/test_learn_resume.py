"""A training that is killed goes on, and comes to the same weights."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_students import decisions

from honing.learn import SftOptions, train_dpo, train_lora

pytestmark = pytest.mark.teach

NEW, OLD = decisions(0, 6), decisions(20, 9)
OPTIONS = SftOptions(rank=4, alpha=8, n_steps=12, batch_size=4, learning_rate=3e-3, save_every=3)
KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tiny_students import decisions
from honing.learn import SftOptions, Schedule, train_dpo, train_lora

def told(line):
    if line.startswith("step 8"):
        os.kill(os.getpid(), signal.SIGKILL)

train = {"sft": train_lora, "dpo": train_dpo}[sys.argv[4]]
options = SftOptions(
    rank=4, alpha=8, n_steps=12, batch_size=4, learning_rate=3e-3, save_every=3,
    schedule=sys.argv[5],
)
train(sys.argv[2], decisions(0, 6), decisions(20, 9), options, Path(sys.argv[3]), told=told)
"""


def killed(model: Path, out: Path, kind: str, schedule: str) -> int:
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(model), str(out), kind, schedule]
    return subprocess.run(command, capture_output=True, check=False).returncode


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def checkpoints(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "progress").glob("checkpoint-*"))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "schedule"), [("sft", "linear"), ("dpo", "constant")])
def test_a_killed_training_goes_on_and_comes_to_the_same_bytes(
    shapes: dict[str, Path], tmp_path: Path, kind: str, schedule: str
) -> None:
    train = {"sft": train_lora, "dpo": train_dpo}[kind]
    options, lines = replace(OPTIONS, schedule=schedule), list[str]()

    code = killed(shapes["llama"], tmp_path / "one", kind, schedule)
    left = checkpoints(tmp_path / "one")
    resumed = train(shapes["llama"], NEW, OLD, options, tmp_path / "one", told=lines.append)
    whole = train(shapes["llama"], NEW, OLD, options, tmp_path / "two")

    assert (code, left) == (-signal.SIGKILL, ["checkpoint-3", "checkpoint-6"])
    assert lines[0] == "going on after step 6"
    assert resumed.as_document() == whole.as_document()
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_broken_off_training_goes_on_from_its_last_whole_checkpoint_to_the_same_bytes(
    shapes: dict[str, Path], tmp_path: Path
) -> None:
    def breaks(line: str) -> None:
        if line.startswith("step 8"):
            raise KeyboardInterrupt

    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        train_lora(shapes["llama"], NEW, OLD, OPTIONS, tmp_path / "one", told=breaks)
    left = checkpoints(tmp_path / "one")
    # As if it had been killed while the second checkpoint was written: its state comes last.
    (tmp_path / "one" / "progress" / "checkpoint-6" / "trainer_state.json").write_text('{"global_st')
    resumed = train_lora(shapes["llama"], NEW, OLD, OPTIONS, tmp_path / "one", told=lines.append)
    whole = train_lora(shapes["llama"], NEW, OLD, OPTIONS, tmp_path / "two")

    assert left == ["checkpoint-3", "checkpoint-6"]
    assert lines[0] == "going on after step 3"
    assert resumed.as_document() == whole.as_document()
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_what_another_training_left_behind_is_not_gone_on_with(
    shapes: dict[str, Path], tmp_path: Path
) -> None:
    mark = tmp_path / "progress" / "identity"
    checkpoint = tmp_path / "progress" / "checkpoint-3"
    checkpoint.mkdir(parents=True)
    mark.write_text("of another one")
    (checkpoint / "trainer_state.json").write_text('{"global_step": 3}')
    lines: list[str] = []

    result = train_lora(shapes["llama"], NEW, OLD, OPTIONS, tmp_path, told=lines.append)

    assert result.n_steps == 12
    assert lines[0].startswith("step 1 of 12")
    assert not (tmp_path / "progress").exists()
