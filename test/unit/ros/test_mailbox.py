import threading

from snn_ros.ros.mailbox import Worker


def test_the_worker_gets_the_newest_item_and_drops_are_counted():
    begun, release = threading.Event(), threading.Event()
    done = []

    def work(item):
        done.append(item)
        begun.set()
        assert release.wait(5)

    worker = Worker(work, on_failure=done.append)
    worker.mailbox.put(1)
    assert begun.wait(5)
    for item in (2, 3, 4):  # the worker is busy with 1
        worker.mailbox.put(item)
    assert worker.mailbox.dropped == 2
    begun.clear()
    release.set()
    assert begun.wait(5)
    assert worker.stop(5)
    assert done == [1, 4]


def test_an_item_left_at_the_end_counts_as_dropped():
    begun, release = threading.Event(), threading.Event()
    worker = Worker(lambda item: (begun.set(), release.wait(5)), on_failure=print)
    worker.mailbox.put("a")
    assert begun.wait(5)
    worker.mailbox.put("b")
    threading.Timer(0.05, release.set).start()
    assert worker.stop(5)
    assert worker.mailbox.dropped == 1


def test_a_failure_ends_the_worker_and_is_handed_over():
    failures = []
    failed = threading.Event()

    def work(item):
        raise ValueError(item)

    worker = Worker(work, lambda err: (failures.append(err), failed.set()))
    worker.mailbox.put("broken")
    assert failed.wait(5)
    assert worker.stop(5)
    assert str(failures[0]) == "broken"


def test_a_hung_worker_is_reported_not_waited_for():
    release = threading.Event()
    begun = threading.Event()
    worker = Worker(lambda item: (begun.set(), release.wait(10)), on_failure=print)
    worker.mailbox.put(1)
    assert begun.wait(5)
    assert not worker.stop(0.05)
    release.set()
