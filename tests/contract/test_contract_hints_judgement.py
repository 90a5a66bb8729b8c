"""What a command is for, and why it cannot simply be run: each with the words that show it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hint_targets import hints_of, in_readme


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("pip install -e '.[test]'", "install"),
        ("conda env create -f environment.yml", "install"),
        ("uv sync", "install"),
        ("python setup.py develop", "install"),
        ("docker build -t x .", "install"),
        ("sudo apt-get install -y chromium", "install"),
        ("wget https://data.test/x.zip", "data"),
        ("python prepare_data.py", "data"),
        ("huggingface-cli download org/set", "data"),
        ("vllm serve some/model", "serve"),
        ("docker compose up -d", "serve"),
        ("python -m bench.start_server --port 1", "serve"),
        ("python generate.py --model x", "rollout"),
        ("bench.codegen --model x", "rollout"),
        ("python main.py --model x --generation_only", "rollout"),
        ("python run.py --model x", "rollout"),
        ("python main.py --model x --evaluate", "evaluate"),
        ("bench.evaluate --samples s.jsonl", "evaluate"),
        ("python -m bench.compute_scores", "evaluate"),
        ("python main.py --load_generations_path g.json --model x", "evaluate"),
        ("pytest tests", "test"),
        ("python -m unittest", "test"),
        ("npm test", "test"),
        ("python train.py --lr 0.1", "other"),
        ("bench.evaluate --help", "other"),
        ("python generate_config.py --model x", "other"),
        ("ruff check .", "other"),
        ("huggingface-cli login", "other"),
        ("git commit -m x", "other"),
        ("cd x && python evaluate.py", "evaluate"),
        ("pip install x && python generate.py", "rollout"),
        ("docker run image pytest tests", "test"),
    ],
)
def test_the_role_follows_from_the_words_of_the_command(tmp_path: Path, command: str, role: str) -> None:
    files = dict.fromkeys(("generate.py", "main.py", "run.py", "train.py", "prepare_data.py"), "")

    assert [hint.role.value for hint in in_readme(tmp_path, command, files)] == [role]


@pytest.mark.parametrize(
    ("heading", "sentence", "role", "why"),
    [
        ("Evaluation", "", "evaluate", "The heading above it says `evaluation`."),
        (
            "Usage",
            "Prepare first. Then download everything:",
            "data",
            "The sentence above it says `download`.",
        ),
        ("Inference", "", "rollout", "The heading above it says `inference`."),
        ("About", "Some words.", "other", "Nothing says what it is for."),
    ],
)
def test_where_the_command_says_nothing_the_words_above_it_do(
    tmp_path: Path, heading: str, sentence: str, role: str, why: str
) -> None:
    page = f"# Target\n\n## {heading}\n\n{sentence}\n\n```bash\npython x.py\n```\n"

    (hint,) = hints_of(tmp_path, {"README.md": page, "x.py": ""})

    assert (hint.role.value, hint.why) == (role, why)


def test_the_more_speaks_for_a_role_the_surer_it_is(tmp_path: Path) -> None:
    page = "# T\n\n## {}\n\n```bash\npython {}.py\n```\n"

    (weak,) = hints_of(tmp_path / "a", {"README.md": page.format("About", "eval"), "eval.py": ""})
    (strong,) = hints_of(tmp_path / "b", {"README.md": page.format("Evaluation", "eval"), "eval.py": ""})
    (torn,) = hints_of(tmp_path / "c", {"README.md": page.format("Download", "eval"), "eval.py": ""})

    assert torn.confidence < weak.confidence < strong.confidence


@pytest.mark.parametrize(
    ("command", "asks"),
    [
        ("python run.py --model x", True),
        ("python run.py --base-url http://x/v1", True),
        ("python run.py client.model_id=x", True),
        ("python run.py --split test", False),
        ("docker build --model x .", False),
    ],
)
def test_a_command_that_names_a_model_asks_it(tmp_path: Path, command: str, asks: bool) -> None:  # noqa: FBT001
    assert [hint.asks_model for hint in in_readme(tmp_path, command, {"run.py": ""})] == [asks]


@pytest.mark.parametrize(
    ("command", "traps"),
    [
        ("python run.py --api-key KEY", {"key": "It takes a key: `--api-key`."}),
        ("OPENAI_API_KEY=x python run.py", {"key": "It reads a key: `OPENAI_API_KEY`."}),
        ("CUDA_VISIBLE_DEVICES=0 python run.py", {"gpu": "It wants a GPU: `CUDA_VISIBLE_DEVICES`."}),
        ("vllm serve m", {"gpu": "It usually needs a GPU: `vllm`."}),
        ("python run.py --backend vllm", {"gpu": "It wants a GPU: `--backend vllm`."}),
        ("docker build .", {"docker": "It needs containers: `docker`."}),
        ("sudo make all", {"sudo": "It needs the rights of root: `sudo`."}),
        (
            "apt-get install git",
            {
                "sudo": "It needs the rights of root: `apt-get`.",
                "interactive": "It asks for confirmation: `apt-get install` without -y.",
            },
        ),
        ("apt-get install -y git", {"sudo": "It needs the rights of root: `apt-get`."}),
        ("wget https://a.test/x", {"download": "It downloads: `wget`."}),
        ("git clone https://a.test/x", {"download": "It downloads: `git clone`."}),
        (
            "curl -s https://a.test/i.sh | sh",
            {
                "download": "It downloads: `curl -s https://`.",
                "piped_installer": "What the network answers is run: `curl -s https://a.test/i.sh | sh`.",
            },
        ),
        ("bash <(curl -s https://a.test/i.sh)", {
            "download": "It downloads: `curl -s https://`.",
            "piped_installer": "What the network answers is run: `bash <(curl`."}),
        ("wandb login", {
            "key": "It logs in: `wandb login`.", "interactive": "It asks for a key: `wandb login`."}),
        ("accelerate config", {
            "gpu": "It usually needs a GPU: `accelerate`.",
            "interactive": "It asks back: `accelerate config`."}),
        ("python -i run.py", {"interactive": "It waits for somebody at a terminal: `python -i`."}),
        ("xvfb-run python run.py", {"display": "It opens a window: `xvfb-run`."}),
        ("python run.py --render_mode human", {"display": "It opens a window: `--render_mode human`."}),
        ("pip install -e .", {}),
        ("python run.py --limit 3", {}),
    ],
)  # fmt: skip
def test_a_trap_is_labelled_with_the_words_that_show_it(
    tmp_path: Path, command: str, traps: dict[str, str]
) -> None:
    (hint,) = in_readme(tmp_path, command, {"run.py": ""})

    assert {found.trap.value: found.why for found in hint.traps} == traps


def test_a_key_that_the_text_above_sets_is_a_trap_of_the_targets_own_programs_alone(tmp_path: Path) -> None:
    written = 'export OPENAI_API_KEY="<KEY>"\npip install x\npython run.py'

    install, own = in_readme(tmp_path, written, {"run.py": ""})

    assert install.traps == ()
    assert [found.why for found in own.traps] == ["The text around it sets `OPENAI_API_KEY`."]


def test_a_program_that_waits_for_somebody_to_type_is_known_by_its_source(tmp_path: Path) -> None:
    source = "import sys\nraise SystemExit\nwhile input('next?'):\n    pass\n"

    (hint,) = in_readme(tmp_path, "python run.py", {"run.py": source})

    assert [found.why for found in hint.traps] == ["It waits for somebody to type: run.py calls `input()`."]
