"""Which models can be compared at all.

Ford (1957, Solution of a ranking problem from binary comparisons, Amer. Math. Monthly 64 no. 8 part 2): the maximum of the
Bradley-Terry likelihood is finite and unique if and only if, however the models are split in two, some model of each part has
beaten one of the other: the directed graph of wins is strongly connected. A tie is half a win to each side, so an edge both
ways. Where the graph is not connected only the differences within one component are finite, so only one component is rated.

Davidson's model asks for more once there are ties, because its tie parameter may run away together with the ratings. Along a
direction ``(d, h)`` of growing strengths and log tie parameter no observed vote loses likelihood exactly if
``d[a] - d[b] >= 2h`` for each win of a over b and ``|d[a] - d[b]| <= 2h`` for each tie; with ``h > 0`` these difference
constraints can be met unless some cycle of results holds more wins than ties (a negative cycle of weights -1 and +1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]


def strong_components(edges: BoolArray) -> NDArray[np.int64]:
    """The component of each node, named by its lowest member. ``edges``: (n, n), True where i has beaten j."""
    reach = edges | np.eye(len(edges), dtype=np.bool_)
    while True:
        steps = reach.astype(np.float32)
        further = (steps @ steps) > 0
        if (further == reach).all():
            break
        reach = further
    return np.argmax(reach & reach.T, axis=1).astype(np.int64) if len(edges) else np.zeros(0, np.int64)


def has_decisive_cycle(wins: BoolArray, ties: BoolArray) -> bool:
    """True if a cycle of results has more wins than ties, so that Davidson's tie parameter has a finite maximum.

    Bellman and Ford's shortest paths with weight -1 for a win and +1 for a tie, all nodes at once.
    """
    if (wins & wins.T).any():
        return True
    weight = np.where(wins, -1.0, np.where(ties, 1.0, np.inf))
    distance = np.zeros(len(wins))
    for _ in range(len(wins)):
        nearer = np.minimum(distance, (distance[:, None] + weight).min(axis=0, initial=np.inf))
        if (nearer == distance).all():
            return False
        distance = nearer
    return True
