# SPDX-License-Identifier: LGPL-2.1-or-later
"""asyncio and the machines of this process in one thread.

PyGObject learnt that with version 3.50; before, asyncio and GLib have a loop each. The loop of this module waits in GLib's
main context for both: ``run(main())`` is what ``asyncio.run(main())`` is elsewhere, and in it methods that end with
``_async`` can be awaited when they are called without a callback.
"""

import asyncio
import math
import selectors

from gi.repository import GLib


class _Selector(selectors.EpollSelector):
    """Waits in the default main context, which serves GLib's sources meanwhile."""

    def select(self, timeout=None):
        context = GLib.MainContext.default()
        sources = []
        if timeout is None or timeout > 0:
            # An epoll descriptor can be read when one of those in it can do what is waited for.
            sources.append(GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self.fileno(), GLib.IOCondition.IN,
                                                 lambda *_: GLib.SOURCE_CONTINUE))
        if timeout is not None and timeout > 0:
            sources.append(GLib.timeout_add(math.ceil(timeout * 1000), lambda: GLib.SOURCE_CONTINUE))
        try:
            context.iteration(bool(sources))
        finally:
            for source in sources:
                GLib.source_remove(source)
        return super().select(0)


class EventLoop(asyncio.SelectorEventLoop):
    """An event loop that runs GLib's default main context, and with it machines and connections."""

    def __init__(self):
        super().__init__(_Selector())


def run(main, *, debug=None):
    """Runs a coroutine to its end, as ``asyncio.run()``, in a loop that serves GLib as well; returns its result."""
    with asyncio.Runner(debug=debug, loop_factory=EventLoop) as runner:
        return runner.run(main)
