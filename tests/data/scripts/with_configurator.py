"""A training as nanoGPT's: its globals are its flags."""

# -----------------------------------------------------------------------------
out_dir = "out"
eval_only = False
n_layer = 2
n_embd = 64
dropout = 0.0
bias = False
learning_rate = 6e-4
seed = 1337
# -----------------------------------------------------------------------------
config_keys = [k for k, v in globals().items() if not k.startswith("_") and isinstance(v, (int, float, bool, str))]
exec(open("configurator.py").read())
config = {k: globals()[k] for k in config_keys}
# -----------------------------------------------------------------------------
losses = {"train": 1 / n_layer, "val": learning_rate + 1 / n_layer + seed / 1e9}
print("number of parameters: %.2fM" % (n_layer * n_embd * n_embd / 1e6,))
for iter_num in range(3):
    print(f"step {iter_num}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
