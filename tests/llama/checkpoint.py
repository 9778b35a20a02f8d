"""A checkpoint of the Llama architecture that answers from a table.

Attention and feed-forward weights are zero, so what leaves the last layer is the embedding of the current token alone; embeddings are
unit vectors, and the output matrix has a one where ``after`` says which character follows which. What no character follows ends
the answer. The chat template is the last message and nothing else, so the last character of a question decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType
from numpy.typing import NDArray

_END = 256
_WIDTH, _INNER, _HEADS = 288, 32, 4
"""The embedding is wider than there are tokens, so that each has a direction of its own."""


def make_checkpoint(path: Path, after: Mapping[str, str]) -> Path:
    """Write a GGUF file of a model in which ``after[c]`` follows the character ``c``; both are ASCII."""
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_vocab_size(_END + 1)
    _add_tokenizer(writer)
    for name, tensor in _tensors(after).items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: GGUFWriter) -> None:
    """One token for each byte, as in GPT-2, where bytes that cannot be seen are written as letters above U+0100."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    unseen = [byte for byte in range(256) if byte not in seen]
    letters = {byte: chr(byte) for byte in seen} | {byte: chr(256 + place) for place, byte in enumerate(unseen)}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([letters[byte] for byte in range(256)] + ["<|end|>"])
    writer.add_token_types([TokenType.NORMAL] * 256 + [TokenType.CONTROL])
    writer.add_token_merges([f"{letters[32]} {letters[32]}"])  # it has to have one; the token that it makes does not exist
    writer.add_bos_token_id(_END)
    writer.add_eos_token_id(_END)
    writer.add_add_bos_token(False)
    writer.add_chat_template("{{ messages[-1]['content'] }}")


def _tensors(after: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
    def zeros(*shape: int) -> NDArray[np.float32]:
        return np.zeros(shape, np.float32)

    follows = np.full(_END + 1, _END)
    for before, then in after.items():
        follows[ord(before)] = ord(then)
    tokens = np.arange(_END + 1)
    embedding, output, one = zeros(_END + 1, _WIDTH), zeros(_END + 1, _WIDTH), np.ones(_WIDTH, np.float32)
    embedding[tokens, tokens] = 1
    output[follows, tokens] = 1
    square = {f"blk.0.attn_{name}": zeros(_WIDTH, _WIDTH) for name in ("q", "k", "v", "output")}
    inner = {
        "blk.0.ffn_gate": zeros(_INNER, _WIDTH),
        "blk.0.ffn_up": zeros(_INNER, _WIDTH),
        "blk.0.ffn_down": zeros(_WIDTH, _INNER),
    }
    norms = {"blk.0.attn_norm": one, "blk.0.ffn_norm": one, "output_norm": one}
    return {"token_embd": embedding, "output": output, **square, **inner, **norms}
