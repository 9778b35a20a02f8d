"""Ratings in the terminal: a table with whiskers."""

from __future__ import annotations

from assay.cli.output import padded, width
from assay.stats import Leaderboard, Row

REASONS = {
    "no_votes": "no votes yet",
    "undefeated": "never gave a point away: no upper bound",
    "winless": "never got a point: no lower bound",
    "separate_component": "no chain of wins leads to the rated models and back",
    "only_ties": "every vote is a tie",
    "ties_unbounded": "too few wins among the ties for Davidson's model",
    "one_voter": "all its votes are of one voter: no interval by voter",
    "no_spread": "its votes balance exactly: no interval",
}
"""Why a model has no number, for people who read the terminal."""

_WHISKER_COLUMNS = 25


def as_table(board: Leaderboard) -> str:
    """An aligned table: rank and its range, rating with its interval and a whisker, votes; then who is not rated and why."""
    rated = [row for row in board.models if row.rating is not None]
    wide = max((width(row.model) for row in board.models), default=0)
    wide = max(wide, width("model"))
    low = min((row.low for row in rated if row.low is not None), default=0.0)
    high = max((row.high for row in rated if row.high is not None), default=1.0)
    head = f"{'rank':>4}  {'range':>9}  {padded('model', wide)}  {'rating':>7}  {'95 % interval':>15}  {'votes':>7}"
    return "\n".join((head, *(_line(row, wide, low, high) for row in board.models), "", _footer(board)))


def _line(row: Row, wide: int, low: float, high: float) -> str:
    name = padded(row.model, wide)
    if row.rating is None or row.low is None or row.high is None:
        return f"{'-':>4}  {'':>9}  {name}  {'-':>7}  {'':>15}  {row.votes:>7}  {REASONS[row.reason or 'no_votes']}"
    rank = f"{row.rank_low}-{row.rank_high}" if row.rank_low != row.rank_high else f"{row.rank}"
    interval = f"{row.low:.0f} to {row.high:.0f}"
    whisker = _whisker(row.low, row.rating, row.high, low, high).rstrip()
    return f"{row.rank:>4}  {rank:>9}  {name}  {row.rating:>7.1f}  {interval:>15}  {row.votes:>7}  {whisker}"


def _footer(board: Leaderboard) -> str:
    method = board.method
    model = "Davidson's model" if method.ties == "davidson" else "Bradley-Terry, a tie is half a win to each side"
    nu = f", nu {method.nu:.4f}" if method.nu is not None else ""
    by = "by voter" if method.cluster == "voter" else "by vote"
    mean = f"; mean of the {method.rated} rated models 1000" if method.rated else ""
    voters = f" by {method.voters} voters" if method.voters else ""
    return f"{method.votes} votes{voters}. {model}{nu}; 95 % sandwich intervals {by}{mean}."


def _whisker(low: float, rating: float, high: float, left: float, right: float) -> str:
    """``├──●──┤`` between the board's own lowest and highest bound."""
    span = (right - left) or 1.0
    start, middle, end = (
        min(_WHISKER_COLUMNS - 1, max(0, round((at - left) / span * (_WHISKER_COLUMNS - 1)))) for at in (low, rating, high)
    )
    cells = [" "] * _WHISKER_COLUMNS
    cells[start : end + 1] = "─" * (end + 1 - start)
    cells[start], cells[end] = "├", "┤"
    cells[middle] = "●"
    return "".join(cells)
