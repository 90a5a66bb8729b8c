"""What kind of value a placeholder stands for, by its option and by its own words."""

from __future__ import annotations

import re

from honing.contract.spec import HoleKind

OPTION_KINDS: tuple[tuple[HoleKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (HoleKind.KEY, r"(\w+_)?(api_?key|api_?token|access_?key|auth_?token|hf_token|secret(_key)?)"),
        (
            HoleKind.BASE_URL,
            r"(\w+_)?(base_?url|api_?base|api_?url|endpoint(_url)?|server_?url|inference_?url|model_url)",
        ),
        (
            HoleKind.MODEL,
            r"((\w+_)?model(_?(name|id|path|ckpt|slug|names|name_or_path))?|llm|engine|deployment_name)",
        ),
        (
            HoleKind.SAMPLES,
            r"(load_)?(sample|generation|prediction|completion|response|answer|candidate|solution)s?"
            r"(_?(file|path|jsonl|dir|folder|files))?|preds?(_?(file|path))?|custom_output_file|answers?_file"
            r"|(model_)?outputs?_to_(score|evaluate)|eval_all_file|input_samples"
            r"|(input_|model_)(responses?|generations?|predictions?|completions?|answers?)_(data|file|path|jsonl?)"
            r"|(responses?|generations?|predictions?|completions?)_data",
        ),
        (
            HoleKind.OUTPUT,
            r"(out|output|save|log|logs|result|results|save_generations|metric_output|traj|cache|work|dump)"
            r"(_?(dir|path|file|folder|root|directory|name|prefix))?|\w+_(output|save)_(dir|path|file)|o|root|report_dir"
            r"|\w*(output|save|log|result|results)_?(dir|path|folder)",
        ),
        (
            HoleKind.LIMIT,
            r"limit|limit_?samples|n|num_?(samples|examples|problems|tasks|instances|questions|episodes)"
            r"|max_?(samples|examples|problems|tasks|instances|questions)|examples|first_?n|subset_?size"
            r"|n_?(examples|problems)",
        ),
        (
            HoleKind.NUMBER,
            r"(\w+_)?(num|count|size|seed|port|workers|threads|parallel|timeout|temperature|top_p|top_k|k|tp|dp|gpu"
            r"|gpus|max_tokens|max_length|concurrency|retries|epochs)(_\w+)?|n_\w+|max_\w+|num_\w+",
        ),
        (HoleKind.PATH, r"\w*(path|file|dir|folder|config|root|jsonl?|data|checkpoint)"),
    )
)
"""By the option it belongs to: without its dashes, dashes within as underscores, lower case. First match
counts."""

TEXT_KINDS: tuple[tuple[HoleKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            HoleKind.KEY,
            r"\b(key|keys|secret|password|role arn|(api|auth|access|hf|github|bearer|your) token)\b",
        ),
        (HoleKind.BASE_URL, r"\b(url|endpoint|host|base url|api base|address)\b"),
        (
            HoleKind.SAMPLES,
            r"\b(samples?|generations|predictions?|completions|responses|outputs?|solutions)\b.*"
            r"\b(path|file|jsonl?|dir)\b|\b(path|file)\b.*\b(samples?|generations|predictions?|outputs)\b"
            r"|\b(results?|eval all) file\b|^samples?$|^predictions$",
        ),
        (
            HoleKind.OUTPUT,
            r"\b(out|output|save|log|results?)\b.*\b(dir|directory|path|folder|file|root)\b"
            r"|^results?$|^output$|^result path$",
        ),
        (HoleKind.LIMIT, r"\b(limit|num(ber)?( of)? (examples|problems|tasks|questions|samples))\b"),
        (HoleKind.PATH, r"\b(path|file|dir|directory|folder|checkpoint|config|jsonl?|ya?ml)\b"),
        (
            HoleKind.NUMBER,
            r"\b(num|number|count|n|k|size|gpu ids?|gpus?|port|seed|temperature|max length|max tokens|"
            r"timeout|threads|workers|parallel size|length|int|float|precision bits)\b",
        ),
        (HoleKind.MODEL, r"\b(model|llm|engine|checkpoint name|deployment)\b"),
    )
)  # fmt: skip
"""By its own words."""

PATH_LIKE = re.compile(
    r"(?:/|\./|~/)?(?:[\w.<>{}?$\[\]-]+/)*[\w.<>{}?$\[\]-]*\.(?:jsonl?|csv|tsv|parquet|ya?ml|txt|gz|pkl|toml)"
)
STAND_IN = re.compile(
    r"(?<![a-z])(path[/_ -]?to|your|my|foo|xxx+|example\.com|changeme|placeholder)(?![a-z])|/path/",
    re.IGNORECASE,
)
"""Words that no real value holds."""
SAMPLES_NAME = re.compile(
    r"(?:.*/)?[\w.-]*(?:samples?|predictions?|generations?|completions?|responses?|answers?)"
    r"\w*\.jsonl?"
)


def option_kind(option: str) -> HoleKind | None:
    """The kind of value that an option takes, as its name says; None where it does not say."""
    name = option_name(option)
    for kind, pattern in OPTION_KINDS:
        if pattern.fullmatch(name):
            return kind
    return None


def option_name(option: str) -> str:
    """`--model-name` and `client.model_name` as `model_name`."""
    return option.lstrip("-").rsplit(".", 1)[-1].replace("-", "_").lower()


def text_kind(text: str) -> HoleKind | None:
    """The kind of value that the words of a placeholder name; None where they do not."""
    words = " ".join(re.split(r"[^A-Za-z0-9]+", text)).strip().lower()
    for kind, pattern in TEXT_KINDS:
        if pattern.search(words):
            return kind
    return None
