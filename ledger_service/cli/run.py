"""Starting one verb, and the one place where errors become a line on standard error and an exit status."""

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version as installed_version

import typer

from anchors.core.errors import Error, VerificationFailed
from ledger_service.cli.output import one_line
from ledger_service.problems import UNAUTHORIZED

HOLDS, DOES_NOT_HOLD, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
WRONG_TOKEN = "the service does not take this token; give the operator's with --token or in HUZHENG_OPERATOR_TOKEN"
NO_ARGUMENTS = "NoArgsIsHelpError"
"""The library's error where a verb is missing; its message is the help, which is no line."""

VERBS = {
    "keys": "Make, list and show encrypted key files.",
    "institution": "Show institutions; as the registry's administrator, admit, suspend and give keys.",
    "acceptance": "Write what an institution signs under its CA certificate; judge its signature.",
    "attest": "Compute what a statement says of documents: digests, format, facts.",
    "record": "Sign statements, store them, send them.",
    "stream": "Show what was signed and is not in the log yet; send it again.",
    "timeline": "Show all statements about one subject.",
    "responsibility": "Show who did what about one report, on which grounds; facts, and no verdict.",
    "find": "Show the statements about one document.",
    "check": "Check a document against the log, without an account.",
    "prove": "Fetch the proof of one statement into a file.",
    "evidence": "Export one subject's evidence into one file, and sign that it was exported.",
    "verify": "Judge proof files and packages by a trust file, offline.",
    "certificate": "Write a PDF over an evidence package, to be filed at a court.",
    "dispute": "Open a dispute about a statement, close it, list disputes.",
    "hold": "Place a hold on a statement, release it, list holds.",
    "erase": "Have personal parts of an own statement erased, once told what that means.",
    "audit": "Derive the whole ledger again from entries and chain; name the first row that differs.",
    "stats": "Count recognitions, savings and repeats from the log; check published figures.",
    "chain": "Deploy the contracts, show their state, make a trust file.",
    "serve": "Run the ledger service.",
    "cosign": "Be a witness of logs: cosign checkpoints that extend what was cosigned before.",
    "monitor": "Watch a log from outside: rollback, split view, wrong tiles, overdue receipts.",
    "backup": "Copy the whole ledger into one file, while the service goes on.",
    "restore": "Fill an empty database from a backup, and compare it with the chain.",
    "recover": "Take back from the senders what a restored ledger lost; let it go on.",
}
"""Verb to its line in the list of verbs. Each is the module of its name here with an `app`, whose docstring is the
verb's own help; only the verb that is called is imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit status. Never raises."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Chinese still gets a readable line
    try:
        status = _application(arguments)(args=arguments, prog_name="huzheng", standalone_mode=False)
        sys.stdout.flush()
        if status == INTERRUPTED:  # the library made that of a KeyboardInterrupt
            raise KeyboardInterrupt
        return status if isinstance(status, int) else HOLDS
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing fails again at exit
        return WRONG_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted; what was stored stays stored", INTERRUPTED, arguments)
    except VerificationFailed as error:
        return _fail(str(error), DOES_NOT_HOLD, arguments)
    except Error as error:
        refused = getattr(error, "code", None) == UNAUTHORIZED.code
        return _fail(WRONG_TOKEN if refused else str(error), WRONG_INPUT, arguments)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}; check the path and its permissions", WRONG_INPUT, arguments)
    except Exception as error:
        if type(error).__name__ == NO_ARGUMENTS and "--json" not in arguments:
            sys.stderr.write(f"{error.format_message().rstrip()}\n")
            return WRONG_INPUT
        return _fail(_explain(error, arguments), WRONG_INPUT, arguments)


def _application(arguments: Sequence[str]) -> typer.Typer:
    """The command with the verb that `arguments` name; of the others only name and help."""
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    application = typer.Typer(
        help="Huzheng 互证: who said what, after when and before when, and that nothing was rewritten.",
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    application.callback()(_root)
    for verb, text in VERBS.items():
        if verb == chosen:
            _add(application, verb, text)
        else:
            application.command(verb, help=text)(_not_chosen)
    return application


def _add(application: typer.Typer, verb: str, text: str) -> None:
    module = import_module(f"ledger_service.cli.{verb}")
    if isinstance(module.app, typer.Typer):
        application.add_typer(module.app, name=verb, help=text, no_args_is_help=True)
    else:
        application.command(verb, short_help=text)(module.app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"huzheng {installed_version('huzheng')}")
        raise typer.Exit(HOLDS)


def _root(
    version: bool = typer.Option(
        False, "--version", help="Show the version and end.", is_eager=True, callback=_show_version
    ),
) -> None:
    """Options before the verb."""


def _not_chosen() -> None:
    """Stands for a verb in the list of verbs; never called."""


def _explain(error: Exception, arguments: Sequence[str]) -> str:
    if hasattr(error, "format_message"):  # the call itself: an option that is unknown, missing or of the wrong form
        verb = next((argument for argument in arguments if argument in VERBS), "")
        return f"{error.format_message()} See 'huzheng {verb + ' ' if verb else ''}--help'."
    if os.environ.get("HUZHENG_DEBUG"):
        raise error
    return f"an error inside huzheng ({type(error).__name__}: {error}); set HUZHENG_DEBUG=1 to see where, and report it"


def _fail(message: str, status: int, arguments: Sequence[str]) -> int:
    line = one_line(message)
    try:
        if "--json" in arguments:
            sys.stdout.write(json.dumps({"error": line, "exit": status}, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        sys.stderr.write(f"huzheng: {line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads any more
        return status
    return status
