"""How ``snn-ros`` takes its words and gives out its exit code."""

import os
import subprocess
import sys

import pytest

from snn_ros.cli import CLOSED_PIPE, main


@pytest.mark.parametrize(
    "words",
    [
        ["blimp", "scenario:=blimp_gust", "--print"],
        ["blimp", "--print", "scenario:=blimp_gust"],
        ["--print", "blimp", "--timeout", "5", "scenario:=blimp_gust"],
    ],
)
def test_arguments_may_come_after_options(words, capsys):
    assert main(["launch", *words]) == 0
    assert "blimp_gust" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["--", "launch"], "COMMAND"),
        (["launch", "blimp", "--print", "scenario"], "'scenario' is not name:=value"),
        (["launch", "blimp", "--nope"], "unrecognized arguments: --nope"),
    ],
)
def test_a_wrong_call_is_told(words, reason, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_error(unbuffered):
    read_end, write_end = os.pipe()
    os.close(read_end)
    ended = subprocess.run(
        [sys.executable, "-m", "snn_ros.cli", "launch", "blimp", "--print"],
        stdout=write_end, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    os.close(write_end)
    assert ended.stderr == ""
    assert ended.returncode == CLOSED_PIPE
