"""Calls of several implementations in turns, in one process."""

import os
import pathlib
import statistics
import time

import numpy as np

#: Seconds that one implementation is called for in a round.
SLICE = 0.02
#: Seconds of rest before them: OpenMP's threads go on looking for work for 20 ms and more after their last.
PAUSE = 0.06
#: How many times as many rounds there are where other guests of the machine disturb some.
MOST = 5
#: The column of a processor's line in /proc/stat with the time that other guests had.
STEAL = 8
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


def stolen():
    """How long, in clock ticks, other guests of the machine have had the processors that ours may run on; 0 where the system does not say."""
    stat = pathlib.Path("/proc/stat")
    if not stat.exists():
        return 0
    rows = [line.split() for line in stat.read_text().splitlines()]
    mine = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    return sum(int(row[STEAL]) for row in rows if row[0] in mine)


def slice_of(call):
    """Seconds of a call, from calls of about SLICE seconds after as many that warm caches, clocks and threads again."""
    time.sleep(PAUSE)
    called_for(call)
    return called_for(call)


def called_for(call):
    """Seconds of a call, from calls of about SLICE seconds."""
    count, start = 0, time.perf_counter()
    while count == 0 or time.perf_counter() - start < SLICE:
        call()
        count += 1
    return (time.perf_counter() - start) / count


def timed(calls, rounds):
    """Milliseconds of a call, by name: the median of the rounds, without those in which the machine was not ours alone, where enough are left."""
    times = {name: [] for name in calls}
    disturbed = {name: [] for name in calls}
    for _ in range(MOST * rounds):
        for name, call in calls.items():
            if len(times[name]) < rounds:
                before = stolen()
                seconds = slice_of(call)
                (times if stolen() == before else disturbed)[name].append(seconds)
        if all(len(some) == rounds for some in times.values()):
            break
    kept = {name: times[name] if 2 * len(times[name]) >= rounds else times[name] + disturbed[name] for name in calls}
    return {name: 1e3 * statistics.median(some) for name, some in kept.items()}
