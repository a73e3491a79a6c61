"""Templates of messages: what is masked in each message alone, and which words are learned to vary."""

from handlers.templates.grouping import Grouping, TemplateBook
from handlers.templates.masking import MAX_MESSAGE_CHARS, masked

__all__ = ["MAX_MESSAGE_CHARS", "Grouping", "TemplateBook", "masked"]
