"""What `benchmarks.scoring` times of Assay: a file of samples in, a JSON row for each out.

python -m benchmarks.scoring_assay SAMPLES DATA FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from assay.bench.code.score_file import score_file
from assay.bench.library import Library


async def main() -> None:
    samples, data, folder = (Path(argument) for argument in sys.argv[1:4])
    task = Library().find("humanevalplus")
    async for row in score_file(task, {task.data[0].name: data}, samples, folder=folder, workers=2):
        sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")


if __name__ == "__main__":
    asyncio.run(main())
