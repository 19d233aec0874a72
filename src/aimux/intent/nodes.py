"""An ONNX graph that grows node by node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from aimux.intent.model import Precision
from aimux.intent.quantize import Floats

FUSED = "com.microsoft"


@dataclass(slots=True)
class Nodes:
    """Nodes and constants in the order in which they were added. A tensor is known by its name."""

    weights: Mapping[str, Floats]
    precision: Precision
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """Add a constant, once, and return its name."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def weight(self, name: str) -> str:
        """Add one of the published weights as it is."""
        return self.constant(name, self.weights[name])

    def add(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: float) -> str:
        """Add a node with one output and return the output's name."""
        self.add_many(kind, inputs, [output], domain, **attributes)
        return output

    def add_many(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: float
    ) -> None:
        """Add a node with several outputs."""
        node = helper.make_node(kind, inputs, outputs, domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self.nodes.append(node)
