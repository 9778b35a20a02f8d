"""One table of a foreign configuration, read so that nothing in it is passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Table:
    """A mapping at ``at``. What is never taken out of it is what `left` names."""

    def __init__(self, value: Any, at: str):
        self._value: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        self._taken: set[str] = set()
        self.at = at

    def take(self, name: str, kind: type | tuple[type, ...] = object) -> Any:
        """The value of that name; None where there is none. One of another ``kind`` counts as left."""
        value = self._value.get(name)
        if value is None or not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, float, (int, float))):
            return None
        self._taken.add(name)
        return value

    def text(self, name: str) -> str | None:
        """The text of that name, without the space around it; None where it is empty."""
        value = self.take(name, str)
        return value.strip() or None if value is not None else None

    def number(self, name: str) -> float | None:
        """The number of that name, also where it is written as text."""
        value = self.take(name, (int, float, str))
        try:
            number = float(value) if value is not None else None
        except ValueError:
            self._taken.discard(name)
            return None
        return None if number is None or number != number or abs(number) > 1e15 else number

    def table(self, name: str) -> Table:
        """The table of that name; an empty one where there is none."""
        return Table(self.take(name, Mapping), self.place(name))

    def list(self, name: str) -> list[Any]:
        """The list of that name; an empty one where there is none."""
        value = self.take(name, list)
        return value if value is not None else []

    def has(self, name: str) -> bool:
        """Whether there is a value of that name."""
        return self._value.get(name) is not None

    def under(self, defaults: Mapping[str, Any]) -> Table:
        """This table with ``defaults`` for what it leaves out. What is taken from it is taken here, too."""
        whole = Table({**defaults, **self._value}, self.at)
        whole._taken = self._taken
        return whole

    def place(self, name: str) -> str:
        """Where the value of that name stands."""
        return f"{self.at}.{name}" if self.at else name

    def left(self) -> Iterator[tuple[str, Any]]:
        """What nobody took: names and values."""
        return ((str(name), value) for name, value in self._value.items() if str(name) not in self._taken and value is not None)

    def __bool__(self) -> bool:
        return bool(self._value)
