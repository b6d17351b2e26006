"""`did-service`: the operator's program.

Every error becomes two lines on stderr in the reader's language, with `--json` an object on
stdout as well, and an exit code (docs/cli.md); no traceback reaches a person.
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from contextlib import suppress

import click

from did_service import __version__
from did_service.cli.bundle import bundle
from did_service.cli.demo.command import demo
from did_service.cli.language import say
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    Bilingual,
    ConflictError,
    DidServiceError,
    NotFoundError,
    UnavailableError,
    UsageError,
    escape,
)
from did_service.process import output_lost, own_streams, refusal_of, tell, write_out

PROGRAM = "did-service"
SCHEMA = "did-service/1"

_REFUSED, _USAGE, _DECLINED, _OUR_FAULT = 1, 2, 3, 70
_CODES: tuple[tuple[type[DidServiceError], int], ...] = (
    (UsageError, _USAGE),
    (ConflictError, _USAGE),
    (NotFoundError, 7),
    (UnavailableError, 8),
)
_FAULT = "internal_fault"
# Where the words of a class do not say what an operator can do.
_BETTER = {
    _FAULT: (
        Bilingual("程序内部错误", "a fault of this program"),
        Bilingual("请报告此错误", "please report this"),
    ),
    "output_not_written": (
        Bilingual("结果写不出去", "the answer could not be written"),
        Bilingual("请检查磁盘空间和管道后重试", "see to the disk or the pipe, and try again"),
    ),
    "system_refused": (
        Bilingual("系统不允许", "the system refused it"),
        Bilingual(
            "请检查磁盘、权限和文件名后重试",
            "see to disk, permissions and names, and try again",
        ),
    ),
    "file_exists": (
        Bilingual("文件已存在", "the file is there already"),
        Bilingual("请换一个文件名，或加 --force", "take another name, or add --force"),
    ),
    "folder_not_empty": (
        Bilingual("文件夹不是空的", "the folder is not empty"),
        Bilingual("请换一个新文件夹", "name a new folder"),
    ),
}


@click.group(context_settings={"max_content_width": 96})
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Registry, witnesses and issuers of decentralized identity for government services."""


cli.add_command(demo)
cli.add_command(bundle)


def main() -> None:
    """Run the program with the arguments of this process."""
    sys.exit(run())


def run() -> int:
    """Run the command and return how it ended."""
    own_streams()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn developers, who ask for it with -W
    try:
        done = cli.main(prog_name=PROGRAM, standalone_mode=False)
        write_out("")
    except click.exceptions.NoArgsIsHelpError as error:
        tell(error.format_message())
        return _USAGE
    except (click.Abort, KeyboardInterrupt):
        return _DECLINED
    except SystemExit:  # how click leaves a reader who has gone
        return _refuse(output_lost(BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))))
    except Exception as error:  # noqa: BLE001 - a fault of ours is told, not shown
        return _refuse(_described(error))
    return done if isinstance(done, int) else 0


# --- speaking ---------------------------------------------------------------------------------


def _described(error: Exception) -> DidServiceError:
    """Return any error as one of ours; of a fault its class alone, its text may be foreign."""
    match error:
        case DidServiceError():
            return error
        case click.ClickException():
            return UsageError("usage", _sentence(error))
        case OSError():
            return refusal_of(error)
        case _:
            return DidServiceError(_FAULT, type(error).__name__)


def _refuse(error: DidServiceError) -> int:
    """Say what went wrong and what to do next, and return the exit code."""
    words, code = sys.argv[1:], _exit_code(error)
    if "--json" in words:
        command = next((word for word in words if not word.startswith("-")), "")
        with suppress(UnavailableError):  # stderr has it all the same
            write_out(f"{strict_json.dumps(_envelope(error, command, code))}\n")
    meaning, following = _words(error)
    tell(f"{PROGRAM}: error: {say(meaning)}: {error.message} [{error.code}]")
    tell(f"{PROGRAM}: hint: {say(following)}")
    return code


def _envelope(error: DidServiceError, command: str, code: int) -> JsonObject:
    meaning, following = _words(error)
    described: JsonObject = {
        "code": error.code,
        "exit": code,
        "detail": error.message,
        "message": {"zh": meaning.zh, "en": meaning.en},
        "next": {"zh": following.zh, "en": following.en},
    }
    return {"schema": SCHEMA, "ok": False, "command": command, "error": described}


def _exit_code(error: DidServiceError) -> int:
    if error.code == _FAULT:
        return _OUR_FAULT
    return next((code for kind, code in _CODES if isinstance(error, kind)), _REFUSED)


def _words(error: DidServiceError) -> tuple[Bilingual, Bilingual]:
    """Return what an error means and what to do next."""
    return _BETTER.get(error.code, (error.meaning, error.next_step))


def _sentence(error: click.ClickException) -> str:
    """Write click's sentence the way ours are written."""
    text = escape(" ".join(error.format_message().split()).rstrip("."))
    return text[:1].lower() + text[1:]


if __name__ == "__main__":
    main()
