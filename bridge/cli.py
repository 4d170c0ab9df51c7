"""The command line: `bridge run · demo · check · learn · explain · history · token`."""

import argparse
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, get_args

import tomli_w

from bridge import __version__, logs, tokens
from bridge.config import Settings, cautions, load, rules
from bridge.errors import BridgeError, ConfigError, StartError

CLEAN, FAILURE, USAGE, NOT_STARTED = range(4)  # exit codes

TOKEN_VARIABLE = "BRIDGE_TOKEN"  # noqa: S105 - the name of the variable, not its content

EXAMPLES = """\
examples:
  bridge demo                          a simulated plant with its own broker, to look around
  bridge run                           the broker on localhost:1883, i3X on http://localhost:8080/v1
  bridge run --config config/uns.toml  as the file says; every setting is explained in it
  bridge check --config my.toml        is the file right, and what is in effect?
  bridge learn --for 60s -o my.toml    the inferred model as a file, to be edited and pinned
  bridge explain plant/press1/speed    how did this topic become this element?
  bridge history info                  how much history is kept, and since when?
  bridge token new scada --read "acme/#"   a token for somebody, and what they may read
  bridge history export plant/press1/speed --from -1d --format csv -o speed.csv

The MQTT password comes from [mqtt] password_file or the environment variable BRIDGE_MQTT_PASSWORD.
A daemon that wants to know who asks takes the token in BRIDGE_TOKEN.
Exit codes: 0 clean, 1 failure, 2 usage or configuration, 3 could not start.
"""

log = logging.getLogger("bridge")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    return _carried_out(_parser().parse_args(_joined(sys.argv[1:] if argv is None else argv)))


def _joined(words: Sequence[str]) -> list[str]:
    """`--from -1h` as `--from=-1h`: argparse takes what begins with "-" for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in ("--from", "--to") and re.fullmatch(r"-\d[\d.]*[a-z]+", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _carried_out(arguments: argparse.Namespace) -> int:
    """The command's exit code; expected errors in one line each, an unexpected one as one log event."""
    try:
        code: int = arguments.command(arguments)
        with _told_if_full():
            sys.stdout.flush()  # so that a reader who has gone is noticed here
    except BrokenPipeError:  # who reads has seen enough, such as `| head`
        _give_up_output()
        code = FAILURE
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
    if settings.model.file is not None:
        from bridge.model import load as load_model

        load_model(settings.model.file)
    from bridge.access.entry import hindrance

    for caution in filter(None, (*cautions(settings), hindrance(settings))):
        print(f"warning: {caution}", file=sys.stderr)
    _print(_toml(settings.public()), end="")
    return CLEAN


def _learn(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, os.environ, keeps=False)
    logs.configure(arguments.log_format or settings.log.format, settings.log.level)
    from bridge.learn import learn

    learn(settings, arguments.recording, arguments.seconds, arguments.output, replace=arguments.force)
    return CLEAN


def _explain(arguments: argparse.Namespace) -> int:
    from bridge import inquiry
    from bridge.explain import text

    settings = load(arguments.config, os.environ, keeps=False)
    if arguments.recording is not None:
        found = inquiry.ask_recording(arguments.recording, arguments.topic, settings)
    else:
        found = inquiry.ask_daemon(
            arguments.url or _own_url(settings), arguments.topic, os.environ.get(TOKEN_VARIABLE, "")
        )
    _print(json.dumps(found, indent=2, ensure_ascii=False) if arguments.json else "\n".join(text.lines(found)))
    return CLEAN


def _history_info(arguments: argparse.Namespace) -> int:
    from bridge import export

    settings = load(arguments.config, os.environ, keeps=False)
    with export.opened(settings) as archive:
        text = export.info_text(archive, as_json=arguments.json)
    _print(text)
    return CLEAN


def _history_export(arguments: argparse.Namespace) -> int:
    from bridge import export

    settings = load(arguments.config, os.environ, keeps=False)
    start_ns = export.EARLIEST if arguments.start_ns is None else arguments.start_ns
    end_ns = export.LATEST if arguments.end_ns is None else arguments.end_ns
    wanted = export.Wanted(arguments.element, start_ns, end_ns, arguments.format)
    path: Path | None = arguments.output
    with export.opened(settings) as archive:
        output = _standard_output if path is None else lambda: export.new_file(path, replace=arguments.force)
        try:
            count = export.export(archive, wanted, output)
        finally:
            for line in archive.damage:
                log.warning("%s: %s", wanted.element_id, line)
        if archive.damage:
            return FAILURE
        if not count:
            log.warning("%s: no rows in this time; bridge history info tells which there are", wanted.element_id)
    return CLEAN


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # whatever the terminal's: JSON is UTF-8
    with _told_if_full():
        yield sys.stdout
        sys.stdout.flush()


def _print(text: str, end: str = "\n") -> None:
    with _told_if_full():
        print(text, end=end)
        sys.stdout.flush()


