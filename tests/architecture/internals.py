"""What we lean on inside frameworks, beyond what they promise (docs/adr/0039).

    LEANINGS     place of ours ──► names inside a package, as they were read in one version
    problems()   sentences about a name that is gone, or is written otherwise now
    inherited()  classes of a module whose base is somebody else's

A leaning is judged by the text of what it rests on, not by the version: a release that leaves
those lines alone needs no work here.
"""

import ast
import hashlib
import importlib
import importlib.metadata
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

OURS = {"did_service", "wallet_cli", "tests", "bench", "scripts"}


@dataclass(frozen=True)
class Leaning:
    """One reliance on a framework's internals.

    Attributes:
        package: The distribution's name.
        version: In which the internals were read.
        place: The file of ours that leans.
        why: What it needs, that no promised name gives.
        read: Each name, `module:Class.member`, and the first 12 hexadecimal digits of the
            SHA-256 of its source without blank lines and lines of comment.
    """

    package: str
    version: str
    place: str
    why: str
    read: dict[str, str] = field(default_factory=dict)


_H11, _NODES = "uvicorn.protocols.http.h11_impl", "_pytest.nodes"
LEANINGS = (
    Leaning(
        "uvicorn",
        "0.54.0",
        "did_service/web/protocol.py",
        "the answer to bytes that are no HTTP, and an end for connections that say nothing",
        {
            f"{_H11}:H11Protocol.__init__": "b4a5113847b4",
            f"{_H11}:H11Protocol.connection_made": "57022c8ff63c",
            f"{_H11}:H11Protocol.connection_lost": "ca9f17a8da86",
            f"{_H11}:H11Protocol.handle_events": "10c6fe306c61",
            f"{_H11}:H11Protocol.on_response_complete": "6aa3df9f4d16",
            f"{_H11}:H11Protocol.send_400_response": "a525b35f2b5e",
            f"{_H11}:H11Protocol.shutdown": "832af247badc",
            f"{_H11}:RequestResponseCycle.__init__": "b5d802ec2bb9",
        },
    ),
    Leaning(
        "uvicorn",
        "0.54.0",
        "did_service/web/serve.py",
        "to know when a server in a thread of its own has come up, and to leave nothing open",
        {
            "uvicorn:Server._serve": "37c2a1de3c24",
            "uvicorn:Server.startup": "884cdd027a0a",
            "uvicorn:Server.shutdown": "0c7399d44c41",
        },
    ),
    Leaning(
        "httpx",
        "0.28.1",
        "did_service/client/connections.py",
        "a pool whose every read and write ends with the time of the whole request",
        {
            "httpx:HTTPTransport.__init__": "5016fa2063e5",
            "httpx:HTTPTransport.__enter__": "46fee7d8152c",
            "httpx:HTTPTransport.__exit__": "98b5b1e3db1f",
            "httpx:HTTPTransport.handle_request": "3497cb1f74c7",
            "httpx:HTTPTransport.close": "48e380d1491d",
        },
    ),
    Leaning(
        "PyLD",
        "3.3.0",
        "did_service/core/credentials/jsonld.py",
        "to refuse what JSON-LD drops without a word, and to bound the terms of a context",
        {
            "pyld.jsonld:JsonLdProcessor._create_term_definition": "f9bd39fc9dea",
            "pyld.jsonld:JsonLdProcessor._expand": "19ac7ea24ef5",
        },
    ),
    Leaning(
        "pytest",
        "9.2.0",
        "tests/conftest.py",
        "to hand a test's group to pytest-xdist, whose own way pytest reads no more",
        {
            f"{_NODES}:Node.__init__": "940e69863d36",
            f"{_NODES}:Node.nodeid": "70e3d79bcfca",
            f"{_NODES}:Node.id": "fc774444d5df",
        },
    ),
    Leaning(
        "pytest-xdist",
        "3.8.0",
        "tests/conftest.py",
        "that a group stands behind the last @ of a test's name",
        {"xdist.scheduler.loadgroup:LoadGroupScheduling._split_scope": "cdd69f721542"},
    ),
)

# Classes that a framework's own manual says to inherit from.
MEANT_TO_BE_INHERITED = {
    "click.Command",
    "click.Group",
    "fastapi.FastAPI",
    "fastapi.routing.APIRoute",
    "httpcore.NetworkBackend",
    "httpcore.NetworkStream",
    "hypothesis.stateful.RuleBasedStateMachine",
    "psycopg.adapt.Dumper",
    "pydantic.BaseModel",
    "sqlalchemy.Insert",
    "sqlmodel.SQLModel",
}


def digest(name: str) -> str:
    """Return the digest of what a name stands for in the installed package.

    Raises:
        AttributeError, ImportError: There is no such name.
    """
    module, _, path = name.partition(":")
    found: object = importlib.import_module(module)
    for part in path.split("."):
        found = inspect.getattr_static(found, part)
    source = inspect.getsource(found.fget if isinstance(found, property) else found)
    lines = (line.strip() for line in source.splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def problems(leaning: Leaning) -> Iterator[str]:
    """Yield a sentence for each name that is not what was read."""
    installed = importlib.metadata.version(leaning.package)
    for name, read in leaning.read.items():
        try:
            now = digest(name)
        except (AttributeError, ImportError):
            now = "gone"
        if now != read:
            yield (
                f"{leaning.package} {installed}: {name} is {now}, but was {read} in"
                f" {leaning.version}. {leaning.place} leans on it for {leaning.why}: read it"
                " again, mend that file, then write version and digest here (docs/adr/0039)."
            )


def inherited(tree: ast.Module) -> Iterator[str]:
    """Yield each base, by its full name, that a class of this module has from a package."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    for node in ast.walk(tree):
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            first, dot, rest = ast.unparse(base).partition("[")[0].partition(".")
            full = f"{names.get(first, first)}{dot}{rest}"
            top = full.partition(".")[0]
            if "." in full and top not in OURS and top not in sys.stdlib_module_names:
                yield full


def private_imports(tree: ast.Module) -> Iterator[str]:
    """Yield each import of a name that its package marks as its own business."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        else:
            continue
        for name in full:
            top, *rest = name.split(".")
            if top not in OURS and any(p.startswith("_") and p != "__version__" for p in rest):
                yield name
