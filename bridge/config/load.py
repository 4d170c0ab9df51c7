"""A TOML file and the environment → `Settings`, or every mistake at once."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.config import mistakes
from bridge.config.settings import Settings, default_state_directory
from bridge.errors import ConfigError

STATE_VARIABLE = "STATE_DIRECTORY"  # systemd's: StateDirectory= of a unit, made for it; paths separated by ":"
PASSWORD_VARIABLE = "BRIDGE_MQTT_PASSWORD"  # noqa: S105 - the name of the variable, not its content
NO_FILE = "configuration"  # what a mistake is attributed to when there is no file

_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)$")


def load(path: Path | None, environ: Mapping[str, str], *, keeps: bool = True) -> Settings:
    """The settings of a file (without one: the defaults); secrets may come from the environment and then win.

    `keeps` is of who will keep something in the state directory: it must be one that can be written.
    Raises `ConfigError` with one line per mistake: `FILE: [section] key = value: what is allowed`.
    """
    source = NO_FILE if path is None else str(path)
    raw = {} if path is None else _parsed(path, source)
    found = _secrets(raw, environ)
    _place_state(raw, environ)
    directory = Path() if path is None else path.parent
    try:
        settings = Settings.model_validate(raw, context={"directory": directory, "keeps": keeps})
    except ValidationError as error:
        found += mistakes.lines(error.errors(include_url=False))
    if found:
        raise ConfigError([f"{source}: {line}" for line in found])
    return settings


def _parsed(path: Path, source: str) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows like to begin with a byte order mark
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError([f"{source}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{source}: must be UTF-8 text: byte {error.start + 1} is not"]) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"{source}: {_syntax(str(error), text)}"]) from None


def _syntax(problem: str, text: str) -> str:
    """tomllib's sentence with the position in front; a file that ends too early is at fault at its end."""
    if at := _POSITION.search(problem):
        line, column = at.groups()
        problem = problem[: at.start()]
    else:
        *_, last = text.split("\n")
        line, column = str(text.count("\n") + 1), str(len(last) + 1)
    return f"line {line}, column {column}: not TOML: {problem.removesuffix('(at end of document)').strip()}"


def _place_state(raw: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Where the file does not say where state is kept: where systemd says, or the default, which is looked at too."""
    state = raw.setdefault("state", {})
    if isinstance(state, dict):
        told = environ.get(STATE_VARIABLE, "").partition(":")[0]
        state.setdefault("directory", told or str(default_state_directory()))


def _secrets(raw: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Put the environment's secret where the settings expect it; a secret in the file itself is a mistake."""
    mqtt = raw.setdefault("mqtt", {})
    if not isinstance(mqtt, dict):
        return []
    found = []
    if "password" in mqtt:
        del mqtt["password"]
        found = [f"[mqtt] password: must not be in this file: use password_file or {PASSWORD_VARIABLE}"]
    if secret := environ.get(PASSWORD_VARIABLE):
        mqtt["password"] = secret
    return found
