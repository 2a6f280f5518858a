"""A function fits a screen and a file has one subject."""

import ast

from tests.architecture.tree import text_of, tracked

FUNCTION_LINES = 70
FILE_LINES = 400


def long_functions(source: str) -> list[str]:
    """`name (lines)` of every function longer than allowed, its docstring and decorators left out."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documentation = node.body[0] if ast.get_docstring(node) is not None else None
            described = documentation.end_lineno - documentation.lineno + 1 if documentation else 0
            lines = node.end_lineno - node.lineno + 1 - described
            if lines > FUNCTION_LINES:
                found.append(f"{node.name} ({lines} lines)")
    return found


def test_functions_fit_a_screen() -> None:
    # A migration is one list of tables, written once and never edited: it has no functions to split.
    files = [file for file in tracked(".py") if file.parts[-3:-1] != ("migrations", "versions")]
    found = {str(file): long for file in files if (long := long_functions(text_of(file) or ""))}
    assert not found, f"split these functions (at most {FUNCTION_LINES} lines): {found}"


def test_files_have_one_subject() -> None:
    sizes = {str(file): len((text_of(file) or "").splitlines()) for file in tracked(".py", ".sol", outside=("tests",))}
    found = {name: lines for name, lines in sizes.items() if lines > FILE_LINES and "/test/" not in name}
    assert not found, f"split these files (at most {FILE_LINES} lines): {found}"


def test_a_long_function_is_caught() -> None:
    body = "    x = 1\n"
    assert long_functions("def short():\n" + body * (FUNCTION_LINES - 1)) == []
    assert long_functions("class A:\n  async def long():\n" + body * FUNCTION_LINES) == [
        f"long ({FUNCTION_LINES + 1} lines)"
    ]
