from __future__ import annotations

import numpy as np
import onnx
import pytest

from trm_edge import __version__
from trm_edge.export.graph_builder import DOMAIN, Constants, GraphBuilder, make_function, make_model
from trm_edge.specs import TensorSpec

X, Y = TensorSpec("x", ("batch", 2), "float32"), TensorSpec("y", ("batch", 2), "float32")


def test_a_constant_is_stored_once() -> None:
    constants = Constants()
    ones = np.ones(4, np.float32)
    assert constants.add("ones", ones) == constants.add("ones", ones.copy()) == "ones"
    assert (constants.names(), constants.bytes(), len(constants.protos())) == (["ones"], 16, 1)


def test_a_name_cannot_stand_for_two_constants() -> None:
    constants = Constants()
    constants.add("w", np.zeros(4))
    for other in (np.ones(4), np.zeros(5)):
        with pytest.raises(ValueError, match="'w' is already stored with other values"):
            constants.add("w", other)


def test_transposed_arrays_are_stored_in_order() -> None:
    constants = Constants()
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    constants.add("w", array.T)
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(constants.protos()[0]), array.T)


def test_children_share_constants_but_not_names() -> None:
    builder = GraphBuilder(Constants())
    first, second = builder.child("a"), builder.child("b")
    names = {b.op("Neg", "x") for b in (builder, first, second, first.child("a"))}
    assert len(names) == 4
    first.ints(1, 2)
    assert builder.constants.names() == ["i1_2"]


def test_model_with_a_function() -> None:
    builder = GraphBuilder(Constants())
    body = builder.child("f")
    function = make_function("Double", body, ["v"], [body.op("Add", "v", "v")], opset=20)
    builder.op("Double", "x", domain=DOMAIN, output="y")
    model = make_model(builder, [X], [Y], opset=20, functions=[function])
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 20, DOMAIN: 1}
    assert (model.producer_name, model.producer_version) == ("trm-edge", __version__)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert not make_model(builder, [X], [Y], opset=20).functions
