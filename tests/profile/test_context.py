"""Context binaries as files of a bundle."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from trm_edge.bundle import read_bundle, read_manifest
from trm_edge.errors import InvalidInput, Refused
from trm_edge.profile import context as module
from trm_edge.profile.context import write_context
from trm_edge.runtimes import open_session

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("onnxruntime_qnn") is None, reason="onnxruntime-qnn is not installed")


@pytest.fixture
def bundle_path(tmp_path: Path) -> Path:
    from tests.runtimes.test_qnn import export, tiny_model

    return export(tiny_model(), tmp_path / "bundle")


def test_a_context_joins_the_bundle_and_computes_the_same(bundle_path: Path) -> None:
    before = read_manifest(bundle_path)
    write_context(bundle_path, "v75")
    write_context(bundle_path, "v79")
    write_context(bundle_path, "v75")  # replaces the first
    with read_bundle(bundle_path) as bundle:
        listed = bundle.manifest.graph_stats["contexts"]
        assert [one["htp_arch"] for one in listed] == ["v79", "v75"]
        assert all("never run on a phone" in one["note"] for one in listed)
        assert {one[kind] for one in listed for kind in ("file", "binary")} <= bundle.manifest.files.keys()
        assert len(bundle.manifest.files) == len(before.files) + 4
        tokens = np.ones((1, 16), np.int32)
        with open_session(bundle, htp_arch="v75") as graph, open_session(bundle, context="v75") as compiled:
            assert "v75" in compiled.provider
            inputs = {"tokens": tokens, **graph.initial_carry(1)}
            for name, array in graph.infer(inputs).items():
                np.testing.assert_array_equal(compiled.infer(inputs)[name], array)


def test_an_archive(bundle_path: Path, tmp_path: Path) -> None:
    from trm_edge.bundle import write_bundle

    with read_bundle(bundle_path) as bundle:
        files = {name: bundle.folder / name for name in bundle.manifest.files}
        packed = write_bundle(tmp_path / "packed.zip", bundle.manifest, files)
    write_context(packed, "v73")
    with read_bundle(packed) as bundle, open_session(bundle, context="v73") as session:
        assert session.placement() is not None


def test_what_goes_wrong_leaves_the_bundle_as_it_was(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in bundle_path.iterdir()}
    with pytest.raises(InvalidInput, match="HTP architecture"):
        write_context(bundle_path, "v1")

    def interrupted(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_bundle", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_context(bundle_path, "v75")
    assert {path.name: path.read_bytes() for path in bundle_path.iterdir()} == before


def test_another_target_is_refused(bundle_path: Path, tmp_path: Path) -> None:
    from trm_edge.bundle import update_manifest

    other = Path(shutil.copytree(bundle_path, tmp_path / "other"))
    update_manifest(other, target="cpu")
    with pytest.raises(Refused, match=r"this bundle is for cpu\. Export the model with --target qualcomm-npu"):
        write_context(other, "v75")
