# SPDX-License-Identifier: LGPL-2.1-or-later
"""StratoVirt's objects under a name of their own, with types for editors and checkers.

``import stratovirt`` gives what ``from gi.repository import StratoVirt`` gives, and nothing else.
"""

import gi

gi.require_version("StratoVirt", "1.0")

# pylint: disable=wrong-import-position
from gi.repository import StratoVirt as _StratoVirt  # noqa: E402

__version__ = _StratoVirt._version


def __getattr__(name):
    return getattr(_StratoVirt, name)


def __dir__():
    return sorted(set(dir(_StratoVirt)))
