"""How many syllables an English word has: its groups of vowels, corrected for the endings that are silent and the groups that are two.

A rule, where IFBench looks 6,000 words up in a table (SyllaPy) and has a cruder rule for the others.
"""

from __future__ import annotations

import re
import unicodedata

_GROUP = re.compile(r"[aeiouy]+")
_SILENT_E = re.compile(r"(?:[^aeiouyl]|[aeiouy]l|rl|ll)(?:e|es|ed)$")
_HEARD_E = re.compile(r"(?:[td]ed|(?:[sxz]|ch|sh|c|g)es)$")

_TWO = re.compile(
    r"[bdhkmpruvz]ia(?!ge)|[bdnr]ial|giant|[^l]lian[ct]|liab|[ct]iat|i(?:o(?!us|n|r)|um|us$|et|ers?$|est$)|[^v]ior|[^ctgx]ious|"
    r"[dlnprv]ien[ct]|scien|quiet|[^qg]ua|[^q]uen|[lr]ui[dn]|[nt]uit|uou|(?<!g)eo(?!u|n|p)|[nl]eon|eum|[nlr]eous|reali|ias[tm]|creat(?!u)|react|"
    r"theat|[ai]rea$|[ai]reas$|idea|inear|nuclear|pean|korea|coe|coo[rp]|poe[mt]|chaos|[^aeiou]ying|[aeou]ing|[aeou]y(?!e[ds]$)[aeiou]|"
    r"ism|thm|nyone|maybe|^lion"
)
"""A group of vowels that is two syllables, or a syllable without a vowel."""

_ONE = re.compile(
    r"(?:some|where|there|like|home|more)(?=[bcdfghjklmnpqrstvwxz][a-z])|(?:^|[^n])time(?=[lpst][a-z])|life(?=[lst])|wide(?=s)|safe(?=[gt])|"
    r"fire(?=[fpw])|state(?=ment)|(?:^|in|out|be)side(?=[bklw])|house(?=[hkw])|(?:share|frame|data)(?=ware)|whole(?=s)|trade(?=m)|"
    r"[aeiou][^aeiouy]+ely$|[^aeiou]e(?:less|ful|ness)|[aeiou]n?[^aeioul]ement|(?:[aeiou][gq]|ng)ue[sd]?$|ically$|busi|^eyes?$"
)
"""An e that is silent within a word, or another vowel that is."""


def syllables(word: str) -> int:
    """At least 1 for a word of letters, 0 for one with a digit or without letters."""
    plain = unicodedata.normalize("NFKD", word.lower())
    if not any(mark.isalpha() for mark in plain) or any(mark.isdigit() for mark in plain):
        return 0
    count = len(_GROUP.findall(plain))
    if _SILENT_E.search(plain) and not _HEARD_E.search(plain):
        count -= 1
    count += len(_TWO.findall(plain)) - len(_ONE.findall(plain))
    return max(1, count)
