"""The rules of `tests.upstream` for Chat Completions, under the name by which older tests know them."""

from tests.upstream.rules.chat import check_request
from tests.upstream.rules.strict import Broken

__all__ = ["Broken", "check_request"]
