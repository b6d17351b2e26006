"""openapi.yaml is what the apps say of themselves, and what others can work with."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import openapi_spec_validator
import pytest
import yaml
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from did_service.program.words import read_help
from did_service.web.app import create_app
from did_service.web.operations import (
    PARAMETER,
    TOPIC,
    examples,
    operations_of,
    parameter_told,
)
from did_service.web.pages import page
from scripts import make_openapi
from tests.support import optional

COMMITTED = Path("openapi.yaml")
DOCUMENT = yaml.safe_load(COMMITTED.read_text())
OPERATIONS = [(f"{method} {path}", each) for path, method, each in operations_of(DOCUMENT)]
NAMES = [each["operationId"] for _, each in OPERATIONS]
METHODS = {"get", "post", "delete"}
SENTENCES = (".summary", ".description")
CHINESE = re.compile("[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z]+(?:[ ,;]+[a-z]+){2,}")  # three words in a row


def test_committed_document_is_the_one_that_the_apps_make():
    assert make_openapi.document() == DOCUMENT


def test_an_independent_validator_finds_nothing_wrong():
    openapi_spec_validator.validate(DOCUMENT)


def test_every_reference_leads_to_a_component():
    schemas = DOCUMENT["components"]["schemas"].keys()
    named = set(re.findall(r"\$ref: '?#/(\S+?)'?$", COMMITTED.read_text(), re.MULTILINE))
    assert named
    assert named <= {f"components/schemas/{name}" for name in schemas}


@pytest.mark.parametrize(("where", "operation"), OPERATIONS, ids=NAMES)
def test_every_operation_says_what_it_does_with_an_example(where, operation):
    assert operation["tags"], where
    words = operation["summary"].split()
    assert len(words) >= 3, where
    assert operation["summary"] != operation["description"]
    shown = [
        content
        for answer in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in answer.get("content", {}).values()
        if "example" in content
    ]
    assert shown or any("example" in each for each in operation.get("parameters", ())), where


def test_operations_have_names_that_programs_can_use():
    assert len(NAMES) == len(set(NAMES))
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)+", name) for name in NAMES)


def test_every_operation_is_told_in_both_languages_and_no_other_is():
    for tongue in ("zh", "en"):
        told = {place.partition(".")[0] for place in read_help(tongue, TOPIC)}
        assert told == {*NAMES, PARAMETER}


def test_every_parameter_is_told_in_both_languages_and_no_other_is():
    used = [
        (operation["operationId"], each["name"])
        for _, operation in OPERATIONS
        for each in operation.get("parameters", ())
    ]
    places = {f"{owner}.{name}" for operation, name in used for owner in (operation, PARAMETER)}
    for tongue in ("zh", "en"):
        told = {place for place in read_help(tongue, TOPIC) if not place.endswith(SENTENCES)}
        assert told <= places
        assert all(parameter_told(operation, name, tongue) for operation, name in used)
    assert set(examples()) == set(NAMES)


def schema_cases():
    for where, operation in OPERATIONS:
        contents = [("request", operation.get("requestBody", {}).get("content", {}))]
        contents += [(s, each.get("content", {})) for s, each in operation["responses"].items()]
        for place, by_type in contents:
            for content in by_type.values():
                if "example" in content:
                    yield pytest.param(content, id=f"{where} {place}")


@pytest.mark.parametrize("content", [*schema_cases()])
def test_an_example_is_of_its_schema(content):
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(content["example"])


def test_files_and_numbers_are_told_as_what_they_are():
    def types(path):
        return [*DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]]

    assert types("/metrics") == ["text/plain"]
    assert types("/{log}/checkpoint") == ["text/plain"]
    assert types("/{log}/tile/{path}") == ["application/octet-stream"]


@pytest.mark.clock
def test_a_client_generator_loses_no_operation(tmp_path):
    python = optional.peers_python()
    made = tmp_path / "made"
    command = [
        python.with_name("openapi-python-client"),
        *("generate", "--path", COMMITTED.resolve(), "--output-path", made, "--meta", "none"),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "will not be generated" not in told, told
    generated = {path.stem for path in made.rglob("api/*/*.py")} - {"__init__"}
    assert generated == {re.sub("([A-Z])", r"_\1", name).lower() for name in NAMES}


# --- what a server serves --------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app("test")) as made:
        yield made


def test_a_server_serves_its_part_of_the_committed_text(client):
    served = client.get("/openapi.json").json()
    assert {"/health", "/ready", "/metrics"} == served["paths"].keys()
    for path, operations in served["paths"].items():
        assert operations == DOCUMENT["paths"][path]
    for member in ("openapi", "info", "servers"):
        assert served[member] == DOCUMENT[member]
    for name, schema in served["components"]["schemas"].items():
        assert DOCUMENT["components"]["schemas"][name] == schema


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "进程是否存活"), ("en", "Say that the process")]
)
def test_the_page_is_in_the_readers_language(client, language, words):
    answer = client.get("/docs", headers={"Accept-Language": language})
    assert answer.headers["content-language"] == language
    assert words in answer.text
    assert json.dumps({"status": "ok"}, indent=2).replace('"', "&quot;") in answer.text


class Said(HTMLParser):
    """The texts of a page that are no code, and the texts within its examples."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.examples, self._within = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._within.append(tag)

    def handle_endtag(self, tag):
        while self._within and self._within.pop() != tag:
            pass  # some end tags may be left out

    def handle_data(self, data):
        if "pre" in self._within:
            self.examples.append(data)
        elif not {"code", "style", "a"} & {*self._within[-1:]} or CHINESE.search(data):
            self.texts.append(data.strip())


def test_nothing_on_the_chinese_page_is_an_english_sentence():
    """Of all services at once: what every operation and parameter is, and what words mean."""
    said, english = Said(page(DOCUMENT, "zh")), Said(page(DOCUMENT, "en"))
    assert len(said.texts) > 2 * len(NAMES)
    of_server = ("did-service", "# HELP")  # names, and numbers for programs
    for text in filter(None, said.texts):
        assert CHINESE.search(text) or text.startswith(of_server), text
    left = [text for text in (*said.texts, *said.examples) if ENGLISH.search(text)]
    assert [text for text in left if not text.startswith(of_server)] == []
    assert not any(CHINESE.search(text) for text in english.texts)


def test_the_page_runs_no_script_and_loads_nothing(client):
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    tags = Tags(answer.text).found
    assert {name for name, _ in tags}.isdisjoint({"script", "img", "link", "iframe", "form"})
    linked = [attributes["href"] for name, attributes in tags if name == "a"]
    assert all(link == "/openapi.json" or link.startswith("#") for link in linked)
    assert not any(
        name.startswith("on") or name == "style" for _, each in tags for name in each
    )
