"""One key and one address for all models: the data plane, the client behind it, and the providers."""

from assay.gateway.gateway import Gateway

__all__ = ["Gateway"]
