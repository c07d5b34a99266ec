"""Write recordings as rosbag2 folders with one MCAP file.

::

    with BagWriter("flight") as bag:
        bag.add_topic("/blimp/range", "sensor_msgs/msg/Range")
        bag.write("/blimp/range", stamp_ns, cdr)
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.typesys.store import Typestore

from snn_ros.bags.errors import BagExists, BagNotWritten
from snn_ros.bags.message_types import require, standard_types
from snn_ros.disk_space import reserve_space


class BagWriter:
    """A new recording, readable by ROS's own tools once it is closed.

    A ``with`` block closes it whatever happens inside, also on Ctrl-C and on a full disk, for which
    it keeps some room free; every message whose ``write`` began is in it. If the process is killed
    outright, the newest MB is lost and the rest is read with ``BagReader(path, recover=True)``.
    """

    def __init__(
        self, path: str | Path, *, types: Typestore | None = None, compress: bool = False
    ) -> None:
        """Begin a recording.

        Args:
            path: the folder to make.
            types: definitions of message types that are neither ROS 2's, nor this project's, nor
                of an installed package.
            compress: compress chunks with zstd.

        Raises:
            BagExists: there is something at the path.
            BagNotWritten: the folder cannot be made.
        """
        self.path = Path(path)
        self._types = types or standard_types()
        self._connections: dict[str, Connection] = {}
        if self.path.exists():
            raise BagExists(self.path)
        self._writer = Writer(self.path, version=9, storage_plugin=StoragePlugin.MCAP)
        if compress:
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        try:
            self._writer.open()
            self._reserve = reserve_space(self.path)
        except OSError as err:
            shutil.rmtree(self.path, ignore_errors=True)
            raise BagNotWritten(self.path, err.strerror or str(err)) from err
        assert isinstance(self._writer.storage, McapWriter)
        self._file = self._writer.storage.bio
        # Ctrl-C interrupts the main thread only: what another thread writes is never cut short.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bag_writer")

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def add_topic(self, name: str, message_type: str, qos: Sequence[Qos] = ()) -> None:
        """Announce a topic.

        Args:
            name: such as ``/imu``; a second time is ignored.
            message_type: such as ``sensor_msgs/msg/Imu``.
            qos: what its publishers offer, see ``snn_ros.bags.qos``.

        Raises:
            UnknownType: nothing defines the type.
        """
        if name in self._connections:
            return
        require(self._types, message_type)
        self._connections[name] = self._thread.submit(
            self._writer.add_connection,
            name,
            message_type,
            typestore=self._types,
            offered_qos_profiles=qos,
        ).result()

    def write(self, topic: str, stamp_ns: int, cdr: bytes | memoryview) -> None:
        """Append a serialised message to a topic that was announced.

        Args:
            topic: its name.
            stamp_ns: time of recording in ns; need not be in order.
            cdr: the message in CDR with its 4-byte header, as ``rclpy.serialization`` makes it.

        Raises:
            BagNotWritten: the file system refuses.
        """
        try:
            self._thread.submit(self._append, self._connections[topic], stamp_ns, cdr).result()
        except OSError as err:
            raise BagNotWritten(self.path, err.strerror or str(err)) from err

    def _append(self, connection: Connection, stamp_ns: int, cdr: bytes | memoryview) -> None:
        whole = self._file.tell()
        try:
            self._writer.write(connection, stamp_ns, cdr)
        except OSError:
            # The chunk that found no room is kept in memory, with this message; it goes into the
            # file on closing, in the room made here. Until then nothing half written is there.
            self._reserve.unlink(missing_ok=True)
            self._file.seek(whole)
            self._file.truncate()
            self._writer.counts[connection.id] += 1
            self._writer.min_timestamp = min(stamp_ns, self._writer.min_timestamp)
            self._writer.max_timestamp = max(stamp_ns, self._writer.max_timestamp)
            raise

    def write_message(self, topic: str, stamp_ns: int, message: Any) -> None:
        """Append a message object of ``snn_ros.bags.message_types`` to a topic that was announced.

        Raises:
            BagNotWritten: the file system refuses.
        """
        message_type = self._connections[topic].msgtype
        self.write(topic, stamp_ns, self._types.serialize_cdr(message, message_type))

    def close(self) -> None:
        """Write the index and metadata.yaml; nothing happens the second time.

        Raises:
            BagNotWritten: the file system refuses.
        """
        try:
            if self._writer.storage is not None:
                self._reserve.unlink(missing_ok=True)
                self._thread.submit(self._writer.close).result()
        except OSError as err:
            raise BagNotWritten(self.path, err.strerror or str(err)) from err
        finally:
            self._thread.shutdown()
