#!/usr/bin/env python3
"""A process that knows nothing of ROS and does what its arguments say."""

import argparse
import os
import signal
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--after", type=float, default=60.0)
parser.add_argument("--exit-code", type=int, default=0)
parser.add_argument("--stubborn", action="store_true")
parser.add_argument("--child", action="store_true")
parser.add_argument("--variable")
arguments, _ = parser.parse_known_args()

if arguments.stubborn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
else:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(f"got {signal.Signals(number).name}"))
if arguments.child:
    child = subprocess.Popen(["sleep", "60"])
    sys.stdout.write(f"child {child.pid}\n")
if arguments.variable:
    sys.stdout.write(f"{arguments.variable}={os.environ.get(arguments.variable)}\n")
sys.stdout.write("to standard output\n")
sys.stderr.write("to standard error\n")
time.sleep(arguments.after)
sys.exit(arguments.exit_code)
