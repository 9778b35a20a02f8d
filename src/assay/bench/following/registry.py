"""Every instruction by the id that the data sets use, with the theme that its function is filed under.

The arguments of an instruction are the keyword-only parameters of its function, and their annotations say what may stand in the data.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, TypeAlias, get_type_hints

import msgspec

from assay.bench.following.checks import (
    case,
    counts,
    custom,
    keywords,
    layout,
    length,
    marks,
    ratios,
    repetition,
    sentence_forms,
    wholes,
    word_forms,
)

Check: TypeAlias = Callable[..., bool]

IFEVAL: Mapping[str, Check] = {
    "change_case:capital_word_frequency": counts.capital_words,
    "change_case:english_capital": case.english_capital,
    "change_case:english_lowercase": case.english_lowercase,
    "combination:repeat_prompt": repetition.prompt_then_answer,
    "combination:two_responses": wholes.two_responses,
    "detectable_content:number_placeholders": marks.placeholders,
    "detectable_content:postscript": marks.postscript,
    "detectable_format:constrained_response": wholes.constrained,
    "detectable_format:json_format": wholes.json_format,
    "detectable_format:multiple_sections": marks.sections,
    "detectable_format:number_bullet_lists": marks.bullets,
    "detectable_format:number_highlighted_sections": marks.highlights,
    "detectable_format:title": marks.title,
    "keywords:existence": keywords.existence,
    "keywords:forbidden_words": keywords.forbidden,
    "keywords:frequency": keywords.frequency,
    "keywords:letter_frequency": keywords.letter_frequency,
    "language:response_language": case.response_language,
    "length_constraints:nth_paragraph_first_word": length.nth_paragraph_first_word,
    "length_constraints:number_paragraphs": length.number_of_paragraphs,
    "length_constraints:number_sentences": length.number_of_sentences,
    "length_constraints:number_words": length.number_of_words,
    "punctuation:no_comma": wholes.no_comma,
    "startend:end_checker": wholes.ends_with,
    "startend:quotation": wholes.quotation,
}

IFBENCH: Mapping[str, Check] = {
    "count:conjunctions": counts.conjunctions,
    "count:keywords_multiple": keywords.multiple,
    "count:numbers": counts.numbers,
    "count:person_names": counts.person_names,
    "count:pronouns": counts.pronouns,
    "count:punctuation": counts.punctuation,
    "count:unique_word_count": length.unique_words,
    "count:word_count_range": length.word_range,
    "count:words_japanese": counts.japanese_words,
    "custom:character_reverse": custom.letters_reversed,
    "custom:csv_city": custom.city_csv,
    "custom:csv_quotes": custom.quoted_csv,
    "custom:csv_special_character": custom.special_character_csv,
    "custom:date_format_list": custom.battle_dates,
    "custom:european_capitals_sort": custom.european_capitals,
    "custom:mcq_count_length": custom.multiple_choice,
    "custom:multiples": custom.multiples,
    "custom:reverse_newline": custom.african_countries,
    "custom:sentence_alphabet": custom.alphabetical_sentences,
    "custom:word_reverse": custom.words_reversed,
    "format:emoji": layout.emoji_ends_sentences,
    "format:line_indent": layout.stairs,
    "format:list": marks.separated_list,
    "format:newline": layout.word_on_each_line,
    "format:no_bullets_bullets": marks.sentences_then_bullets,
    "format:no_whitespace": wholes.no_whitespace,
    "format:options": wholes.one_of,
    "format:output_template": wholes.output_template,
    "format:parentheses": layout.nested_brackets,
    "format:quote_unquote": layout.explained_quotes,
    "format:quotes": layout.nested_quotes,
    "format:sub-bullets": marks.sub_bullets,
    "format:thesis": marks.thesis,
    "format:title_case": case.title_case,
    "ratio:overlap": ratios.overlap,
    "ratio:sentence_balance": ratios.balanced_sentences,
    "ratio:sentence_type": ratios.two_statements_a_question,
    "ratio:sentence_words": ratios.equally_long_sentences,
    "ratio:stop_words": ratios.stop_words,
    "repeat:repeat_change": repetition.first_word_changed,
    "repeat:repeat_simple": repetition.sentence_only,
    "repeat:repeat_span": repetition.span,
    "sentence:alliteration_increment": sentence_forms.longer_alliterations,
    "sentence:increment": sentence_forms.growing_sentences,
    "sentence:keyword": keywords.in_sentence,
    "words:alphabet": word_forms.alphabet,
    "words:consonants": word_forms.consonant_clusters,
    "words:keywords_specific_position": keywords.in_place,
    "words:last_first": word_forms.last_becomes_first,
    "words:no_consecutive": word_forms.no_shared_initials,
    "words:odd_even_syllables": word_forms.alternating_syllables,
    "words:palindrome": word_forms.palindromes,
    "words:paragraph_last_first": word_forms.paragraphs_end_as_they_begin,
    "words:prime_lengths": word_forms.prime_lengths,
    "words:repeats": word_forms.few_repeats,
    "words:start_verb": word_forms.start_with_verb,
    "words:vowel": word_forms.three_vowels,
    "words:words_position": keywords.second_and_second_to_last,
}

AS_PUBLISHED: Mapping[str, Check] = {
    "count:conjunctions": counts.conjunctions_as_published,
    "format:sub-bullets": marks.sub_bullets_as_published,
    "repeat:repeat_span": repetition.span_as_published,
}
"""Where the code of an original contradicts the prompt that the model was given: these do as that code does."""

ALL: Mapping[str, Check] = {**IFEVAL, **IFBENCH}


class UnknownInstruction(ValueError):
    """No instruction has this id, or its arguments are not these."""


def instruction(name: str, arguments: Mapping[str, Any], *, as_published: bool = False) -> Callable[[str], bool]:
    """Whether an answer follows the instruction called ``name``, given its ``arguments``; those that are None are left out.

    Raises:
        UnknownInstruction: no such id, or an argument is missing, unknown or of another type.
    """
    check = (AS_PUBLISHED.get(name) if as_published else None) or ALL.get(name)
    if check is None:
        raise UnknownInstruction(f"there is no instruction {name!r}")
    given = {_spelled(key): _whole(value) for key, value in arguments.items() if value is not None}
    try:
        typed = msgspec.convert(given, _arguments_of(check))
    except msgspec.ValidationError as error:
        raise UnknownInstruction(f"the arguments of {name!r} are not its own: {error}") from None
    return partial(check, **msgspec.structs.asdict(typed))


@cache
def _arguments_of(check: Check) -> type[msgspec.Struct]:
    hints = get_type_hints(check, include_extras=True)
    names = [name for name, one in inspect.signature(check).parameters.items() if one.kind is one.KEYWORD_ONLY]
    return msgspec.defstruct(f"{check.__name__}_arguments", [(name, hints[name]) for name in names], forbid_unknown_fields=True)


def _spelled(key: str) -> str:
    """IFBench writes ``N``, and for other instructions ``n``."""
    return "n" if key == "N" else key


def _whole(value: Any) -> Any:
    """IFBench writes whole numbers as ``5.0``."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
