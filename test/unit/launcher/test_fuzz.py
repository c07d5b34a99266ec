"""Whatever a file holds, the launcher understands it or says where it does not."""

import string
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.ros.launcher.errors import LaunchArgumentError, LaunchFileError
from snn_ros.ros.launcher.grammar import GRAMMAR
from snn_ros.ros.launcher.parser import load

ORDINARY = ["true", "false", "1", "0.5", "shutdown", "screen", "a", "b", "/a/b", "x y", "", "str"]
SUBSTITUTIONS = [
    "$(var a)", "$(var a b)", "$(var $(var a))", "$(env HOME)", "$(dirname)", "$(var 'a",
    "$(dirname)/fuzz.launch.xml", "$(find-pkg-share demo)", "$(x)", "[1, $(var a)]",
]  # fmt: skip
TRAPS = [
    "\\", "'", "{", "*a", "&a", "!!python/object:os.system", "2026-13-01", "1e999", "0o8", "1:2:3",
    "=", "~", "<<", "[[]]", "[1, 2.0]", "9" * 5000, "a;b", "-", "..", "%s",
]  # fmt: skip
VALUES = st.one_of(
    *map(st.sampled_from, (ORDINARY, SUBSTITUTIONS, TRAPS)),
    st.text(alphabet=string.printable[:95] + "é", max_size=12),
)


@st.composite
def elements(draw: st.DrawFn, rule_name: str = "launch", depth: int = 0) -> str:
    """Children that the grammar knows, mostly with the attributes it wants."""
    content = ""
    rule = GRAMMAR[rule_name]
    for _ in range(draw(st.integers(0, 3 if depth < 3 else 0)) if rule.children else 0):
        tag = draw(st.sampled_from([*sorted(rule.children), "unknown"]))
        child = rule.children.get(tag, "launch")
        attributes = {
            name: draw(VALUES)
            for name, attribute in GRAMMAR[child].attributes.items()
            if attribute.required or draw(st.integers(0, 5)) == 0
        }
        content += f"\n<{tag}{''.join(f' {n}={quoteattr(v)}' for n, v in attributes.items())}>"
        content += draw(elements(child, depth + 1)) + f"</{tag}>"
    return content


def check(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fuzz.launch.xml"
        file.write_bytes(content)
        try:
            description = load(file, {}, {"HOME": "/home"})
        except LaunchArgumentError:
            return
        except LaunchFileError as err:
            lines = content.count(b"\n") + content.count(b"\r") + 1
            assert err.problems
            assert all(1 <= problem.line <= lines for problem in err.problems)
            return
        for node in description.nodes:
            assert all(isinstance(word, str) for word in node.command(Path("/bin/true")))


@settings(max_examples=500, deadline=None)
@given(elements())
def test_random_elements(content: str) -> None:
    check(f"<launch>{content}\n</launch>".encode())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 100))
def test_random_bytes(noise: bytes, at: int) -> None:
    good = b'<launch>\n<arg name="a" default="1"/>\n<node pkg="p" exec="e" name="n"/>\n</launch>'
    check(good[:at] + noise + good[at:])


@settings(max_examples=300, deadline=None)
@given(VALUES, st.sampled_from(["yaml", "str", "bool", "int", "float", "list_of_float"]))
def test_random_parameter_values(value: str, type_name: str) -> None:
    check(
        f'<launch><let name="a" value="1"/><node pkg="p" exec="e"><param name="a" '
        f"value={quoteattr(value)} type={quoteattr(type_name)}/></node></launch>".encode()
    )


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=string.printable[:95], max_size=30))
def test_random_text_between_elements(text: str) -> None:
    check(f"<launch>{escape(text)}</launch>".encode())
