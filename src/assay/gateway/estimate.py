"""How many tokens something has that no provider has counted, and between which bounds.

A text is weighed by what its bytes are: about how many tokens each kind of character takes. The rates are the mean of seven
tokenizers (cl100k_base and o200k_base of OpenAI, Claude 2, DeepSeek V3, Qwen, Mistral's Tekken and its older SentencePiece), each
fitted by non-negative least squares on 6,105 texts: English prose, sums, prompts of Arena-Hard in many languages, Python and
Svelte source, Markdown and Chinese (fitted and held out by halves, 2026-11-22). Of the held-out counts, 95 in 100 lie between 0.77
and 1.29 times the weight, of Chinese and Japanese texts between 0.65 and 1.43 times. The bounds where nothing is learned yet are
wider than either, since there are tokenizers beside these seven.

What the calls of a model have really used teaches more. `Estimator` remembers of each model how the counts of its last whole
answers stood to their weights, and takes the bounds between which 95 in 100 of them lie (split conformal prediction: Lei et al.,
Distribution-Free Predictive Inference for Regression, 2018, section 2.2: true for the next one like them, whatever their distribution).
"""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from assay.core import (
    Audio,
    Event,
    File,
    Image,
    Message,
    Part,
    PartGrew,
    PartOpened,
    Refusal,
    Request,
    Text,
    Thinking,
    ToolCall,
    Usage,
    Video,
    canonical,
)

Direction: TypeAlias = Literal["input", "output", "thinking", "length"]
"""``input`` and ``output`` are counts beside the weight of what was said; ``thinking`` and ``length`` (of all that came out) counts alone."""

_LETTERS = bytes((*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1)))
_DIGITS = b"0123456789"
_LED_BY_TWO = bytes(range(0xC0, 0xE0))
_LED_BY_THREE = bytes(range(0xE0, 0xF0))
_BEYOND_ASCII = bytes(range(0x80, 0x100))

_PER_LETTER = 0.182
_PER_SPACE = 0.322
_PER_DIGIT = 0.911
_PER_SIGN = 0.589
"""Everything else of ASCII: punctuation, brackets, ends of lines."""
_PER_ACCENTED = 0.425
"""A character of two bytes in UTF-8: accents, Greek, Cyrillic, Hebrew, Arabic."""
_PER_IDEOGRAPH = 0.96
"""Of three bytes: Chinese, Japanese, Korean, the scripts of India."""
_PER_PICTOGRAPH = 3.08
"""Of four: emoji, rare ideographs."""

PRIOR = (0.6, 1.65)
"""Of the weight, the bounds where nothing is learned yet."""

_STEADIES = 2
"""Added to counts and weights before they are compared: of few tokens, one more is much."""

NEEDED = 39
"""As many counts are needed before the outermost two of them bound 95 in 100."""

_REMEMBERED = 256
_EVERY = 8
"""Once that many are remembered, one call in eight is weighed."""

_MOST_MODELS = 500
_OUTSIDE = 0.025

PER_MESSAGE = 4
_MEDIUM = (85, 1000, 6000)
"""Tokens of a picture: OpenAI's smallest, a common one, Anthropic's largest and some more."""
_BYTES_PER_TOKEN_OF_FILES = (30, 3)
"""Of sound, films and documents: commonly, and at least."""


class Estimate(NamedTuple):
    """``tokens``, and the bounds between which they lie in 95 of 100 cases."""

    tokens: int
    low: int
    high: int

    def plus(self, other: Estimate) -> Estimate:
        """Both together; the bounds are then wider than they need be."""
        return Estimate(self.tokens + other.tokens, self.low + other.low, self.high + other.high)


NOTHING = Estimate(0, 0, 0)


class Weight(NamedTuple):
    """About how many tokens a text has, and beside it those of media, which nobody can weigh well."""

    text: float
    media: Estimate = NOTHING


