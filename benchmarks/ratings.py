"""CPU seconds from a million votes to ratings with intervals, beside other libraries in the same run.

    python benchmarks/ratings.py [--votes N] [--models N] [--voters N] [--peers build/peers/bin/python] [--json]

Each case runs in a process of its own, with one thread of linear algebra; CPU is user + system of all its threads. *Cold* is the
first call of the process, its imports done; *warm* is the best of the three that follow. Votes are drawn once more in each
process from the same seed: strengths normal, popularity of models by Zipf's law, three votes in ten a tie. Every case checks its
ratings against the first one's. Peers are optional and live in their own environment:

    uv venv build/peers && uv pip install --python build/peers/bin/python evalica choix arena-rank pandas
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1") | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
}
WARM_CALLS = 3
SEED = 7
DEFAULT_PEERS = Path(__file__).parent.parent / "build" / "peers" / "bin" / "python"


class Votes(NamedTuple):
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    outcome: NDArray[np.int64]
    voter: NDArray[np.int64]
    models: int

    @property
    def names(self) -> tuple[list[str], list[str]]:
        """The sides' names, as a file would have them."""
        known = np.array([f"organization/model-{code:03d}-instruct" for code in range(self.models)])
        return known[self.a].tolist(), known[self.b].tolist()


class Case(NamedTuple):
    """``prepare`` gives the function that is measured; its result is one rating for each model, mean 1000."""

    needs: str
    intervals: str
    given: str
    prepare: Callable[[Votes], Callable[[], Any]]
    half_win: bool = True


def draw(votes: int, models: int, voters: int) -> Votes:
    rng = np.random.default_rng(SEED)
    theta = rng.normal(0.0, 0.6, models)
    popular = rng.permutation(1 / np.arange(1, models + 1))
    popular /= popular.sum()
    a, b = rng.choice(models, votes, p=popular), rng.choice(models, votes, p=popular)
    b = np.where(a == b, (a + rng.integers(1, models, votes)) % models, b)
    wins = rng.random(votes) < 1 / (1 + np.exp(theta[b] - theta[a]))
    outcome = np.where(rng.random(votes) < 0.3, 2, np.where(wins, 0, 1))
    return Votes(a, b, outcome, rng.integers(0, voters, votes), models)


def _assay(**options: Any) -> Callable[[Votes], Callable[[], Any]]:
    def prepare(votes: Votes) -> Callable[[], Any]:
        from assay.stats import Counts, rate

        cluster = votes.voter if options.get("clustered") else None
        return lambda: rate(Counts.of(votes.a, votes.b, votes.outcome, votes.models, cluster=cluster), **options).rating

    return prepare


def _assay_refit(votes: Votes) -> Callable[[], Any]:
    from assay.stats import Counts, rate

    counts = Counts.of(votes.a, votes.b, votes.outcome, votes.models)
    return lambda: rate(counts).rating


def _assay_names(votes: Votes) -> Callable[[], Any]:
    from assay.stats import Tally, rate

    a, b = votes.names
    choice = np.array(["a", "b", "tie"])[votes.outcome].tolist()
    voter = [f"voter {code}" for code in votes.voter.tolist()]

    def run() -> Any:
        tally = Tally()
        tally.add_all(a, b, choice, voter)
        ratings = rate(tally.counts()).rating
        return [rating for _, rating in sorted(zip(tally.models, ratings.tolist(), strict=True))]

    return run


def _evalica(votes: Votes) -> Callable[[], Any]:
    import evalica  # type: ignore[import-not-found,unused-ignore]  # in the peers' environment only

    a, b = votes.names
    words = (evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw)
    winners = [words[outcome] for outcome in votes.outcome.tolist()]

    def run() -> Any:
        scores = evalica.bradley_terry(a, b, winners).scores.sort_index()
        return _points(np.log(scores.to_numpy()))

    return run


def _choix(votes: Votes) -> Callable[[], Any]:
    import choix  # type: ignore[import-not-found,unused-ignore]  # in the peers' environment only

    def run() -> Any:
        cell = (votes.a * votes.models + votes.b) * 3 + votes.outcome
        cells = np.bincount(cell, minlength=votes.models**2 * 3).reshape(votes.models, votes.models, 3)
        ties = cells[:, :, 2] / 2
        return _points(choix.ilsr_pairwise_dense(cells[:, :, 0] + cells[:, :, 1].T + ties + ties.T))

    return run


