"""The content of messages and of tool results, in both directions."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Sequence
from typing import cast

from assay.core import Audio, CacheTime, File, Image, Page, Part, Refusal, Text, ToolResult, Unknown, Video
from assay.wire.fields import Json, missing, split_data_url, take_str, wrong
from assay.wire.losses import Losses
from assay.wire.openai_responses.citation import read_citations, write_citation
from assay.wire.openai_responses.fields import NAME, left_over, of_part
from assay.wire.words import only_words

_PLAIN = {"type", "text"}
_AUDIO_TYPES = {"mp3": "audio/mpeg"}
_AUDIO_FORMATS = {media_type: name for name, media_type in _AUDIO_TYPES.items()}


def read_parts(content: object, at: str) -> tuple[Part, ...]:
    """A string, or a list of parts. A part of a kind we do not know is kept whole, under the name of its kind."""
    if content is None:
        return ()
    if type(content) is str:
        return (Text(text=content),)
    if type(content) is not list:
        raise wrong(at, "a string or a list of parts", content)
    return tuple([_read_part(part, f"{at}[{i}]") for i, part in enumerate(content)])


def _read_part(value: object, at: str) -> Part:
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    kind = fields.pop("type", None)
    if type(kind) is not str:
        raise missing(f"{at}.type") if kind is None else wrong(f"{at}.type", "a string", kind)
    reader = _PART_READERS.get(kind)
    part = reader(fields, at) if reader is not None else None
    return part if part is not None else Unknown(extra={NAME: {kind: fields}})


def _read_text(fields: Json, at: str) -> Part:
    text = take_str(fields, "text", at)
    if text is None:
        raise missing(f"{at}.text")
    citations = read_citations(fields.pop("annotations", None))
    if not fields.get("logprobs"):
        fields.pop("logprobs", None)
    return Text(text=text, citations=citations, cache=_take_cache(fields), extra=left_over(fields))


def _read_refusal(fields: Json, at: str) -> Part:
    return Refusal(text=take_str(fields, "refusal", at) or "", extra=left_over(fields))


def _read_image(fields: Json, at: str) -> Part | None:
    """One that is named by ``file_id`` is the provider's own affair."""
    if fields.get("image_url") is None:
        return None
    url = _need_address(fields, "image_url", at)
    detail = take_str(fields, "detail", at)
    whole, data, media_type = split_data_url(url)
    return Image(
        url=whole,
        data=data,
        media_type=media_type,
        detail=None if detail == "auto" else detail,
        cache=_take_cache(fields),
        extra=left_over(_without_nulls(fields)),
    )


def _need_address(fields: Json, key: str, at: str) -> str:
    """The address itself, or as Chat Completions wraps it."""
    value = fields.pop(key)
    if type(value) is dict and type(value.get("url")) is str:
        value = value["url"]
    if type(value) is not str:
        raise wrong(f"{at}.{key}", "a string", value)
    return value


def _read_file(fields: Json, at: str) -> Part | None:
    given, url = take_str(fields, "file_data", at), take_str(fields, "file_url", at)
    file_id, name = take_str(fields, "file_id", at), take_str(fields, "filename", at)
    data = media_type = None
    if given is not None:
        whole, data, media_type = split_data_url(given)
        if data is None and whole is not None and not whole.startswith("data:"):
            data, media_type = whole, mimetypes.guess_type(name)[0] if name else None
        elif data is None and url is None:
            url = whole
    if data is not None and url is not None:
        fields["file_url"], url = url, None
    cache = _take_cache(fields)
    extra = left_over(_without_nulls(fields))
    return File(url=url, data=data, media_type=media_type, name=name, file_id=file_id, cache=cache, extra=extra)


def _read_audio(fields: Json, at: str) -> Part | None:
    body = fields.get("input_audio")
    if type(body) is not dict or type(body.get("data")) is not str or type(body.get("format")) is not str:
        return None
    sound = body["format"]
    del fields["input_audio"]
    return Audio(data=body["data"], media_type=_AUDIO_TYPES.get(sound, f"audio/{sound}"), extra=left_over(fields))


_PART_READERS: dict[str, Callable[[Json, str], Part | None]] = {
    "input_text": _read_text,
    "output_text": _read_text,
    "text": _read_text,
    "refusal": _read_refusal,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
}


def _take_cache(fields: Json) -> CacheTime | None:
    """OpenAI keeps what is marked for half an hour or for twelve; a lifetime that was named stays in ``fields`` too."""
    match fields.get("prompt_cache_breakpoint"):
        case {"mode": "explicit", **rest} if not rest:
            del fields["prompt_cache_breakpoint"]
            return "5m"
        case {"mode": "explicit", "ttl": ttl}:
            return "1h" if ttl == "12h" else "5m"
    return None


