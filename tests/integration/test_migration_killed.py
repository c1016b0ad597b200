# SPDX-License-Identifier: LGPL-2.1-or-later
"""One of the two sides of a migration is killed at any time: the guest never runs twice, and runs on where it can."""

import random
import re

from qmpclient import QmpClosed
from test_snapshot import FINAL

ROUNDS = 20


def numbers(vm):
    """What the guest counted while it was there. A line that was cut in two by the move counts for neither."""
    return re.findall(r"^count (\d+)\n", vm.console.text.replace("\r", ""), re.M)


def settled(vm, query, undecided):
    """Awaits an end of the process, then None, or of the time in which it does not know what becomes of the guest."""
    try:
        qmp = vm.qmp()
        while (status := qmp.execute(query).get("status")) in undecided:
            if status == "inmigrate" and qmp.execute("query-migrate") == {}:
                return "nobody came"
            if vm.wait_exit(0.01):
                return None
        return status
    except (AssertionError, QmpClosed, BrokenPipeError, ConnectionResetError):
        vm.wait()
        return None


def test_killed_at_any_time(tiny, tmp_path):
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    for turn in range(ROUNDS):
        uri = f"unix:{tmp_path}/{turn}"
        source, destination = tiny("c"), tiny("c", "-incoming", uri)
        destination.qmp()
        source.console.wait_for(r"count 5\b")
        killed, left = chance.choice([(source, destination), (destination, source)])
        where = (seed, turn, "source" if killed is source else "destination")
        source.qmp().execute("migrate", {"uri": uri})
        killed.wait_exit(chance.random() ** 2 * 0.15)
        if killed.process.poll() is None:
            killed.kill()
        if left is destination:
            status = settled(left, "query-status", ("inmigrate", "shutdown"))
            # It has the whole guest: it runs, or waits for somebody to decide.
            assert status in (None, "nobody came", "running", "paused"), where
        else:
            status = settled(left, "query-migrate", ("setup", "active", "device", "cancelling"))
            assert status in (None, *FINAL), where
            if status == "failed":
                assert left.qmp().execute("query-status")["status"] == "running", where
        if status in ("running", "failed"):
            left.console.wait_for(rf"count {int(numbers(left)[-1]) + 3}\b" if numbers(left) else r"count \d+\r?\n")
        if left.process.poll() is None:
            left.kill()
        # One guest counts each number once: two would both count those after the move.
        both = numbers(source) + numbers(destination)
        assert len(both) == len(set(both)), (where, both)
