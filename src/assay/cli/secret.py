"""How commands are given a secret: on standard input, never on the command line, which others can see."""

import getpass
import sys

from assay.core import InvalidInput


def read_secret(prompt: str) -> str:
    """A secret from the terminal, unseen, or from standard input."""
    secret = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline()
    if secret.startswith("{") and not sys.stdin.isatty():
        secret += sys.stdin.read()  # a key file of a cloud has many lines
    if not secret.strip():
        raise InvalidInput("provider.empty_key", "The key is empty.", hint="Give it on standard input.")
    return secret.strip()
