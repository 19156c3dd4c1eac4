"""States stored in integers: what they mean, and what a graph is given."""

from __future__ import annotations

import numpy as np

from trm_edge.bundle import CarrySpec, Manifest
from trm_edge.bundle.carry import to_real, to_stored

FLOAT = CarrySpec("z", "z_next", (0.5,))
WIDE = CarrySpec("z", "z_next", (0.5,), scale=0.0001, zero_point=30000)


def test_floats_stay_as_they_are() -> None:
    values = np.array([0.1, -2.0], np.float32)
    assert to_real(FLOAT, values) is values
    assert to_stored(FLOAT, values, "float16").dtype == np.float16


def test_integers_come_back_as_they_were() -> None:
    every = np.arange(65536, dtype=np.uint16)
    for scale in (1e-7, 0.0001, 0.37, 1e5):
        state = CarrySpec("z", "z_next", (0.0,), scale=scale, zero_point=12345)
        assert to_real(state, every).dtype == np.float32
        np.testing.assert_array_equal(to_stored(state, to_real(state, every), "uint16"), every)


def test_real_numbers_are_rounded_and_clipped() -> None:
    values = np.array([0.0, 0.00014, -0.00016, 1e9, -1e9], np.float32)
    assert to_stored(WIDE, values, "uint16").tolist() == [30000, 30001, 29998, 65535, 0]
    assert to_stored(CarrySpec("z", "z_next", (0.0,), 0.1, 0), values, "uint8").tolist() == [0, 0, 0, 255, 0]
    np.testing.assert_allclose(to_real(WIDE, np.array([30001], np.uint16)), [0.0001], rtol=1e-6)


def test_a_manifest_keeps_them(manifest: Manifest) -> None:
    document = manifest.to_dict()
    assert document["carry"][0].keys() == {"input", "output", "init"}, "as old readers know it"
    for tensor in (*document["inputs"][2:], *document["outputs"][2:]):
        tensor["dtype"] = "uint16"
    for state in document["carry"]:
        state |= {"scale": 0.25, "zero_point": 7}
    found = Manifest.from_dict(document)
    assert [(state.scale, state.zero_point) for state in found.carry] == [(0.25, 7), (0.25, 7)]
    assert Manifest.from_json(found.to_json()) == found
