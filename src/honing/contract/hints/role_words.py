"""The words that roles are told by: well-known programs, parts of names, options, headings."""

from __future__ import annotations

import re

from honing.contract.hints.base import Role

_KNOWN: tuple[tuple[Role, tuple[str, ...]], ...] = (
    (
        Role.DATA,
        (
            r"(wget|gdown|aria2c|kaggle|gsutil|unzip|tar|7z|gunzip|rclone|rsync)\b",
            r"curl\b(?!.*\b(localhost|127\.0\.0\.1|chat/completions|/v1/)\b)",
            r"(huggingface-cli|hf|modelscope) download\b",
            r"(aws s3|dvc (pull|get)|git[ -]lfs (pull|fetch|clone)|nltk\.downloader|spacy download)\b",
        ),
    ),
    (
        Role.SERVE,
        (
            r"(vllm|ollama|lmdeploy|litellm|bentoml|ray|transformers) (serve|start)\b",
            r"(uvicorn|gunicorn|hypercorn|text-generation-launcher|llama-server|litellm|Xvfb)\b",
            r"(vllm\.entrypoints|sglang\.launch_server|fastchat\.serve|http\.server|mlx_lm\.server)\b",
            r"(ollama run|flask run|streamlit run|gradio)\b",
            r"(docker compose|docker-compose)( -f \S+)?( .*)? (up|start)\b",
            r"(npm|yarn|pnpm) (start|(run )?(dev|serve))\b",
        ),
    ),
    (
        Role.TEST,
        (
            r"(pytest|py\.test|tox|nox|unittest|ctest|coverage run)\b",
            r"(npm|yarn|pnpm|go|cargo|hatch|swift|mvn|sbt|bun) (run )?test\b",
        ),
    ),
    (
        Role.INSTALL,
        (
            r"(pip3?|pipx|uv pip|mamba|micromamba|apt|apt-get|yum|dnf|brew|apk|pacman|snap) ?.*\binstall\b",
            r"uv (sync|venv|add|lock|tool install|python install)\b|uv$",
            r"(conda|mamba|micromamba) (create|install|env|activate|update|init)\b",
            r"(poetry|pdm|pipenv|rye|hatch|pixi) (install|sync|add|shell|env|update|lock|config)\b",
            r"(npm|yarn|pnpm|bun) (install|ci|i|add|run build)\b|(yarn|pnpm)$",
            r"(apt|apt-get|apk|yum|dnf|brew|pacman|snap|virtualenv|venv|ensurepip|nvm|rustup)\b",
            r"git (clone|submodule|checkout|pull)\b",
            r"(docker|podman) (build|pull|tag|load|image|buildx)\b",
            r"docker[ -]compose .*\b(build|pull)\b",
            r"setup\.py (install|develop|build_ext|bdist\S*|sdist)\b",
            r"(playwright install|cargo (build|install)|go (build|install)|cmake|make$|make (all|build)$)",
            r"(source|\.) \S*activate\b|\S*/bin/activate\b|chmod\b|deactivate\b",
        ),
    ),
    (
        Role.OTHER,
        (
            r"(huggingface-cli|hf|wandb|gh|az|gcloud|docker|npm|ray)( auth)? (login|logout|whoami)\b",
            r"(cd|ls|ll|echo|printf|mkdir|rm|rmdir|cp|mv|cat|ln|touch|pwd|head|tail|tee|which|exit)\b",
            r"(export|set|unset|alias|declare|sleep|kill|pkill|killall|ps|top|nvidia-smi|du|df|wc|sysctl)\b",
            r"(ruff|black|isort|flake8|mypy|pylint|pyright|pre-commit|yapf|autopep8|codespell)\b",
            r"(twine|sphinx-build|mkdocs|tensorboard|jupyter|jupyter-lab|ipython|tmux|screen|vim|vi|nano|code)\b",
            r"(docker|podman) (ps|images|rm|rmi|stop|kill|logs|push|exec|info|network|volume|system)\b",
            r"docker[ -]compose .*\b(down|stop|logs|ps)\b",
            r"git\b|(wandb|accelerate) (offline|online|config|init)\b|build$",
            r"\S+ (--version|-V|version)$",
        ),
    ),
)
PROGRAMS: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
    (role, re.compile(pattern)) for role, patterns in _KNOWN for pattern in patterns
)
"""Well-known programs with their first words, first match counts: what they are for is no guess."""


