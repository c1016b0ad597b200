/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-acpi-ged.h"
#include "hw/core/sv-isa-bus.h"
#include "hw/core/sv-machine.h"
#include "hw/x86/sv-x86-boot.h"

G_BEGIN_DECLS

#define SV_X86_MAX_E820 16u

/**
 * SvX86Machine:
 *
 * What the x86_64 machines have in common (abstract): RAM with its hole below 4 GiB, processors,
 * the ISA bus `isa.0` with keyboard controller and CMOS clock, the generic event device, direct
 * kernel boot, ACPI tables.
 */
#define SV_TYPE_X86_MACHINE (sv_x86_machine_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (SvX86Machine, sv_x86_machine, SV, X86_MACHINE, SvMachine)

/**
 * SvX86MachineClass:
 * @ram_below_4g: bytes of RAM below the hole
 * @ged_gsi: interrupt of the generic event device
 * @rtc_irq: interrupt of the CMOS clock; 0: it has none
 * @map_early: maps what must be there before the accelerator opens; %NULL: nothing
 * @build_devices: makes the machine's own devices, after the common ones
 * @fill_e820: adds reserved ranges; returns the new number of entries; %NULL: none
 * @dup_cmdline: the kernel's command line; %NULL: what the user gave
 * @fill_acpi: completes the description for the ACPI tables
 * @program_chipset: puts the machine's own registers where users expect them; not called with firmware; %NULL: nothing
 * @smbios: whether guests find SMBIOS structures though nobody asked for them
 * @write_tables: writes further tables, sets up devices as firmware would; not called without a kernel; %NULL: nothing
 * @has_firmware: whether the guest starts with firmware, at the reset vector; %NULL: it never does
 * @load_firmware: prepares what firmware will ask for, instead of loading a kernel
 */
struct _SvX86MachineClass
{
  SvMachineClass parent_class;

  guint64 ram_below_4g;
  guint ged_gsi;
  guint rtc_irq;
  void (*map_early) (SvX86Machine *self);
  gboolean (*build_devices) (SvX86Machine *self, GError **error);
  guint (*fill_e820) (SvX86Machine *self, SvE820Entry *e820, guint n);
  char *(*dup_cmdline) (SvX86Machine *self);
  void (*fill_acpi) (SvX86Machine *self, SvAcpiConfig *config);
  void (*program_chipset) (SvX86Machine *self);
  gboolean (*write_tables) (SvX86Machine *self, GError **error);
  gboolean smbios; /* always; otherwise when the user asks for it */
  gboolean (*has_firmware) (SvX86Machine *self);
  gboolean (*load_firmware) (SvX86Machine *self, GError **error);
  gpointer padding[3];
};

SV_API SvIsaBus *
sv_x86_machine_get_isa (SvX86Machine *self); /* (transfer none): from build_devices on */
SV_API SvAcpiGed *
sv_x86_machine_get_ged (SvX86Machine *self); /* (transfer none): from build_devices on */
/* SMBIOS structures for fw_cfg and for guests without firmware; @address as in SvSmbiosConfig. (transfer full) both */
SV_API gboolean sv_x86_machine_build_smbios (SvX86Machine *self,
                                             guint64 address,
                                             GByteArray **anchor,
                                             GByteArray **tables,
                                             GError **error);
SV_API guint64 sv_x86_machine_get_ram_low (SvX86Machine *self); /* bytes below 4 GiB */
/* RSDP and tables, to lie at @base; as the devices are set up now. (transfer full) */
SV_API GByteArray *
sv_x86_machine_build_acpi (SvX86Machine *self, guint64 base, GError **error);
SV_API guint64
sv_x86_machine_get_ram_end (SvX86Machine *self); /* first address above all RAM, at least 4 GiB */

G_END_DECLS
