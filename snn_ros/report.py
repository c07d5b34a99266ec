"""A self-contained HTML page of tables and pictures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2530; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { padding: .3rem .9rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
th { border-bottom: 2px solid #1c2530; } td { border-bottom: 1px solid #d5dbe3; }
img { max-width: 100%; height: auto; } .note { color: #5a6675; }
"""


class Report:
    """Collects sections and writes them as one file without outside references."""

    def __init__(self, title: str, note: str) -> None:
        """Start a page.

        Args:
            title: the heading.
            note: one paragraph below it, such as what was run on which machine.
        """
        self._title = html.escape(title)
        self._parts = [f"<h1>{self._title}</h1>", f'<p class="note">{html.escape(note)}</p>']

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f"<p>{html.escape(text)}</p>")

    def table(self, heading: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table; cells are shown as ``str`` shows them."""
        self._heading(heading)
        self._parts.append("<table><tr>" + "".join(_cells("th", columns)) + "</tr>")
        self._parts += ["<tr>" + "".join(_cells("td", row)) + "</tr>" for row in rows]
        self._parts.append("</table>")

    def figure(self, heading: str, figure: Figure) -> None:
        """Add a plot."""
        data = io.BytesIO()
        figure.savefig(data, format="png", dpi=110)
        self.picture(heading, data.getvalue())

    def picture(self, heading: str, png: bytes) -> None:
        """Add a PNG picture."""
        self._heading(heading)
        data = base64.b64encode(png).decode()
        self._parts.append(f'<img alt="{html.escape(heading)}" src="data:image/png;base64,{data}">')

    def write(self, path: Path) -> None:
        """Write the page."""
        head = f'<meta charset="utf-8"><title>{self._title}</title><style>{_STYLE}</style>'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"<!doctype html><html><head>{head}</head><body>{''.join(self._parts)}</body>"
        )

    def _heading(self, heading: str) -> None:
        self._parts.append(f"<h2>{html.escape(heading)}</h2>")


def _cells(tag: str, values: Sequence[object]) -> list[str]:
    return [f"<{tag}>{html.escape(str(value))}</{tag}>" for value in values]
