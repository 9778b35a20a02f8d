"""Covariances that stay right when the model is not: bread, meat, bread.

Huber (1967, The behavior of maximum likelihood estimates under nonstandard conditions) and White (1982, Maximum likelihood
estimation of misspecified models, Econometrica 50, 1-25): ``A^-1 B A^-1`` with ``A`` the information and ``B`` the sum of the
outer products of the votes' scores. It matters here even for independent votes, since "a tie is half a win" is not a
likelihood of three outcomes. Liang and Zeger (1986, Longitudinal data analysis using generalized linear models, Biometrika 73,
13-22): when one voter casts many votes, the scores are first summed by voter. No factor G/(G-1) unless asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.stats.counts import OUTCOMES, Clusters
from assay.stats.fit import Fit, Floats, Pairs, chances, laplacian, residuals

_BLOCK = 1 << 22
"""At most this many sums (32 MiB of doubles) are held at once, whatever the number of voters."""


def plain_covariance(fit: Fit, pairs: Pairs) -> Floats:
    """Every vote independent. ``pairs``: the votes that were fitted."""
    n = len(fit.theta)
    win, tie = chances(fit.theta, fit.nu or 0.0)
    lost, even = win.T + tie / 2, (win.T - win) / 2  # the residuals of a win and of a tie; of a loss it is -(win + tie / 2)
    meat = np.zeros_like(fit.inverse)
    squares = pairs.wins * lost**2
    meat[:n, :n] = laplacian(squares + squares.T + pairs.ties * even**2)
    if fit.fitted_nu:
        decisive = pairs.wins * lost * tie
        meat[:n, n] = meat[n, :n] = (decisive.T - decisive + pairs.ties * even * (win + win.T)).sum(axis=1)
        meat[n, n] = ((pairs.wins + pairs.wins.T) * tie**2 + pairs.ties * (win + win.T) ** 2).sum() / 2
    return np.asarray(fit.inverse @ meat @ fit.inverse)


def clustered_covariance(
    fit: Fit, clusters: Clusters, models: int, members: NDArray[np.int64], counted: NDArray[np.bool_], *, small_sample: bool = False
) -> Floats:
    """Votes of one cluster may depend on each other in any way.

    ``clusters`` counts cells over all ``models``; ``members`` are the fitted ones among them, and ``counted[outcome]`` says
    which outcomes the fit used. ``small_sample``: multiply by G/(G-1).
    """
    table = np.zeros((models, models, OUTCOMES))
    eta_table = np.zeros_like(table)
    block = np.ix_(members, members)
    by_theta, by_eta = residuals(fit.theta, fit.nu)
    table[block], eta_table[block] = by_theta * counted, by_eta * counted
    meat = np.zeros_like(fit.inverse)
    for part in _blocks(clusters, models):
        meat += _meat(part, models, members, table.ravel(), eta_table.ravel() if fit.fitted_nu else None)
    if small_sample and clusters.number > 1:
        meat *= clusters.number / (clusters.number - 1)
    return np.asarray(fit.inverse @ meat @ fit.inverse)


def _meat(part: Clusters, models: int, members: NDArray[np.int64], table: Floats, eta_table: Floats | None) -> Floats:
    rows = int(part.cluster.max(initial=-1)) + 1
    pair = part.cell // OUTCOMES
    a = pair // models
    b = pair - a * models
    weight = table[part.cell] * part.count
    row = part.cluster * models
    sums = np.bincount(row + a, weights=weight, minlength=rows * models)
    sums -= np.bincount(row + b, weights=weight, minlength=rows * models)
    scores = sums.reshape(rows, models)
    scores = scores if len(members) == models else scores[:, members]
    if eta_table is not None:
        by_eta = np.bincount(part.cluster, weights=eta_table[part.cell] * part.count, minlength=rows)
        scores = np.column_stack((scores, by_eta))
    return np.asarray(scores.T @ scores)


def _blocks(clusters: Clusters, models: int) -> list[Clusters]:
    """Whole clusters in groups small enough to hold, cluster codes counted from 0 in each."""
    top = int(clusters.cluster.max(initial=-1)) + 1
    if top * models <= _BLOCK:
        return [clusters]
    _, codes = np.unique(clusters.cluster, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    size = max(1, _BLOCK // models)
    starts = np.arange(0, int(codes[-1]) + 1, size)
    edges = np.append(np.searchsorted(codes, starts), codes.size)
    return [
        Clusters(codes[low:high] - start, clusters.cell[order[low:high]], clusters.count[order[low:high]])
        for start, low, high in zip(starts, edges[:-1], edges[1:], strict=True)
    ]
