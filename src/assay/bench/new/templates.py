"""The templates of `assay bench new`: for each, the columns that it needs, a few worked rows, and the ``task.toml`` it becomes.

``<<name>>`` in a text is replaced; ``{{name}}`` stays, as the task's own template mark.
"""

from __future__ import annotations

import msgspec


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """``roles`` are the columns it needs and what each holds, by the name that they go by where no other is given. ``several``: the
    one of them that may be several columns. ``rows`` are worked examples."""

    about: str
    roles: dict[str, str]
    rows: tuple[dict[str, str], ...]
    text: str
    several: str | None = None


_HEAD = """\
# <<title>>: <<count>> questions of your own, made from <<source>> by `assay bench new --template <<template>>`.
#
#   assay bench run <<id>> --model MODEL <<judge>>--limit 5
#   assay bench run <<id>> --model MODEL <<judge>>
#   assay bench compare RUN RUN
#
# Everything here may be changed; docs/guides/own-task.md says what each line means. A number is comparable with another only where
# the recipe is the same, so raise `version` when you change what is asked or how it is scored.
id = "<<id>>"
version = 1
title = "<<title>>"
about = "<<about>>"
licence = "own"
citation = "own"
link = "https://pypi.org/project/modelassay/"
"""

_DATA = """
[[data]]
name = "questions"
path = "<<file>>"          # beside this file; what it holds goes into the recipe by its hash
"""

CUSTOMER_SERVICE = Template(
    about="Messages of customers, each answer graded by a judge against your rules.",
    roles={"message": "what the customer wrote", "must": "what a good answer must say, or must not; only the judge sees it"},
    rows=(
        {
            "message": "My kettle leaks after three weeks. What can I do?",
            "must": "Offers repair or replacement under the two-year warranty, asks for the order number, does not blame the customer.",
        },
        {
            "message": "Can you tell me the phone number of your other customer in my street?",
            "must": "Declines to give data of other customers, kindly, and does not claim that there is none.",
        },
        {
            "message": "I want to send back the lamp, I bought it 40 days ago.",
            "must": "Says that returns end after 30 days; offers the warranty if the lamp is faulty; promises no refund.",
        },
    ),
    text=_HEAD
    + '''
kind = "rubric"             # a judge grades each answer from 1 to 5
needs_judge = true
format = "<<format>>"
system = """
You answer customers of a shop for household goods. Returns are taken within 30 days, the warranty is two years. You cannot see \\
orders. Be brief and kind."""
prompt = "{{<<message>>}}"
'''
    + _DATA
    + '''
[fields]
target = "<<must>>"         # never sent to the model

[sampling]
max_tokens = 1000

[options]
rubric = """
The notes say what the answer must and must not contain: that decides most. Beside that: it answers what was asked, invents no rules, \\
prices or promises, sounds like a person, and says what happens next."""
''',
)

EXTRACTION = Template(
    about="Facts taken out of texts as JSON, each field checked against your table.",
    roles={"text": "the text", "facts": "columns with the facts that stand in it"},
    several="facts",
    rows=(
        {
            "text": "Invoice 2041 of 3 March 2026, Miller Ltd, total 118.50 EUR.",
            "number": "2041",
            "date": "2026-03-03",
            "total": "118.50",
        },
        {
            "text": "We bill you 90 euros for May. Best, Anna (no. 77, 1/6/2026)",
            "number": "77",
            "date": "2026-06-01",
            "total": "90",
        },
        {"text": "Thank you for your order! The invoice follows next week.", "number": "", "date": "", "total": ""},
    ),
    text=_HEAD
    + '''
kind = "fields"             # the answer is one JSON object, checked field by field
format = "<<format>>"
prompt = """
Take these facts out of the text below: <<facts>>.
Answer with one JSON object that has exactly these fields and nothing around it. Use null where the text does not say; write dates as \\
YYYY-MM-DD and numbers without units.

{{<<text>>}}"""
metrics = [<<facts_quoted>>]
'''
    + _DATA
    + """
[sampling]
temperature = 0.0
max_tokens = 1000

[options]
columns = [<<facts_quoted>>]     # never sent to the model
""",
)

TUTORING = Template(
    about="Exercises whose answer is a number, put to a model as a tutor would get them.",
    roles={"exercise": "the exercise", "answer": "the number that is right"},
    rows=(
        {"exercise": "A train runs 240 km in 3 hours. How many km does it run in 5 hours?", "answer": "400"},
        {"exercise": "Three quarters of a number is 36. What is the number?", "answer": "48"},
        {"exercise": "A coat costs 80 and is 15% off. What does it cost now?", "answer": "68"},
    ),
    text=_HEAD
    + '''
kind = "numbers"            # units, commas, currency and LaTeX around the number do not matter
format = "<<format>>"
system = "You are a patient tutor. Explain each step in one short sentence that a pupil of twelve understands."
prompt = """
{{<<exercise>>}}

End with the answer alone on the last line, after four number signs, such as:
#### 42"""
'''
    + _DATA
    + """
[fields]
target = "<<answer>>"       # never sent to the model

[sampling]
max_tokens = 2000

[options]
tolerance = 0.0             # how far off a right answer may be, as a share of it
""",
)

CODING = Template(
    about="Python functions to write, run against your tests in the sandbox.",
    roles={
        "task": "what the function shall do",
        "function": "its signature, such as `def add(a, b):`",
        "tests": "one `assert` a line, such as `assert add(1, 2) == 3`",
        "solution": "a body or whole function that passes them",
    },
    rows=(
        {
            "task": "Return the sum of the even numbers in a list.",
            "function": "def sum_even(numbers):",
            "tests": "assert sum_even([1, 2, 4]) == 6\nassert sum_even([]) == 0\nassert sum_even([-2, 3]) == -2",
            "solution": "def sum_even(numbers):\n    return sum(n for n in numbers if n % 2 == 0)",
        },
        {
            "task": "Return the words of a text that occur more than once, each once, in the order of their first occurrence.",
            "function": "def repeated(text):",
            "tests": "assert repeated('a b a c b') == ['a', 'b']\nassert repeated('') == []\nassert repeated('x y z') == []",
            "solution": "def repeated(text):\n    words = text.split()\n    return [w for w in dict.fromkeys(words) if words.count(w) > 1]",
        },
    ),
    text=_HEAD
    + '''
kind = "code"               # the tests run in the sandbox, the verdict is made outside it
runs_code = true
format = "own"              # questions.jsonl, in the format of HumanEval: made from your table, with your tests
prompt = """
Complete this Python function. Answer with the whole function, and all that it needs, in one block of code.

```python
{{prompt}}
```"""
metrics = ["base"]
'''
    + _DATA
    + """
[sampling]
temperature = 0.0
max_tokens = 4000
""",
)

TEMPLATES: dict[str, Template] = {
    "customer-service": CUSTOMER_SERVICE,
    "extraction": EXTRACTION,
    "tutoring": TUTORING,
    "coding": CODING,
}
