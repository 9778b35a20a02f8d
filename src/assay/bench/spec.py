"""What a run was asked to measure, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from assay.core import Money, Sampling
from assay.core.request import NO_SAMPLING


class Spec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """``model`` is a deployment or an alias. ``limit``: only so many questions, drawn by ``seed``. ``samples``: how often each is asked;
    None is what the task says. ``sampling`` goes over the task's own. ``concurrency`` is the most at once; how many there really are
    adapts to what the endpoint takes. ``budget`` bounds the calls of model and judge together. ``use_cache``: answers given before to
    the very same request count, and cost nothing. ``unlocked``: the questions of a gated task may be shown, and are kept where those of
    others are: with the calls, and for ``use_cache``.
    """

    task: str
    model: str
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    samples: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    sampling: Sampling = NO_SAMPLING
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    budget: Money | None = None
    judge: str | None = None
    baseline: str | None = None
    seed: int = 0
    use_cache: bool = False
    unlocked: bool = False
    executor: Literal["local", "ray"] = "local"
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    accept_unsafe: bool = False
    options: dict[str, Any] = {}
