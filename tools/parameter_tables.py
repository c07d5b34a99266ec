"""Write the parameter table of every node into its page in docs/, or check that it is there.

Example: ``python tools/parameter_tables.py`` writes, ``--check`` exits 1 if a page is out of date.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import sys
from pathlib import Path

import snn_ros.nodes
from snn_ros import configuration
from snn_ros.configuration import Setting, setting_of

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- parameters -->", "<!-- end of parameters -->"


def table(config_type: type) -> str:
    """A Markdown table of all settings of a configuration."""
    rows = ["| parameter | type | default | allowed | meaning |", "|---|---|---|---|---|"]
    for name, field, kind in configuration.leaves(config_type):
        rule = setting_of(field)
        default = field.default
        if default is dataclasses.MISSING:
            default = field.default_factory() if callable(field.default_factory) else "required"
        allowed = ", ".join(map(str, rule.choices)) or _bounds(rule)
        unit = f" [{rule.unit}]" if rule.unit else ""
        fixed = "; read-only" if rule.read_only else ""
        kind_name = configuration.type_name(kind)
        rows.append(
            f"| `{name}` | {kind_name} | {default!r} | {allowed} "
            f"| {rule.description}{unit}{fixed} |"
        )
    return "\n".join(rows)


def _bounds(rule: Setting) -> str:
    low, high = rule.minimum, rule.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"≥ {low:g}"
    return "" if high is None else f"≤ {high:g}"


def pages() -> dict[Path, str]:
    """For every node module, its page and the page's text with the table of today."""
    texts = {}
    for module_info in pkgutil.iter_modules(snn_ros.nodes.__path__):
        module = importlib.import_module(f"snn_ros.nodes.{module_info.name}")
        nodes = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and value.__module__ == module.__name__
            and hasattr(value, "parameters_type")
        ]
        for node in nodes:
            page = DOCS / f"{module_info.name}.md"
            text = page.read_text()
            before, rest = text.split(BEGIN)
            after = rest.split(END)[1]
            texts[page] = f"{before}{BEGIN}\n{table(node.parameters_type)}\n{END}{after}"
    return texts


def main(arguments: list[str]) -> int:
    """Write or check all pages."""
    stale = {page: text for page, text in pages().items() if page.read_text() != text}
    if "--check" in arguments:
        for page in stale:
            sys.stderr.write(f"{page}: parameter table is out of date; run {__file__}\n")
        return bool(stale)
    for page, text in stale.items():
        page.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
