"""One key and one address for all models: the data plane, the client behind it, and the providers."""

from assay.gateway.gateway import PREFIX, Gateway

__all__ = ["PREFIX", "Gateway"]
