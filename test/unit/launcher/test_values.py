import json
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.ros.launcher.substitutions import Template
from snn_ros.ros.launcher.values import Value, ValueTextError, parse_value, ros_value


def expand(template: Template) -> str:
    """$(var …) stands for 7 whatever the variable."""
    return "".join(part if isinstance(part, str) else "7" for part in template)


@pytest.mark.parametrize(
    ("text", "type_name", "value"),
    [
        ("1", "yaml", 1),
        ("1.0", "yaml", 1.0),
        ("1e3", "yaml", "1e3"),  # YAML 1.1 wants a point in a float
        ("true", "yaml", True),
        ("'1'", "yaml", "1"),
        ("hello world", "yaml", "hello world"),
        ("", "yaml", ""),
        ("[1, 2]", "yaml", [1, 2]),
        ("[a, b]", "yaml", ["a", "b"]),
        ("$(var x)", "yaml", 7),
        ("'$(var x)'", "yaml", 7),  # as ros2 launch does it
        ("v$(var x)", "yaml", "v7"),
        ("[1, $(var x)]", "yaml", [1, 7]),
        ("1", "str", "1"),
        ("[1]", "str", "[1]"),
        ("1", "float", 1.0),
        ("$(var x)", "float", 7.0),
        ("nan", "float", math.nan),
        ("7", "int", 7),
        ("1", "bool", True),
        ("0", "bool", False),
        ("yes", "bool", True),
        ("[1.0, 2.5]", "list_of_float", [1.0, 2.5]),
        ("[$(var x), 2.5]", "list_of_float", [7.0, 2.5]),
        ("[a, $(var x)]", "list_of_str", ["a", "7"]),
    ],
)
def test_a_text_becomes_a_typed_value(text: str, type_name: str, value: Value) -> None:
    found = parse_value(text, type_name, expand)
    assert repr(found) == repr(value)  # tells 1 from 1.0 from True, and takes NaN


@pytest.mark.parametrize(
    ("text", "type_name"),
    [
        ("a: b", "yaml"),
        ("[]", "yaml"),
        ("[1, 2.5]", "yaml"),
        ("[[1]]", "yaml"),
        ("null", "yaml"),
        ("2026-01-01", "yaml"),
        ("2026-99-99", "yaml"),
        ("'open", "yaml"),
        ("*alias", "yaml"),
        ("1.5", "int"),
        ("one", "float"),
        ("maybe", "bool"),
        ("2", "bool"),
        ("3", "list_of_int"),
        ("$(var x)", "list_of_int"),
        ("[1, 2]", "list_of_float"),
        ("[1]", "list_of_str"),
    ],
)
def test_a_wrong_text_is_refused_and_quoted(text: str, type_name: str) -> None:
    with pytest.raises(ValueTextError):
        parse_value(text, type_name, expand)


finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.booleans(), st.integers(), finite, st.text())


@given(st.one_of(scalars, st.lists(st.text(), min_size=1), st.lists(finite, min_size=1)))
def test_ros_reads_back_what_was_meant(value: Value) -> None:
    """JSON is a subset of YAML, which is what ROS reads; strings stay quoted whatever they hold."""
    assert json.loads(ros_value(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_lacks_is_yaml(value: float) -> None:
    assert repr(yaml.safe_load(ros_value(value))) == repr(value)
