"""What every part of the JSON API shares: endpoints that say what they take and give, and the document of them all.

Each subsystem lists its own endpoints in its ``routes.py``; the web layer joins them. The data plane imports nothing of this.
"""

from assay.api.actor import Actor, Role, actor_of, not_signed_in, require_role, signed_in
from assay.api.endpoint import Endpoint, given_by, respond
from assay.api.openapi import document
from assay.api.record import Change, Recording, record
from assay.api.stream import EVENT_STREAM, EventStream

__all__ = [
    "EVENT_STREAM",
    "Actor",
    "Change",
    "Endpoint",
    "EventStream",
    "Recording",
    "Role",
    "actor_of",
    "document",
    "given_by",
    "not_signed_in",
    "record",
    "require_role",
    "respond",
    "signed_in",
]
