"""Markup: placeholders, bullets, highlights, sections, titles, tables of nothing but text. Read line by line where a pattern over the
whole answer would take time in the square of its length."""

from __future__ import annotations

import re

from assay.bench.following.checks.amounts import Count, Phrase
from assay.bench.following.splitting import sentences

_SPAN = re.compile(r"\*([^\n*]*)\*")
_STRONG = re.compile(r"\*\*([^\n*]*)\*\*")
_POSTSCRIPTS = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
_ITALICS = (("<i>", "</i>"), ("<em>", "</em>"))


def placeholders(answer: str, *, num_placeholders: Count) -> bool:
    """At least so many pairs of square brackets, each within one line."""
    return sum(_brackets(line) for line in answer.split("\n")) >= num_placeholders


def _brackets(line: str) -> int:
    count = 0
    end = 0
    while (begin := line.find("[", end)) >= 0 and (end := line.find("]", begin) + 1) > 0:
        count += 1
    return count


def postscript(answer: str, *, postscript_marker: Phrase) -> bool:
    """A postscript begins somewhere; after a period of the mark there may be a space."""
    pattern = _POSTSCRIPTS.get(postscript_marker) or re.escape(postscript_marker.lower())
    return re.search(pattern, answer.lower()) is not None


def bullets(answer: str, *, num_bullets: Count) -> bool:
    """Exactly so many lines begin with ``-``, or with ``*`` that no second one follows."""
    *lines, last = (line.lstrip() for line in answer.split("\n"))
    starred = sum(line.startswith("*") and not line.startswith("**") for line in (*lines, last)) - (last == "*")
    return starred + sum(line.startswith("-") for line in (*lines, last)) == num_bullets


def highlights(answer: str, *, num_highlights: Count) -> bool:
    """At least so many ``*spans*`` or ``**spans**`` with something in them."""
    found = [*_SPAN.findall(answer), *_STRONG.findall(answer)]
    return sum(1 for span in found if span.strip()) >= num_highlights


def sections(answer: str, *, section_spliter: Phrase, num_sections: Count) -> bool:
    """The word that opens a section stands before a number at least so often."""
    return len(re.findall(rf"{re.escape(section_spliter)}\s?\d+", answer)) >= num_sections


def title(answer: str) -> bool:
    """``<<something>>`` within one line."""
    for line in answer.split("\n"):
        begin, end = line.find("<<"), line.rfind(">>")
        if begin >= 0 and begin + 2 < end and line[begin:end].lstrip("<").rstrip(">").strip():
            return True
    return False


def thesis(answer: str) -> bool:
    """A span in HTML italics, with something in it and something after it."""
    opening = next(((mark, end) for mark, end in _ITALICS if mark in answer), None)
    if opening is None:
        return False
    inside = answer.split(opening[0], 1)[1]
    closing = next((end for _, end in _ITALICS if end in inside), None)
    if closing is None:
        return False
    span, after = inside.split(closing, 1)
    return bool(span.strip() and after.strip())


def separated_list(answer: str, *, sep: Phrase) -> bool:
    """The mark that stands for a bullet is there at least twice."""
    return answer.count(sep) >= 2


def sub_bullets(answer: str) -> bool:
    """There is a ``*``, and after each of them, before the next, a ``-``."""
    items = answer.split("*")[1:]
    return bool(items) and all("-" in item for item in items)


def sub_bullets_as_published(answer: str) -> bool:
    """The same, where an answer without any ``*`` follows, too."""
    return all("-" in item for item in answer.split("*")[1:])


def sentences_then_bullets(answer: str) -> bool:
    """At least two sentences, then at least two lines that begin with ``*``, then nothing else."""
    count_sentences = count_bullets = 0
    for line in answer.split("\n"):
        if line.strip().startswith("*"):
            if count_sentences < 2:
                return False
            count_bullets += 1
        elif count_bullets:
            return False
        else:
            count_sentences += len(sentences(line))
    return count_bullets >= 2
