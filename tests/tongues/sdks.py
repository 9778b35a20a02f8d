"""The official SDKs' plain clients of a gateway, without retries."""

from __future__ import annotations

import anthropic
import openai
from google import genai
from google.genai import types

from tests.tongues.rig import Tongues


def ours(tongues: Tongues) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0, timeout=20)


def theirs(tongues: Tongues) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=tongues.url, api_key=tongues.key, max_retries=0, timeout=20)


def googles(tongues: Tongues) -> genai.Client:
    return genai.Client(api_key=tongues.key, http_options=types.HttpOptions(base_url=tongues.url, timeout=20_000))