class Estimator:
    """What the calls of each model have taught. Cheap enough for every process to have its own: 8 KiB a model, 500 models at most."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, _Learned] = OrderedDict()

    def is_curious(self, model: str) -> bool:
        """Whether the next call of ``model`` should be learned from; weighing all of them would cost more than it teaches."""
        learned = self._models.get(model)
        return learned is None or learned.is_due()

    def learn(self, model: str, asked: Weight | None, said: Weight, thought: Weight, usage: Usage) -> None:
        """Take note of a whole answer that its provider has counted. ``asked`` is None where the request was not weighed."""
        learned = self._models.pop(model, None) or _Learned()
        self._models[model] = learned
        if len(self._models) > _MOST_MODELS:
            self._models.popitem(last=False)
        if asked is not None and asked.media is NOTHING:
            learned.add("input", _ratio(usage.total_input, asked.text))
        shown = said.text if usage.reasoning else said.text + thought.text
        learned.add("output", _ratio(usage.total_output - usage.reasoning, shown))
        learned.add("thinking", math.log(usage.reasoning + 1))
        learned.add("length", math.log(usage.total_output + 1))

    def input(self, model: str, asked: Weight) -> Estimate:
        """The tokens of a request."""
        return self._beside(model, "input", asked.text).plus(asked.media)

    def output(self, model: str, said: Weight, thought: Weight) -> Estimate:
        """The tokens of an answer as far as it came: what was said, and what was thought, shown or not."""
        unseen = self._alone(model, "thinking")
        if unseen is None or unseen.high == 0:
            return self._beside(model, "output", said.text + thought.text)
        if not said.text:  # it may have been thinking still
            unseen = unseen._replace(low=0)
        return self._beside(model, "output", said.text).plus(unseen)

    def length(self, model: str) -> Estimate | None:
        """The tokens of a whole answer of which nothing is known; None where too few were seen."""
        return self._alone(model, "length")

    def _beside(self, model: str, direction: Direction, weight: float) -> Estimate:
        if weight <= 0:
            return NOTHING
        learned = self._models.get(model)
        spread = learned.spread(direction) if learned is not None else None
        if spread is None:
            return Estimate(round(weight), math.floor(weight * PRIOR[0]), math.ceil(weight * PRIOR[1]) + _STEADIES)
        low, middle, high = (max(0.0, (weight + _STEADIES) * math.exp(ratio) - _STEADIES) for ratio in spread)
        return Estimate(round(middle), math.floor(low), math.ceil(high))

    def _alone(self, model: str, direction: Direction) -> Estimate | None:
        learned = self._models.get(model)
        spread = learned.spread(direction) if learned is not None else None
        if spread is None:
            return None
        low, middle, high = (round(math.exp(count) - 1) for count in spread)
        return Estimate(middle, low, high)


class _Learned:
    """The last counts of one model, as logarithms: of their ratio to the weight, or of themselves."""

    __slots__ = ("_counts", "_passed_over")

    def __init__(self) -> None:
        self._counts: dict[Direction, tuple[array[float], int]] = {}
        self._passed_over = 0

    def is_due(self) -> bool:
        if len(self._counts["output"][0]) < _REMEMBERED:
            return True
        self._passed_over = (self._passed_over + 1) % _EVERY
        return self._passed_over == 0

    def add(self, direction: Direction, value: float) -> None:
        values, at = self._counts.get(direction) or (array("d"), 0)
        if len(values) < _REMEMBERED:
            values.append(value)
        else:
            values[at] = value
        self._counts[direction] = values, (at + 1) % _REMEMBERED

    def spread(self, direction: Direction) -> tuple[float, float, float] | None:
        """The lower bound, the middle and the upper bound; None where too few are remembered."""
        values = sorted(self._counts.get(direction, (array("d"), 0))[0])
        count = len(values)
        if count < NEEDED:
            return None
        outside = math.floor((count + 1) * _OUTSIDE)
        return values[outside - 1], values[count // 2], values[count - outside]


def weigh(text: str | bytes) -> float:
    """About how many tokens a text has."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    size = len(data)
    letters = size - len(data.translate(None, _LETTERS))
    spaces = data.count(b" ")
    digits = size - len(data.translate(None, _DIGITS))
    weight = letters * _PER_LETTER + spaces * _PER_SPACE + digits * _PER_DIGIT
    if data.isascii():
        return weight + (size - letters - spaces - digits) * _PER_SIGN
    beyond = data.translate(None, bytes(range(0x80)))
    led_by_two = len(beyond) - len(beyond.translate(None, _LED_BY_TWO))
    led_by_three = len(beyond) - len(beyond.translate(None, _LED_BY_THREE))
    led_by_four = max(0, (len(beyond) - 2 * led_by_two - 3 * led_by_three) // 4)
    weight += led_by_two * _PER_ACCENTED + led_by_three * _PER_IDEOGRAPH + led_by_four * _PER_PICTOGRAPH
    return weight + (size - len(beyond) - letters - spaces - digits) * _PER_SIGN


def weigh_request(request: Request) -> Weight:
    """What a model is given to read: messages, calls of tools and their results, and the tools themselves."""
    text = weigh(canonical(request.tools)) if request.tools else 0.0
    if request.output is not None:
        text += weigh(canonical(request.output))
    media = NOTHING
    for message in request.transcript.messages:
        text += PER_MESSAGE
        for part in message.parts:
            of_text, of_medium = _weigh_part(part)
            text += of_text
            media = media.plus(of_medium) if of_medium is not NOTHING else media
    return Weight(text, media)


def weigh_messages(messages: Iterable[Message]) -> tuple[Weight, Weight]:
    """What an answer has said, calls of tools too, and what it has thought aloud."""
    said = thought = 0.0
    media = NOTHING
    for message in messages:
        for part in message.parts:
            text, medium = _weigh_part(part)
            media = media.plus(medium)
            if isinstance(part, Thinking):
                thought += text
            else:
                said += text
    return Weight(said, media), Weight(thought)


def weigh_events(events: Iterable[Event]) -> tuple[Weight, Weight]:
    """The same of a part of an answer, wherever it begins."""
    said: list[str] = []
    thought: list[str] = []
    thinking: set[tuple[int, int]] = set()
    for event in events:
        if isinstance(event, PartOpened):
            if isinstance(event.part, Thinking):
                thinking.add((event.choice, event.index))
            elif isinstance(event.part, ToolCall):
                said.append(event.part.name)
        elif isinstance(event, PartGrew):
            (thought if (event.choice, event.index) in thinking else said).append(event.text)
    return Weight(weigh("".join(said))), Weight(weigh("".join(thought)))


def _weigh_part(part: Part) -> tuple[float, Estimate]:
    if isinstance(part, Text | Thinking | Refusal):
        return weigh(part.text), NOTHING
    if isinstance(part, ToolCall):
        return weigh(part.name) + weigh(part.arguments), NOTHING
    if isinstance(part, Image):
        low, common, high = _MEDIUM
        return 0.0, Estimate(common, low, high)
    if isinstance(part, Audio | Video | File):
        size = len(part.data or "") * 3 // 4
        low, common, high = _MEDIUM
        usual, most = _BYTES_PER_TOKEN_OF_FILES
        return 0.0, Estimate(max(common, size // usual), low, max(high, size // most))
    return weigh(canonical(part)), NOTHING


def _ratio(tokens: int, weight: float) -> float:
    return math.log((tokens + _STEADIES) / (weight + _STEADIES))
