"""A small configuration of gpt."""

from __future__ import annotations

from typing import Any

BASELINE: dict[str, Any] = {
    "dataset": "stdlib",
    "use_rotary_embeddings": True,
    "use_abs_pos_embeddings": False,
    "use_flash_lobo": True,
    "use_flash_lobo_per_head": True,
    "use_concat_heads": False,
    "attention_variant": "infinite",
    "max_iters": 5000,
    "eval_interval": 5000,
    "compile": True,
    "batch_size": 64,
    "block_size": 256,
    "n_cproj": 1,
    "n_layer": 1,
    "n_head": 1,
    "n_embd": 32,
    "mlp_size": 32,
    "n_qk_head_dim": 32,
    "n_v_head_dim": 32,
    "flash_lobo_log_const": 0.1,
}
