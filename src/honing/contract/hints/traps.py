"""Traps: why a command cannot simply be run here, each with the words that show it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from honing.contract.hints.base import Placeholder, Trap, TrapFound
from honing.contract.hints.files import base_name
from honing.contract.hints.invocations import Invocation
from honing.contract.spec import HoleKind

_PIPED = re.compile(
    r"\b(?:curl|wget)\b[^|;\n]*\|\s*(?:sudo\s+)?(?:bash|sh|zsh|python3?)\b"
    r"|(?:bash|sh|zsh|source)\s+(?:-\w+\s+)?[\"']?(?:<|\$)\(\s*(?:curl|wget)\b"
)
_KEY = re.compile(r"\b[A-Z][A-Z0-9_]*(?:API_KEY|_TOKEN|_SECRET|ACCESS_KEY|ROLE_ARN)\b|\bHF_TOKEN\b")
_KEY_OPTION = re.compile(r"--?(?:\w+[-_])?api[-_]?key\b|--hf[-_]token\b|--use_auth_token\b")
_LOGIN = re.compile(
    r"\b(?:huggingface-cli|hf|wandb|gh|docker|kaggle|gcloud|az|aws)(?: auth)? (?:login|configure)\b"
)
_GPU = re.compile(
    r"\bCUDA_VISIBLE_DEVICES\b|--gpus?\b|--(?:num[-_])?gpus?\b|\bnvidia-smi\b|--device[ =]\"?cuda|\bcuda:\d"
    r"|\bflash-attn\b|\+cu1\d\d\b|--tensor[-_]parallel[-_]size\b|--runtime[ =]nvidia\b|--load_in_[48]bit\b"
    r"|--precision (?:bf16|fp16)\b|--(?:fp16|bf16)\b|--gres=gpu\b"
)
_GPU_PROGRAMS = frozenset(
    {"vllm", "torchrun", "deepspeed", "accelerate", "nvidia-smi", "text-generation-launcher"}
)
_GPU_BACKEND = re.compile(r"--backend[ =]\"?(?:vllm|sglang|tgi|hf_gaudi)\b|\bvllm\.entrypoints\b")
_DOCKER = frozenset({"docker", "docker-compose", "podman", "apptainer", "singularity", "kubectl", "minikube"})
_SUDO = frozenset({"sudo", "apt", "apt-get", "yum", "dnf", "apk", "pacman", "snap", "doas"})
_DOWNLOADERS = frozenset({"wget", "gdown", "aria2c", "kaggle", "gsutil", "nltk.downloader"})
_DOWNLOAD = re.compile(
    r"\bcurl\b.*https?://(?!localhost|127\.)|\bgit (?:clone|lfs (?:pull|fetch))\b|\bgit\+https?://"
    r"|\b(?:huggingface-cli|hf) download\b|\baws s3 (?:cp|sync)\b|\bspacy download\b|\bdocker pull\b"
    r"|\bplaywright install\b|\bollama (?:pull|run)\b"
)
_ASKS_BACK = re.compile(
    r"\b(?:accelerate config|aws configure|gcloud init|conda init|npm init|poetry init)\b"
    r"|\bdocker(?: compose)? (?:run|exec)\b.*\s(?:-it|-ti|-i|--interactive)\b|\bread -p\b"
)
_EDITORS = frozenset(
    {"vim", "vi", "nano", "emacs", "less", "more", "top", "htop", "ipython", "jupyter", "jupyter-lab"}
)
_UNCONFIRMED = re.compile(
    r"\b(?:apt|apt-get|yum|dnf)\s+(?:[\w-]+\s+)*install\b(?!.*\s(?:-y|--yes|-qy|-yq|--assume-yes|-qqy|-yqq)\b)"
    r"|\b(?:conda|mamba) (?:create|install|env remove|remove)\b(?!.*\s(?:-y|-yq|-qy|--yes)\b)"
)
_YES_IN_FRONT = re.compile(r"(?:\s|^)(?:-\w*y\w*|--yes|--assume-yes)(?:\s|$)")
_DISPLAY = re.compile(
    r"(?:^|\s)DISPLAY=|\bxvfb-run\b|\bXvfb\b|--headed\b|--gui\b|--no-headless\b|--render(?!\w)"
    r"|--headless[ =](?:false|False|0)\b|--render[-_]mode[ =]human\b"
)


def traps_of(
    command: str,
    found: Sequence[Invocation],
    *,
    env: Mapping[str, str],
    placeholders: Sequence[Placeholder],
) -> tuple[TrapFound, ...]:
    """The traps of one command, one for each kind."""
    return merged([*_by_words(command), *_by_program(found), *_by_surroundings(env, placeholders)])


def merged(found: Sequence[TrapFound]) -> tuple[TrapFound, ...]:
    """The first trap of each kind, in the order of the kinds."""
    named: dict[Trap, TrapFound] = {}
    for trap in found:
        named.setdefault(trap.trap, trap)
    return tuple(named[trap] for trap in Trap if trap in named)


def _by_words(command: str) -> Iterator[TrapFound]:
    for trap, pattern, what in (
        (Trap.PIPED_INSTALLER, _PIPED, "What the network answers is run"),
        (Trap.KEY, _KEY_OPTION, "It takes a key"),
        (Trap.KEY, _KEY, "It reads a key"),
        (Trap.KEY, _LOGIN, "It logs in"),
        (Trap.GPU, _GPU, "It wants a GPU"),
        (Trap.GPU, _GPU_BACKEND, "It wants a GPU"),
        (Trap.DOWNLOAD, _DOWNLOAD, "It downloads"),
        (Trap.INTERACTIVE, _ASKS_BACK, "It asks back"),
        (Trap.INTERACTIVE, _LOGIN, "It asks for a key"),
        (Trap.DISPLAY, _DISPLAY, "It opens a window"),
    ):
        words = pattern.search(command)
        if words is not None:
            yield TrapFound(trap, f"{what}: `{_short(words[0])}`.")
    unconfirmed = _UNCONFIRMED.search(command)
    if unconfirmed is not None and not _YES_IN_FRONT.search(unconfirmed[0]):
        yield TrapFound(Trap.INTERACTIVE, f"It asks for confirmation: `{_short(unconfirmed[0])}` without -y.")


def _by_program(found: Sequence[Invocation]) -> Iterator[TrapFound]:
    for invocation in found:
        for name in (*invocation.launchers, base_name(invocation.program)):
            for trap, names, what in (
                (Trap.DOCKER, _DOCKER, "It needs containers"),
                (Trap.SUDO, _SUDO, "It needs the rights of root"),
                (Trap.GPU, _GPU_PROGRAMS, "It usually needs a GPU"),
                (Trap.DOWNLOAD, _DOWNLOADERS, "It downloads"),
                (Trap.INTERACTIVE, _EDITORS, "It waits for somebody at a terminal"),
            ):
                if name in names:
                    yield TrapFound(trap, f"{what}: `{name}`.")
        if any(word.text == "-i" for word in invocation.interpreter):
            yield TrapFound(Trap.INTERACTIVE, "It waits for somebody at a terminal: `python -i`.")


def _by_surroundings(env: Mapping[str, str], placeholders: Sequence[Placeholder]) -> Iterator[TrapFound]:
    for name in sorted(env):
        if _KEY.fullmatch(name):
            yield TrapFound(Trap.KEY, f"The text around it sets `{name}`.")
        if name == "CUDA_VISIBLE_DEVICES" and env[name].strip("-1 \"'"):
            yield TrapFound(Trap.GPU, f"The text around it sets `{name}`.")
        if name == "DISPLAY":
            yield TrapFound(Trap.DISPLAY, f"The text around it sets `{name}`.")
    for placeholder in placeholders:
        if placeholder.kind is HoleKind.KEY:
            yield TrapFound(Trap.KEY, f"It takes a key: `{placeholder.text}`.")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
