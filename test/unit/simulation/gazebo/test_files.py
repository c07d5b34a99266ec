"""The committed worlds, bridges and frames are those of today's scenarios and tables."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_committed_files_are_up_to_date():
    command = [sys.executable, str(ROOT / "tools" / "gazebo_files.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