def _without_nulls(fields: Json) -> Json:
    return {key: value for key, value in fields.items() if value is not None}


class ContentWriter:
    """Writes content for a server. ``native``: the request came in this protocol, and may use what only new models take."""

    def __init__(self, losses: Losses, *, native: bool):
        self._losses = losses
        self._native = native

    def write(self, parts: Sequence[Part]) -> str | list[Json]:
        """What is said to the model: a plain string where that says it all."""
        if (words := only_words(parts)) is not None:
            return words
        written = [one for part in parts if (one := self._write_input(part)) is not None]
        if not written:
            return ""
        if len(written) == 1 and written[0].keys() == _PLAIN:
            return cast(str, written[0]["text"])
        return written

    def write_result(self, result: ToolResult) -> str | list[Json]:
        """What a tool gave back."""
        self._note(result)
        if result.is_error:
            self._losses.drop("tool_result.is_error")
        if result.cache is not None:
            self._losses.drop("cache")
        return self.write(result.parts)

    def write_output(self, part: Text | Refusal) -> Json:
        """What the model said, as it is given back."""
        self._note(part)
        extra = of_part(part.extra.get(NAME, {}))
        if part.cache is not None and not self._native:
            self._losses.drop("cache")
        if isinstance(part, Refusal):
            return {"type": "refusal", "refusal": part.text, **extra}
        annotations = [written for citation in part.citations if (written := write_citation(citation, self._losses)) is not None]
        return {"type": "output_text", "text": part.text, "annotations": annotations, **extra}

    def _note(self, part: Part) -> None:
        self._losses.foreign(part.extra, NAME, "messages[]")

    def _write_input(self, part: Part) -> Json | None:
        """None for a part that only another protocol knows."""
        if isinstance(part, ToolResult):
            return None
        self._note(part)
        extra = self._marked(part)
        match part:
            case Text(text=text):
                if part.citations:
                    self._losses.drop("citations")
                return {"type": "input_text", "text": text, **extra}
            case Page(html=text) | Refusal(text=text):
                return {"type": "input_text", "text": text, **extra}
            case Image():
                if not self._is_reachable(part):
                    self._losses.drop("image")
                    return None
                return {"type": "input_image", "detail": part.detail or "auto", "image_url": _address(part), **extra}
            case File():
                if not self._is_reachable(part):
                    self._losses.drop("file")
                    return None
                return {"type": "input_file", **self._file_body(part), **extra}
            case Audio():
                return self._write_audio(part, extra)
            case Video():
                self._losses.drop("video")
                return None
            case Unknown():
                return next(({"type": kind, **fields} for kind, fields in extra.items()), None)
            case _:
                return None

    def _is_reachable(self, part: Image | File) -> bool:
        """Whether a server can have the bytes: not from a store of another provider's (``gs://``)."""
        return self._native or part.url is None or part.url.startswith(("https://", "http://", "data:"))

    def _marked(self, part: Part) -> Json:
        """``extra``, with the mark for the cache: OpenAI's older models refuse it, and all keep what was said by themselves."""
        extra = of_part(part.extra.get(NAME, {}))
        if part.cache is None or "prompt_cache_breakpoint" in extra:
            return extra
        if not self._native:
            self._losses.drop("cache")
            return extra
        return {**extra, "prompt_cache_breakpoint": {"mode": "explicit"}}

    def _write_audio(self, sound: Audio, extra: Json) -> Json | None:
        """Only a client of this protocol can know a server of it that hears."""
        if not self._native or sound.data is None:
            self._losses.drop("audio")
            return None
        media_type = sound.media_type or "audio/wav"
        body = {"data": sound.data, "format": _AUDIO_FORMATS.get(media_type, media_type.removeprefix("audio/"))}
        return {"type": "input_audio", "input_audio": body, **extra}

    def _file_body(self, part: File) -> Json:
        body: Json = {}
        if part.file_id is not None and (self._native or (part.data is None and part.url is None)):
            body["file_id"] = part.file_id
        if part.data is not None:
            body["file_data"] = part.data if part.media_type is None else _address(part)
        elif part.url is not None:
            body["file_url" if not part.url.startswith("data:") else "file_data"] = part.url
        name = part.name
        if name is None and part.data is not None and not self._native:
            name = "file" + (mimetypes.guess_extension(part.media_type or "") or "")
        if name is not None:
            body["filename"] = name
        return body


def _address(part: Image | File) -> str:
    if part.url is not None:
        return part.url
    return f"data:{part.media_type or 'application/octet-stream'};base64,{part.data}"