def _arena_rank(votes: Votes) -> Callable[[], Any]:
    import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]  # in the peers' environment only
    from arena_rank.models.bradley_terry import BradleyTerry  # type: ignore[import-not-found,unused-ignore]  # likewise
    from arena_rank.utils.data_utils import PairDataset  # type: ignore[import-not-found,unused-ignore]  # likewise

    a, b = votes.names
    winner = np.array(["model_a", "model_b", "tie"])[votes.outcome]
    frame = pandas.DataFrame({"model_a": a, "model_b": b, "winner": winner})

    def run() -> Any:
        dataset = PairDataset.from_pandas(frame)
        board = BradleyTerry(n_competitors=len(dataset.competitors)).compute_ratings_and_cis(dataset, ci_method="sandwich")
        pairs = sorted(zip(board["competitors"], np.asarray(board["ratings"]).tolist(), strict=True))
        ratings = np.array([rating for _, rating in pairs])
        return ratings - ratings.mean() + 1000

    return run


CASES = {
    "assay": Case("assay", "sandwich", "int codes", _assay()),
    "assay by voter": Case("assay", "by voter", "int codes", _assay(clustered=True)),
    "assay davidson": Case("assay", "sandwich", "int codes", _assay(ties="davidson"), half_win=False),
    "assay davidson by voter": Case("assay", "by voter", "int codes", _assay(ties="davidson", clustered=True), half_win=False),
    "assay from counts": Case("assay", "sandwich", "counts", _assay_refit),
    "assay from names": Case("assay", "sandwich", "lists of names", _assay_names),
    "choix ilsr": Case("choix", "none", "int codes", _choix),
    "evalica": Case("evalica", "none", "lists of names", _evalica),
    "arena-rank": Case("arena-rank", "sandwich", "frame of names", _arena_rank),
}


def _points(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((theta - theta.mean()) * 400 / np.log(10) + 1000)


def _version(library: str) -> str:
    if library == "assay":
        from assay import __version__

        return __version__
    return importlib.metadata.version(library)


def measure(name: str, votes: Votes) -> dict[str, Any]:
    """Run one case in this process."""
    run = CASES[name].prepare(votes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(1 + WARM_CALLS):
        start = time.process_time()
        ratings = run()
        seconds.append(time.process_time() - start)
    return {
        "cold_s": round(seconds[0], 4),
        "warm_s": round(min(seconds[1:]), 4),
        "peak_mb_more": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1),
        "version": _version(CASES[name].needs),
        "ratings": [float(rating) for rating in ratings],
    }


def run_apart(name: str, python: Path, options: argparse.Namespace) -> dict[str, Any] | None:
    """Run one case in a process of its own; None where its library is not installed."""
    sizes = [f"--{size}={getattr(options, size)}" for size in ("votes", "models", "voters")]
    command = [str(python), __file__, "--case", name, *sizes]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}", file=sys.stderr)
        return None
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    reference: dict[bool, list[float]] = {}
    for name, case in CASES.items():
        python = Path(sys.executable) if case.needs == "assay" else options.peers
        found = run_apart(name, python, options) if python.exists() else None
        if found is None:
            continue
        ratings = found.pop("ratings")
        first = reference.setdefault(case.half_win, ratings)
        found["largest_difference"] = max(abs(one - other) for one, other in zip(ratings, first, strict=True))
        rows.append({"case": name, "given": case.given, "intervals": case.intervals, **found})
    base = rows[0]["warm_s"]
    return [{**row, "warm_ratio": round(row["warm_s"] / base, 1)} for row in rows]


def show(rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    print(f"{options.votes:,} votes, {options.models} models, {options.voters} voters; one thread; CPU seconds")
    print(
        f"{'case':24} {'version':>9} {'given':15} {'intervals':9} {'cold':>8} {'warm':>8} {'ratio':>7} {'+MB':>6}  largest difference"
    )
    for row in rows:
        print(
            f"{row['case']:24} {row['version']:>9} {row['given']:15} {row['intervals']:9} {row['cold_s']:8.4f} {row['warm_s']:8.4f} "
            f"{row['warm_ratio']:6.1f}x {row['peak_mb_more']:6.0f}  {row['largest_difference']:.1e}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--voters", type=int, default=1_000)
    parser.add_argument("--peers", type=Path, default=DEFAULT_PEERS, help="the Python of the peers' environment")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, draw(options.votes, options.models, options.voters))))
        return
    rows = compare(options)
    if options.json:
        sizes = {size: getattr(options, size) for size in ("votes", "models", "voters")}
        versions = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
        print(json.dumps({**sizes, **versions, "cases": rows}, indent=2))
    else:
        show(rows, options)


if __name__ == "__main__":
    main()
