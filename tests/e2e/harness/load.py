# SPDX-License-Identifier: Apache-2.0
"""Tools that run in the background of a test."""
import threading


class Load:
    """Runs jobs over and over until it is left."""

    def __init__(self, parent, jobs):
        self.parent, self.jobs = parent, jobs
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.over.is_set():
            for job in self.jobs:
                self.parent.run(**job)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
