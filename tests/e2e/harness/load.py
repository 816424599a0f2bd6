# SPDX-License-Identifier: Apache-2.0
"""Work that goes on in the background of a test."""
import concurrent.futures
import threading


class Load:
    """Does each of `works` over and over, on a thread each, until it is left; what they raise is raised then."""

    def __init__(self, *works):
        self.works = works
        self.over = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(len(works))

    def _repeat(self, work):
        while not self.over.is_set():
            work()

    def __enter__(self):
        self.futures = [self.pool.submit(self._repeat, work) for work in self.works]
        return self

    def __exit__(self, *_):
        self.over.set()
        self.pool.shutdown()
        for future in self.futures:
            future.result()


def tools(parent, jobs):
    """Runs the jobs, one after the other."""
    return lambda: [parent.run(**job) for job in jobs]
