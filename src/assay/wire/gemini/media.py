"""Pictures, sound, film and files: by value (``inlineData``) or by address (``fileData``)."""

from __future__ import annotations

import mimetypes

from assay.core import Audio, File, Image, Part, Video
from assay.wire.fields import Json, take_str
from assay.wire.gemini.fields import left_over, standard_base64, take_object
from assay.wire.losses import Losses

Media = Image | Audio | Video | File

_KINDS: dict[str, type[Image] | type[Audio] | type[Video]] = {"image": Image, "audio": Audio, "video": Video}
_PDF = "JVBERi"
"""How base64 of ``%PDF-`` begins."""


def read_media(fields: Json, at: str) -> Part | None:
    """The part that ``inlineData`` or ``fileData`` of ``fields`` is; what else they hold stays in its ``extra``. None without either."""
    place = "inlineData" if fields.get("inlineData") is not None else "fileData"
    body = take_object(fields, place, at)
    if body is None:
        return None
    where = f"{at}.{place}"
    media_type = take_str(body, "mimeType", where)
    url = data = None
    if place == "inlineData":
        data = standard_base64(take_str(body, "data", where) or "")
    else:
        url = take_str(body, "fileUri", where)
    kind = _KINDS.get((media_type or "").partition("/")[0])
    name = take_str(body, "displayName", where) if kind is None else None
    if body:
        fields[place] = body
    if kind is None:
        return File(url=url, data=data, media_type=media_type, name=name, extra=left_over(fields))
    return kind(url=url, data=data, media_type=media_type, extra=left_over(fields))


def write_media(part: Media, extra: Json, losses: Losses) -> Json | None:
    """The part of a content that ``part`` becomes. None where an upstream could not get at the bytes."""
    if isinstance(part, Image) and part.detail is not None:
        losses.drop("image.detail")
    if isinstance(part, File) and part.file_id is not None:
        losses.drop("file.file_id")
    if part.data is not None:
        place = "inlineData"
        body: Json = {"mimeType": _media_type(part), "data": part.data}
    elif part.url is not None and not part.url.startswith("data:"):
        place = "fileData"
        body = {"fileUri": part.url}
        if (media_type := part.media_type or _guessed(part, part.url, losses)) is not None:
            body["mimeType"] = media_type
    else:
        if part.url is not None or not (isinstance(part, File) and part.file_id is not None):
            losses.drop(type(part).__name__.lower())
        return None
    if isinstance(part, File) and part.name is not None:
        body["displayName"] = part.name
    return {**extra, place: {**body, **extra.get(place, {})}}


def _media_type(part: Media) -> str:
    """What the bytes are: as said, by the name, or by how they begin."""
    if part.media_type is not None:
        return part.media_type
    name = part.name if isinstance(part, File) else None
    if name is not None and (guess := mimetypes.guess_type(name)[0]) is not None:
        return guess
    if isinstance(part, File):
        return "application/pdf" if (part.data or "").startswith(_PDF) else "text/plain"
    return _USUAL[type(part)]


def _guessed(part: Media, url: str, losses: Losses) -> str | None:
    """Only a picture, a sound or a film needs its type said; of a file the server sees for itself."""
    guess = mimetypes.guess_type(url.partition("?")[0])[0]
    if guess is not None or isinstance(part, File):
        return guess if not isinstance(part, File) or part.name is not None else None
    losses.approximate(type(part).__name__.lower(), f"taken for {_USUAL[type(part)]}")
    return _USUAL[type(part)]


_USUAL: dict[type[Part], str] = {Image: "image/jpeg", Audio: "audio/wav", Video: "video/mp4"}
