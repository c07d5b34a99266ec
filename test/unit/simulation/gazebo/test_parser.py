"""Criterion: the real SDF parser takes every world in config/gazebo, and knows its elements."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
WORLDS = sorted((ROOT / "config" / "gazebo").glob("*.sdf"))
PARSER = shutil.which("gz") or shutil.which("ign")
DESCRIPTIONS = Path("/usr/share/sdformat12/1.9")

# Newer than the parser of Debian 12 (libsdformat 12.3), which passes over them; Harmonic's
# libsdformat 14 reads them in a 1.9 file, and gz-sensors reads gz_frame_id itself.
NEWER = {
    "inertial/fluid_added_mass",
    "lens/projection",
    "lidar/visibility_mask",
    "sensor/gz_frame_id",
}


@pytest.fixture
def parser():
    if PARSER is None:
        missing = "SDF parser: install ignition-tools and libsdformat-dev (make env does as root)"
        if os.geteuid() == 0:
            pytest.fail(missing)
        pytest.skip(missing)

    def check(file):
        command = [PARSER, "sdf", "-k", str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return check


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.stem)
def test_the_parser_takes_the_world(parser, world):
    result = parser(world)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "Valid."
    assert "Error" not in result.stderr
    assert "Warning" not in result.stderr


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ('type="gpu_lidar"', 'type="laser_pointer"', "sensor type is missing or invalid"),
        ("<parent>hull</parent>", "<parent>balloon</parent>", "balloon"),
        ("<izz>", "<izz>-", "invalid inertia"),
        ("</world>", "", "XML_ERROR"),
    ],
)
def test_the_parser_refuses_a_damaged_world(parser, tmp_path, good, bad, said):
    text = (ROOT / "config" / "gazebo" / "blimp_room.sdf").read_text()
    assert good in text
    damaged = tmp_path / "damaged.sdf"
    damaged.write_text(text.replace(good, bad))
    result = parser(damaged)
    assert result.returncode != 0
    assert said in result.stderr


@cache
def description(file):
    return ElementTree.parse(DESCRIPTIONS / file).getroot()


def children_of(element):
    """Descriptions of the children an element may have, by name."""
    names = [child.get("filename") for child in element.findall("include")]
    included = [description(name) for name in names if (DESCRIPTIONS / name).is_file()]
    known = {child.get("name"): child for child in [*element.findall("element"), *included]}
    if element.get("ref"):
        known |= children_of(description(f"{element.get('ref')}.sdf"))
    return known


def unknown_elements(element, known):
    """Names of elements, with their parents', that the parser would pass over in silence."""
    if element.tag == "plugin":  # takes anything
        return set()
    children, found = children_of(known), set()
    for child in element:
        if child.tag in children:
            found |= unknown_elements(child, children[child.tag])
        else:
            found.add(f"{element.tag}/{child.tag}")
    return found


@pytest.mark.skipif(not DESCRIPTIONS.is_dir(), reason=f"SDF descriptions: no {DESCRIPTIONS}")
def test_every_element_is_known():
    """The parser passes over a misspelt element without a word."""
    found = set()
    for world in WORLDS:
        found |= unknown_elements(ElementTree.parse(world).getroot(), description("root.sdf"))
    assert found == NEWER


def test_worlds_need_no_other_file():
    assert len(WORLDS) >= 6
    for world in WORLDS:
        text = world.read_text()
        for reference in ("<uri", "<include", "http", "file://", "<mesh"):
            assert reference not in text, f"{reference} in {world.name}"
