# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, bounded, by asking again."""
import time

PAUSE_SECONDS = 0.01


def wait_until(ask, what, seconds=20):
    """Asks until the answer is true and returns it. TimeoutError names what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(PAUSE_SECONDS)
