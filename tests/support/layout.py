"""Checks the layout of job/: entries, imports, function sizes, and the path of two options.

make check-layout
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOB = ROOT / "job"
MAX_FOLDERS = 10
MAX_FILES = 5
MAX_LINES = 50
FunctionsByFile = dict[str, list[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Definition:
    """A function of job/ and its file, relative to the checkout."""

    file: str
    function: Function

    @property
    def lines(self) -> int:
        """Source lines without the docstring."""
        body, end = self.function.body, self.function.end_lineno or 0
        documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        docstring = (body[0].end_lineno or 0) - body[0].lineno + 1 if documented else 0
        return end - self.function.lineno + 1 - docstring

    def takes(self, name: str) -> bool:
        """Whether the function has a parameter `name`, or reads `config.name`."""
        return any(_takes(node, name) for node in ast.walk(self.function))

    def passes_on(self, name: str) -> Iterator[str]:
        """The names of the called functions that get `name` as an argument."""
        for node in ast.walk(self.function):
            if isinstance(node, ast.Call):
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                if any(_is(value, name) for value in values):
                    called = node.func
                    yield called.attr if isinstance(called, ast.Attribute) else _name(called)


def definitions() -> list[Definition]:
    """Every function of job/, in the order of the files."""
    functions = []
    for path in sorted(JOB.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                functions.append(Definition(str(path.relative_to(ROOT)), node))
    return functions


def files_on_path(
    all_definitions: list[Definition], name: str, start: list[Definition]
) -> FunctionsByFile:
    """The functions that get `name` from those of `start`, directly or indirectly, by file."""
    by_name: dict[str, list[Definition]] = {}
    for definition in all_definitions:
        by_name.setdefault(definition.function.name, []).append(definition)
    waiting, seen = list(start), {}
    while waiting:
        definition = waiting.pop()
        names = seen.setdefault(definition.file, [])
        if definition.function.name not in names:
            names.append(definition.function.name)
            for called in definition.passes_on(name):
                waiting += [callee for callee in by_name.get(called, ()) if callee.takes(name)]
    return seen


def main() -> int:
    """Print the layout; returns 1 if it exceeds a limit."""
    entries = [path for path in sorted(JOB.iterdir()) if path.name != "__pycache__"]
    folders = [path.name for path in entries if path.is_dir()]
    print(f"{len(folders)} folders in job/: {', '.join(folders)}")
    print(f"files at its top: {', '.join(path.name for path in entries if path.is_file())}")
    all_definitions = definitions()
    lines = sorted(definition.lines for definition in all_definitions)
    long = [definition for definition in all_definitions if definition.lines > MAX_LINES]
    print(
        f"{len(lines):,} functions: median {statistics.median(lines):.0f} lines, nine in ten up to "
        f"{lines[len(lines) * 9 // 10]}, longest {lines[-1]}"
    )
    for definition in long:
        print(f"  {definition.lines} lines: {definition.function.name} in {definition.file}")
    paths = {
        "options of run": files_on_path(all_definitions, "options", _run_command(all_definitions)),
        "variance": files_on_path(
            all_definitions, "variance", _readers_of(all_definitions, "variance")
        ),
    }
    failed = len(folders) > MAX_FOLDERS or bool(long)
    for name, files in paths.items():
        print(f"{name} passes through {len(files)} files (at most {MAX_FILES})")
        for file, functions in files.items():
            print(f"  {file}: {', '.join(functions)}")
        failed |= len(files) > MAX_FILES
    imports = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, check=False
    )
    return 1 if failed or imports.returncode else 0


def _run_command(all_definitions: list[Definition]) -> list[Definition]:
    """The function behind `image-features run`."""
    return [
        definition
        for definition in all_definitions
        if definition.file.startswith("job/cli/") and definition.function.name == "run"
    ]


def _readers_of(all_definitions: list[Definition], name: str) -> list[Definition]:
    """The functions that read the field `name` of a parameter `config`."""
    return [
        definition
        for definition in all_definitions
        if any(
            isinstance(node, ast.Attribute) and _is(node, name)
            for node in ast.walk(definition.function)
        )
    ]


def _takes(node: ast.AST, name: str) -> bool:
    return (isinstance(node, ast.arg) and node.arg == name) or _is(node, name)


def _is(node: ast.AST, name: str) -> bool:
    """Whether the node is the variable `name` or `config.name`."""
    if isinstance(node, ast.Attribute):
        return node.attr == name and _name(node.value) == "config"
    return isinstance(node, ast.Name) and node.id == name


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


if __name__ == "__main__":
    sys.exit(main())
