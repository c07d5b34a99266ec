"""The published re-simulation of the conventional controllers, row by row."""

import numpy as np

from snn_ros.blimp_control.evaluation import OracleRow

# (plant, controller, b in m/s2): overshoot +1.0/-1.0/+0.5/-0.5 in cm, largest |e| in the last 10 s
# in cm, RMSE in cm, mean |u|
PUBLISHED = {
    ("A", "PD", 0.0): ((12, 12, 6, 6), 1.0, 11.2, 0.33),
    ("A", "PD", -0.05): ((-2, 26, -6, 22), 11.0, 16.0, 1.06),
    ("A", "PID", 0.0): ((28, 30, 16, 16), 2.0, 12.5, 0.39),
    ("A", "PID", -0.05): ((22, 32, 13, 20), 1.0, 12.5, 1.05),
    ("A", "PID", -0.10): ((26, 28, 18, 16), 1.0, 12.3, 2.43),
    ("B", "PD", 0.0): ((12, 12, 10, 10), 1.0, 11.5, 0.34),
    ("B", "PD", -0.05): ((2, 20, -4, 22), 15.0, 18.2, 1.43),
    ("B", "PID", 0.0): ((24, 26, 17, 19), 1.5, 11.6, 0.36),
    ("B", "PID", -0.05): ((27, 22, 18, 16), 0.5, 11.9, 1.46),
    ("B", "PID", -0.10): ((27, 19, 18, 12), 1.0, 11.9, 2.43),
}


def differences(row: OracleRow) -> list[str]:
    """Where a flown row leaves the published one by more than the issue allows."""
    name = f"{row.plant} {row.controller} b={row.buoyancy:+.2f}"
    overshoot, settled, rmse, command = PUBLISHED[row.plant, row.controller, row.buoyancy]
    found = []
    if abs(row.rmse / rmse - 1.0) > 0.1:
        found.append(f"{name}: RMSE {row.rmse:.1f} cm, published {rmse} cm")
    if np.abs(np.subtract(row.overshoot, overshoot)).max() > 4.0:
        found.append(f"{name}: overshoot {row.overshoot} cm, published {overshoot} cm")
    if max(row.settled_error) > settled + 2.0:
        found.append(f"{name}: |e| {row.settled_error} cm, published {settled} cm")
    if abs(row.mean_command / command - 1.0) > 0.1:
        found.append(f"{name}: mean |u| {row.mean_command:.2f}, published {command}")
    return found
