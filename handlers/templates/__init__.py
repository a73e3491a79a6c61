"""Templates of messages, in two steps.

`masked` replaces what looks like a value by `<*>`: a pure function of one message. `Grouping` learns from the
masked templates that it is given which words vary as well, and unites their groups under the oldest name.
There is one setting for all logs: nothing here knows a program by name.
"""

from handlers.templates.grouping import OTHER, Grouping, TemplateBook
from handlers.templates.masking import MAX_TEMPLATE_CHARS, masked

__all__ = ["MAX_TEMPLATE_CHARS", "OTHER", "Grouping", "TemplateBook", "masked"]
