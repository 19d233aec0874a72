"""ONNX Runtime as AIMux runs it: on the calling thread, and without telling anybody."""

import os

# The published builds report sessions and models to their maker by default, from version 1.29 on also on Linux. They
# read this when they are loaded, so nothing else may import onnxruntime first.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from onnxruntime import InferenceSession, SessionOptions

from aimux.intent.model import ModelError, ModelFiles

__all__ = ["InferenceSession", "open_session", "reason"]


def open_session(files: ModelFiles) -> InferenceSession:
    """The model, ready to run. Raises ModelError for a file that is missing or no ONNX model."""
    if not files.onnx.is_file():
        raise ModelError(f"the embedding model {files.onnx} is missing; {files.remedy}")
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, and said once
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return InferenceSession(str(files.onnx), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common type of their own
        problem = f"the embedding model {files.onnx} is broken or no ONNX file"
        raise ModelError(f"{problem} ({reason(error)}); {files.remedy}") from error


def reason(error: Exception) -> str:
    """What ONNX Runtime says, on one line and without its own name and numbers."""
    return str(error).partition("\n")[0].rpartition(" : ")[2][:200]
