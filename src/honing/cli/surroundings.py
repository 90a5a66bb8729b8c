"""Finding and reading the files that hold settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from honing.errors import SettingsError
from honing.settings import Document, holds_settings

_NAMES = ("honing.toml", "honing.yaml", "honing.yml", "pyproject.toml")
_MAX_BYTES = 1024 * 1024


def find_dotenv(cwd: Path) -> Path | None:
    """The nearest `.env`: in `cwd`, then in its parents up to the one with `.git`."""
    return next((path for folder in _upwards(cwd) if (path := folder / ".env").is_file()), None)


def find_configs(cwd: Path, environ: Mapping[str, str]) -> list[Path]:
    """The nearest config file of the project, then the user's own, as far as there are any.

    Raises:
        SettingsError: One folder holds two of them, so it is not clear which one counts.
    """
    project = next((path for folder in _upwards(cwd) if (path := _config_in(folder)) is not None), None)
    configured = environ.get("XDG_CONFIG_HOME", "")
    base = Path(configured) if configured else Path(environ.get("HOME", "/nonexistent")) / ".config"
    user = _config_in(base / "honing")
    return [path for path in (project, user) if path is not None]


def read_document(path: Path) -> Document:
    """Read a small text file.

    Raises:
        SettingsError: It is missing, not readable, not UTF-8 or larger than 1 MiB.
    """
    try:
        with path.open("rb") as file:
            payload = file.read(_MAX_BYTES + 1)
        if len(payload) > _MAX_BYTES:
            raise SettingsError(f"{path}: larger than 1 MiB, so it is no settings file. Name another one.")
        return Document(path, payload.decode("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}. Mend or remove it.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error


def _upwards(cwd: Path) -> list[Path]:
    """`cwd` and its parents up to the root of the git checkout; `cwd` alone outside of one.

    Going on to the root of the disk would pick up files of other people and projects.
    """
    folders = [cwd, *cwd.parents]
    for count, folder in enumerate(folders, start=1):
        if (folder / ".git").exists():
            return folders[:count]
    return [cwd]


def _config_in(folder: Path) -> Path | None:
    found = [path for name in _NAMES if (path := folder / name).is_file()]
    found = [path for path in found if holds_settings(read_document(path))]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise SettingsError(f"{folder}: settings stand in {names}. Keep them in one of these files.")
    return found[0] if found else None
