"""Writes the reference pages that say what the source says: ``make reference``. A test compares them with the source.

settings.md comes from the fields of ``Settings``, commands.md from the command line itself, providers.md from the provider
rows, errors.md from every place in the source that raises an error with a stable code.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import click
import msgspec

from assay import cli, core
from assay.cli.configure import NOT_SETTINGS
from assay.core import AssayError, Provider, Settings

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "assay"
PAGES = ROOT / "docs" / "reference"
_CODE = re.compile(r"[a-z]+(?:\.[a-z][a-z0-9_]*)+")
_SHARED = {"data", "database", "config"}
_NOT_CODES = {
    *("arena.battle_token", "arena.rating", "arena.voter", "chat.completion", "chat.completion.chunk"),
    *("gateway.keys", "gateway.prices", "gateway.version", "practice.sock", "provider.live", "api.openai.com"),
    *("budget.near", "provider.down", "provider.up", "task.py", "task.toml"),
}
"""Words that look like codes and are none: metrics, settings, purposes of derived keys, kinds of alerts, names of files and hosts."""
_RAISING = {"Fault": 502, "_fail": 502, "_Untestable": 502}
"""What else takes a code and a sentence, with the status that it ends in."""
_WORDS = {
    "api.method_not_allowed": (405, "This path does not take this method."),
    "api.no_such_path": (404, "There is no such path."),
    "api.refused": (400, "The server refused, in words that hold no code."),
    "bench.budget_spent": (
        402,
        "The budget of a run leaves no further call. Seen in runs only; `--resume` with a larger one goes on.",
    ),
    "challenge.too_many_steps": (
        502,
        "A contestant still called tools after the most answers that an item may take. Seen in reports only.",
    ),
    "client.left": (499, "The client went away before the answer ended. Seen in calls only."),
    "exchange.failed_elsewhere": (502, "A sample came to no answer in the program that the run is from. Seen in samples only."),
    "gateway.bug": (500, "Assay ran into a defect of its own in the middle of a call."),
    "gateway.stopped": (503, "The server was stopped in the middle of a call. Seen in calls only."),
    "limit.concurrent": (429, "A key, user or team has as many requests under way as it may."),
    "limit.requests": (429, "A key, user or team has asked as often in a minute as it may; Retry-After says when it may again."),
    "limit.tokens": (429, "A key, user or team has used as many tokens in a minute as it may; Retry-After says when it may again."),
    "provider.busy": (503, "All who could answer have as much under way as they may be asked; try again in a moment."),
    "reconcile.bad_row": (400, "A row of the report cannot be read; it is named, with what is wrong in it."),
    "store.corrupt": (503, "The database file is damaged."),
    "task.baseline_silent": (502, "The baseline of a pairwise task said nothing to a question. Seen in samples only."),
    "task.judge_unread": (502, "A judge was asked twice and gave no verdict. Seen in samples only."),
    "upstream.forbidden": (403, "The provider does not allow this with the key that it was given."),
    "upstream.not_found": (404, "The provider does not know the model or the path."),
    "upstream.rate_limited": (429, "The provider wants fewer requests; its Retry-After is passed on."),
    "upstream.redirected": (502, "The provider redirected the request, which is not followed: check its base URL."),
    "upstream.refused": (400, "The provider refused the request; its own status and words are passed on."),
}
"""Codes whose words are put together at run time."""
_NOTICE = "<!-- Written by `make reference` from the source; edit that instead. -->\n"

VARIABLES = {
    "ASSAY_CONFIG": "The configuration file, where it is neither `assay.toml` here nor in the user's configuration folder.",
    "ASSAY_CHROMIUM": "Tests and screenshots: the Chromium to use.",
    "ASSAY_SOAK_S": "Tests: how many seconds the soak takes; an hour, if it is not set.",
    "ASSAY_AWAY_S": "Tests: how many seconds the database stays away while the gateway serves on.",
    "ASSAY_BASE_URL": "Set for Inspect by `assay bench inspect`: where the gateway answers.",
    "ASSAY_API_KEY": "Set for Inspect by `assay bench inspect`: its key.",
    "ASSAY_EVALPLUS_PYTHON": "Measuring: the interpreter of an environment that holds evalplus 0.3.1.",
    "ASSAY_INSPECT_PYTHON": "Tests: the interpreter of an environment that holds inspect_ai.",
    "ASSAY_TEST_DATABASE_URL": "Tests: a PostgreSQL in which databases may be made and dropped.",
    "ASSAY_SKIP_WEB": "Build: `1` leaves the page as it is.",
    "ASSAY_SKIP_APT": "Tests: `1` installs no Debian packages.",
    "ASSAY_URL": "`make dev`: where the page's own server finds Assay.",
}


def pages() -> dict[str, str]:
    """The text of each generated page, by file name."""
    return {"settings.md": settings(), "commands.md": commands(), "providers.md": providers(), "errors.md": errors()}


def settings() -> str:
    """A table of every setting, its default and its meaning."""
    lines = [
        "# Settings",
        _NOTICE,
        "A value is taken from a flag, else from the environment, else from `assay.toml`, else from the database, else from the",
        "default here. An unknown key is an error with a suggestion. `assay config show --origin` names where each came from.",
        "`assay.toml` is looked for in the current folder, then in the user's configuration folder.",
        "",
        "| setting | variable | default | meaning |",
        "|---|---|---|---|",
    ]
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        variable = "" if field.name in {"providers", "aliases"} else f"`ASSAY_{field.name.upper()}`"
        lines.append(f"| `{field.name}` | {variable} | {_default(field)} | {_description(hints[field.name])} |")
    lines += ["", "Other variables, which are no settings:", "", "| variable | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {VARIABLES[name]} |" for name in sorted(NOT_SETTINGS | VARIABLES.keys())]
    return "\n".join(lines) + "\n"


def _default(field: msgspec.structs.FieldInfo) -> str:
    shipped = {"data": "the user's data folder", "master_key": "`master.key` in the user's configuration folder"}
    if field.name in shipped:
        return shipped[field.name]
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return {None: "none", "": "empty", (): "none", True: "yes", False: "no"}.get(value, f"`{value}`") if value != {} else "none"


def _description(hint: Any) -> str:
    """The words of the outermost ``Meta`` that has any."""
    if get_origin(hint) is not Annotated:
        return ""
    return next((meta.description for meta in reversed(get_args(hint)[1:]) if meta.description), "")


def commands() -> str:
    """Every command with its arguments, options and meaning."""
    lines = [
        "# Commands",
        _NOTICE,
        "Data on standard output, talk on standard error; [exit codes](exit-codes.md) say how it went. Nothing asks questions where there",
        "is no terminal: it reads from a pipe as well as from a person. Every command also takes:",
        "",
    ]
    login = dict(walk(cli.assay))["assay login"]
    lines += [*_bullets(option for option in login.params if option.name in _SHARED), ""]
    for path, command in walk(cli.assay):
        if isinstance(command, click.Group):
            continue
        context = click.Context(command, info_name=path)
        lines += [f"## `{' '.join([path, *command.collect_usage_pieces(context)])}`", "", _one_paragraph(command.help), ""]
        lines += [*_bullets([option for option in command.params if option.name not in _SHARED]), ""]
    return "\n".join([*lines, *_COMPLETION]) + "\n"


_COMPLETION = (
    "## Completion",
    "",
    "The shell completes commands and options after one line in its start file:",
    "",
    "| shell | file | line |",
    "|---|---|---|",
    '| bash | `~/.bashrc` | `eval "$(_ASSAY_COMPLETE=bash_source assay)"` |',
    '| zsh | `~/.zshrc` | `eval "$(_ASSAY_COMPLETE=zsh_source assay)"` |',
    "| fish | `~/.config/fish/completions/assay.fish` | `_ASSAY_COMPLETE=fish_source assay \\| source` |",
)


def _bullets(params: Iterable[click.Parameter]) -> list[str]:
    return [f"- `{_spelled(option)}`: {option.help}" for option in params if isinstance(option, click.Option)]


def walk(command: click.Command, path: str = "assay") -> Iterator[tuple[str, click.Command]]:
    """Every command below ``command``, with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from walk(child, f"{path} {name}")


