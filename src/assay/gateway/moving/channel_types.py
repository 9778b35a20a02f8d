"""What the numbers of channel types mean in one-api and in new-api: the same up to 25, others after it.

Sources, as of 2026-11-22: ``relay/channeltype/define.go`` and ``url.go`` of https://github.com/songquanpeng/one-api, and
``constant/channel.go`` of https://github.com/QuantumNous/new-api.
"""

from __future__ import annotations

import msgspec


class ChannelType(msgspec.Struct, frozen=True):
    """One kind of channel: the row ``like`` it here, or the address at which OpenAI's chat completions are spoken.

    ``path`` is what the other gateway adds to an address that was given for the channel.
    """

    title: str
    like: str | None = None
    base_url: str | None = None
    path: str = "/v1"


def _like(title: str, like: str, path: str = "/v1") -> ChannelType:
    return ChannelType(title, like, path=path)


def _at(title: str, base_url: str, path: str = "/v1") -> ChannelType:
    return ChannelType(title, base_url=base_url, path=path)


_IN_BOTH = {
    1: _like("OpenAI", "openai"),
    3: _like("Azure OpenAI", "azure-deployments", "/openai"),
    6: _at("OpenAI Max", "https://api.openaimax.com/v1"),
    7: _at("OhMyGPT", "https://api.ohmygpt.com/v1"),
    8: ChannelType("a custom channel"),
    9: _at("AILS", "https://api.caipacity.com/v1"),
    10: _at("AI Proxy", "https://api.aiproxy.io/v1"),
    12: _at("API2GPT", "https://api.api2gpt.com/v1"),
    13: _at("AIGC2D", "https://api.aigc2d.com/v1"),
    14: _like("Anthropic", "anthropic"),
    16: _like("Zhipu", "zhipu", "/api/paas/v4"),
    17: _like("Alibaba", "dashscope", "/compatible-mode/v1"),
    19: _at("360", "https://api.360.cn/v1"),
    20: _like("OpenRouter", "openrouter"),
    24: _like("Gemini", "gemini", "/v1beta"),
    25: _like("Moonshot", "moonshot-cn"),
    31: _at("01.AI", "https://api.lingyiwanwu.com/v1"),
    33: _like("Amazon Bedrock", "bedrock", ""),
}

ONE_API = _IN_BOTH | {
    2: _at("API2D", "https://oa.api2d.net/v1"),
    4: _at("CloseAI", "https://api.closeai-proxy.xyz/v1"),
    5: _at("OpenAI-SB", "https://api.openai-sb.com/v1"),
    26: _at("Baichuan", "https://api.baichuan-ai.com/v1"),
    27: _like("MiniMax", "minimax-cn"),
    28: _like("Mistral", "mistral"),
    29: _like("Groq", "groq"),
    30: _like("Ollama", "ollama"),
    32: _at("StepFun", "https://api.stepfun.com/v1"),
    36: _like("DeepSeek", "deepseek", ""),
    39: _like("Together", "together"),
    40: _like("Volcengine", "volcengine", "/api/v3"),
    41: _like("Novita", "novita", ""),
    42: _like("Vertex AI", "vertex", ""),
    44: _like("SiliconFlow", "siliconflow"),
    45: _like("xAI", "xai"),
    47: _at("Baidu", "https://qianfan.baidubce.com/v2", "/v2"),
    48: _at("iFlytek", "https://spark-api-open.xf-yun.com/v1"),
    49: _like("Alibaba", "dashscope", "/compatible-mode/v1"),
    50: ChannelType("a channel compatible with OpenAI", path=""),
    51: _like("Gemini", "gemini", "/v1beta"),
}

NEW_API = _IN_BOTH | {
    4: _like("Ollama", "ollama"),
    26: _like("Zhipu", "zhipu", "/api/paas/v4"),
    27: _like("Perplexity", "perplexity", ""),
    35: _like("MiniMax", "minimax-cn"),
    40: _like("SiliconFlow", "siliconflow"),
    41: _like("Vertex AI", "vertex", ""),
    42: _like("Mistral", "mistral"),
    43: _like("DeepSeek", "deepseek", ""),
    45: _like("Volcengine", "volcengine", "/api/v3"),
    46: _at("Baidu", "https://qianfan.baidubce.com/v2", "/v2"),
    47: ChannelType("Xinference"),
    48: _like("xAI", "xai"),
    53: _at("SubModel", "https://llm.submodel.ai/v1"),
}
