"""Money as whole numbers: nano-units of an ISO 4217 currency. No float ever holds a price."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import msgspec

NANO = 1_000_000_000
MTOK = 1_000_000


class Money(msgspec.Struct, frozen=True, order=True):
    """``nano`` billionths of one unit of ``currency``. Adding different currencies is an error, not a conversion."""

    nano: int
    currency: str = "USD"

    @classmethod
    def of(cls, amount: str | Decimal, currency: str = "USD") -> Money:
        """The amount written in units, such as ``"0.15"``; finer than a nano is rounded half up."""
        return cls(int((Decimal(amount) * NANO).to_integral_value(ROUND_HALF_UP)), currency)

    def __add__(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}: convert it by a dated rate first")
        return Money(self.nano + other.nano, self.currency)

    def __str__(self) -> str:
        amount = (Decimal(self.nano) / NANO).normalize()
        return f"{amount:f} {self.currency}"


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens in disjoint buckets: their sum is the total, no token is in two.

    ``reported`` is the provider's own bill, if it sent one. ``estimated``: the provider did not count all of them; the rest is told
    from what was sent and what came.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    image_input: int = 0
    output: int = 0
    reasoning: int = 0
    audio_output: int = 0
    image_output: int = 0
    reported: Money | None = None
    estimated: bool = False

    @property
    def total_input(self) -> int:
        """Every token that went in, cached or not."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h + self.audio_input + self.image_input

    @property
    def total_output(self) -> int:
        """Every token that came out, shown or thought."""
        return self.output + self.reasoning + self.audio_output + self.image_output


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a million tokens of each bucket cost, in nano-units of ``currency``, as stated at ``source`` on ``date``.

    A bucket without a price of its own is billed like the bucket it belongs to: cached and media input as input,
    reasoning and media output as output. Where more than ``over_tokens`` went in, ``over`` is the price of the whole.
    """

    input: int
    output: int
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    image_input: int | None = None
    reasoning: int | None = None
    audio_output: int | None = None
    image_output: int | None = None
    currency: str = "USD"
    source: str | None = None
    date: str | None = None
    over_tokens: int | None = None
    over: Price | None = None

    def cost(self, usage: Usage) -> Money:
        """The price of ``usage``, rounded half up once, to the nano."""
        if self.over is not None and self.over_tokens is not None and usage.total_input > self.over_tokens:
            return self.over.cost(usage)
        per_mtok = sum(
            getattr(usage, bucket) * (price if (price := getattr(self, bucket)) is not None else getattr(self, fallback))
            for bucket, fallback in _BUCKETS
        )
        return Money((per_mtok + MTOK // 2) // MTOK, self.currency)

    @property
    def tag(self) -> PriceTag:
        """What a list of models shows of it."""
        return PriceTag(input=self.input, output=self.output, currency=self.currency, date=self.date, source=self.source)


class PriceTag(msgspec.Struct, frozen=True, kw_only=True):
    """What a million tokens in and out cost, in nano-units of ``currency``, as stated at ``source`` on ``date``."""

    input: int
    output: int
    currency: str
    date: str | None
    source: str | None


_BUCKETS = (
    ("input", "input"),
    ("cache_read", "input"),
    ("cache_write_5m", "input"),
    ("cache_write_1h", "input"),
    ("audio_input", "input"),
    ("image_input", "input"),
    ("output", "output"),
    ("reasoning", "output"),
    ("audio_output", "output"),
    ("image_output", "output"),
)
