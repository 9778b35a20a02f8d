"""How each provider speaks: what a request of its protocol asks, and an `Answer` in its events and documents.

Each module has ``read(body, ...) -> Asked``, ``whole(asked, answer)``, ``stream(asked, answer) -> list[Event]``,
``failure(asked, answer) -> bytes`` for what a stream breaks off with, ``error(status)`` and ``listed(names)``. None of it comes
from `assay.wire`: a mistake there cannot hide behind the same mistake here.
"""
