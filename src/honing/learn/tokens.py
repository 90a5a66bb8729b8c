"""The one tokenisation of prompts and actions, for scoring and for training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from honing.errors import UsageError
from honing.learn.policy import Situation
from honing.learn.prompt import Prompt

_MARK = "honing-mark-7f3a"


class Wording:
    """Turns situations and actions into token ids for one tokenizer.

    Args:
        tokenizer: A Hugging Face tokenizer, with or without special tokens of its own.
        config: The model's, for the size of its context.
        prompt: How situations become text.

    Raises:
        UsageError: The tokenizer has no token that could end an action, or its chat template cannot be used.
    """

    def __init__(self, tokenizer: Any, config: Any, prompt: Prompt) -> None:
        self._encode = _encoder(tokenizer)
        self._prompt = prompt
        self._chat = _chat_frame(tokenizer) if prompt.chat and tokenizer.chat_template else None
        self._begin = [] if self._chat else _habitual_begin(tokenizer)
        self._end = _end_token(tokenizer)
        # After a chat template an action begins a turn; elsewhere it follows a word, and tokenizers that do
        # not put a space before a text themselves know the word after a space as another token.
        self._lead = "" if self._chat or _adds_space(tokenizer) else " "
        self._actions: dict[str, tuple[int, ...]] = {}
        self._context = _context(config)
        self.shortened = 0
        """Prompts that were cut so far because they did not fit into the model's context."""

    def prompt(self, situation: Situation) -> list[int]:
        """Token ids of the prompt. One that does not fit into the model's context with the longest of the
        actions loses tokens at its beginning."""
        text = self._prompt.text(situation)
        if self._chat:
            before, after = self._chat
            text = f"{before}{text.strip()}{after}"
        ids = self._begin + self._encoded(text)
        longest = max((len(self.action(action)) for action in situation.actions), default=0)
        room = self._context - longest
        if len(ids) <= room:
            return ids or [self._end]
        if room < len(self._begin) + 1:
            raise UsageError(
                f"An action of {longest} tokens leaves no room for a prompt in a context of "
                f"{self._context}; take a student with a longer context."
            )
        self.shortened += 1
        return self._begin + ids[len(ids) - room + len(self._begin) :]

    def action(self, action: str) -> tuple[int, ...]:
        """Token ids of an action, the end token included."""
        found = self._actions.get(action)
        if found is None:
            found = (*self._encoded(self._lead + action), self._end)
            if len(self._actions) >= 100_000:
                self._actions.clear()
            self._actions[action] = found
        return found

    def _encoded(self, text: str) -> list[int]:
        ids: list[int] = self._encode(text)
        return ids


def _encoder(tokenizer: Any) -> Callable[[str], list[int]]:
    """Text to token ids without special ones; by the fast tokenizer itself where there is one, which takes
    half the time."""
    fast = getattr(tokenizer, "backend_tokenizer", None)
    if fast is None or fast.truncation is not None or fast.padding is not None:
        return lambda text: list(tokenizer.encode(text, add_special_tokens=False))
    return lambda text: list(fast.encode(text, add_special_tokens=False).ids)


def _chat_frame(tokenizer: Any) -> tuple[str, str]:
    """What the chat template puts before and after a user's message."""
    turns = [{"role": "user", "content": _MARK}]
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    except Exception as error:
        raise UsageError(
            f"The chat template of the student's tokenizer cannot be used: {error}. "
            "Set `chat: false` in the prompt."
        ) from error
    before, found, after = text.partition(_MARK)
    if not found:
        raise UsageError(
            "The chat template of the student's tokenizer leaves out the message. Set `chat: false`."
        )
    return before, after


def _habitual_begin(tokenizer: Any) -> list[int]:
    """The token that the tokenizer puts before every text, if it does."""
    begin = tokenizer.bos_token_id
    habit = tokenizer.encode("a", add_special_tokens=True)
    return [begin] if begin is not None and habit[:1] == [begin] else []


def _end_token(tokenizer: Any) -> int:
    """The token after every action, without which an action could be the beginning of another."""
    for name in ("eos_token_id", "sep_token_id"):
        if (found := getattr(tokenizer, name, None)) is not None:
            return int(found)
    newline: list[int] = tokenizer.encode("\n", add_special_tokens=False)
    if newline and newline[-1] != tokenizer.unk_token_id:
        return int(newline[-1])
    for name in ("bos_token_id", "pad_token_id"):
        if (found := getattr(tokenizer, name, None)) is not None:
            return int(found)
    raise UsageError(
        "The student's tokenizer has no token that could end an action; set `eos_token` in its "
        "tokenizer_config.json."
    )


def _adds_space(tokenizer: Any) -> bool:
    """Whether the tokenizer itself puts a space before a text."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer.encode("a", add_special_tokens=False))
    return bool(tokens) and str(tokens[0]).startswith("▁")


def _context(config: Any) -> int:
    """Tokens that prompt and action may have together."""
    text = config.get_text_config()
    found = getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None)
    return int(found) if found else 1 << 20
