from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros import configuration
from snn_ros.configuration import ConfigurationError, setting


@dataclass(frozen=True)
class Gains:
    p: float = setting(9.0, "proportional", minimum=0.0, maximum=20.0)
    window: int = setting(3, "ticks", minimum=1)


@dataclass(frozen=True)
class Event:
    kind: str = setting("silent", "what happens", choices=("silent", "nan"))
    start: float = setting(0.0, "when", minimum=0.0)


@dataclass(frozen=True)
class Example:
    name: str
    gains: Gains = setting(Gains, "the gains")
    levels: tuple[float, ...] = setting((0.5, 1.0), "setpoints", minimum=0.0)
    events: tuple[Event, ...] = setting((), "faults")
    note: str | None = setting(None, "free text")


def test_defaults_and_nested_values_are_built():
    config = configuration.from_mapping(
        Example,
        {"name": "a", "gains": {"p": 5}, "levels": [1, 2.5], "events": [{"kind": "nan"}]},
        "f.yaml",
    )
    assert config == Example("a", Gains(p=5.0), (1.0, 2.5), (Event("nan"),))
    assert isinstance(config.gains.p, float)


def test_every_problem_is_reported_with_its_name_and_value():
    with pytest.raises(ConfigurationError) as caught:
        configuration.from_mapping(
            Example,
            {
                "gains": {"p": 21.0, "window": 2.5, "q": 1},
                "levels": [float("nan")],
                "events": [{"kind": "loud"}],
                "note": 3,
            },
            "f.yaml",
        )
    text = str(caught.value)
    assert text.startswith("f.yaml: ")
    for part in (
        "name: missing",
        "gains.p = 21.0: must be at most 20",
        "gains.window = 2.5: must be int, not float",
        "gains.q: unknown, expected one of p, window",
        "levels = [nan]: must be finite",
        "events[0].kind = 'loud': must be one of 'silent', 'nan'",
        "note = 3",
    ):
        assert part in text, text
    assert len(caught.value.problems) == 7


def test_check_names_the_group_of_a_wrong_value():
    with pytest.raises(ConfigurationError, match=r"Example: gains\.window = 0: must be at least 1"):
        configuration.check(Example("a", Gains(window=0)))


def test_a_bool_is_not_a_number():
    with pytest.raises(ConfigurationError, match="gains.window = True"):
        configuration.from_mapping(Example, {"name": "a", "gains": {"window": True}}, "f")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "gains", "levels", "events", "note", "p"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_arbitrary_data_makes_a_configuration_or_our_error(data):
    try:
        config = configuration.from_mapping(Example, data, "fuzz")
    except ConfigurationError as err:
        assert err.problems
    else:
        assert configuration.check(config) is config


def test_settings_are_overridden_by_dotted_name():
    changes = {"gains.window": 5, "levels": [2], "note": "changed"}
    changed = configuration.overridden(Example("a"), changes, "--set")
    assert changed == Example("a", Gains(window=5), (2.0,), (), "changed")


def test_wrong_overrides_are_all_reported():
    with pytest.raises(ConfigurationError) as caught:
        configuration.overridden(Example("a"), {"gains.q": 1, "gains.p": 30.0}, "--set")
    assert "gains.q: unknown, expected one of gains.p, gains.window; " in str(caught.value)
    assert "gains.p = 30.0: must be at most 20" in str(caught.value)


def test_each_member_of_a_sequence_is_one_of_the_choices():
    @dataclass(frozen=True)
    class Images:
        kinds: tuple[str, ...] = setting((), "what is made", choices=("depth", "semantic"))

    assert configuration.from_mapping(Images, {"kinds": ["depth"]}, "f").kinds == ("depth",)
    with pytest.raises(ConfigurationError, match="must be one of 'depth', 'semantic'"):
        configuration.from_mapping(Images, {"kinds": ["depth", "flow"]}, "f")
