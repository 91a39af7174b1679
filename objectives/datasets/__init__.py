"""Datasets made from text: `data prepare NAME` writes one, `dataset: NAME` in a config uses it.

    STUDYHALL_HOME/datasets/NAME/
        train.bin, val.bin   tokens one after the other, little-endian uint16, or uint32 where the vocabulary needs it
        meta.json            vocab_size, dtype, tokenizer, val, counts and sha256 of both; for `char` also `chars`, in
                             which a token is an index. It depends on the text and the options alone, not on the host
        source.json          the origin on this host: files with sizes and times, options

A dataset is made in `.NAME.part`, with state.json. The last step renames that folder, so that a dataset is complete or
does not exist.
"""
