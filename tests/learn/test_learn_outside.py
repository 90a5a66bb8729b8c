"""What is trained here is of use elsewhere: `transformers` and `peft` load it without Honing, a server of
ours answers with it, and every model argument takes its folder."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tiny_students import ARCHITECTURES, decision, decisions

from honing.errors import TrainingError, UsageError
from honing.learn import (
    LocalServer,
    ServerOptions,
    SftOptions,
    Turn,
    folder_digest,
    is_model_folder,
    load_student,
    merge_adapter,
    read_checkpoint,
    train_lora,
)
from honing.learn.serving.local_model import LocalModel, LocalOptions
from honing.llm import Message, ModelRequest, Role, Sampling

pytestmark = pytest.mark.teach

OPTIONS = SftOptions(rank=4, alpha=8, n_steps=30, batch_size=4, learning_rate=1e-2, replay=0.0)


@pytest.fixture(scope="module")
def trained(shapes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Adapters by architecture."""
    place = tmp_path_factory.mktemp("trained")
    return {
        name: train_lora(base, decisions(0, 4), [], OPTIONS, place / name).adapter
        for name, base in shapes.items()
    }


OUTSIDE = """
import json, sys, torch
from peft import AutoPeftModelForCausalLM, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

found = {}
for name, (base, adapter, merged, prompt, action) in json.load(sys.stdin).items():
    tokenizer = AutoTokenizer.from_pretrained(base)
    ids = torch.tensor([prompt + action])
    put_on = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    ways = {
        "base": AutoModelForCausalLM.from_pretrained(base),
        "peft": put_on,
        "auto": AutoPeftModelForCausalLM.from_pretrained(adapter),
        "merged": AutoModelForCausalLM.from_pretrained(merged),
    }
    found[name] = {"text": tokenizer.decode(action)}
    for way, model in ways.items():
        model.eval()
        with torch.no_grad():
            known = torch.log_softmax(model(input_ids=ids).logits[0, :-1], -1)
        places = range(len(prompt) - 1, ids.shape[1] - 1)
        found[name][way] = sum(float(known[place, ids[0, place + 1]]) for place in places)
assert not [name for name in sys.modules if name.partition(".")[0] == "honing"]
json.dump(found, sys.stdout)
"""


def test_adapters_and_merged_models_say_the_same_outside_honing(
    shapes: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    example, asked, known = decision(1), {}, {}
    for name in ARCHITECTURES:
        student = load_student(trained[name])
        prompt, action = student.encode(example.situation), student.encode_action(example.action)
        merged = merge_adapter(trained[name], tmp_path / name)
        asked[name] = [str(shapes[name]), str(trained[name]), str(merged), prompt, action]
        turn = Turn(situation=example.situation)
        known[name] = student.scores([turn])[0][example.situation.actions.index(example.action)]

    done = subprocess.run(
        [sys.executable, "-I", "-c", OUTSIDE],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    for name in ARCHITECTURES:
        ways = [found[name][way] for way in ("peft", "auto", "merged")]
        assert ways == pytest.approx([known[name]] * 3, abs=1e-4)
        assert found[name]["base"] < known[name] - 1.0
        assert found[name]["text"] == f" {example.action}<eos>"


def say(model: LocalModel, text: str) -> list[str]:
    asked = ModelRequest(
        model="student", messages=[Message(Role.USER, text)], sampling=Sampling(max_tokens=4, logprobs=0)
    )
    reply = model.answer(asked)
    return [f"{each['token']} {each['logprob']:.4f}" for each in reply.logprobs or []]


def test_a_local_model_answers_with_the_adapter(
    shapes: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    merged = merge_adapter(trained["gpt2"], tmp_path / "merged")
    spoken = []
    for folder in (trained["gpt2"], merged, shapes["gpt2"]):
        model = LocalModel(folder, LocalOptions(device="cpu"))
        spoken.append(say(model, "you are in the cellar"))
        model.close()

    assert spoken[0] == spoken[1]
    assert spoken[0] != spoken[2]


@pytest.mark.slow
def test_a_server_of_ours_answers_with_the_adapter(trained: dict[str, Path]) -> None:
    with LocalServer(trained["qwen2"], ServerOptions(device="cpu")) as server:
        body = {
            "model": server.model,
            "messages": [{"role": "user", "content": "you are in the cellar"}],
            "max_tokens": 4,
            "logprobs": True,
        }
        request = urllib.request.Request(
            f"{server.base_url}/v1/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as reply:
            content: list[dict[str, Any]] = json.load(reply)["choices"][0]["logprobs"]["content"]
    heard = [f"{each['token']} {each['logprob']:.4f}" for each in content]

    model = LocalModel(trained["qwen2"], LocalOptions(device="cpu"))
    spoken = say(model, "you are in the cellar")
    model.close()
    assert heard == spoken


def test_an_adapter_is_a_model_folder_whose_digest_follows_its_base(
    shapes: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    base = shutil.copytree(shapes["llama"], tmp_path / "base")
    adapter = shutil.copytree(trained["llama"], tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "../base"}))

    before = folder_digest(adapter)
    (base / "note.txt").write_text("another base")

    assert is_model_folder(str(adapter))
    assert not is_model_folder(str(tmp_path))
    assert read_checkpoint(adapter).base == str(base)
    assert folder_digest(adapter) != before


def test_within_one_run_an_adapter_finds_its_base_after_the_run_was_moved(
    shapes: dict[str, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text("{}")
    base = shutil.copytree(shapes["gpt2"], run / "phase0" / "student")
    out = run / "phase2" / "B1_uniform"
    result = train_lora(base, decisions(0, 3), [], OPTIONS, out)
    turn = Turn(situation=decision(0).situation)
    said = load_student(result.adapter).logprobs([turn])

    moved = run.rename(tmp_path / "elsewhere")

    there = moved / "phase2" / "B1_uniform" / "adapter"
    config = json.loads((there / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "../../../phase0/student"
    assert load_student(there).logprobs([turn]) == said


def test_training_on_an_adapter_builds_on_what_it_learned(
    shapes: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    first = train_lora(shapes["llama"], decisions(8, 4), [], OPTIONS, tmp_path / "plain")
    second = train_lora(trained["llama"], decisions(8, 4), [], OPTIONS, tmp_path / "again")

    assert second.loss_before < first.loss_before - 1.0
    assert read_checkpoint(second.adapter).base == str(tmp_path / "again" / "base")
    assert math.isfinite(load_student(second.adapter).logprobs([Turn(situation=decision(0).situation)])[0][0])


def test_two_adapters_on_top_of_each_other_and_folders_without_one_are_refused(
    shapes: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="is an adapter already"):
        read_checkpoint(trained["llama"], trained["llama"])
    with pytest.raises(UsageError, match="it holds no adapter_config"):
        read_checkpoint(shapes["llama"], tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(UsageError, match="names no base model"):
        read_checkpoint(tmp_path)
    with pytest.raises(TrainingError, match="is not empty"):
        merge_adapter(trained["llama"], tmp_path)