@contextmanager
def _told_if_full() -> Iterator[None]:
    """Raises `BridgeError` where standard output takes no more, for another reason than that nobody reads it."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _give_up_output()
        raise BridgeError(f"standard output: cannot be written, or not all of it: {error.strerror}") from None


def _give_up_output() -> None:
    """What is left for standard output goes nowhere, or else Python complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _own_url(settings: Settings) -> str:
    """Where a daemon on this machine answers that runs with the same configuration."""
    host, port = settings.api.host, settings.api.port
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not listened to
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def _toml(public: dict[str, Any]) -> str:
    """The settings as a configuration file to the same effect; what a file cannot say is a comment in it."""
    parts = []
    for section, values in public.items():
        if isinstance(values, list):
            parts += [f"[[{section}]]\n{tomli_w.dumps(table)}" for table in values]
            continue
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
    _add_learn(commands)
    _add_explain(commands)
    _add_history(commands)
    tokens.add(commands, _add_config, _print)
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


def _add_learn(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    learn = commands.add_parser(
        "learn",
        help="write the inferred model as a file that can be edited and pinned",
        description="Listen to the broker, or read a recording, and write the inferred model as TOML. SIGINT ends the "
        "listening and writes what has come so far. A [model] file in the configuration is not looked at.",
    )
    _add_config(learn)
    source = learn.add_mutually_exclusive_group()
    text = "how long to listen, such as 90s, 10m or 2h (default: 60s)"
    source.add_argument("--for", dest="seconds", type=_seconds, default=60.0, metavar="TIME", help=text)
    text = "learn from this recording instead: JSON lines, maybe gzipped"
    source.add_argument("--from", dest="recording", type=Path, metavar="FILE", help=text)
    text = "what to write (default: model.toml)"
    learn.add_argument("-o", "--output", type=Path, default=Path("model.toml"), metavar="FILE", help=text)
    learn.add_argument("--force", action="store_true", help="replace a file that is there")
    _add_log_format(learn)
    learn.set_defaults(command=_learn)


def _add_explain(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    explain = commands.add_parser(
        "explain",
        help="how a topic became an element, and why",
        description="Tell how a topic became an element: codec, envelope, time, quality, type, place, rejections.",
    )
    explain.add_argument("topic", metavar="TOPIC", help="a topic, or an element id")
    place = explain.add_mutually_exclusive_group()
    text = "the running daemon (default: as configured, http://127.0.0.1:8080)"
    place.add_argument("--url", type=_http, help=text)
    text = "learn from this recording instead: JSON lines, maybe gzipped"
    place.add_argument("--from", dest="recording", type=Path, metavar="FILE", help=text)
    _add_config(explain, "TOML file of the daemon, or with the rules for --from (default: none)")
    explain.add_argument("--json", action="store_true", help="as JSON instead of text")
    explain.set_defaults(command=_explain)


def _add_history(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Look into the history file in the state directory, whether the daemon runs or not."
    history = commands.add_parser("history", help="what is in the history file, and rows of it", description=text)
    actions = history.add_subparsers(title="commands", metavar="COMMAND", required=True)
    info = actions.add_parser("info", help="how much it holds, and since when", description=text)
    _add_config(info)
    info.add_argument("--json", action="store_true", help="as JSON instead of text")
    info.set_defaults(command=_history_info)
    _add_export(actions)


def _add_export(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    export = actions.add_parser(
        "export",
        help="the rows of an element",
        description="Write the rows of an element, oldest first. Times: RFC 3339, a date (its beginning in UTC), or "
        "before now, such as -1h or -7d; both ends are included.",
    )
    text = "an element id, such as plant/press1/speed, or plant/press1#/speed for a field of a payload"
    export.add_argument("element", metavar="ELEMENT", help=text)
    text = "from when on (default: the oldest)"
    export.add_argument("--from", dest="start_ns", type=_moment, metavar="TIME", help=text)
    text = "until when (default: the newest)"
    export.add_argument("--to", dest="end_ns", type=_moment, metavar="TIME", help=text)
    text = "csv: timestamp, value, quality; jsonl: an object a line, which tells numbers from texts (default: csv)"
    export.add_argument("--format", choices=("csv", "jsonl"), default="csv", help=text)
    text = "what to write (default: standard output)"
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help=text)
    export.add_argument("--force", action="store_true", help="replace a file that is there")
    _add_config(export)
    export.set_defaults(command=_history_export)


def _add_config(
    parser: argparse.ArgumentParser, text: str = "TOML file (default: none, every setting has a default)"
) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help=text)


def _add_log_format(parser: argparse.ArgumentParser) -> None:
    text = "lines for a terminal, or one JSON object a line (default: as configured, text)"
    parser.add_argument("--log-format", choices=get_args(logs.Format), help=text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", text, re.ASCII)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r}: must be a time such as 90s, 10m or 2h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3_600}[found[2]]


def _moment(text: str) -> int:
    from bridge.export import moment

    try:
        return moment(text, time.time_ns())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _http(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r}: must be an address such as http://127.0.0.1:8080")
    return text


def _url(text: str) -> str:
    try:
        return rules.mqtt_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
