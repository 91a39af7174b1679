"""Baselines of growth searches as users of ReaLLM's trainer write them: pasted, with the keys that only it has."""

from __future__ import annotations

EFFICIENCY = """
  # static
  dataset: "minipile"
  use_rotary_embeddings: True
  use_abs_pos_embeddings: False
  never_save_checkpoint: True
  block_size: 256
  use_qk_norm: True
  use_qk_norm_scale: True
  use_concat_heads: True
  attention_variant: "infinite"
  time_remaining_mode: "iteration"
  max_iters: 500
  eval_interval: 500
  compile: True
  batch_size: 32
  n_layer: 2
  n_head: 1
  n_kv_group: 1
  n_embd: 32
  mlp_size: 32
  n_qk_head_dim: 32
  n_v_head_dim: 32
"""
PER_LAYER = """
  dataset: "minipile"
  use_rotary_embeddings: True
  use_abs_pos_embeddings: True
  block_size: 1024
  use_flash_lobo: true
  use_flash_lobo_per_head: true
  flash_lobo_log_const: 1.0
  use_qk_norm: true
  use_qk_norm_scale: true
  use_concat_heads: True
  attention_variant: "infinite"
  mlp_up_bias: true
  mlp_down_bias: true
  eta_variant: "eval_cycle"
  max_iters: 1000
  eval_interval: 1000
  compile: True
  batch_size: 32
  n_layer: 2
  n_embd: 32
  n_head_layerlist: [1, 1]
  mlp_size_layerlist: [32, 32]
  n_qk_head_dim_layerlist: [32, 32]
  n_v_head_dim_layerlist: [32, 32]
"""
SPHERES = """
  dataset: "minipile"
  use_rotary_embeddings: true
  use_abs_pos_embeddings: false
  never_save_checkpoint: true
  norm_variant_wte: "hyperspherenorm"
  norm_variant_attn: "hyperspherenorm"
  norm_variant_output: "hyperspherenorm"
  norm_wte_radius_learning: true
  hsnorm_radius_learning: true
  block_size: 256
  use_qk_norm: true
  use_qk_norm_scale: true
  use_peri_ln: true
  use_concat_heads: true
  attention_variant: "infinite"
  softmax_variant_attn: "softmax"
  activation_variant: "silu"
  eta_variant: "iteration"
  device: "cuda"
  max_iters: 500
  eval_interval: 500
  compile: True
  batch_size: 32
  n_layer: 1
  n_head: 1
  n_kv_group: 1
  n_embd: 64
  mlp_size: 128
  n_qk_head_dim: 64
  n_v_head_dim: 64
"""
DEFINITION = """
search: grow
objective: gpt
score: {metric: next_token_probability, direction: maximize}
cost: params
grow: {increments: {n_layer: 1, n_embd: 16}}
config:
"""
