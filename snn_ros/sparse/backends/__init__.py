"""Fast inference of sparse networks; the reference is the plain torch of `snn_ros.sparse`."""
