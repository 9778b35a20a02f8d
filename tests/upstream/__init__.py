"""A strict, scripted provider that speaks all four protocols: a real HTTP server on the loopback address.

    with ScriptedUpstream() as upstream:            # or `async with`; key="sk-upstream" unless told, key=None takes any and none
        upstream.url                                # http://127.0.0.1:port/v1, the base URL for OpenAI's two protocols
        upstream.root                               # http://127.0.0.1:port, for those whose clients add /v1 or /v1beta themselves
        upstream.requests, upstream.last            # everything that arrived, byte for byte, with `protocol` and `model`
        upstream.complaints                         # the rules that requests broke; assert it is [] at the end

The protocol follows from the path, behind any prefix: ``/chat/completions``, ``/responses``, ``/messages``,
``/models/<model>:generateContent`` and ``:streamGenerateContent``; token counts (``/messages/count_tokens``,
``/responses/input_tokens``, ``:countTokens``), lists of models, embeddings, images, speech and transcription answer too.

What it answers goes by the name of the model (`tests.upstream.scripts`: text, tools, think-tool, usage, cut, error-429 ...), the
same names in each protocol; ``ScriptedUpstream(scripts={"mine": script})`` adds some. A script takes an `Asked` and gives an
`Answer` of neutral parts or a `Status`. A request that breaks a rule (`tests.upstream.rules`) is answered 400 and noted.
"""

from tests.upstream.server import Received, ScriptedUpstream

__all__ = ["Received", "ScriptedUpstream"]
