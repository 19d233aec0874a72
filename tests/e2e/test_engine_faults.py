"""A fault inside the engine refuses the request that met it: nothing is forwarded or told, and the next one works."""

import json
import shutil
from pathlib import Path

import onnx
import pytest
from e2e_support.client import ask
from e2e_support.gateway import MODEL, Gateway
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream
from onnx import TensorProto, helper

# The id of the token "zebra": what the model below gives for it is no number.
UNSPEAKABLE = 29145.0


def _write_faulty_model(path: Path) -> None:
    """A model that works for every text but those with one certain word in them."""
    shape = ["batch", "sequence"]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*shape, 2])
    constants = [
        helper.make_tensor("forbidden", TensorProto.FLOAT, [1], [UNSPEAKABLE]),
        helper.make_tensor("last", TensorProto.INT64, [1], [2]),
    ]
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["ids", "forbidden"], ["difference"]),
        helper.make_node("Abs", ["difference"], ["distance"]),
        helper.make_node("Log", ["distance"], ["logarithm"]),
        helper.make_node("Unsqueeze", ["logarithm", "last"], ["column"]),
        helper.make_node("Concat", ["column", "column"], ["last_hidden_state"], axis=2),
    ]
    graph = helper.make_graph(nodes, "faulty", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


@pytest.fixture
def faulty(start: Start, upstream: Upstream, tmp_path: Path) -> Gateway:
    """A gateway with that model."""
    _write_faulty_model(tmp_path / "faulty.onnx")
    shutil.copy(MODEL.parent / "tokenizer.json", tmp_path)
    route = {"name": "animals", "upstream": upstream.url, "intents": ["a horse"]}
    fallback = {"upstream": upstream.url}
    gateway = start({"semantic_engine": {"model_path": "faulty.onnx"}, "routes": [route], "fallback": fallback})
    gateway.tolerates_faults = True
    return gateway


def test_a_fault_refuses_and_forwards_nothing(faulty: Gateway, upstream: Upstream) -> None:
    for _ in range(2):
        response = ask(faulty.port, "GET", "/?q=a+zebra")
        error = json.loads(response.body)["error"]
        assert (response.status, error["code"], error["type"]) == (500, "internal", "internal")
        assert response.header("X-Request-ID") == error["request_id"].encode()
        for word in (b"zebra", b"finite", b"Error", b"model", b"Traceback"):
            assert word not in response.body
        fault = faulty.wait_line(lambda line, wanted=error["request_id"]: _is_fault(line, wanted), "the fault")  # type: ignore[misc]
        assert (fault["level"], fault["verdict"]) == ("error", "internal")
        assert "EncodingError" in fault["detail"]
        assert "zebra" not in fault["detail"]
    assert upstream.requests == []
    response = ask(faulty.port, "GET", "/?q=a+horse")
    assert (response.status, response.header("X-AIMux-Route")) == (200, b"animals")


def _is_fault(line: dict[str, object], request_id: str) -> bool:
    return line["event"] == "fault" and line["request_id"] == request_id
