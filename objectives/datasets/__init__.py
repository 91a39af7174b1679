"""Text made into datasets: `data prepare NAME` writes one, `dataset: NAME` in a config finds it.

    STUDYHALL_HOME/datasets/NAME/
        train.bin, val.bin   tokens one after the other, little-endian uint16, or uint32 where the vocabulary needs it
        meta.json            vocab_size, dtype, tokenizer, val, counts and sha256 of both; for `char`, `chars`: a token
                             is a place in it. A function of the text and of how it was cut: the same on every host
        source.json          what it was made from here: files with sizes and times, options

While it is made it lies in `.NAME.part`, with state.json; the folder gets its name in the last step, so that a dataset
is there whole or not at all.
"""
