"""Calls of several implementations in turns, in one process."""

import statistics
import time

import numpy as np

#: Seconds that one implementation is called for in a round.
SLICE = 0.02
#: The greatest difference from ours, of the largest number.
DIFFERENCE = 1e-4
#: Calls before the first round.
WARM = 4


def agreeing(ways):
    """The calls of `ways`, which are calls and what reads their results, by name, warm; fails where results differ from the first's."""
    reference = None
    for name, (call, results) in ways.items():
        call()
        found = [np.array(one, np.float64) for one in results()]
        reference = reference or found
        for mine, other in zip(reference, found, strict=True):
            difference = np.abs(mine - other).max() / (np.abs(mine).max() + 1e-30)
            assert difference < DIFFERENCE, f"{name} differs by {difference}"
        for _ in range(WARM):
            call()
    return {name: call for name, (call, _) in ways.items()}


def timed(calls, rounds):
    """Milliseconds of a call, by name: the median of the rounds."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            count, start = 0, time.perf_counter()
            while True:
                call()
                count += 1
                elapsed = time.perf_counter() - start
                if elapsed > SLICE:
                    break
            times[name].append(elapsed / count * 1e3)
    return {name: statistics.median(some) for name, some in times.items()}
