"""An honest sample after the other, beside hostile ones: says at the end how many ran, whether all were right, and the slowest."""

from __future__ import annotations

import json
import select
import sys
import time

from assay.sandbox import Returned, Zygote

LIMIT_S = 2.0
_SOURCE = "def total(n):\n    return sum(range(n))\n"


def main() -> None:
    samples = right = 0
    slowest_s = 0.0
    with Zygote() as zygote:
        while not select.select([sys.stdin], [], [], 0.02)[0]:
            began = time.monotonic()
            with zygote.run(_SOURCE, "total") as child:
                outcome = child.call([50_000], LIMIT_S)
            slowest_s = max(slowest_s, time.monotonic() - began)
            samples += 1
            right += isinstance(outcome, Returned) and outcome.value == 1_249_975_000
    print(json.dumps({"samples": samples, "right": right, "slowest_s": slowest_s}))


if __name__ == "__main__":
    main()
