"""Configuration files: what is taken, and where each thing that is off stands."""

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.errors import NotFoundError, UsageError
from did_service.node.configuration import parse_configuration, read_configuration
from did_service.node.configuration_file import configuration_text, written
from did_service.node.setting_table import REQUIRED, ServiceKind, named_of, settings_of
from did_service.node.toml_positions import positions

CHOSEN = {
    ServiceKind.REGION: {"service.region": "gd", "service.hosts": ["gd.example"]},
    ServiceKind.REGISTRY: {"service.region": "gd", "service.hosts": ["gd.example"]},
    ServiceKind.WITNESS: {"service.region": "gd", "service.hosts": ["gd.example"]},
    ServiceKind.AGENCY: {
        "service.hosts": ["gz.gd.example"],
        "agency.url": "https://gz.gd.example/agencies/a",
        "agency.jurisdiction": "440100",
        "agency.log_host": "gd.example",
    },
}
KINDS = pytest.mark.parametrize("kind", ServiceKind)


def of(tmp_path, text, environment=(), kind=None):
    file = tmp_path / "did-service.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_configuration(file, dict(environment), kind)


def assert_chinese(error):
    """What is off and what is allowed are Chinese; names, values and paths are as they are."""
    said = re.sub(r'"(?:[^"\\\\]|\\\\.)*"…?', "", error.message_zh)
    assert re.search("[\u4e00-\u9fff]", said)
    assert "可用：" in said
    assert not re.search(r"[A-Za-z]+(?: [a-z]+){2,}|allowed", said), said


def refused(tmp_path, text, environment=()):
    with pytest.raises(UsageError) as caught:
        of(tmp_path, text, environment)
    assert caught.value.code == "configuration_invalid"
    return caught.value


REGION = """[service]
kind = "region"
region = "gd"
hosts = ["gd.example"]
"""


# --- the file that init writes --------------------------------------------------------------


@KINDS
def test_the_written_file_is_read_with_every_default(tmp_path, kind):
    made = of(tmp_path, configuration_text(kind, CHOSEN[kind]), kind=kind)
    assert made.kind is kind
    for row in settings_of(kind):
        place = f"{row.section}.{row.name}"
        chosen = {**CHOSEN[kind], "service.kind": kind.value}.get(place, row.default)
        value = made.sections[row.section][row.name]
        assert value == (tuple(chosen) if isinstance(value, tuple) else chosen), place


@KINDS
def test_a_default_may_be_uncommented(tmp_path, kind):
    """What stands as a comment is what holds: taken in, nothing changes."""
    text = configuration_text(kind, CHOSEN[kind])
    plain = of(tmp_path, text)
    rows = [row for row in settings_of(kind) if row.default not in (REQUIRED, "")]
    for row in rows:
        commented = f"# {row.name} = {written(row.default)}\n"
        assert commented in text
        text = text.replace(commented, commented.removeprefix("# "))
    assert of(tmp_path, text).sections.keys() == plain.sections.keys()
    for name, section in of(tmp_path, text).sections.items():
        listed = {k: tuple(v) if isinstance(v, list) else v for k, v in section.items()}
        wanted = {
            k: tuple(v) if isinstance(v, list) else v for k, v in plain.sections[name].items()
        }
        assert listed == wanted


@KINDS
def test_each_setting_is_explained_in_both_languages(kind):
    text = configuration_text(kind, CHOSEN[kind])
    for row in [*settings_of(kind), *(r for rows in named_of(kind).values() for r in rows)]:
        assert f"# {row.told.zh}\n# {row.told.en}\n" in text


@KINDS
def test_every_default_is_of_its_kind(kind):
    for row in settings_of(kind):
        if row.default not in (REQUIRED, ""):
            row.kind.read(row.default)


# --- what is off, and where -----------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        '[keys]\npassphrase = "tiger-7"',
        '[storage]\ndatabase = "postgresql://u:tiger-7@db/x"',
    ],
)
def test_what_may_be_a_secret_is_never_repeated(tmp_path, line):
    with pytest.raises(UsageError) as caught:
        of(tmp_path, f"{REGION}{line}\n")
    assert "tiger-7" not in caught.value.message
    assert (caught.value.details["line"], caught.value.details["column"]) == (6, 1)


