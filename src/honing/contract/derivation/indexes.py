"""Where packages come from: the host's own settings of pip and uv, read by us and handed on as options.

Inside the sandbox no configuration file of the host can be seen, so what it says is passed explicitly.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

VARIABLES = (
    "PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST", "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_PROXY", "UV_INDEX_URL", "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL", "SSL_CERT_FILE", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY",
    "HTTPS_PROXY", "NO_PROXY", "XDG_CONFIG_HOME", "HOME",
)  # fmt: skip
"""The variables that say where packages come from; a caller hands on those that are set."""
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_TIMEOUT_S = 180
"""Of one connection: some mirrors answer slowly for large files."""
_CPU_BUILD = re.compile(r"(?:^|[/\">])torch-(\d[\w.]*)(?:\+|%2[Bb])cpu-", re.MULTILINE)
_MAX_PAGE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """Where packages come from."""

    index: str = ""
    """Address of the main index; empty for the usual one."""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    """Folders or pages with package files."""
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    cert: str = ""
    """File of certificates to trust; empty for the usual ones."""
    timeout_s: int = _TIMEOUT_S
    proxies: tuple[tuple[str, str], ...] = ()
    """Variables that name proxies, with their values."""

    def pip_options(self) -> list[str]:
        """As options of `pip install`."""
        options = ["--index-url", self.index] if self.index else []
        options += [word for one in self.extra for word in ("--extra-index-url", one)]
        options += [word for one in self.find_links for word in ("--find-links", one)]
        options += ["--no-index"] if self.no_index else []
        options += [word for one in self.trusted_hosts for word in ("--trusted-host", one)]
        options += ["--cert", self.cert] if self.cert else []
        return [*options, "--timeout", str(self.timeout_s)]

    def uv_options(self) -> list[str]:
        """As options of `uv pip install`. Like pip, it then takes the best version of all indexes."""
        options = ["--index-url", self.index] if self.index else []
        options += [word for one in self.extra for word in ("--extra-index-url", one)]
        options += [word for one in self.find_links for word in ("--find-links", one)]
        options += ["--no-index"] if self.no_index else []
        options += [word for one in self.trusted_hosts for word in ("--allow-insecure-host", one)]
        return [*options, "--index-strategy", "unsafe-best-match"]

    def dated(self) -> Indexes:
        """Only what can say when a package was published: folders and file indexes cannot."""
        return replace(
            self, extra=tuple(one for one in self.extra if not _local(one)), find_links=(), no_index=False
        )

    def folders(self) -> tuple[Path, ...]:
        """Folders and files of this machine that an install must be able to read.

        A file index's pages link beside themselves (`../../files/...`), so its parent is needed as well.
        """
        found = []
        for one in (self.index, *self.extra):
            if folder := _local(one):
                found.append(folder.parent)
        found += [folder for one in self.find_links if (folder := _local(one))]
        found += [Path(self.cert)] if self.cert else []
        return tuple(dict.fromkeys(path for path in found if path.exists()))

    def cpu_build_of_torch(self) -> str:
        """The newest version of torch without CUDA that this machine's own folders offer; empty where
        none does."""
        versions = [
            version
            for one in (self.index, *self.extra, *self.find_links)
            if (folder := _local(one))
            for version in _CPU_BUILD.findall(_listing(folder))
        ]
        return max(versions, key=_version_key, default="")

    def redacted(self) -> dict[str, object]:
        """For evidence: addresses without the credentials in them."""
        return {
            "index": without_credentials(self.index),
            "extra": [without_credentials(one) for one in self.extra],
            "find_links": [without_credentials(one) for one in self.find_links],
            "no_index": self.no_index,
        }


def read_indexes(variables: Mapping[str, str], prefixes: Sequence[Path] = ()) -> Indexes:
    """What the host's variables and configuration files say, the variables first, as pip itself has it.

    Args:
        variables: Those of `VARIABLES` that are set.
        prefixes: Installations whose own pip.conf counts, the last most.
    """
    merged: dict[str, str] = {}
    for file in _config_files(variables, prefixes):
        merged |= _settings_of(file)
    for name in ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "proxy"):
        if value := variables.get(f"PIP_{name.upper().replace('-', '_')}"):
            merged[name] = value
    if value := variables.get("PIP_DEFAULT_TIMEOUT"):
        merged["timeout"] = value
    proxies = {name: variables[name] for name in _PROXIES if variables.get(name)}
    if value := merged.get("proxy"):
        proxies |= {"http_proxy": value, "https_proxy": value}
    uv_index = variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL", "")
    extra = merged.get("extra-index-url", "").split() or variables.get("UV_EXTRA_INDEX_URL", "").split()
    return Indexes(
        index=merged.get("index-url", "") or uv_index,
        extra=tuple(extra),
        find_links=tuple(merged.get("find-links", "").split()),
        no_index=merged.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        trusted_hosts=tuple(merged.get("trusted-host", "").split()),
        cert=merged.get("cert", "") or variables.get("SSL_CERT_FILE", ""),
        timeout_s=max(_seconds(merged.get("timeout", "")), _TIMEOUT_S),
        proxies=tuple(sorted(proxies.items())),
    )


def without_credentials(address: str) -> str:
    """The address with a name and password in it taken out."""
    parts = urlsplit(address)
    if "@" not in parts.netloc:
        return address
    return urlunsplit(parts._replace(netloc=f"***@{parts.netloc.rpartition('@')[2]}"))


def _config_files(variables: Mapping[str, str], prefixes: Sequence[Path]) -> list[Path]:
    """The files pip would read, the one that counts most last."""
    named = variables.get("PIP_CONFIG_FILE", "")
    if named == "/dev/null":
        return []
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf")]
    if home := variables.get("HOME"):
        config = Path(variables.get("XDG_CONFIG_HOME") or Path(home) / ".config")
        files += [Path(home) / ".pip" / "pip.conf", config / "pip" / "pip.conf"]
    files += [prefix / "pip.conf" for prefix in prefixes]
    return [*files, Path(named)] if named else files


def _settings_of(file: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        # pip itself stops at such a file; a target can still be measured without it.
        return {}
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    return found


def _seconds(text: str) -> int:
    return int(float(text)) if re.fullmatch(r"\d+(\.\d+)?", text) else 0


def _local(address: str) -> Path | None:
    """The folder of this machine that an address names."""
    if address.startswith("file:"):
        return Path(unquote(urlsplit(address).path))
    return Path(address) if address.startswith("/") else None


def _listing(folder: Path) -> str:
    """The names of torch's files: of a folder of package files, or of a file index's page on it."""
    page = folder / "torch" / "index.html"
    try:
        if page.is_file():
            return page.read_text("utf-8", "replace")[:_MAX_PAGE]
        return "\n".join(path.name for path in folder.iterdir()) if folder.is_dir() else ""
    except OSError:
        return ""


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
