# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root ports as firmware and an operating system use them, for tests in the processors' place."""

from testaccel import CAP_EXPRESS, Function

HIGH = 0x8000000000


def set_buses(port, number):
    for at, value in ((0x18, 0), (0x19, number), (0x1A, number)):
        port.put(at, value, 1)


def open_window(port, base=0xC1000000, high=HIGH):
    """Memory and prefetchable windows of a bridge, a MiB and 4 GiB."""
    port.put(0x20, base >> 16 & 0xFFF0)
    port.put(0x22, base >> 16 & 0xFFF0)
    port.put(0x24, high >> 16 & 0xFFF0)
    port.put(0x26, (high + 0xFFFFFFFF) >> 16 & 0xFFF0)
    port.put(0x28, high >> 32, 4)
    port.put(0x2C, (high + 0xFFFFFFFF) >> 32, 4)
    port.enable()


SLTCAP, SLTCTL, SLTSTA, LNKCAP, LNKSTA = 0x14, 0x18, 0x1A, 0x0C, 0x12
ABP, PDC, PDS, DLLSC = 0x01, 0x08, 0x40, 0x100
POWER_OFF, INDICATOR_ON, INDICATOR_BLINK, INDICATOR_OFF = 0x400, 0x100, 0x200, 0x300
HPIE, ABPE, PDCE, DLLSCE = 0x20, 0x01, 0x08, 0x1000
LINK_ACTIVE = 0x2000


class Slot:
    """Slot registers of a root port (PCIe 6.0 7.5.3)"""

    def __init__(self, test, device, bus=1, window=0xC1000000, high=HIGH):
        self.port = Function(test, device)
        self.at = self.port.capability(CAP_EXPRESS)
        self.far = Function(test, 0, bus=bus)
        set_buses(self.port, bus)
        open_window(self.port, window, high)

    @property
    def status(self):
        return self.port.get(self.at + SLTSTA)

    @property
    def control(self):
        return self.port.get(self.at + SLTCTL)

    def set_control(self, value):
        self.port.put(self.at + SLTCTL, value)

    def clear(self, bits):
        self.port.put(self.at + SLTSTA, bits)

    @property
    def link(self):
        return bool(self.port.get(self.at + LNKSTA) & LINK_ACTIVE)

    def switch_on(self):
        self.set_control(INDICATOR_ON)

    def switch_off(self):
        self.set_control(POWER_OFF | INDICATOR_BLINK)
        self.set_control(POWER_OFF | INDICATOR_OFF)
