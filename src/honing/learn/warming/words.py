"""A tokenizer of whole words, made from what the student will read: common words are one token, all else is
spelled, and every text comes back exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

PAD, END, UNKNOWN = "<pad>", "<eos>", "<unk>"
_BRACKETS = ("[", "(")
"""A space is put after each before a text is split, and taken away when it is put together: a word within
brackets is then the same token as the word elsewhere, and can be copied."""


def word_tokenizer(texts: Iterable[str], *, max_words: int) -> Any:
    """A Hugging Face fast tokenizer.

    A word keeps the space before it. The 256 bytes are tokens as well, so no text is unknown.

    Args:
        texts: What the student will read and say.
        max_words: The commonest words, and no more, are tokens; of equally common ones the first in order.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    spaced = normalizers.Sequence([normalizers.Replace(each, f"{each} ") for each in _BRACKETS])
    counted = Counter(
        word for text in texts for word, _ in splitter.pre_tokenize_str(spaced.normalize_str(text))
    )
    common = sorted(counted, key=lambda word: (-counted[word], word))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [word for word in common if len(word) > 1][:max_words]
    entries = [PAD, END, UNKNOWN, *letters, *sorted(words)]
    # A word that is not there is spelled with the longest pieces that are: bytes at least.
    model = models.WordPiece(
        vocab={entry: place for place, entry in enumerate(entries)},
        unk_token=UNKNOWN,
        max_input_chars_per_word=100_000,
        continuing_subword_prefix="",
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = spaced
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteLevel(), *(decoders.Replace(f"{each} ", each) for each in _BRACKETS)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        clean_up_tokenization_spaces=False,
    )
