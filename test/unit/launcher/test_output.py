import io
import threading

from snn_ros.ros.launcher.output import Printer


class Terminal(io.StringIO):
    """A stream that breaks after some lines, as a closed pipe does."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self.left = lines

    def write(self, text: str) -> int:
        if self.left == 0:
            raise BrokenPipeError
        self.left -= 1
        return super().write(text)


def test_plain_lines_have_no_codes() -> None:
    stream = io.StringIO()
    Printer(stream, colour=False).write("a", "line", own=True)
    assert stream.getvalue() == "[a] line\n"


def test_each_node_keeps_a_colour_of_its_own() -> None:
    stream = io.StringIO()
    printer = Printer(stream, colour=True)
    for label in ("a", "b", "a"):
        printer.write(label, "x")
    first, second, third = stream.getvalue().splitlines()
    assert first == third == "\033[36m[a]\033[0m x"
    assert second == "\033[32m[b]\033[0m x"


def test_a_reader_that_went_away_does_not_stop_the_nodes() -> None:
    stream = Terminal(lines=1)
    printer = Printer(stream, colour=False)
    for _ in range(3):
        printer.write("a", "x")
    assert stream.getvalue() == "[a] x\n"


def test_lines_of_threads_do_not_mix() -> None:
    stream = io.StringIO()
    printer = Printer(stream, colour=False)

    def write(label: str) -> None:
        for _ in range(200):
            printer.write(label, label * 50)

    threads = [threading.Thread(target=write, args=(label,)) for label in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(stream.getvalue().splitlines()) == {f"[{label}] {label * 50}" for label in "abcd"}
    assert len(stream.getvalue().splitlines()) == 800
