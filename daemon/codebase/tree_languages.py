"""What the grammars of tree-sitter call the parts of a function, by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from daemon.codebase.hazards import C_SHARP, JAVASCRIPT, Hazards

_JAVASCRIPT_QUERY: Final = """
[(function_declaration) (generator_function_declaration) (method_definition)
 (arrow_function) (function_expression) (generator_function)] @function
[(class_declaration) (class)] @class
[(for_statement) (for_in_statement) (while_statement) (do_statement)] @loop
[(if_statement) (for_statement) (for_in_statement) (while_statement) (do_statement)
 (ternary_expression) (catch_clause) (switch_case)] @decision
(binary_expression operator: ["&&" "||" "??"]) @decision
(call_expression) @call
"""
_C_SHARP_QUERY: Final = """
[(method_declaration) (local_function_statement) (constructor_declaration)] @function
[(class_declaration) (struct_declaration) (record_declaration) (interface_declaration)] @class
[(for_statement) (foreach_statement) (while_statement) (do_statement)] @loop
[(if_statement) (for_statement) (foreach_statement) (while_statement) (do_statement)
 (conditional_expression) (catch_clause) (switch_expression_arm)] @decision
(switch_section "case") @decision
(binary_expression operator: ["&&" "||" "??"]) @decision
(invocation_expression) @call
(member_access_expression expression: (invocation_expression) name: (identifier) @wait (#eq? @wait "Result"))
"""


class Language(msgspec.Struct, frozen=True):
    title: str
    module: str
    """The package with the grammar."""
    function: str
    """The function in it that gives the grammar."""
    query: str
    hazards: Hazards


_TYPESCRIPT_QUERY: Final = f"{_JAVASCRIPT_QUERY}\n(abstract_class_declaration) @class"
_JS: Final = Hazards(JAVASCRIPT)
_JAVASCRIPT: Final = Language("JavaScript", "tree_sitter_javascript", "language", _JAVASCRIPT_QUERY, _JS)
_TYPESCRIPT: Final = Language(
    "TypeScript", "tree_sitter_typescript", "language_typescript", _TYPESCRIPT_QUERY, _JS
)
_TSX: Final = Language("TypeScript", "tree_sitter_typescript", "language_tsx", _TYPESCRIPT_QUERY, _JS)
_CSHARP: Final = Language("C#", "tree_sitter_c_sharp", "language", _C_SHARP_QUERY, Hazards(C_SHARP))

LANGUAGES: Final[Mapping[str, Language]] = {
    ".js": _JAVASCRIPT,
    ".jsx": _JAVASCRIPT,
    ".mjs": _JAVASCRIPT,
    ".cjs": _JAVASCRIPT,
    ".ts": _TYPESCRIPT,
    ".mts": _TYPESCRIPT,
    ".cts": _TYPESCRIPT,
    ".tsx": _TSX,
    ".cs": _CSHARP,
}
"""By the ending of the file."""
