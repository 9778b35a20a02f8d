"""The content of a message: a plain string, or parts of text, pictures, sound, film and files."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Sequence
from typing import cast

from assay.core import Audio, CacheTime, Extra, File, Image, Page, Part, Refusal, Text, Unknown, Video
from assay.wire.fields import Json, missing, split_data_url, take_str, wrong
from assay.wire.losses import Losses
from assay.wire.openai_chat.fields import NAME, left_over
from assay.wire.words import only_words

_PLAIN = {"type", "text"}
_AUDIO_TYPES = {"mp3": "audio/mpeg"}
_AUDIO_FORMATS = {media_type: name for name, media_type in _AUDIO_TYPES.items()}


def read_parts(content: object, at: str) -> tuple[Part, ...]:
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
    kind = fields.get("type")
    if type(kind) is not str:
        raise missing(f"{at}.type") if kind is None else wrong(f"{at}.type", "a string", kind)
    reader = _PART_READERS.get(kind)
    if reader is None:
        return Unknown(extra={NAME: fields})
    del fields["type"]
    return reader(fields, at)


def _read_text(fields: Json, at: str) -> Part:
    text = take_str(fields, "text", at)
    if text is None:
        raise missing(f"{at}.text")
    return Text(text=text, cache=_take_cache(fields), extra=left_over(fields))


def _take_cache(fields: Json) -> CacheTime | None:
    """Anthropic's mark, which OpenRouter and others take over this protocol. One that says more stays in ``fields``."""
    match fields.get("cache_control"):
        case {"type": "ephemeral", **rest} if not rest or rest == {"ttl": "5m"}:
            del fields["cache_control"]
            return "5m"
        case {"type": "ephemeral", "ttl": "1h", **rest} if not rest:
            del fields["cache_control"]
            return "1h"
    return None


def _read_refusal(fields: Json, at: str) -> Part:
    return Refusal(text=take_str(fields, "refusal", at) or "", extra=left_over(fields))


def _read_image(fields: Json, at: str) -> Part:
    body = _take_body(fields, "image_url", at)
    url, data, media_type = split_data_url(_need_str(body, "url", f"{at}.image_url"))
    detail = take_str(body, "detail", f"{at}.image_url")
    return Image(url=url, data=data, media_type=media_type, detail=detail, extra=_with_body(fields, "image_url", body))


def _read_video(fields: Json, at: str) -> Part:
    body = _take_body(fields, "video_url", at)
    url, data, media_type = split_data_url(_need_str(body, "url", f"{at}.video_url"))
    return Video(url=url, data=data, media_type=media_type, extra=_with_body(fields, "video_url", body))


def _read_audio(fields: Json, at: str) -> Part:
    body = _take_body(fields, "input_audio", at)
    data = _need_str(body, "data", f"{at}.input_audio")
    sound = take_str(body, "format", f"{at}.input_audio")
    media_type = None if sound is None else _AUDIO_TYPES.get(sound, f"audio/{sound}")
    extra = _with_body(fields, "input_audio", body)
    if data.startswith(("https://", "http://", "data:")):  # DashScope takes addresses here
        return Audio(url=data, media_type=media_type, extra=extra)
    return Audio(data=data, media_type=media_type, extra=extra)


def _read_file(fields: Json, at: str) -> Part:
    body = _take_body(fields, "file", at)
    where = f"{at}.file"
    given = take_str(body, "file_data", where)
    url = data = media_type = None
    if given is not None:
        url, data, media_type = split_data_url(given)
        if url is not None and not url.startswith(("https://", "http://", "data:")):
            url, data = None, url
    return File(
        url=url,
        data=data,
        media_type=media_type,
        name=take_str(body, "filename", where),
        file_id=take_str(body, "file_id", where),
        extra=_with_body(fields, "file", body),
    )


_PART_READERS: dict[str, Callable[[Json, str], Part]] = {
    "text": _read_text,
    "refusal": _read_refusal,
    "image_url": _read_image,
    "video_url": _read_video,
    "input_audio": _read_audio,
    "file": _read_file,
}


def _take_body(fields: Json, key: str, at: str) -> Json:
    """The object under a part's own name. A bare string stands for its address, as some clients send images."""
    body = fields.pop(key, None)
    if type(body) is str:
        return {"url": body}
    if type(body) is not dict:
        raise missing(f"{at}.{key}") if body is None else wrong(f"{at}.{key}", "an object", body)
    return body


