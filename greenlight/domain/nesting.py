"""How deep JSON may be nested: a bound of ours, since each version of Python's parser has another one."""

import re

#: Nothing that we read is nested deeper than six times.
MAX_NESTING = 100

#: A string, closed or not, is one token, so that no text makes the search go over it twice.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def is_too_deep(text: str) -> bool:
    """Whether more than `MAX_NESTING` lists and objects of the JSON `text` are open at once. It need not be valid."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    depth = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif first in "]}":
            depth -= 1
    return False
