"""snn-ros convert, and the calls of snn-ros replay that end before anything is sent."""

import json

import pytest
from support import datasets
from support.bags import RANGE, recorded, write_mcap, write_mcap_file

from snn_ros.cli import main


@pytest.mark.parametrize("command", ["convert", "replay"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"Example:\n  snn-ros {command} " in capsys.readouterr().out


def test_convert_prints_a_table(tmp_path, capsys):
    rows = ["1.0,0,0,-1,0,0,0,0,-1", "nan,0,0,-1,0,0,0,0,-1", "1.5,0,0,-1,0,0,0,0,-1"]
    source = datasets.blimp_flight(tmp_path / "log.csv", *rows)
    assert main(["convert", "blimp-flight", str(source), str(tmp_path / "out")]) == 0
    output = capsys.readouterr().out
    assert "       2  /blimp/range  sensor_msgs/msg/Range\n" in output
    assert "\n0.500 s\nleft out: 1 rows with a missing number\n" in output


def test_convert_prints_figures_and_nothing_else(tmp_path, capsys):
    source = write_mcap_file(tmp_path / "bag")
    source.write_bytes(source.read_bytes()[:-50])
    out = tmp_path / "out"
    assert main(["convert", "mcap", str(source), str(out), "--json", "-"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["kind"] == "mcap"
    assert (figures["input"], figures["output"]) == (str(source), str(out))
    assert sum(topic["messages"] for topic in figures["topics"].values()) == len(recorded())
    assert figures["topics"][RANGE]["type"] == "sensor_msgs/msg/Range"
    assert "ends early" in figures["warning"]


def test_figures_in_a_file(tmp_path, capsys):
    source, target = write_mcap(tmp_path / "bag"), tmp_path / "figures.json"
    words = ["convert", "mcap", str(source), str(tmp_path / "out"), "--json", str(target)]
    assert main(words) == 0
    assert json.loads(target.read_text())["left_out"] == {}
    assert RANGE in capsys.readouterr().out


def test_options_reach_the_converter(tmp_path, capsys):
    for i in range(3):
        datasets.write_picture(tmp_path / "images" / f"{i}.png")
    words = ["convert", "images", str(tmp_path / "images"), str(tmp_path / "out"), "--rate", "4"]
    assert main(words) == 0
    assert "0.500 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["convert", "mcap", "nowhere", "out"], "convert: nowhere: no such file or folder"),
        (["convert", "images", ".", "out", "--rate", "0"], "convert: convert: rate = 0.0: must be"),
        (["replay", "nowhere.mcap", "--rate", "0"], "replay: replay: rate = 0.0: must be at least"),
    ],
)
def test_what_fails_exits_with_1_and_the_reason(words, reason, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert f"snn-ros {reason}" in output.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["convert", "video", "a", "b"], ["convert"], ["replay"]])
def test_a_wrong_call_exits_with_2(words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_figures_that_cannot_be_written(tmp_path, capsys):
    source = write_mcap(tmp_path / "bag")
    words = ["convert", "mcap", str(source), str(tmp_path / "out"), "--json", str(tmp_path)]
    assert main(words) == 1
    assert "cannot be written" in capsys.readouterr().err
