"""What a session writes into its run, and how its arguments are read."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from honing.contract.asking.answerers import RECORDING
from honing.contract.asking.rollout import observe_with
from honing.contract.asking.samples_file import SAMPLES_FILE
from honing.contract.controls.calibrate import Calibration
from honing.contract.derivation.data_variables import data_variables
from honing.contract.derive import Derived, GapError, contract_of
from honing.contract.options import RolloutOptions, SetupOptions
from honing.contract.results.model_differences import differences, reward_width
from honing.contract.results.report import report_of
from honing.contract.results.result import Result
from honing.contract.results.unmeasured import GAP, METRICS, spoken_of
from honing.contract.samples.sample import Sample
from honing.contract.spec import ContractSpec
from honing.contract.spec_file import dump_contract
from honing.contract.stages.copies import fresh_copy
from honing.contract.target import Target
from honing.contract.workbench.bench import Bench, Measurement, Rollout
from honing.errors import UsageError
from honing.executors import Budget, MapOptions, Progress
from honing.learn import folder_digest, is_model_folder
from honing.llm import Budget as CallBudget
from honing.llm import Usage, cost, resolve
from honing.store import REPORT_FILE, Run, RunStatus, TreeStore, list_runs, remove

SAMPLES = "samples.jsonl"
ROLLOUT = "rollout.json"
CONTRACT = "contract.yaml"
TARGET = "target.json"
MODELS = "models.json"
MODELS_FOLDER = "models"


def read_target(
    target: str | Path | Mapping[str, Any], options: SetupOptions | None
) -> tuple[str | Path, SetupOptions]:
    """The target and its options, from either form of `setup`'s first argument.

    Raises:
        UsageError: The mapping lacks "target", or has a key that is no option.
    """
    if not isinstance(target, Mapping):
        return target, options or SetupOptions()
    given = dict(target)
    if "target" not in given:
        raise UsageError(
            f"setup({{...}}) needs the key 'target', got {', '.join(map(str, given)) or 'nothing'}."
        )
    origin = given.pop("target")
    known = {field.name for field in fields(SetupOptions)}
    if unknown := sorted(set(given) - known):
        raise UsageError(
            f"setup({{...}}): unknown key {unknown[0]!r}; known are target, {', '.join(sorted(known))}."
        )
    if options is not None:
        raise UsageError("setup() takes options in the mapping or as `options`, not both.")
    if "home" in given:
        given["home"] = Path(given["home"])
    return origin, SetupOptions(**given)


def run_config(target: Target, options: SetupOptions, intent: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that decides a run's result, as plain data. Equal configs are the same work."""
    chosen = options_config(options)
    return {"target": target.origin, "tree": target.tree, "options": chosen, "intent": dict(intent)}


def options_config(options: SetupOptions) -> dict[str, Any]:
    """Every option of the set-up that decides a result, files by their content.

    Raises:
        UsageError: A file cannot be read.
    """
    return {
        "seed": options.seed,
        "contract": _digest_of(options.contract, "--contract"),
        "split": options.split,
        "config": options.config,
        "sandbox": options.sandbox,
        "env": _hashed(options.env),
        "max_command_s": options.max_command_s,
        "choices": dict(options.choices),
        "as_of": options.as_of,
        "data": {
            one.name: one.digest for one in data_variables(options.env, leave_out=options.home.resolve())
        },
        "oracle": _oracle_identity(options.oracle),
        "judge_model": options.judge_model,
    }


def _hashed(env: Mapping[str, str]) -> dict[str, str]:
    """Variables without their values, which may be secret."""
    return {name: hashlib.sha256(value.encode()).hexdigest() for name, value in env.items()}


def _oracle_identity(oracle: Path | Callable[[str], str] | None) -> str | None:
    """A file's content, or the name and source of a callable."""
    if oracle is None or isinstance(oracle, Path):
        return _digest_of(oracle, "--oracle")
    try:
        source = inspect.getsource(oracle)
    except (OSError, TypeError):
        source = ""
    name = f"{getattr(oracle, '__module__', '')}:{getattr(oracle, '__qualname__', type(oracle).__name__)}"
    return f"{name}:{hashlib.sha256(source.encode()).hexdigest()}"


def _digest_of(path: Path | None, option: str) -> str | None:
    """sha256 of a file the user named.

    Raises:
        UsageError: It cannot be read.
    """
    if path is None:
        return None
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be read ({error.strerror}).") from None