def _spelled(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('x')))}"
    return ", ".join(sorted([*option.opts, *option.secondary_opts], key=len)) + value


def _one_paragraph(text: str | None) -> str:
    return " ".join((text or "").split())


def providers() -> str:
    """A table of the provider rows that are shipped."""
    shipped: dict[str, Provider] = importlib.import_module("assay.gateway.providers").shipped_providers()
    lines = [
        "# Providers",
        _NOTICE,
        "One TOML row each in `src/assay/gateway/providers/`. All are *wire-true*: shown against a strict stand-in built from the",
        "provider's own documentation as of the date given. `assay provider verify NAME` with your own key makes one *live*.",
        "",
        "| name | who | kind | address | key from | facts of |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in sorted(shipped.items()):
        key = ", ".join(f"`{variable}`" for variable in row.key_env) or "none needed"
        who = f"[{row.title}]({row.docs})" if row.docs else row.title
        lines.append(f"| `{name}` | {who} | {row.kind} | `{row.base_url}` | {key} | {row.facts} |")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Raised:
    """One place that raises: the code, the status it answers with, what it says and the way out."""

    code: str
    status: int
    says: str
    hint: str


def errors() -> str:
    """Every stable code, grouped by its first word."""
    lines = [
        "# Errors",
        _NOTICE,
        "Each error has a code that stays the same, a sentence that names the value and the reason, and often a hint: the way out.",
        "Clients get it in their protocol's own shape, the page as problem JSON (RFC 9457), the command line as lines on standard",
        "error. `…` stands for what depends on the case.",
    ]
    group = ""
    for code, places in sorted(raised().items()):
        if code.partition(".")[0] != group:
            group = code.partition(".")[0]
            lines += ["", f"## {group}", "", "| code | status | says | hint |", "|---|---|---|---|"]
        status = ", ".join(sorted({str(place.status) for place in places if place.status}))
        says = " / ".join(dict.fromkeys(place.says for place in places if place.says))
        hint = " / ".join(dict.fromkeys(place.hint for place in places if place.hint))
        lines.append(f"| `{code}` | {status} | {_cell(says)} | {_cell(hint)} |")
    return "\n".join(lines) + "\n"


def raised() -> dict[str, list[Raised]]:
    """Every error code in the source, with the places that raise it."""
    trees = {file: ast.parse(file.read_text("utf-8")) for file in sorted(SOURCES.rglob("*.py"))}
    statuses = _statuses(trees.values())
    found: dict[str, list[Raised]] = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            for place in _places(node, statuses):
                found.setdefault(place.code, []).append(place)
    prefixes = {"client", "upstream", *(code.partition(".")[0] for code in found)}
    for tree in trees.values():
        for node in ast.walk(tree):
            if (code := _code(node)) and code.partition(".")[0] in prefixes and code not in _NOT_CODES:
                found.setdefault(code, [Raised(code, *_WORDS.get(code, (0, "")), "")])
    for code, words in _WORDS.items():
        if not any(place.says for place in found.get(code, ())):
            found.setdefault(code, []).append(Raised(code, *words, ""))
    return found


def _statuses(trees: Any) -> dict[str, int]:
    """The HTTP status of each error class, also of those that the subsystems derive."""
    known = {name: kind.status for name, kind in vars(core).items() if isinstance(kind, type) and issubclass(kind, AssayError)}
    known |= _RAISING
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    if isinstance(base, ast.Name) and base.id in known:
                        known.setdefault(node.name, _own_status(node) or known[base.id])
    return known


def _own_status(node: ast.ClassDef) -> int | None:
    """The number in ``status = 502`` in the body of a class."""
    for line in node.body:
        match line:
            case ast.Assign(targets=[ast.Name(id="status")], value=ast.Constant(value=int(status))):
                return status
    return None


def _places(node: ast.AST, statuses: dict[str, int]) -> Iterator[Raised]:
    """What ``node`` raises or names as a code."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        words = {keyword.arg: keyword.value for keyword in node.keywords}
        code, says = [*node.args, None, None][:2]
        found = _code(words.get("code", code))
        if found and (name in statuses or "code" in words or name == "__init__"):
            says = words.get("message", words.get("detail", says))
            yield Raised(found, statuses.get(name) or _number(words.get("status")), _text(says), _text(words.get("hint")))


def _code(node: ast.AST | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
        return node.value
    return None


def _number(node: ast.AST | None) -> int:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else 0


def _text(node: ast.AST | None) -> str:
    """The words of a string or f-string, `…` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    for name, text in pages().items():
        (PAGES / name).write_text(text, "utf-8")
