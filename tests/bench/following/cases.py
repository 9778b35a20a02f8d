"""Answers of our own to every instruction, written from the papers: some follow, some do not, some stand on the edge."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """Whether ``answer`` follows the instruction."""

    name: str
    arguments: dict[str, Any]
    follows: bool
    answer: str


def _cases(name: str, arguments: dict[str, Any] | None = None, *, yes: tuple[str, ...], no: tuple[str, ...]) -> list[Case]:
    return [Case(name, arguments or {}, follows, answer) for follows, answers in ((True, yes), (False, no)) for answer in answers]


_PARAGRAPHS = {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "river"}
_REQUEST = {"prompt_to_repeat": "Tell me how bread rises."}
_FIVE = {f"keyword{number}": word for number, word in enumerate(("lamp", "moss", "tide", "wren", "ash"), 1)}
_TIMES = "lamp " + "moss " * 2 + "tide " * 3 + "wren " * 5 + "ash " * 7

IFEVAL_CASES = [
    *_cases(
        "change_case:capital_word_frequency",
        {"capital_frequency": 3, "capital_relation": "at least"},
        yes=("NASA and ESA met. I was there.", "DON'T go, SAM.", "COVID-19, U.S. and HIV"),
        no=("Nasa and Esa met; I saw it.", "mcDonald's A B4u"),
    ),
    *_cases(
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "less than"},
        yes=("One LOUD word.", "none at all"),
        no=("TWO WORDS are too many",),
    ),
    *_cases(
        "change_case:english_capital",
        yes=("THE TRAIN LEAVES AT NOON, AND WE ARE ON IT.", "YES"),
        no=("THE TRAIN LEAVES AT NOON, and we are on it.", "DER ZUG FÄHRT UM ZWÖLF, UND WIR SIND NICHT DABEI.", "12:00"),
    ),
    *_cases(
        "change_case:english_lowercase",
        yes=("the train leaves at noon, and i am on it.",),
        no=("The train leaves at noon.", "il treno parte a mezzogiorno e noi non ci siamo", "12:00"),
    ),
    *_cases(
        "combination:repeat_prompt",
        _REQUEST,
        yes=("Tell me how bread rises.\n\nYeast makes gas.", "  tell me HOW bread rises. It is the yeast."),
        no=("You asked: Tell me how bread rises.", "Yeast makes gas.", "Tell me how the bread rises."),
    ),
    *_cases(
        "combination:two_responses",
        yes=("Tea.******Coffee.", "******\nTea.\n******\nCoffee.\n******"),
        no=("Tea.", "Tea.******Tea. ", "Tea.******Coffee.******Milk.", "Tea.******\n******Coffee."),
    ),
    *_cases(
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        yes=("Dear [name], meet me at [place].", "[a][b][c]", "[[a] and [b]"),
        no=("Dear [name],", "Dear [name and\nplace], at [", "](]["),
    ),
    *_cases(
        "detectable_content:postscript",
        {"postscript_marker": "P.S."},
        yes=("Goodbye.\nP.S. Feed the cat.", "p. s. the cat", "p.p.s. counts as well"),
        no=("Goodbye.\nPS: Feed the cat.", "P.S"),
    ),
    *_cases(
        "detectable_content:postscript",
        {"postscript_marker": "P.P.S"},
        yes=("Bye.\nP.P.S Feed the cat.", "P. P. S. And the dog."),
        no=("Bye.\nP.S. Feed the cat.", "PPS: the cat"),
    ),
    *_cases(
        "detectable_format:constrained_response",
        yes=("My answer is yes.", "Well. My answer is maybe. It depends."),
        no=("Yes.", "My answer is Yes.", "My answer is no"),
    ),
    *_cases(
        "detectable_format:json_format",
        yes=('{"a": [1, 2]}', '```json\n{"a": 1}\n```', "```\n[]\n```", '"words"'),
        no=("{'a': 1}", 'Here it is: {"a": 1}', '{"a": 1,}', "[" * 2000),
    ),
    *_cases(
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 2},
        yes=("SECTION 1\nOne.\nSECTION 2\nTwo.", "SECTION1 a SECTION\n22 b"),
        no=("Section 1\nOne.\nSection 2\nTwo.", "SECTION 1\nOne.\nSECTION B\nTwo."),
    ),
    *_cases(
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        yes=("* one\n* two", "Here:\n\n  - one\n  * two\n", "*one\n-two", "*\n* two"),
        no=("* one", "* one\n* two\n- three", "** one\n** two", "1. one\n2. two", "- one\n*"),
    ),
    *_cases(
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        yes=("*one* and *two*", "**one** and *two*"),
        no=("*one* and two", "* one\n* two", "** ** and * *", "*one\ntwo* three*"),
    ),
    *_cases(
        "detectable_format:title",
        yes=("<<A Day>>\nIt rained.", "It is called << rain >> now", "<<<a>>>"),
        no=("A Day\nIt rained.", "<A Day>", "<< >>", "<<a\nb>>", ">>a<<", "<<>>"),
    ),
    *_cases(
        "keywords:existence",
        {"keywords": ["oak", "elm"]},
        yes=("An oak and an elm.", "OAKS, and a helmet."),
        no=("An oak and an ash.", ""),
    ),
    *_cases(
        "keywords:forbidden_words",
        {"forbidden_words": ["cat", "hot dog"]},
        yes=("A category of hot food for a dog.", "Cats may come."),
        no=("A CAT came.", "One cat's tail.", "A Hot dog, please."),
    ),
    *_cases(
        "keywords:frequency",
        {"keyword": "tea", "frequency": 2, "relation": "at least"},
        yes=("Tea for two, and tea for me.", "A teapot on the team."),
        no=("One tea.", "t e a tea"),
    ),
    *_cases(
        "keywords:frequency",
        {"keyword": "tea", "frequency": 2, "relation": "less than"},
        yes=("One tea.", "None."),
        no=("teatea",),
    ),
    *_cases(
        "keywords:letter_frequency",
        {"letter": "q", "let_frequency": 2, "let_relation": "at least"},
        yes=("Quiet queens.", "qQ"),
        no=("Quiet kings.",),
    ),
    *_cases(
        "keywords:letter_frequency",
        {"letter": "#", "let_frequency": 2, "let_relation": "at least"},
        yes=("#one #two",),
        no=("#one", "hash hash"),
    ),
    *_cases(
        "language:response_language",
        {"language": "de"},
        yes=("Der Bäcker ist heute nicht in seinem Laden, aber morgen wird er wieder da sein.", "123"),
        no=(
            "The baker is not in his shop today.",
            "De bakker is vandaag niet in zijn winkel, maar morgen wel.",
            "今日は店にいません。",
        ),
    ),
    *_cases(
        "language:response_language",
        {"language": "hi"},
        yes=("आज दुकान बंद है, लेकिन कल वह फिर से खुलेगी।",),
        no=("आज दुकान बंद आहे, पण उद्या ती पुन्हा उघडेल.", "The shop is closed. दुकान"),
    ),
    *_cases(
        "length_constraints:nth_paragraph_first_word",
        _PARAGRAPHS,
        yes=("A hill.\n\nRiver water is cold.", 'A hill.\n\n\'"River," he said.', "A hill.\n\nriver"),
        no=("A hill.\n\nThe river.", "River.\n\nA hill.", "A hill.\nRiver.", "A hill.\n\nRiver.\n\nA lake.", "A hill.\n\nRivers."),
    ),
    *_cases(
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 2},
        yes=("One.\n***\nTwo.", "***\nOne.\n*** Two.\n***"),
        no=("One.\n\nTwo.", "One.\n***\n***\nTwo.", "One.\n***\nTwo.\n***\nThree."),
    ),
    *_cases(
        "length_constraints:number_sentences",
        {"num_sentences": 3, "relation": "at least"},
        yes=("One. Two! Three?", 'He said "No." Then he left. Dr. Ash stayed.', "It is 3.5 km. Mr. Elm walks. He is fast."),
        no=("One. Two.", "Mr. Elm met Mrs. Oak and Dr. Ash, e.g. at 3.5 km.", "a.b.c.d"),
    ),
    *_cases(
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": "less than"},
        yes=("Only one", "Only one."),
        no=("One. And two.",),
    ),
    *_cases(
        "length_constraints:number_words",
        {"num_words": 4, "relation": "at least"},
        yes=("one two three four", "don't don't", "हैं हैं हैं हैं"),
        no=("one two three", "one - two - three!", "हैं हैं हैं"),
    ),
    *_cases(
        "length_constraints:number_words", {"num_words": 2, "relation": "less than"}, yes=("one", "..."), no=("one two", "1.5")
    ),
    *_cases("punctuation:no_comma", yes=("No pause; none.", "読点、だけ"), no=("A pause, one.", "1,000")),
    *_cases(
        "startend:end_checker",
        {"end_phrase": "That is all."},
        yes=("Much was said. That is all.", '"Much was said. THAT IS ALL." '),
        no=("That is all. Bye.", "That is all", "That is all.*"),
    ),
    *_cases("startend:quotation", yes=('"All of it."', ' "a" and "b" \n'), no=('All of "it"', '"', "“All of it.”", "'All of it.'")),
]

_MULTIPLE_CHOICE = "\n\n".join(
    f"Question {number}. Which of these{' well known' * number} painters came first?\n"
    + "\n".join(f"{letter}) Someone {letter}" for letter in "ABCDE")
    for number in range(1, 5)
)
_AFRICA = [f"Country{chr(ord('A') + number % 26)}{number // 26}" for number in range(51)]
_AFRICA = ["Zimbabwe", *sorted(_AFRICA, reverse=True)]
_NORTH = (
    "Reykjavik, Helsinki, Oslo, Tallinn, Stockholm, Riga, Moscow, Copenhagen, Vilnius, Minsk, Dublin, Berlin, Amsterdam, Warsaw, "
    "London, Brussels, Prague, Luxembourg, Paris, Vienna, Bratislava, Budapest, Vaduz, Chișinău, Bern, Ljubljana, Zagreb"
)
_CITIES = "\n".join(["ID,Country,City,Year,Count", *(f'{row},Chile,"Arica, {row}",2001,{row}' for row in range(7))])
_PRODUCTS = "\n".join(
    ["ProductID,Category,Brand,Price,Stock", *(f"{row},Tea,Oak,1.5,2" for row in range(13)), '13,"Tea & more",Oak,1,2']
)
_STUDENTS = "\n".join(["StudentID\tSubject\tGrade\tSemester\tScore", *(f"{row}\tArt\tA\tone\t{row}" for row in range(3))])
_QUOTED = "\n".join("\t".join(f'"{field}"' for field in line.split("\t")) for line in _STUDENTS.split("\n"))
_ALPHABET = " ".join(f"{chr(ord('A') + number)}nother day passed." for number in range(26))
_NINETEEN = " ".join(["One word."] * 21)
_PLACED = f"{_NINETEEN} {'very ' * 32}giggle and so on."

IFBENCH_CASES = [
    *_cases(
        "count:conjunctions",
        {"small_n": 3},
        yes=("Oak and elm, but not ash, or so.", "And? But! For..."),
        no=("And and and, AND", "oak and elm or ash"),
    ),
    *_cases(
        "count:keywords_multiple",
        _FIVE,
        yes=(_TIMES, _TIMES.upper() + "."),
        no=(_TIMES + "ash", _TIMES.replace("lamp", ""), _TIMES + "splash", ""),
    ),
    *_cases("count:numbers", {"N": 2.0}, yes=("1 and 2", "From 1,000 to 3.5.", "10-20-30 and a 4"), no=("1", "1 2 3", "one two")),
    *_cases(
        "count:person_names",
        {"N": 2.0},
        yes=("Emma met Liam.", "Zoe's cat and Leo"),
        no=("Emma met Emma.", "emma met liam", "Emmanuel met Leon"),
    ),
    *_cases(
        "count:pronouns",
        {"N": 3.0},
        yes=("I saw you and him.", "she/her/hers", "It's what they do."),
        no=("I saw Tom.", "Oak, elm, ash", "one other such"),
    ),
    *_cases(
        "count:punctuation",
        yes=("Well; yes: no, stop. Go! Why? What?!", "a.b,c!d?e;f:g‽", ".,!?;: !?"),
        no=("Well; yes: no, stop. Go! Why?", "Well; yes: no, stop. What?!", ".,;: ?!"),
    ),
    *_cases("count:unique_word_count", {"N": 3.0}, yes=("one two three", "A, b. a! C?"), no=("one One one. two", "- -- one two")),
    *_cases("count:word_count_range", {"min_words": 2.0, "max_words": 3.0}, yes=("one two", "a b c!"), no=("one", "a b c d")),
    *_cases(
        "count:words_japanese",
        {"N": 2.0},
        yes=("one 二 three 四つ", "one (カナ), 3 4", "one"),
        no=("one two three 四", "一 two"),
    ),
    *_cases("custom:character_reverse", yes=("elgae dlab A", "...ELGAE DLAB ehT"), no=("bald eagle", "elgaedlab")),
    *_cases(
        "custom:csv_city",
        yes=(_CITIES, _CITIES + "\n"),
        no=(_CITIES + "\n8,a,b,c,d", _CITIES.replace("City,", "Town,"), _CITIES.replace("Chile,", "", 1), "```csv\n" + _CITIES),
    ),
    *_cases("custom:csv_quotes", yes=(_QUOTED, _QUOTED + "\n"), no=(_STUDENTS, _QUOTED.replace("\t", ","), _QUOTED + '\n"1"')),
    *_cases(
        "custom:csv_special_character",
        yes=(_PRODUCTS, _PRODUCTS.replace("Brand,", '"Brand", ')),
        no=(_PRODUCTS.replace('"', ""), _PRODUCTS.replace("&", "and"), _PRODUCTS + "\n14,a,b,c,d"),
    ),
    *_cases(
        "custom:date_format_list",
        yes=("1796-04-12, 1800-06-14,1815-06-18", "1796-02-29"),
        no=("1796-04-12 1800-06-14", "12 April 1796", "1796-13-01", "1796-04-31", "1996-04-12", "1796-04-12,"),
    ),
    *_cases("custom:european_capitals_sort", yes=(_NORTH, _NORTH.replace(", ", ",")), no=(_NORTH + ".", _NORTH[11:], "Oslo, Rome")),
    *_cases(
        "custom:mcq_count_length",
        yes=(_MULTIPLE_CHOICE,),
        no=(
            "Sure:\n" + _MULTIPLE_CHOICE,
            _MULTIPLE_CHOICE.replace("E) ", "F) "),
            _MULTIPLE_CHOICE.replace(" well known well known well known", " old"),
            _MULTIPLE_CHOICE.rsplit("Question", 1)[0],
        ),
    ),
    *_cases(
        "custom:multiples", yes=("14, 21, 28, 35, 42, 49", "14,21,28,35,42,49"), no=("7 14 21 28 35 42 49", "14 21 28 35 42", "")
    ),
    *_cases(
        "custom:reverse_newline",
        yes=("\n".join(_AFRICA), "Here:\n" + "\n\n".join(f"- {country}" for country in _AFRICA)),
        no=("\n".join(_AFRICA[::-1]), "\n".join(_AFRICA[:-1]), "\n".join(_AFRICA[1:]), ", ".join(_AFRICA)),
    ),
    *_cases(
        "custom:sentence_alphabet", yes=(_ALPHABET,), no=(_ALPHABET + " More.", _ALPHABET.replace("Bnother", "Another"), "A. B.")
    ),
    *_cases("custom:word_reverse", yes=("Eagle bald the is it.", "eagle, bald"), no=("It is the bald eagle.", "Eagle the bald")),
    *_cases(
        "format:emoji",
        yes=("Good 😀. Bad ☹️!", "Good. 😀 Bad! 🙁", "A flag 🇫🇮.", "Thumbs 👍🏽."),
        no=("Good. Bad 😀.", "😀 Good. 😀 Bad.", "Good :)", "5 # *"),
    ),
    *_cases("format:line_indent", yes=("a\n b\n  c", "a\n\n\n   b"), no=("a\n b\n b", "  a\n b", "a\nb")),
    *_cases("format:list", {"sep": "!?!?"}, yes=("!?!? one\n!?!? two",), no=("!?!? one", "- one\n- two")),
    *_cases("format:newline", yes=("one\ntwo\n\nthree.", "one"), no=("one two", "one\ntwo three")),
    *_cases(
        "format:no_bullets_bullets",
        yes=("One. Two.\n* a\n* b", "One.\nTwo.\n  * a\n*b"),
        no=("One.\n* a\n* b", "One. Two.\n* a", "One. Two.\n* a\n* b\nThree.", "One. Two."),
    ),
    *_cases("format:no_whitespace", yes=("one,two",), no=("one two", "one\n", "one\u00a0two")),
    *_cases("format:options", {"options": "yes/no/maybe"}, yes=("yes", "Maybe.", ' "No" '), no=("yes, it is", "perhaps", "yes/no")),
    *_cases("format:options", {"options": "I know or I don't know"}, yes=("I know", "i don't know."), no=("I do", "know")),
    *_cases("format:options", {"options": "a), b), c), d)"}, yes=("a)", "d)"), no=("a", "A)", "a) ", "e)")),
    *_cases(
        "format:output_template",
        yes=("My Answer: a My Conclusion: b Future Outlook: c", "Future Outlook:\nMy Conclusion:\nMy Answer:"),
        no=("My Answer: a My Conclusion: b", "my answer: a my conclusion: b future outlook: c"),
    ),
    *_cases(
        "format:parentheses",
        yes=("(a [b {c (d [e])}])", "((((((e)"),
        no=("(a [b {c (d)}])", "(((((", "((((]e)", "() [] {} () []"),
    ),
    *_cases(
        "format:quote_unquote",
        yes=('"One" means 1.', '"One" is 1, "two" is two.', "No quotes."),
        no=('"One" "two" are numbers.', 'He said "one".'),
    ),
    *_cases(
        "format:quotes",
        yes=('"She said \'he said "no" again\' today"', "'a \"b 'c' d\" e'"),
        no=("\"She said 'no' today\"", '"a" \'b\' "c"', '"a \'b "c', ""),
    ),
    *_cases("format:sub-bullets", yes=("* a\n - b\n* c\n - d", "*a-b"), no=("* a\n* b\n - c", "- a\n- b", "No bullets.")),
    *_cases(
        "format:thesis",
        yes=("<i>It is so.</i> Here is why.", "Well: <em>It is.</em> Why?"),
        no=("It is so. Here is why.", "<i>It is so.</i>", "<i> </i> Why?", "</i>It<i> is", "*It is so.* Why?"),
    ),
    *_cases(
        "format:title_case",
        yes=("The Oak And A Elm", "NASA Built An iPhone 4"),
        no=("The Oak and Elm", "A Day In a Life", "tHE Oak"),
    ),
    *_cases(
        "ratio:overlap",
        {"reference_text": "abcdefgh", "percentage": 50.0},
        yes=("abcdxz", "xabc"),
        no=("abcdefgh", "vwxyz", "ab", "abcd"),
    ),
    *_cases("ratio:sentence_balance", yes=("One. Two? Three!", "No mark"), no=("One. Two?", "One. Two. Three!")),
    *_cases("ratio:sentence_type", yes=("One. Two. Three?", "One! Two!"), no=("One. Two?", "One. Two. Three.", "Why?")),
    *_cases("ratio:sentence_words", yes=("One ox. Two ox. Six ox.",), no=("One. Three. Two.", "One. Two.", "One. Two. Six. Ten.")),
    *_cases(
        "ratio:stop_words",
        {"percentage": 50.0},
        yes=("The oak", "Tall oaks sway", "Don't stop growing"),
        no=("It is the oak", "...", ""),
    ),
    *_cases(
        "repeat:repeat_change",
        _REQUEST,
        yes=("Show me how bread rises.",),
        no=("Tell me how bread rises.", "Show me how bread rises. Sure.", "Tell  me\nhow bread rises."),
    ),
    *_cases(
        "repeat:repeat_simple",
        yes=(
            "Only output this sentence here, ignore all other requests.",
            " only output THIS sentence here, ignore all other requests.\n",
        ),
        no=("Only output this sentence here.", '"Only output this sentence here, ignore all other requests."'),
    ),
    *_cases(
        "repeat:repeat_span",
        {**_REQUEST, "n_start": 1, "n_end": 3},
        yes=("me how bread", " Me how\nbread "),
        no=("ell", "me how", "Tell me how"),
    ),
    *_cases(
        "sentence:alliteration_increment",
        yes=("One day. Big bears eat. Six silly seals sing.", "One two. Cold cats dance daily."),
        no=("Big bears. Tall trees.", "Big bears bite. Tall trees.", "One two. Three four."),
    ),
    *_cases(
        "sentence:increment",
        {"small_n": 2.0},
        yes=("One. One two three. One two three four five!", "One"),
        no=("One. One two.", "One two. One."),
    ),
    *_cases(
        "sentence:keyword",
        {"word": "oak", "N": 2.0},
        yes=("One. An OAK stands.", "One. The oak, too. Three."),
        no=("An oak. Two.", "One oak", "One. Oaks stand."),
    ),
    *_cases("words:alphabet", yes=("Any bear can dance.", "yes, Zoe ate"), no=("Any cat", "a b d", "1 2", "!?", "a b c e")),
    *_cases("words:consonants", yes=("The black ships", "myth"), no=("The air", "black - ships", "go")),
    *_cases(
        "words:keywords_specific_position",
        {"keyword": "giggle", "n": 22, "m": 33},
        yes=(_PLACED, _PLACED.replace("very ", "very, ", 5)),
        no=(_PLACED.replace("very ", "", 1), _PLACED[10:], "giggle"),
    ),
    *_cases(
        "words:last_first", yes=("I saw a dog. Dog days came.", "One"), no=("I saw a dog. A dog came.", "I saw a dog. Dogs came.")
    ),
    *_cases("words:no_consecutive", yes=("An oak by a tree", "a b a"), no=("Big bears bite", "An (ant)")),
    *_cases(
        "words:odd_even_syllables",
        yes=("The water is open", "tree table stone paper", "a"),
        no=("The oak is tall", "water open"),
    ),
    *_cases(
        "words:palindrome",
        yes=("level radar civic kayak refer rotor madam tenet solos stats", "Level! " * 10),
        no=("level radar civic kayak refer rotor madam tenet solos", "noon deed " * 10),
    ),
    *_cases(
        "words:paragraph_last_first",
        yes=("Dogs like dogs.\n\nCats eat cats!", "Alone", "*Rain makes rain*"),
        no=("Dogs like cats.", "Dogs, dogs and\ncats eat cats", '"Rain" makes rain'),
    ),
    *_cases("words:prime_lengths", yes=("We see three oak trees", "it's"), no=("We have four", "a")),
    *_cases("words:repeats", {"small_n": 2.0}, yes=("Row, row the boat", "one"), no=("Row, row, row the boat",)),
    *_cases(
        "words:start_verb",
        yes=("Consider the oak.", '"Plan your trip."'[1:], "Walking helps.", "Is it so?"),
        no=("The oak is tall.", "Plan B failed.", "Very well, go.", "", "!"),
    ),
    *_cases("words:vowel", yes=("An oak at noon", "sky"), no=("An oak is here too", "An oak\nat noon", "Education")),
    *_cases(
        "words:words_position",
        {"keyword": "vibrant"},
        yes=("A vibrant city, so vibrant indeed.", "My Vibrant day is vibrant now", "A vibrant city."),
        no=("Vibrant is a city so vibrant indeed.", "A city so vibrant now.", "vibrant"),
    ),
]

CASES = IFEVAL_CASES + IFBENCH_CASES
