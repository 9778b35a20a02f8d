"""A log line for every call, for those who gather logs: who asked what, how it ended, what it cost. Never what was said."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from assay.gateway.recorder import Settled
from assay.store.database import Write

_log = logging.getLogger(__name__)


class CallLog:
    """A `Book` that writes lines."""

    def entries(self, settled: Sequence[Settled]) -> Sequence[Write]:
        return ()

    def committed(self, settled: Sequence[Settled]) -> None:
        for _, call in settled:
            usage, cost = call.usage, call.cost
            _log.info(
                "call id=%s request=%s key=%s deployment=%s purpose=%s outcome=%s status=%s error=%s duration_ms=%d"
                " input_tokens=%s output_tokens=%s cost=%s",
                call.id,
                call.request_id,
                call.key,
                call.deployment,
                call.purpose,
                call.outcome,
                call.status,
                call.error,
                call.duration_us // 1000,
                None if usage is None else usage.total_input,
                None if usage is None else usage.total_output,
                cost,
            )
