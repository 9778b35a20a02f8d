"""Words of a text."""

from __future__ import annotations

from random import Random

from assay.bench.agent.family import Bug, Family


def _words(random: Random) -> str:
    words = ["pear", "Pear", "fig", "plum", "it's", "well-known", "x", "FIG", "seven"]
    return "".join(random.choice(words) + random.choice([" ", " ", ", ", ". ", "\n", "  "]) for _ in range(random.randint(0, 14)))


TEXT = Family(
    name="text",
    about="Words of a text: counted, cut short, and laid out in lines.",
    numbers={"short": (2, 3), "mark": (3, 6)},
    files={
        "<<pkg>>/words.py": '''
"""Words: letters, with apostrophes and hyphens inside."""

import re

_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")


def words(text):
    """The words in small letters, in order."""
    return [word.lower() for word in _WORD.findall(text)]


def counts(text):
    """How often each word of more than <<short>> letters comes."""
    found = {}
    for word in words(text):
        if len(word) > <<short>>:
            found[word] = found.get(word, 0) + 1
    return found
''',
        "<<pkg>>/rank.py": '''
"""The most frequent words."""

from .words import counts


def top(text, number):
    """So many words with their counts, the most frequent first, equals by the alphabet."""
    ranked = sorted(counts(text).items(), key=lambda item: (-item[1], item[0]))
    return [[word, count] for word, count in ranked[:number]]


def share(text, word):
    """Of all counted words, the share that are this one, in whole percent rounded down."""
    found = counts(text)
    total = sum(found.values())
    return 100 * found.get(word.lower(), 0) // total if total else 0
''',
        "<<pkg>>/layout.py": '''
"""Text in lines."""

MARK = "." * <<mark>>


def wrap(text, width):
    """Lines of at most width letters, broken at spaces; a longer word has a line of its own."""
    lines = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines


def shorten(text, width):
    """The text where it fits, else its beginning and MARK, in width letters all together."""
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    return text[: max(0, width - len(MARK))].rstrip() + MARK
''',
        "<<pkg>>/__init__.py": '"""Words of a text."""\n\nfrom .layout import shorten, wrap\nfrom .rank import share, top\n'
        'from .words import counts, words\n\n__all__ = ["counts", "share", "shorten", "top", "words", "wrap"]\n',
    },
    bugs=(
        Bug(
            "<<pkg>>/words.py",
            "(?:['-][A-Za-z]+)*",
            "",
            "Words with an apostrophe or a hyphen fall apart.",
            "words",
            lambda random, n: ["a well-known " + random.choice(["it's", "don't"])],
        ),
        Bug(
            "<<pkg>>/words.py",
            "word.lower() for word",
            "word for word",
            "The same word is counted twice when it begins a sentence.",
            "counts",
            lambda random, n: ["Seven and seven are " + "x" * random.randint(4, 9)],
        ),
        Bug(
            "<<pkg>>/words.py",
            "if len(word) > <<short>>:",
            "if len(word) >= <<short>>:",
            "Words that are too short to count are counted.",
            "counts",
            lambda random, n: ["z" * n["short"] + " " + "pear " * random.randint(1, 5)],
        ),
        Bug(
            "<<pkg>>/rank.py",
            "(-item[1], item[0])",
            "-item[1]",
            "Words that are equally frequent come in no fixed order.",
            "top",
            lambda random, n: ["seven plum pear " * random.randint(1, 3), 3],
        ),
        Bug(
            "<<pkg>>/layout.py",
            "len(line) + 1 + len(word) > width",
            "len(line) + len(word) > width",
            "Some lines are one letter too long.",
            "wrap",
            lambda random, n: ["abcd efgh " + "i" * random.randint(1, 3), 8],
        ),
        Bug(
            "<<pkg>>/layout.py",
            "    return [*lines, line] if line else lines\n",
            "    return lines\n",
            "The last line is lost.",
            "wrap",
            lambda random, n: ["one two " + "x" * random.randint(1, 9), 80],
        ),
        Bug(
            "<<pkg>>/layout.py",
            "len(text) <= width",
            "len(text) < width",
            "A text that just fits is cut short all the same.",
            "shorten",
            lambda random, n: ["abcdefghij" + "k" * n["mark"], 10 + n["mark"]],
        ),
    ),
    tries={
        "words": lambda random, n: [_words(random)],
        "counts": lambda random, n: [_words(random)],
        "top": lambda random, n: [_words(random), random.randint(0, 4)],
        "share": lambda random, n: [_words(random), random.choice(["fig", "Plum", "x"])],
        "wrap": lambda random, n: [_words(random), random.randint(4, 24)],
        "shorten": lambda random, n: [_words(random), random.randint(8, 40)],
    },
)