def _with_body(fields: Json, key: str, body: Json) -> Extra:
    """What is left of a part, and of its body under ``key``."""
    if body:
        fields[key] = body
    return left_over(fields)


def _need_str(fields: Json, key: str, at: str) -> str:
    value = take_str(fields, key, at)
    if value is None:
        raise missing(f"{at}.{key}")
    return value


class ContentWriter:
    """Writes the content of messages for a server."""

    def __init__(self, losses: Losses, extensions: Collection[str]):
        self._losses = losses
        self._caches = "cache_control" in extensions
        self._takes_video = "video_url" in extensions
        self._takes_addresses = "file_url" in extensions

    def write(self, parts: Sequence[Part]) -> str | list[Json]:
        """A plain string where that says it all: every server takes one, not all take a list."""
        if (words := only_words(parts)) is not None:
            return words
        written = [one for part in parts if (one := self._write_part(part)) is not None]
        if not written:
            return ""
        if len(written) == 1 and written[0].keys() == _PLAIN:
            return cast(str, written[0]["text"])
        return written

    def _write_part(self, part: Part) -> Json | None:
        """None for a part that only another protocol knows."""
        self._losses.foreign(part.extra, NAME, "messages[]")
        extra = part.extra.get(NAME, {})
        if part.cache is not None:
            extra = self._marked(extra, part.cache)
        match part:
            case Text(text=text):
                if part.citations:
                    self._losses.drop("citations")
                return {"type": "text", "text": text, **extra}
            case Page(html=html):
                return {"type": "text", "text": html, **extra}
            case Refusal(text=text):
                return {"type": "refusal", "refusal": text, **extra}
            case Image(detail=detail):
                body: Json = {"url": _address(part)} if detail is None else {"url": _address(part), "detail": detail}
                return _around("image_url", body, extra)
            case Video():
                return self._write_video(part, extra)
            case Audio():
                return _write_audio(part, extra)
            case File():
                return self._write_file(part, extra)
            case Unknown():
                return extra or None
            case _:
                return None

    def _marked(self, extra: Json, cache: CacheTime) -> Json:
        if not self._caches:
            self._losses.drop("cache")
            return extra
        mark = {"type": "ephemeral"} if cache == "5m" else {"type": "ephemeral", "ttl": cache}
        return {**extra, "cache_control": mark}

    def _write_video(self, video: Video, extra: Json) -> Json | None:
        if not self._takes_video:
            self._losses.drop("video")
            return None
        return _around("video_url", {"url": _address(video)}, extra)

    def _write_file(self, file: File, extra: Json) -> Json:
        """OpenAI takes files by value or by id. Plain text becomes text, and a mere address is told as one."""
        if file.data is not None and (file.media_type or "").startswith("text/"):
            self._losses.approximate("file", "text")
            text = base64.b64decode(file.data + "==").decode("utf-8", "replace")
            return {"type": "text", "text": f"{file.name}:\n{text}" if file.name else text}
        if file.url is not None and not self._takes_addresses and file.url.startswith(("https://", "http://")):
            self._losses.approximate("file", "its address as text")
            return {"type": "text", "text": f"{file.name or 'File'}: {file.url}"}
        return _around("file", _file_body(file), extra)


def _write_audio(sound: Audio, extra: Json) -> Json:
    body = {"data": sound.data if sound.url is None else sound.url}
    if sound.media_type is not None:
        body["format"] = _AUDIO_FORMATS.get(sound.media_type, sound.media_type.removeprefix("audio/"))
    return _around("input_audio", body, extra)


def _around(kind: str, body: Json, extra: Json) -> Json:
    return {"type": kind, **extra, kind: {**body, **extra.get(kind, {})}}


def _address(part: Image | Video | File) -> str:
    if part.url is not None:
        return part.url
    return f"data:{part.media_type or 'application/octet-stream'};base64,{part.data}"


def _file_body(part: File) -> Json:
    body: Json = {}
    if part.data is not None and part.media_type is None:
        body["file_data"] = part.data
    elif part.data is not None or part.url is not None:
        body["file_data"] = _address(part)
    if part.name is not None:
        body["filename"] = part.name
    if part.file_id is not None:
        body["file_id"] = part.file_id
    return body
