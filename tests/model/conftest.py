from __future__ import annotations

from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent.parent / "fixtures" / "official_checkpoints"


@pytest.fixture
def official_folder() -> Path:
    """Checkpoints that the official code wrote, with the outputs it gave for each step (``expected.npz``)."""
    return FIXTURES
