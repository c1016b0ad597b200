/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "hw/core/sv-numa.h"

G_BEGIN_DECLS

/**
 * SvAcpiDescribed:
 *
 * Interface of objects that the guest finds through ACPI. Each appends its own AML to the \_SB scope of the DSDT; the
 * table builder walks the machine's tree and knows no kind of device.
 */
#define SV_TYPE_ACPI_DESCRIBED (sv_acpi_described_get_type ())
SV_API G_DECLARE_INTERFACE (SvAcpiDescribed, sv_acpi_described, SV, ACPI_DESCRIBED, SvObject)

struct _SvAcpiDescribedInterface
{
  GTypeInterface parent_iface;

  /* Appends a Device (or what it needs) to @scope: see sv-aml.h */
  void (*build_aml) (SvAcpiDescribed *self, GByteArray *scope);
};

/* A place for a processor. Its ACPI UID is its number in the list. */
typedef struct
{
  guint32 apic_id; /* an x2APIC entry from 255 on */
  gboolean absent; /* it may be plugged in later */
  gint node;       /* NUMA node, for a processor that comes later; -1: none */
} SvAcpiCpu;

/**
 * SvAcpiConfig: what the fixed tables need beside the tree.
 */
typedef struct
{
  const SvAcpiCpu *cpus; /* MADT */
  guint n_cpus;
  const SvNuma *numa;      /* SRAT and SLIT; NULL: none */
  guint64 ram_below_4g;    /* of the memory of nodes; the rest is from 4 GiB on */
  guint64 lapic_base;
  guint64 ioapic_base;
  guint ioapic_pins;
  guint64 reset_register;  /* 1 byte; FADT RESET_REG */
  gboolean reset_port;     /* reset_register is a port, not memory */
  guint8 reset_value;
  guint64 sleep_control;   /* FADT SLEEP_CONTROL_REG, 1 byte, memory */
  guint64 sleep_status;
  gboolean has_8042;       /* FADT IAPC_BOOT_ARCH */
  gboolean has_cmos_rtc;
  guint16 pm_base;         /* fixed hardware, laid out as in sv-ich9-pm.h; 0: hardware-reduced platform */
  guint8 sci;              /* its level-triggered interrupt */
  guint64 ecam_base;       /* MCFG; 0: none */
  guint ecam_buses;
  guint16 console_port;    /* SPCR: first port of a 16550A; 0: none */
  guint8 console_irq;
} SvAcpiConfig;

/*
 * RSDP, XSDT, FADT, MADT, DSDT and what else @config asks for, laid out at @base (16-byte aligned, 64-byte with fixed
 * hardware; RSDP first). Walks the tree below @machine for SvAcpiDescribed objects. Returns the bytes to be placed at @base.
 */
SV_API GByteArray *sv_acpi_build (SvObject *machine, const SvAcpiConfig *config, guint64 base, GError **error);

G_END_DECLS
