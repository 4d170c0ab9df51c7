"""The command line: `bridge run · demo · check`."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import tomli_w

from bridge import __version__, logs
from bridge.config import Settings, cautions, load, rules
from bridge.errors import BridgeError, ConfigError, StartError

CLEAN, FAILURE, USAGE, NOT_STARTED = range(4)  # exit codes

EXAMPLES = """\
examples:
  bridge demo                          a simulated plant with its own broker, to look around
  bridge run                           the broker on localhost:1883, i3X on http://localhost:8080/v1
  bridge run --config config/uns.toml  as the file says; every setting is explained in it
  bridge check --config my.toml        is the file right, and what is in effect?

The MQTT password comes from [mqtt] password_file or the environment variable BRIDGE_MQTT_PASSWORD.
Exit codes: 0 clean, 1 failure, 2 usage or configuration, 3 could not start.
"""

log = logging.getLogger("bridge")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    return _carried_out(_parser().parse_args(argv))


def _carried_out(arguments: argparse.Namespace) -> int:
    """The command's exit code; expected errors in one line each, an unexpected one as one log event."""
    try:
        code: int = arguments.command(arguments)
    except ConfigError as error:
        print(*error.mistakes, sep="\n", file=sys.stderr)
        code = USAGE
    except StartError as error:
        log.error("could not start: %s", error)
        code = NOT_STARTED
    except BridgeError as error:
        log.error("%s", error)
        code = FAILURE
    except KeyboardInterrupt:  # before the daemon listens to signals
        code = FAILURE
    except Exception:
        log.exception("ended by a fault in the bridge")
        code = FAILURE
    return code


def _run(arguments: argparse.Namespace) -> int:
    settings = _with_log(load(arguments.config, os.environ), arguments)
    logs.configure(settings.log.format, settings.log.level)
    from bridge.daemon import serve

    return serve(settings)


def _demo(arguments: argparse.Namespace) -> int:
    logs.configure(arguments.log_format or "text", "info")
    from bridge.demo import run_demo

    return run_demo(arguments.port, arguments.broker)


def _check(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, os.environ)
    for caution in cautions(settings):
        print(f"warning: {caution}", file=sys.stderr)
    print(_toml(settings.public()), end="")
    return CLEAN


def _toml(public: dict[str, dict[str, Any]]) -> str:
    """The settings as a configuration file to the same effect; what a file cannot say is a comment in it."""
    parts = []
    for section, values in public.items():
        said = {key: value for key, value in values.items() if value is not None and key != "password"}
        unsaid = {key: values[key] or "(not set)" for key in values if key not in said}
        comments = [f"# {key}: {state}\n" for key, state in unsaid.items()]
        parts.append("".join([tomli_w.dumps({section: said}), *comments]))
    return "\n".join(parts)


def _with_log(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """What the command line says about logging wins over the file."""
    said = {"format": arguments.log_format, "level": arguments.log_level}
    wanted = settings.log.model_copy(update={key: value for key, value in said.items() if value})
    return settings.model_copy(update={"log": wanted})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bridge",
        description="Serves the Unified Namespace on an MQTT broker as an i3X 1.0 address space.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"bridge {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="the daemon", description="Run the daemon until SIGINT or SIGTERM.")
    _add_config(run)
    _add_log_format(run)
    run.add_argument("--log-level", choices=get_args(logs.Level), help="how much (default: as configured)")
    run.set_defaults(command=_run)
    _add_demo(commands)
    check = commands.add_parser(
        "check",
        help="validate a configuration and print what is in effect",
        description="Validate a configuration and print the effective settings, without secrets, as TOML.",
    )
    _add_config(check)
    check.set_defaults(command=_check)
    return parser


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser(
        "demo",
        help="a simulated plant, a broker and the bridge",
        description="Start a simulated plant that publishes over MQTT, a broker for it, and the bridge.",
    )
    demo.add_argument("--port", type=_port, default=8080, help="where i3X listens (default: 8080; 0: any free)")
    demo.add_argument("--broker", type=_url, metavar="URL", help="use this broker, such as mqtt://localhost:1883")
    _add_log_format(demo)
    demo.set_defaults(command=_demo)


def _add_config(parser: argparse.ArgumentParser) -> None:
    text = "TOML file (default: none, every setting has a default)"
    parser.add_argument("--config", type=Path, metavar="FILE", help=text)


def _add_log_format(parser: argparse.ArgumentParser) -> None:
    text = "lines for a terminal, or one JSON object a line (default: as configured, text)"
    parser.add_argument("--log-format", choices=get_args(logs.Format), help=text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number from 0 to 65535")
    return int(text)


def _url(text: str) -> str:
    try:
        return rules.mqtt_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
