# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast a limited device works, seen from the host."""

import time

WINDOW = 10.0
TOLERANCE = 0.02
# An emulated host stands still at times, and what was not asked for then is not made up for: so long is waited for a
# window in which the guest asked all the time.
PATIENCE = 150


def check_rate(limit, read, tick):
    """Holds what @read counts against @limit, over each window of 10 s: none above it by more than 2 %, and one at least
    not below it by more. @tick waits until something was done."""
    samples = []
    while True:
        tick()
        before = time.monotonic()
        count = read()
        samples.append((before, time.monotonic(), count))
        rates = list(windows(samples))
        assert max(rates, default=0) <= limit * (1 + TOLERANCE), f"{max(rates)} instead of {limit}"
        if max(rates, default=0) >= limit * (1 - TOLERANCE):
            print(f"{max(rates):.3f} of {limit}")
            return
        assert samples[-1][0] - samples[0][0] < PATIENCE, f"{max(rates, default=0)} instead of {limit}"


def windows(samples):
    """The average of each window, from one sample to the first that is 10 s later. Reading takes its time, too."""
    for i, (start, _, before) in enumerate(samples):
        for begin, end, after in samples[i:]:
            if begin - start >= WINDOW:
                yield (after - before) / (end - start)
                break