@pytest.mark.parametrize(
    ("text", "line", "column", "named"),
    [
        (REGION + "[publish\n", 5, 9, "TOML"),
        (REGION + "[log]\nlevel = \n", 6, 9, "TOML"),
        (REGION + '[log]\nlevel = "loud"\n', 6, 1, "debug, info, warning, error"),
        (REGION + "[log]\n  levle = 1\n", 6, 3, "did you mean level?"),
        (REGION + "[publsh]\nleast = 1\n", 5, 1, "did you mean publish?"),
        (REGION + "[publish]\nleast = -1\n", 6, 1, "seconds from 0 to 3600"),
        (REGION + "[publish]\nleast = nan\n", 6, 1, "seconds from 0 to 3600"),
        (REGION + "[publish]\nleast = true\n", 6, 1, "seconds from 0 to 3600"),
        (REGION + '[publish]\nleast = "5"\n', 6, 1, "seconds from 0 to 3600"),
        (REGION + "[publish]\nheads_least = 1.5\n", 6, 1, "a whole number"),
        (REGION + "[publish]\nheads_most = true\n", 6, 1, "a whole number"),
        (REGION + "[listen]\npublic = 1\n", 6, 1, "true or false"),
        (REGION + '[listen]\naddress = "gd.sock"\n', 6, 1, "unix:PATH"),
        (REGION + '[listen]\naddress = "localhost:80"\n', 6, 1, "unix:PATH"),
        (REGION + '[listen]\naddress = "127.0.0.1:0"\n', 6, 1, "unix:PATH"),
        (REGION + '[listen]\naddress = "127.0.0.1:99999"\n', 6, 1, "unix:PATH"),
        (REGION + '[listen]\naddress = "::1:80"\n', 6, 1, "unix:PATH"),
        (REGION + '[listen]\naddress = "0.0.0.0:80"\n', 6, 1, "public = true"),
        (REGION + '[keys]\npassphrase = "open sesame"\n', 6, 1, "file:PATH"),
        (REGION + "[storage]\nfolder = \"a\\u0000b\"\n", 6, 1, "a path"),
        (REGION + '[storage]\ndatabase = "postgresql://u:p@d/x"\n', 6, 1, "without a password"),
        (REGION + '[storage]\ndatabase = "postgresql://db"\n', 6, 1, "postgresql://HOST"),
        (REGION + '[storage]\ndatabase = "postgresql:///x?schema=a"\n', 6, 1, "postgresql://"),
        (REGION + '[storage]\ndatabase = "postgresql:///x?sslmode=prefer"\n', 6, 1, "sqlite:"),
        (REGION + '[storage]\ndatabase = "sqlite:///x"\n', 6, 1, "files in storage.folder"),
        (REGION + "[[log]]\n", 5, 1, "is no table"),
        (REGION + "[peers.HN]\n", 5, 1, "a host name"),
        (REGION + '[peers."hn.example"]\nca = ""\n', 6, 1, "a path"),
        (REGION + '[peers."hn.example"]\naddress = "unix:rel"\n', 6, 1, "unix:PATH"),
        (REGION + '[peers."hn.example"]\nport = 1\n', 6, 1, "address, ca"),
        (REGION + "[items.a]\n", 5, 1, "unknown"),
        (REGION + "[agency]\n", 5, 1, "unknown"),
        ('[service]\nkind = "region"\nhosts = ["gd.example"]\n', 1, 1, "region is missing"),
        ('[service]\nkind = "agency"\n', 1, 1, "hosts is missing"),
        ('[service]\nkind = "bank"\n', 2, 1, "region, registry, witness, agency"),
        ("", 1, 1, "kind is missing"),
        ("service = 1\n", 1, 1, "is no table"),
        (REGION.replace('["gd.example"]', "[]"), 4, 1, "a list of 1 to 16"),
        (REGION.replace('["gd.example"]', '["GD"]'), 4, 1, "a host name"),
        (REGION.replace('["gd.example"]', '["a.b", "a.b"]'), 4, 1, "each once"),
        (REGION.replace('["gd.example"]', '"gd.example"'), 4, 1, "a list"),
        (b"[service]\nkind = \"\xff\"\n", 2, 1, "UTF-8"),
        ("a = " + "[" * 5_000, 1, 1, "TOML"),
    ],
)  # fmt: skip
def test_what_is_off_is_told_with_line_and_column(tmp_path, text, line, column, named):
    error = refused(tmp_path, text)
    assert (error.details["line"], error.details["column"]) == (line, column)
    assert f'did-service.toml:{line}:{column}": ' in error.message
    assert named in error.message
    assert_chinese(error)
    assert f'did-service.toml:{line}:{column}"：' in error.message_zh


def test_foreign_text_is_quoted(tmp_path):
    told = refused(tmp_path, REGION + '[log]\nlevel = "\\u001b[2J"\n').message
    assert "\x1b" not in told


def test_a_file_of_another_service_is_refused(tmp_path):
    with pytest.raises(UsageError, match="this file is for") as caught:
        of(tmp_path, REGION, kind=ServiceKind.AGENCY)
    assert caught.value.code == "folder_of_other_service"
    assert_chinese(caught.value)


