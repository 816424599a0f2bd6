# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, bounded, by asking again."""
import os
import time

PAUSE_SECONDS = 0.01
# How many times slower than a real machine this one is: an emulator. Waits get longer, nothing that is asserted.
SLOWNESS = float(os.environ.get("BUNSCOPE_SLOWNESS", "1"))


def wait_until(ask, what, seconds=20):
    """Asks until the answer is true and returns it. TimeoutError names what did not happen."""
    seconds *= SLOWNESS
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(PAUSE_SECONDS)
