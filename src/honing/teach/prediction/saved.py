"""A fitted predictor on disk: one safetensors file that explains itself, and the same words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from honing.environments import World
from honing.errors import MissingToolError, StudyError
from honing.store import canonical_json, json_bytes, parse_json, write_atomic
from honing.teach.prediction.cross_validation import as_answers
from honing.teach.prediction.embedding import embedder_named
from honing.teach.prediction.features import FeatureTable, feature_names, feature_table
from honing.teach.prediction.network import Network, Scaling
from honing.teach.snapshot import Snapshot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Json = Any

WEIGHTS = "model.safetensors"
WORDS = "predictor.json"
_KEY = "predictor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A predictor that can be asked about snapshots of any run of its world."""

    network: Network
    centroids: tuple[Floats, Floats]
    """Of success and failure, from what it was trained on."""
    embedder: str
    embedding_dim: int
    trained_on: frozenset[str]
    """Task hashes: what it says of their snapshots is no prediction."""

    def predict(self, snapshots: Sequence[Snapshot], world: World) -> list[dict[str, Json]]:
        """Its answers, one row per snapshot: head -> number, or head -> class -> probability.

        Raises:
            StudyError: A snapshot's uncertainty was not measured.
            MissingToolError: Its embedder is not installed.
        """
        if not snapshots:
            return []
        table = feature_table(snapshots, (), world, embedder_named(self.embedder, self.embedding_dim))
        return as_answers(self.network.predict(table.design(self.centroids)))


def save_predictor(
    folder: Path, network: Network, centroids: tuple[Floats, Floats], table: FeatureTable
) -> None:
    """Write `model.safetensors` and `predictor.json`. The same predictor gives the same bytes."""
    from safetensors.numpy import save

    dim = int(table.embeddings.shape[1])
    words = {
        "schema": 1,
        "features": list(feature_names(dim)),
        "embedder": table.embedder,
        "embedding_dim": dim,
        "heads": list(network.fitted),
        "epochs": network.epochs,
        "trust": dict(network.trust),
        "prior": {head: values.tolist() for head, values in network.prior.items()},
        "centre": {head: list(values) for head, values in network.centre.items()},
        "trained_on": sorted(set(table.groups)),
    }
    tensors = {
        **{f"weights.{name}": value for name, value in network.weights.items()},
        "scaling.mean": network.scaling.mean,
        "scaling.spread": network.scaling.spread,
        "centroid.success": centroids[0],
        "centroid.failure": centroids[1],
    }
    # One key only: the order of several in the file's header is not fixed.
    payload = save(tensors, metadata={_KEY: canonical_json(words)})
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / WEIGHTS, payload)
    write_atomic(folder / WORDS, json_bytes(words))


def load_predictor(path: Path) -> Predictor:
    """A predictor that `hone teach predictor` wrote.

    Args:
        path: Its folder, or its file of weights under any name.

    Raises:
        MissingToolError: safetensors is not installed.
        StudyError: There is none, or it was made by a version with other features.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingToolError("A predictor needs the extra `teach`: pip install 'honing[teach]'") from error
    file = path / WEIGHTS if path.is_dir() else path
    try:
        with safe_open(str(file), framework="numpy") as opened:
            words = parse_json((opened.metadata() or {})[_KEY], where=str(file))
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError) as error:
        raise StudyError(
            f"{file}: no predictor: {type(error).__name__}: {error}. `hone teach predictor` writes the "
            "folder phase4/predictor; give that folder or the file model.safetensors in it."
        ) from error
    return _loaded(words, tensors, file)


def _loaded(words: Mapping[str, Json], tensors: Mapping[str, Floats], file: Path) -> Predictor:
    import numpy as np

    if tuple(words["features"]) != feature_names(words["embedding_dim"]):
        raise StudyError(
            f"{file}: was trained on other features than this version makes. Train it again: `hone teach "
            "predictor`."
        )
    network = Network(
        weights={
            name.removeprefix("weights."): value
            for name, value in tensors.items()
            if name.startswith("weights.")
        },
        scaling=Scaling(mean=tensors["scaling.mean"], spread=tensors["scaling.spread"]),
        centre={head: (values[0], values[1]) for head, values in words["centre"].items()},
        prior={head: np.array(values) for head, values in words["prior"].items()},
        trust=words["trust"],
        epochs=words["epochs"],
    )
    return Predictor(
        network=network,
        centroids=(tensors["centroid.success"], tensors["centroid.failure"]),
        embedder=words["embedder"],
        embedding_dim=words["embedding_dim"],
        trained_on=frozenset(words["trained_on"]),
    )