@KINDS
def test_every_kind_of_setting_says_in_chinese_what_it_takes(kind):
    for row in [*settings_of(kind), *(r for rows in named_of(kind).values() for r in rows)]:
        assert re.search("[\u4e00-\u9fff]", row.kind.allowed.zh), row.name
        assert not re.search("[\u4e00-\u9fff]", row.kind.allowed.en), row.name


def test_of_a_draft_no_line_is_told(tmp_path):
    with pytest.raises(UsageError) as caught:
        parse_configuration(tmp_path / "x", b"[service]\nkind = 1\n", {}, is_made=False)
    assert caught.value.message.startswith("[service] kind is ")
    assert caught.value.details == {}
    with pytest.raises(UsageError) as caught:
        parse_configuration(tmp_path / "x", b"kind =", {}, is_made=False)
    assert "TOML 1.0" in caught.value.message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="absent") as caught:
        read_configuration(tmp_path / "absent.toml", {})
    assert caught.value.code == "configuration_missing"


# --- variables --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "text", "place", "value"),
    [
        ("DIDSVC_PUBLISH_LEAST", "0.5", "publish.least", 0.5),
        ("DIDSVC_PUBLISH_HEADS_LEAST", "7", "publish.heads_least", 7),
        ("DIDSVC_LISTEN_PUBLIC", "true", "listen.public", True),
        ("DIDSVC_SERVICE_HOSTS", "a.example, b.example", "service.hosts",
         ("a.example", "b.example")),
        ("DIDSVC_SERVICE_REGION", "hn", "service.region", "hn"),
        ("DIDSVC_KEYS_PASSPHRASE", "file:/run/pass", "keys.passphrase", "file:/run/pass"),
    ],
)  # fmt: skip
def test_a_variable_goes_before_the_file(tmp_path, variable, text, place, value):
    section, _, name = place.partition(".")
    made = of(tmp_path, REGION + "[publish]\nleast = 9\n", {variable: text})
    assert made.sections[section][name] == value


def test_a_variable_of_a_named_table_has_its_name(tmp_path):
    text = REGION + '[peers."hn.example"]\nca = "a.pem"\n'
    made = of(tmp_path, text, {"DIDSVC_PEERS_HN_EXAMPLE_CA": "b.pem"})
    assert made.named["peers"]["hn.example"]["ca"] == "b.pem"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DIDSVC_PUBLISH_LEAST", "soon"),
        ("DIDSVC_LISTEN_PUBLIC", "yes"),
        ("DIDSVC_SERVICE_HOSTS", ""),
        ("DIDSVC_KEYS_PASSPHRASE", "tiger-in-the-variable"),
        ("DIDSVC_PUBLISH_LEST", "1"),
        ("DIDSVC_AGENCY_URL", "https://a.example"),
    ],
)
def test_a_variable_that_is_off_is_named_and_its_value_is_not(tmp_path, variable, value):
    error = refused(tmp_path, REGION, {variable: value})
    assert error.message.startswith(f"{variable}: ")
    assert error.message_zh.startswith(f"{variable}：")
    assert_chinese(error)
    assert not value or value not in error.message.partition("allowed")[0]


def test_variables_of_other_programs_are_not_looked_at(tmp_path):
    of(tmp_path, REGION, {"DIDSVC_LANG": "zh", "DIDSVC_ROUTES": "x", "PATH": "/bin"})


# --- positions --------------------------------------------------------------------------------

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=6),
)
VALUES = st.sampled_from(
    [
        "1",
        '"a # b"',
        '"\\"]"',
        "'='",
        "[1, [2], # c = 1\n 3]",
        '{ x = 1, y = "}" }',
        '"""\nq = "1"\n[t]\\\n"""',
        "'''\nq = 1'''",
        '"""a""""',
    ]
)


@st.composite
def tables(draw):
    """Lines of a table, and where each of its keys must be found."""
    lines, wanted, at = [], {}, 1
    for key in draw(st.lists(KEYS, min_size=1, max_size=5, unique=True)):
        indent, value = draw(st.sampled_from(["", "  ", "\t"])), draw(VALUES)
        lines.append(f"{indent}{written(key)} = {value} # z = 1")
        wanted[(key,)] = (at, len(indent) + 1)
        at += value.count("\n") + 1
    return "\n".join(lines), wanted


@given(tables())
def test_every_key_is_found_where_it_stands(made):
    text, wanted = made
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = positions(text)
    assert {path: tuple(place) for path, place in found.items() if len(path) == 1} == wanted


def test_tables_and_dotted_keys_are_found():
    text = '[a."b.c"]\nd.e = 1\n[[f]]\n'
    assert {path: tuple(place) for path, place in positions(text).items()} == {
        ("a",): (1, 1),
        ("a", "b.c"): (1, 1),
        ("a", "b.c", "d"): (2, 1),
        ("a", "b.c", "d", "e"): (2, 1),
        ("f",): (3, 1),
    }
