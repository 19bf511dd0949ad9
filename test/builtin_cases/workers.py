"""Processes that share the work of a table: each is given groups of cases and gives rows back."""

import collections
import multiprocessing
import multiprocessing.connection
import signal


class Worker:
    """A process that turns groups into rows by `work`, one group after the other."""

    def __init__(self, work):
        fork = multiprocessing.get_context("fork")
        self.pipe, theirs = fork.Pipe()
        self.group = None
        self.process = fork.Process(target=Worker.run, args=(work, theirs), daemon=True)
        self.process.start()
        theirs.close()

    @staticmethod
    def run(work, pipe):
        try:
            while group := pipe.recv():
                pipe.send(work(group))
        except (EOFError, BrokenPipeError):
            pass  # Who asked is gone.

    def give(self, group):
        self.group = group
        self.pipe.send(group)

    def end(self):
        """What a process died of that sent nothing."""
        self.process.join()
        code = self.process.exitcode
        return signal.Signals(-code).name if code < 0 else f"status {code}"


def run_all(groups, work, op_of, dead):
    """Rows as they come. A group, a list of indices, whose process dies is given again op by op; `dead(op, reason)` is
    the row of an op whose process dies alone."""
    waiting = collections.deque(groups)
    workers = [Worker(work) for _ in range(max(2, multiprocessing.cpu_count()))]
    while waiting or any(worker.group for worker in workers):
        for worker in workers:
            if waiting and not worker.group:
                worker.give(waiting.popleft())
        busy = [worker for worker in workers if worker.group]
        ready = multiprocessing.connection.wait([worker.pipe for worker in busy])
        for worker in [worker for worker in busy if worker.pipe in ready]:
            group, worker.group = worker.group, None
            try:
                yield from worker.pipe.recv()
            except EOFError:
                workers[workers.index(worker)] = Worker(work)
                by_op = collections.defaultdict(list)
                for index in group:
                    by_op[op_of(index)].append(index)
                if len(by_op) > 1:
                    waiting += by_op.values()
                else:
                    yield dead(*by_op, f"its process ended with {worker.end()}")
    for worker in workers:
        worker.pipe.send(None)
        worker.process.join()


def parts(sizes, most):
    """Groups of indices of about one size. `sizes` are, for each op, its indices and how much work they are: all of an
    op are in one group, those with the most work first."""
    groups, count = [[]], 0
    for indices, size in sorted(sizes, key=lambda one: -one[1]):
        if count + size > most and groups[-1]:
            groups.append([])
            count = 0
        groups[-1] += indices
        count += size
    return groups
