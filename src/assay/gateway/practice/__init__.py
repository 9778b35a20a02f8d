"""Contestants that need neither network nor weights, so that a battle can be fought in the first minute.

They are plain programs and say so. They are reached like any provider: over HTTP, through a row of data, on the wire of
OpenAI chat completions. What each can do is in its own module.
"""

from assay.gateway.practice.asgi import Practice
from assay.gateway.practice.contestants import contestants
from assay.gateway.practice.pieces import Pace
from assay.gateway.practice.serve import serve

app = Practice(contestants())

__all__ = ["Pace", "Practice", "app", "contestants", "serve"]
