"""The content of a message: a plain string, or parts of text, pictures, sound, film and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from assay.core import Audio, Extra, File, Image, Page, Part, Refusal, Text, Unknown, Video
from assay.wire.fields import Json, missing, split_data_url, take_str, wrong
from assay.wire.openai_chat.fields import NAME, left_over

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
    return Text(text=text, extra=left_over(fields))


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


def write_content(parts: Iterable[Part]) -> str | list[Json]:
    """A plain string where that says it all: every server takes one, not all take a list."""
    parts = tuple(parts)
    if not parts:
        return ""
    if len(parts) == 1 and type(parts[0]) is Text and not parts[0].extra:
        return parts[0].text
    return [written for part in parts if (written := _write_part(part)) is not None]


def _write_part(part: Part) -> Json | None:
    """None for a part that only another protocol knows."""
    extra = part.extra.get(NAME, {})
    match part:
        case Text(text=text):
            return {"type": "text", "text": text, **extra}
        case Page(html=html):
            return {"type": "text", "text": html, **extra}
        case Refusal(text=text):
            return {"type": "refusal", "refusal": text, **extra}
        case Image(detail=detail):
            body: Json = {"url": _address(part)} if detail is None else {"url": _address(part), "detail": detail}
            return _around("image_url", body, extra)
        case Video():
            return _around("video_url", {"url": _address(part)}, extra)
        case Audio(media_type=media_type):
            body = {"data": part.data if part.url is None else part.url}
            if media_type is not None:
                body["format"] = _AUDIO_FORMATS.get(media_type, media_type.removeprefix("audio/"))
            return _around("input_audio", body, extra)
        case File():
            return _around("file", _file_body(part), extra)
        case Unknown():
            return extra or None
        case _:
            return None


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
