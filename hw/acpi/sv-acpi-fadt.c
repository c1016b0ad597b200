/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fixed ACPI Description Table (ACPI 6.5 §5.2.9) */

#include "hw/acpi/sv-acpi-table.h"

#include <string.h>

#define FADT_SIZE 276
#define FADT_REVISION 6
#define FADT_MINOR_REVISION 5

/* Offsets */
#define FIRMWARE_CTRL 36
#define DSDT 40
#define PREFERRED_PROFILE 45
#define SCI_INT 46
#define PM1A_EVENT 56
#define PM1A_CONTROL 64
#define PM_TIMER 76
#define GPE0 80
#define PM1_EVENT_LENGTH 88
#define PM1_CONTROL_LENGTH 89
#define PM_TIMER_LENGTH 91
#define GPE0_LENGTH 92
#define C2_LATENCY 96
#define C3_LATENCY 98
#define BOOT_ARCH 109
#define FLAGS 112
#define RESET_REG 116
#define RESET_VALUE 128
#define MINOR_REVISION 131
#define X_DSDT 140
#define X_PM1A_EVENT 148
#define X_PM1A_CONTROL 172
#define X_PM_TIMER 208
#define X_GPE0 220
#define SLEEP_CONTROL 244
#define SLEEP_STATUS 256
#define HYPERVISOR 268

#define PROFILE_ENTERPRISE_SERVER 4
#define NO_C2 101
#define NO_C3 1001

#define BOOT_ARCH_LEGACY_DEVICES (1u << 0)
#define BOOT_ARCH_8042 (1u << 1)
#define BOOT_ARCH_NO_VGA (1u << 2)
#define BOOT_ARCH_NO_ASPM (1u << 4)
#define BOOT_ARCH_NO_CMOS_RTC (1u << 5)

#define FLAG_WBINVD (1u << 0)
#define FLAG_PROC_C1 (1u << 2)
#define FLAG_POWER_BUTTON (1u << 4)
#define FLAG_SLEEP_BUTTON (1u << 5)
#define FLAG_FIX_RTC (1u << 6)
#define FLAG_TIMER_32 (1u << 8)
#define FLAG_RESET_REG (1u << 10)
#define FLAG_HEADLESS (1u << 12)
#define FLAG_HW_REDUCED (1u << 20)

/* Generic Address Structure (§5.2.3.2) */
#define SPACE_MEMORY 0
#define SPACE_IO 1

/* Fixed hardware at config->pm_base: offset, and bytes */
static const struct
{
  guint offset;
  guint size;
  guint address32;
  guint address64;
  guint length;
} fixed_hardware[] = {
  { 0x00, 4, PM1A_EVENT, X_PM1A_EVENT, PM1_EVENT_LENGTH },
  { 0x04, 2, PM1A_CONTROL, X_PM1A_CONTROL, PM1_CONTROL_LENGTH },
  { 0x08, 4, PM_TIMER, X_PM_TIMER, PM_TIMER_LENGTH },
  { 0x20, 16, GPE0, X_GPE0, GPE0_LENGTH },
};

static void
put_address (guint8 *at, guint space, guint bits, guint64 address)
{
  if (address == 0)
    return;

  at[0] = (guint8)space;
  at[1] = (guint8)bits;
  at[2] = 0;
  at[3] = bits == 8 ? 1 : 0; /* access in bytes, or left to the reader */
  sv_acpi_put (at + 4, address, 8);
}

static void
put_fixed_hardware (guint8 *fadt, const SvAcpiConfig *config, guint64 dsdt, guint64 facs)
{
  sv_acpi_put (fadt + FIRMWARE_CTRL, facs, 4);
  sv_acpi_put (fadt + DSDT, dsdt, 4);
  sv_acpi_put (fadt + SCI_INT, config->sci, 2);
  sv_acpi_put (fadt + C2_LATENCY, NO_C2, 2);
  sv_acpi_put (fadt + C3_LATENCY, NO_C3, 2);
  for (guint i = 0; i < G_N_ELEMENTS (fixed_hardware); i++)
    {
      guint address = config->pm_base + fixed_hardware[i].offset;

      sv_acpi_put (fadt + fixed_hardware[i].address32, address, 4);
      put_address (fadt + fixed_hardware[i].address64, SPACE_IO, fixed_hardware[i].size * 8,
                   address);
      fadt[fixed_hardware[i].length] = (guint8)fixed_hardware[i].size;
    }
}

static guint
get_flags (const SvAcpiConfig *config)
{
  /* With the button flags set the guest looks for buttons in the namespace, not in fixed hardware.
   */
  guint flags = FLAG_WBINVD | FLAG_PROC_C1 | FLAG_POWER_BUTTON | FLAG_SLEEP_BUTTON | FLAG_HEADLESS;

  flags |= config->pm_base != 0 ? FLAG_FIX_RTC | FLAG_TIMER_32 : FLAG_HW_REDUCED;
  if (config->reset_register != 0)
    flags |= FLAG_RESET_REG;
  return flags;
}

guint
sv_acpi_append_fadt (GByteArray *tables, const SvAcpiConfig *config, guint64 dsdt, guint64 facs)
{
  const guint start = sv_acpi_begin_table (tables, "FACP", FADT_REVISION);
  guint boot_arch = BOOT_ARCH_LEGACY_DEVICES | BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_ASPM;
  guint8 *fadt;

  sv_acpi_append_zeros (tables, FADT_SIZE - SV_ACPI_HEADER_SIZE);
  fadt = tables->data + start;

  if (config->has_8042)
    boot_arch |= BOOT_ARCH_8042;
  if (!config->has_cmos_rtc)
    boot_arch |= BOOT_ARCH_NO_CMOS_RTC;

  fadt[PREFERRED_PROFILE] = PROFILE_ENTERPRISE_SERVER;
  sv_acpi_put (fadt + BOOT_ARCH, boot_arch, 2);
  sv_acpi_put (fadt + FLAGS, get_flags (config), 4);
  put_address (fadt + RESET_REG, config->reset_port ? SPACE_IO : SPACE_MEMORY, 8,
               config->reset_register);
  fadt[RESET_VALUE] = config->reset_value;
  fadt[MINOR_REVISION] = FADT_MINOR_REVISION;
  sv_acpi_put (fadt + X_DSDT, dsdt, 8);
  if (config->pm_base != 0)
    put_fixed_hardware (fadt, config, dsdt, facs);
  put_address (fadt + SLEEP_CONTROL, SPACE_MEMORY, 8, config->sleep_control);
  put_address (fadt + SLEEP_STATUS, SPACE_MEMORY, 8, config->sleep_status);
  memcpy (fadt + HYPERVISOR, "STRATOVT", 8);

  sv_acpi_end_table (tables, start);
  return start;
}
