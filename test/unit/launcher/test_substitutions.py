from pathlib import Path

import pytest

from snn_ros.packages import PackageNotFoundError
from snn_ros.ros.launcher.substitutions import (
    Call,
    SubstitutionError,
    Surroundings,
    calls,
    evaluate,
    parse_template,
)

SURROUNDINGS = Surroundings({"x": "1", "name": "x", "s p": "2"}, {"HOME": "/h"}, Path("/files"))


def expand(text: str) -> str:
    return evaluate(parse_template(text), SURROUNDINGS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain (text) with 'quotes' and $dollar", "plain (text) with 'quotes' and $dollar"),
        ("$(var x)", "1"),
        ("a$(var x)b$(var x)", "a1b1"),
        ("$(var $(var name))", "1"),
        ("$(var 's p')", "2"),
        ('$(var "s p")', "2"),
        ("$(var missing other)", "other"),
        ("$(var missing $(var x)/y)", "1/y"),
        ("$(var missing 'a $(var x) b')", "a 1 b"),
        ("$(var missing '')", ""),
        ("$(env HOME)", "/h"),
        ("$(env MISSING default)", "default"),
        ("$(dirname)/a.xml", "/files/a.xml"),
        (r"\$(var x)", "$(var x)"),
        (r"$(var missing \(\))", "()"),
        (r"C:\temp", "C:temp"),
    ],
)
def test_a_text_is_expanded(text: str, expected: str) -> None:
    assert expand(text) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("$(var x", "expected ')'"),
        ("$()", "needs a name"),
        ("$(var)", "takes 1 or 2 arguments, not 0"),
        ("$(var a b c)", "takes 1 or 2 arguments, not 3"),
        ("$(dirname x)", "takes 0 arguments, not 1"),
        ("$(var  x)", "an argument is missing"),
        ("$(var x )", "an argument is missing"),
        ("$(var 'x)", 'expected "\'"'),
        ("$(var 'x'y)", "expected ')'"),
        ("$(eval 1+1)", "unknown substitution $(eval)"),
        ("$(var missing)", "variable 'missing' is not set"),
        ("$(env MISSING)", "environment variable 'MISSING' is not set"),
        ("$(var " * 50 + "x" + ")" * 50, "nested"),
    ],
)
def test_what_is_wrong_is_named(text: str, part: str) -> None:
    with pytest.raises(SubstitutionError) as caught:
        expand(text)
    assert part in str(caught.value)


def test_a_package_is_found_by_its_index_marker(package: dict[str, str]) -> None:
    found = evaluate(
        parse_template("$(find-pkg-share demo)/x"), Surroundings({}, package, Path("/"))
    )
    assert found == f"{package['AMENT_PREFIX_PATH']}/share/demo/x"


def test_a_missing_package_names_the_prefixes_searched(package: dict[str, str]) -> None:
    with pytest.raises(PackageNotFoundError, match=package["AMENT_PREFIX_PATH"]):
        evaluate(parse_template("$(find-pkg-share nowhere)"), Surroundings({}, package, Path("/")))


def test_calls_looks_into_arguments() -> None:
    template = parse_template("$(var missing '$(dirname)/a')")
    assert isinstance(template[0], Call)
    assert calls(template, "dirname")
    assert not calls(template, "env")