def _weights(strong: str, weak: str = "", *, share: float = 0.4) -> dict[str, float]:
    return dict.fromkeys(weak.split(), share) | dict.fromkeys(strong.split(), 1.0)


TOKENS: dict[Role, dict[str, float]] = {
    Role.EVALUATE: _weights(
        "eval evals evaluate evaluates evaluating evaluation evaluations evaluator score scores scoring "
        "scorer grade grading grader judge judging metrics metric correctness accuracy benchmark "
        "benchmarks benchmarking bench leaderboard"
    ),
    Role.ROLLOUT: _weights(
        "generate generates generating generation generations codegen inference infer predict prediction "
        "predictions sample sampling rollout rollouts solve answer answers completion completions query "
        "agent agents baseline",
        "run runs runner running gen main llm",
        share=0.2,
    ),
    Role.DATA: _weights(
        "download downloads downloading prepare preparing preprocess preprocessing fetch dataprep unpack "
        "extract",
        "data dataset datasets build convert process index",
    ),
    Role.INSTALL: _weights(
        "setup install installs installing installation bootstrap requirements prerequisites dependencies "
        "environment",
        "package compile build building images docker clone",
    ),
    Role.SERVE: _weights(
        "serve serves serving server servers service services worker workers deploy deployment endpoint "
        "daemon backend",
        "launch start web host api",
    ),
    Role.TEST: _weights(
        "test tests testing unittest unittests selftest pytest smoke", "check checks verify sanity"
    ),
    Role.OTHER: _weights(
        "train training finetune finetuning sft view viewer plot configuration configurations configs "
        "visualize visualise visualization demo play human gui release lint linting format docs sanitize "
        "analyze analysis config export summarize "
        "contributing development submit upload publish render clean migrate debug dump interactive console"
    ),
}
"""What a part of a name or a word of a heading speaks for, and how strongly (0 to 1)."""

PREFIXES = (
    ("eval", Role.EVALUATE, 0.8),
    ("bench", Role.EVALUATE, 0.6),
    ("infer", Role.ROLLOUT, 0.8),
    ("gen", Role.ROLLOUT, 0.3),
    ("download", Role.DATA, 0.9),
)
"""Beginnings of parts of names."""

_SAMPLES = r"(samples?|generations?|predictions?|preds?|completions?|responses?|answers?)"
OPTIONS: tuple[tuple[Role, float, re.Pattern[str]], ...] = tuple(
    (role, weight, re.compile(pattern))
    for role, weight, pattern in (
        (Role.OTHER, 4.0, r"--help|-h|--version|--list(-\w+|_\w+)*|--show-\w+"),
        (Role.ROLLOUT, 3.0, r"--?(generation|generate|inference|predict|infer)[-_]only"),
        (Role.EVALUATE, 3.0, r"--?(eval|evaluate|evaluation|score|scoring|metrics?)[-_]only"),
        (Role.EVALUATE, 4.0, r"--(do[-_])?(eval|evaluate|evaluation|grade|score)|--continue\S*_with_eval"),
        (Role.EVALUATE, 1.0, r"--allow[-_]code[-_]execution"),
        (Role.EVALUATE, 2.5, rf"--(load[-_])?{_SAMPLES}([-_](path|file|dir|files|folder))?"),
        (Role.EVALUATE, 1.5, r"--(results?|custom[-_]output|eval[-_]all)([-_](path|file|dir))"),
        (Role.ROLLOUT, 0.5, rf"--save[-_]({_SAMPLES}|outputs?)([-_]path)?"),
        (Role.OTHER, 1.5, r"--(do[-_])?train|--(learning[-_]rate|lr|num_epochs|num_train_epochs|epochs)"),
    )
)
"""Options that speak for a role."""

MODEL_OPTION = re.compile(
    r"(--?|[\w.]+\.)?(([a-z]+[-_])?model([-_]?(name|id|path|name_or_path|ckpt|args|slug|names))?|llm|engine|"
    r"base[-_]?url|api[-_]?(base|key|url)|(openai|anthropic|llm)[-_]api[-_]key|deployment[-_]name|"
    r"model[-_]provider)"
)
"""An option by which a model is named or reached."""
