"""Amazon Bedrock's Converse, towards upstreams only: no client speaks it to a gateway.

Facts as of 2026-11: the service model in botocore 1.44.5 and the API reference, "Converse", "ConverseStream" and "CountTokens".
Streams come in binary frames; what is read here are their payloads, as server-sent events under the frames' own names.
"""

from assay.wire.bedrock_converse.fields import NAME
from assay.wire.bedrock_converse.reader import EventReader, read_events
from assay.wire.bedrock_converse.request import read_count, write_count_request, write_request
from assay.wire.bedrock_converse.usage import read_usage

__all__ = [
    "NAME",
    "EventReader",
    "read_count",
    "read_events",
    "read_usage",
    "write_count_request",
    "write_request",
]