def find_unfinished(home: Path, kind: str, config: Mapping[str, Any]) -> Run | None:
    """The newest run of the same work that is not done; the same call goes on with it.

    One that is running counts where the config says what is asked: its lock then refuses a second supervisor,
    and nothing is paid for twice.
    """
    for entry in reversed(list_runs(home, kind=kind)):
        going = entry.status is RunStatus.RUNNING and not config["intent"]
        if entry.damage or entry.status is RunStatus.DONE or going:
            continue
        run = Run.open(entry.path)
        # Where the target lay does not matter: its tree says what it is.
        if {**run.config, "target": ""} == {**config, "target": ""}:
            return run
    return None


def on_failure(
    run: Run, *, new: bool
) -> Callable[[type[BaseException] | None, BaseException | None, Any], None]:
    """For an exit stack: an error says in which run it happened, and a new run that ended with a usage error
    before anything was measured is removed.
    """

    def leave(kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, UsageError) and new and not (run.path / ROLLOUT).exists():
            remove(run)
        elif error is not None:
            vars(error)["run_folder"] = str(run.path)

    return leave


def map_options(bench: Bench, options: RolloutOptions, progress: Progress, *, free: bool) -> MapOptions:
    """Budget, progress and live reward of the model's rollout."""

    def reward(row_id: str, completion: str) -> float | None:
        if bench.scorer is None or bench.judging is not None or row_id not in bench.rows:
            return None
        return bench.scorer.score(bench.rows[row_id], completion).reward

    budget = Budget(
        tokens=options.max_tokens_total,
        cost_usd=None if options.max_cost_usd is None else float(options.max_cost_usd),
        wall_s=options.max_wall_s,
    )
    return MapOptions(budget=budget, progress=progress, observe=observe_with(reward, free=free))


def find_contract(run: Run, target: Target, trees: TreeStore, options: SetupOptions) -> Derived:
    """The target's contract, written into the run; where there is none, contract_gap.json says why.

    Raises:
        GapError: No contract can be had.
    """
    run.write_json(TARGET, target.as_document())
    folder = fresh_copy(run, trees, target.tree, "target")
    run.artifact(GAP).unlink(missing_ok=True)
    try:
        # The reader's files are the target's, not our copy of them.
        with spoken_of(folder, target.origin):
            derived = contract_of(folder, options)
    except GapError as error:
        run.write_json(GAP, error.document)
        raise
    write_contract(run, derived)
    return derived


def check_heeded(contract: ContractSpec, options: RolloutOptions) -> None:
    """Refuse options that the target's own rollout commands would silently ignore.

    Raises:
        UsageError: The text names them.
    """
    sampling = options.sampling.as_dict()
    asked = {"sampling": sampling, "epochs": options.epochs}
    check_intent(contract, {**asked, "system": options.system, "template": options.template})


def check_intent(contract: ContractSpec, intent: Mapping[str, Any]) -> None:
    """The same of what `intent_of` wrote, one model or several: before anything is installed."""
    if not contract.stages.target_asks:
        return
    asked: list[str] = []
    for one in intent.get("models") or [intent]:
        asked += [f"--{name.replace('_', '-')}" for name in one.get("sampling") or {}]
        asked += ["--epochs"] if one.get("epochs", 1) != 1 else []
        asked += [f"--{name}" for name in ("system", "template") if one.get(name)]
    asked = list(dict.fromkeys(asked))
    if asked:
        raise UsageError(
            f"{', '.join(asked)}: this target asks the model with commands of its own, which do not see "
            "these. "
            "Set them in the target's own configuration, or with --env for its commands."
        )


def call_budget(options: RolloutOptions) -> CallBudget | None:
    """The budget that the gateway holds, so that no call goes out beyond it."""
    if options.max_tokens_total is None and options.max_cost_usd is None:
        return None
    return CallBudget(tokens=options.max_tokens_total, cost_usd=options.max_cost_usd)


def write_contract(run: Run, derived: Derived) -> Path:
    """contract.yaml and hints_used.json: what will run, and which anchors it rests on."""
    anchors = [
        {"part": one.part, "anchor": one.anchor, "why": one.why}
        for one in derived.spec.provenance
        if one.anchor
    ]
    run.write_json(
        "hints_used.json",
        {
            "ok": bool(anchors),
            "used_anchors": anchors,
            "commands": list(_commands(derived.spec)),
            "reason": "" if anchors else "the contract names no anchor in the target",
        },
    )
    return run.write_text(CONTRACT, dump_contract(derived.spec))


def _commands(spec: ContractSpec) -> tuple[str, ...]:
    stages = spec.stages
    return stages.rollout.commands + stages.benchmark.commands + stages.evaluate.commands


