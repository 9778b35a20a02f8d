"""A real llama.cpp server on a tiny checkpoint made on the spot, whose answers are known in advance."""

from tests.llama.checkpoint import make_checkpoint
from tests.llama.server import serving_checkpoint

__all__ = ["make_checkpoint", "serving_checkpoint"]
