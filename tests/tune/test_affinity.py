from __future__ import annotations

import os
import sys

import pytest

from trm_edge.tune.affinity import same_processors


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such call")
def test_the_processors_are_the_same_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {1}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: frozenset(now))
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, wanted: now.intersection_update(wanted))

    def forget() -> None:
        with same_processors():
            now.update({0, 2})  # as PyTorch does
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        forget()
    assert now == {1}
