"""From a conversation to the tokens a model continues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.errors import ModelRequestError
from honing.llm import Message, ModelRequest


class Prompting(StrEnum):
    """How a conversation becomes one text."""

    CHAT_TEMPLATE = "chat_template"
    """By the template that the model's tokenizer brings."""
    PLAIN = "plain"
    """The turns' texts, one after the other: the tokenizer brings no template, as with a base model."""


@dataclass(frozen=True, slots=True)
class Prompter:
    """Makes prompts for one tokenizer."""

    tokenizer: Any
    """A Hugging Face tokenizer."""

    @property
    def prompting(self) -> Prompting:
        return Prompting.CHAT_TEMPLATE if self.tokenizer.chat_template else Prompting.PLAIN

    def tokens(self, request: ModelRequest) -> list[int]:
        """The prompt's token ids.

        Raises:
            ModelRequestError: The request asks for what a local model cannot do, or the template refuses the
                conversation.
        """
        if request.tools:
            raise ModelRequestError(
                "a local model takes no tools; ask without them, or use a server that does"
            )
        if request.response_format is not None:
            raise ModelRequestError("a local model takes no response_format; ask for the form in the prompt")
        if self.prompting is Prompting.PLAIN:
            return self._encoded(plain_text(request.messages), special=True)
        turns = [{"role": turn.role.value, "content": turn.text} for turn in request.messages]
        try:
            text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        except Exception as error:
            raise ModelRequestError(f"the model's chat template refuses the conversation: {error}") from error
        return self._encoded(text, special=False)

    def _encoded(self, text: str, *, special: bool) -> list[int]:
        """Token ids; a template writes its special tokens itself."""
        found: list[int] = self.tokenizer(text, add_special_tokens=special)["input_ids"]
        if not found:
            raise ModelRequestError("the prompt has no tokens")
        return found


def plain_text(messages: Sequence[Message]) -> str:
    """The texts of the turns, each on lines of its own."""
    return "\n".join(message.text for message in messages)
