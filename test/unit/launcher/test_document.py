from pathlib import Path

import pytest

from snn_ros.ros.launcher import document
from snn_ros.ros.launcher.errors import LaunchFileError

BOMB = """<?xml version="1.0"?>
<!DOCTYPE launch [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<launch><arg name="&b;"/></launch>"""
EXTERNAL = """<?xml version="1.0"?>

<!DOCTYPE launch [<!ENTITY passwords SYSTEM "file:///etc/passwd">]>
<launch><arg name="&passwords;"/></launch>"""


def read(tmp_path: Path, content: str | bytes) -> document.Element:
    file = tmp_path / "a.xml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return document.read(file)


def test_elements_know_their_line(tmp_path: Path) -> None:
    root = read(tmp_path, '<launch>\n<!-- a -->\n<arg name="x"\n default="1"/>\n<group/></launch>')
    assert [(child.tag, child.line) for child in root.children] == [("arg", 3), ("group", 5)]
    assert root.children[0].attributes == {"name": "x", "default": "1"}


@pytest.mark.parametrize(
    ("content", "line", "part"),
    [
        (BOMB, 2, "DOCTYPE"),
        (EXTERNAL, 3, "DOCTYPE"),
        ("<launch>\n<arg>\n</launch>", 3, "mismatched tag"),
        ("<launch>\n  stray\n</launch>", 2, "text between elements: 'stray'"),
        ('<launch a="1" a="2"/>', 1, "duplicate attribute"),
        ("", 1, "no element found"),
        ("<a>" * 60 + "</a>" * 60, 1, "more than 50 levels"),
        ("<launch/>\n<launch/>", 2, "junk after document element"),
        ('<?xml version="1.0" encoding="klingon"?><launch/>', 1, "klingon"),
        (b"\xff\xfe\x00", 1, "not well-formed"),
        (" " * 1_000_001, 1, "larger than"),
    ],
)
def test_what_could_harm_or_is_no_xml_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, line: int, part: str
) -> None:
    with pytest.raises(LaunchFileError) as caught:
        read(tmp_path, content)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert part in problem.text
    assert str(caught.value).startswith(f"{tmp_path / 'a.xml'}:{line}: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LaunchFileError, match=r"none\.xml:1: cannot be read: No such file"):
        document.read(tmp_path / "none.xml")
