"""What a resolver keeps of verified histories: a bounded number, each for its own files."""

import pytest

from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_HISTORIES_CACHED
from did_service.resolver.histories import Histories, WebvhFiles
from tests.support.dids import NOW, Controller


def test_only_so_many_histories_are_kept_the_latest_asked_for():
    made, histories = Controller.create(), Histories(lambda: NOW)
    first = histories.of(WebvhFiles(made.log, None), made.did)
    for number in range(MAX_HISTORIES_CACHED + 5):
        histories.of(WebvhFiles(made.log, b" " * number), made.did)
        assert histories.of(WebvhFiles(made.log, None), made.did) is first
    assert len(histories) == MAX_HISTORIES_CACHED


def test_a_history_is_kept_for_the_did_that_was_asked_for():
    made, histories = Controller.create(), Histories(lambda: NOW)
    files = WebvhFiles(made.log, None)
    histories.of(files, made.did)
    with pytest.raises(DidServiceError):
        histories.of(files, Controller.create(location="hn.example").did)
    assert len(histories) == 1
