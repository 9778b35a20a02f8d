"""The pages, their API, and the whole product assembled."""

SCHEMAS = ("assay.store", "assay.gateway", "assay.arena", "assay.challenge", "assay.bench")
"""The packages whose migrations make the database, in order."""
