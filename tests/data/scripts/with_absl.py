"""A training as people write it with absl."""

import csv
import os

from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_float("learning_rate", 0.01, "The optimizer's rate.")
flags.DEFINE_integer(
    "num_layers", 2, "How many layers the model has; each has the same width, and there is no limit to it."
)
flags.DEFINE_enum("optimizer", "adam", ["adam", "sgd"], "Which optimizer.")
flags.DEFINE_bool("bias", True, "Whether layers have biases.")
flags.DEFINE_list("sizes", ["64", "128"], "Sizes of the hidden layers.")
flags.DEFINE_string("data", None, "A folder.")
flags.DEFINE_integer("seed", 0, "The seed.")
flags.DEFINE_string("workdir", "/tmp/workdir", "Where results go.")


def main(_: list[str]) -> None:
    assert FLAGS.bias is True and FLAGS.sizes == ["64", "128"] and FLAGS.data is None
    os.makedirs(FLAGS.workdir, exist_ok=True)
    with open(os.path.join(FLAGS.workdir, "metrics.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=["step", "eval_loss"])
        writer.writeheader()
        for step in range(3):
            writer.writerow({"step": step, "eval_loss": FLAGS.learning_rate + 1 / FLAGS.num_layers + step / 100})


if __name__ == "__main__":
    app.run(main)
