"""LiteLLM's names of providers, and the rows that are the same here.

Sources: the prefixes and the variables in which LiteLLM looks for keys, as of 2026-11-22, from https://docs.litellm.ai/docs/providers.
"""

from __future__ import annotations

import msgspec


class Known(msgspec.Struct, frozen=True):
    """A provider of LiteLLM's: the row ``like`` it here, the variables in which it looks for a key, and what it adds to an ``api_base``."""

    like: str | None
    variables: tuple[str, ...] = ()
    path: str = ""


PROVIDERS: dict[str, Known] = {
    "aiml": Known(None, ("AIML_API_KEY",)),
    "anthropic": Known("anthropic", ("ANTHROPIC_API_KEY",), "/v1"),
    "azure": Known("azure-deployments", ("AZURE_API_KEY",)),
    "azure_ai": Known(None, ("AZURE_AI_API_KEY",)),
    "azure_text": Known("azure-deployments", ("AZURE_API_KEY",)),
    "baseten": Known("baseten", ("BASETEN_API_KEY",)),
    "bedrock": Known("bedrock"),
    "bedrock_converse": Known("bedrock"),
    "cerebras": Known("cerebras", ("CEREBRAS_API_KEY",)),
    "custom_openai": Known(None, ("OPENAI_API_KEY",)),
    "dashscope": Known("dashscope-intl", ("DASHSCOPE_API_KEY",)),
    "deepinfra": Known("deepinfra", ("DEEPINFRA_API_KEY",)),
    "deepseek": Known("deepseek", ("DEEPSEEK_API_KEY",)),
    "featherless_ai": Known("featherless", ("FEATHERLESS_AI_API_KEY",)),
    "fireworks_ai": Known("fireworks", ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY")),
    "friendliai": Known("friendli", ("FRIENDLI_TOKEN",)),
    "gemini": Known("gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
    "groq": Known("groq", ("GROQ_API_KEY",)),
    "hosted_vllm": Known("vllm", ("HOSTED_VLLM_API_KEY",), "/v1"),
    "huggingface": Known("huggingface", ("HF_TOKEN",)),
    "hyperbolic": Known("hyperbolic", ("HYPERBOLIC_API_KEY",)),
    "litellm_proxy": Known(None, ("LITELLM_PROXY_API_KEY",)),
    "llamafile": Known("llamacpp", ("LLAMAFILE_API_KEY",)),
    "lm_studio": Known("lmstudio", ("LM_STUDIO_API_KEY",)),
    "meta_llama": Known("meta", ("LLAMA_API_KEY",)),
    "minimax": Known("minimax", ("MINIMAX_API_KEY",)),
    "mistral": Known("mistral", ("MISTRAL_API_KEY",)),
    "moonshot": Known("moonshot", ("MOONSHOT_API_KEY",)),
    "nebius": Known("nebius", ("NEBIUS_API_KEY",)),
    "novita": Known("novita", ("NOVITA_API_KEY",)),
    "nvidia_nim": Known("nvidia", ("NVIDIA_NIM_API_KEY",)),
    "ollama": Known("ollama", (), "/v1"),
    "ollama_chat": Known("ollama", (), "/v1"),
    "openai": Known("openai", ("OPENAI_API_KEY",)),
    "openai_like": Known(None, ("OPENAI_LIKE_API_KEY",)),
    "openrouter": Known("openrouter", ("OPENROUTER_API_KEY", "OR_API_KEY")),
    "perplexity": Known("perplexity", ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY")),
    "sambanova": Known("sambanova", ("SAMBANOVA_API_KEY",)),
    "siliconflow": Known("siliconflow-intl", ("SILICONFLOW_API_KEY",)),
    "text-completion-openai": Known("openai", ("OPENAI_API_KEY",)),
    "together_ai": Known("together", ("TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN")),
    "vercel_ai_gateway": Known("vercel", ("VERCEL_AI_GATEWAY_API_KEY",)),
    "vertex_ai": Known("vertex"),
    "vertex_ai_beta": Known("vertex"),
    "volcengine": Known("volcengine", ("VOLCENGINE_API_KEY",)),
    "wandb": Known("wandb", ("WANDB_API_KEY",)),
    "xai": Known("xai", ("XAI_API_KEY",)),
    "xiaomi_mimo": Known("xiaomi", ("XIAOMI_MIMO_API_KEY",)),
    "zai": Known("zai", ("ZAI_API_KEY",)),
}

_OPENAI = ("gpt-", "chatgpt-", "o1", "o3", "o4", "dall-e-", "text-embedding-", "whisper-", "tts-", "omni-moderation", "codex-")
BARE_NAMES = (("claude-", "anthropic"), *((beginning, "openai") for beginning in _OPENAI))
"""Beginnings of models' names that LiteLLM takes without a provider before them."""

NOT_HERE = frozenset(
    (
        "ai21", "aleph_alpha", "anyscale", "assemblyai", "clarifai", "cloudflare", "cohere", "cohere_chat", "databricks", "deepgram",
        "elevenlabs", "github", "github_copilot", "infinity", "jina_ai", "nlp_cloud", "oci", "petals", "predibase", "replicate",
        "sagemaker", "sagemaker_chat", "snowflake", "topaz", "triton", "voyage", "watsonx", "watsonx_text",
    )
)  # fmt: skip
"""Providers of LiteLLM's that speak protocols of their own, none of which Assay speaks."""
