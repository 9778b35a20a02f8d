"""What the gateway's benchmark sends and is sent: the same bytes for whoever carries them, so that they can be compared whole."""

from __future__ import annotations

TOKENS = 100
EVENTS = TOKENS + 3
"""Events of one stream without usage: the role, the tokens, the finish reason, and ``[DONE]`` (which is not counted)."""

MARK = b"nonce-"
NONCE_DIGITS = 12
_WORDS = [
    "measured",
    "weighed",
    "compared",
    "and",
    "found",
    "to",
    "be",
    "what",
    "it",
    "says",
    "on",
    "the",
    "label,",
    "no",
    "more",
    "and",
    "no",
    "less",
]
_PADDING = " ".join(_WORDS * 4)[:300]
_USAGE = b'"usage":{"prompt_tokens":90,"completion_tokens":100,"total_tokens":190}'


def request_body(model: str, nonce: int, *, stream: bool) -> bytes:
    """A request of about 470 bytes; ``nonce`` makes every one different, as real ones are."""
    said = f"{MARK.decode()}{nonce:0{NONCE_DIGITS}d} {_PADDING}"
    flag = ',"stream":true' if stream else ""
    return (
        f'{{"model":"{model}","messages":[{{"role":"system","content":"You are a scale."}},'
        f'{{"role":"user","content":"{said}"}}],"temperature":0.5{flag}}}'
    ).encode()


def reply_text(nonce: bytes) -> bytes:
    """The words of a plain answer."""
    return b"%b%b %b %b" % (MARK, nonce, _PADDING.encode(), _PADDING.encode()[:140])


def answer_body(nonce: bytes) -> bytes:
    """A plain answer of about 800 bytes."""
    return (
        b'{"id":"chatcmpl-%b","object":"chat.completion","created":1763800000,"model":"bench-model","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"%b","refusal":null},"logprobs":null,"finish_reason":"stop"}],%b,'
        b'"system_fingerprint":"fp_bench"}' % (nonce, reply_text(nonce), _USAGE)
    )


def token(nonce: bytes, number: int) -> bytes:
    """One piece of a streamed answer."""
    return b"%b " % _WORDS[number % len(_WORDS)].encode() if number else b"%b%b " % (MARK, nonce)


def stream_events(nonce: bytes, *, usage: bool) -> list[bytes]:
    """A streamed answer, event by event, each of about 200 bytes."""

    def chunk(choices: bytes, more: bytes = b"") -> bytes:
        return (
            b'data: {"id":"chatcmpl-%b","object":"chat.completion.chunk","created":1763800000,"model":"bench-model",'
            b'"system_fingerprint":"fp_bench","choices":[%b]%b}\n\n' % (nonce, choices, more)
        )

    def delta(inner: bytes, finish: bytes = b"null") -> bytes:
        return chunk(b'{"index":0,"delta":{%b},"logprobs":null,"finish_reason":%b}' % (inner, finish))

    events = [delta(b'"role":"assistant","content":""')]
    events += [delta(b'"content":"%b"' % token(nonce, number)) for number in range(TOKENS)]
    events.append(delta(b"", b'"stop"'))
    if usage:
        events.append(chunk(b"", b"," + _USAGE))
    events.append(b"data: [DONE]\n\n")
    return events


def nonce_in(body: bytes) -> bytes:
    """The nonce of a request or an answer."""
    at = body.find(MARK) + len(MARK)
    return body[at : at + NONCE_DIGITS]
