"""docs/pictures: what the script draws, in both languages, with words for who cannot see it."""

from xml.etree import ElementTree

import pytest

from did_service.core.text import width
from scripts import make_pictures

SVG = "{http://www.w3.org/2000/svg}"
FILES = dict(make_pictures.files())


def test_the_files_are_those_that_the_script_writes():
    assert {path: path.read_text() for path in make_pictures.FOLDER.iterdir()} == FILES


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_picture_is_named_and_described_and_asks_for_nothing(path):
    root = ElementTree.fromstring(FILES[path])
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text
    assert len(root.find(f"{SVG}desc").text) > 40
    assert "href" not in FILES[path]
    assert "url(http" not in FILES[path]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_words_of_a_box_fit_into_it(path):
    for part in make_pictures.PICTURES[path.name.split(".")[0]].parts:
        if isinstance(part, make_pictures.Box) and not part.group:
            for words, each in ((part.words, 8), (part.more, 7)):
                assert max(map(width, words)) * each <= part.width, words
