"""Moving in: what another gateway's configuration comes to here.

Its documents are read (`documents`), and what they say becomes a `Plan`: settings, providers and aliases for an ``assay.toml``, keys
in clear that belong in the vault, and a note for every line, whether it was carried or not. Everything here is a pure function of
what was read; whoever asked writes the file and seals the keys.
"""

from assay.gateway.moving.plan import ClientKey, Note, Outcome, Plan
from assay.gateway.moving.read import Product, read_plan
from assay.gateway.moving.write_toml import write_toml

__all__ = ["ClientKey", "Note", "Outcome", "Plan", "Product", "read_plan", "write_toml"]
