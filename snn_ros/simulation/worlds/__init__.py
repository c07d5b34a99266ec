"""Places to fly and drive in; each adds its geometry to a MuJoCo model."""
