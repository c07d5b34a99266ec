"""Visual place recognition with spiking networks: teach a route once, know any frame of it."""

from snn_ros.place_recognition.matching import PlaceMatch, RecognizerConfig
from snn_ros.place_recognition.pipeline import PlaceRecognizer
from snn_ros.place_recognition.preprocessing import Preprocessing

__all__ = ["PlaceMatch", "PlaceRecognizer", "Preprocessing", "RecognizerConfig"]