def write_rollout(run: Run, rollout: Rollout) -> Path:
    """samples.jsonl, not yet judged, and rollout.json, which names it."""
    run.write_jsonl(SAMPLES, [sample.as_row() for sample in rollout.samples])
    document = {
        "ok": rollout.ok,
        "reason": rollout.reason,
        "model": rollout.plan.model,
        "n_planned": rollout.plan.planned,
        "counts": {name: count for name, count in rollout.counts.items() if name != SAMPLES_FILE},
        SAMPLES_FILE: rollout.counts.get(SAMPLES_FILE),
        "paths": {"samples_jsonl": SAMPLES},
    }
    return run.write_json(ROLLOUT, document)


def write_results(
    run: Run,
    results: Sequence[tuple[Result, Sequence[Sample]]],
    calibration: Calibration,
    contract: ContractSpec,
    target: Target,
) -> Path:
    """metrics.json and samples.jsonl of the last result, and the page's data over all of them."""
    result, samples = results[-1]
    run.write_jsonl(SAMPLES, [sample.as_row() for sample in samples])
    evidence = [record.body for record in run.evidence().read() if record.kind == "command"]
    title = contract.name or target.name.replace("_", " ")
    report_of(title, results, calibration, contract, evidence).write(run.artifact(REPORT_FILE))
    ts = datetime.now(UTC).isoformat(timespec="seconds")
    if len(results) > 1:
        write_models(run, results, contract, ts)
    return run.write_json(METRICS, result.as_document(run_id=run.id, ts=ts))


def write_models(
    run: Run, results: Sequence[tuple[Result, Sequence[Sample]]], contract: ContractSpec, ts: str
) -> Path:
    """models.json: every model's metrics and how far apart they are; each one's samples in a file of its
    own."""
    documents = []
    for number, (result, samples) in enumerate(results, 1):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", result.model).strip("-.") or "model"
        file = f"{MODELS_FOLDER}/{number}-{name}.jsonl"
        run.write_jsonl(file, [sample.as_row() for sample in samples])
        documents.append({**result.as_document(run_id=run.id, ts=ts), "samples_jsonl": file})
    models = [(result.model, samples) for result, samples in results]
    apart = differences(models, width=reward_width(contract))
    return run.write_json(MODELS, {"models": documents, "differences": [one.as_document() for one in apart]})


def cost_of(measurement: Measurement) -> float | None:
    """US dollars of the model's calls; None as soon as one price is unknown."""
    if measurement.rollout.plan.free:
        return 0.0
    total = 0.0
    for sample in measurement.samples:
        if not sample.usage:
            continue
        price = cost(sample.model, Usage(**sample.usage))
        if price is None:
            return None
        total += float(price)
    return total


def intent_of(
    model: str,
    options: RolloutOptions,
    *,
    samples: Path | None = None,
    replay: Path | None = None,
    models: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What decides a measurement's result beside its target, as plain data (budgets do not).

    Args:
        model: Its name.
        options: How it is asked.
        samples: A file of samples that exist already.
        replay: A recording that answers.
        models: Addresses and keys by their usual variable names; the address counts, a key does not.

    Raises:
        UsageError: A file cannot be read.
        ModelAuthenticationError: The model's provider needs a key that is not set.
    """
    document = asdict(options)
    for name in ("max_tokens_total", "max_cost_usd", "max_wall_s"):
        document.pop(name)
    document["sampling"] = options.sampling.as_dict()
    document["mode"] = options.mode.value
    document["env"] = _hashed(options.env)
    # As run.json gives it back: what is asked again is compared with what it holds.
    document["ids"] = list(options.ids)
    document["folders"] = {name: folder.digest for name, folder in options.folders.items()}
    # Runs that were made before these could be asked for are gone on with.
    later = ("template", "folders", "ids")
    document = {name: one for name, one in document.items() if one or name not in later}
    recording = replay / RECORDING if replay is not None and replay.is_dir() else replay
    is_served = samples is None and replay is None and not model.startswith("scripted/")
    return {
        "model": model,
        **document,
        "samples": _digest_of(samples, "--samples"),
        "replay": _digest_of(recording, "--replay"),
        "server": _server_of(model, models or {}) if is_served else None,
    }


def _server_of(model: str, models: Mapping[str, str]) -> str:
    """Where a model is: an address, or for a folder its content."""
    if is_model_folder(model):
        return f"folder:{folder_digest(Path(model).expanduser())}"
    return resolve(model, models).endpoint.base_url
