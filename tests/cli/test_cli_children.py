"""What a killed process leaves behind: nothing that it had started."""

import subprocess
import sys
import time

PARENT = """
import subprocess, sys, time
from cli.children import ending_with_us

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with ending_with_us(child.pid):
    print("watched", flush=True)
    {within}
time.sleep(0.5)
print(child.poll())
child.kill()
child.wait()
"""


def test_a_killed_process_takes_with_it_what_it_started() -> None:
    command = [sys.executable, "-c", PARENT.format(within="time.sleep(60)")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "watched\n"
        process.kill()
        killed = time.monotonic()
        # The child has the same standard output, which ends with its last holder.
        assert process.stdout.read() == ""
        assert time.monotonic() - killed < 30


def test_what_is_no_longer_watched_is_left_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PARENT.format(within="pass")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "watched\nNone\n"
    assert done.stderr == ""
