/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-cpu.h"
#include "hw/core/sv-machine.h"
#include "hw/core/sv-rtc-base.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

/* What the main loop is to do, sv-machine-requests.c; embedded in SvMachineRun. */
typedef struct
{
  SvGuestPanic panic;
  SvShutdownCause reset;
  SvShutdownCause shutdown;
  gboolean error; /* a vCPU cannot go on */
  gboolean stop;
  SvRunState stop_state; /* to be in then */
  GSource *source;       /* its callback serves the other fields on the main thread */
} SvMachineRequests;

/* Run control, sv-machine-run.c; embedded in the machine. */
typedef struct
{
  SvRunState state;
  gboolean loaded;   /* the guest's memory is ready for its first instruction */
  gboolean quiesced; /* devices wait for sv_device_resume() */
  gboolean no_reboot;
  gboolean no_shutdown;
  SvPanicAction panic_action;
  gboolean autostart; /* the guest runs as soon as its state has come */
  SvMachineHold hold;
  SvMachineClaimFunc claim; /* NULL: the guest belongs to this machine */
  SvMachineRequests requests;
} SvMachineRun;

#define SV_MACHINE_N_IRQS 24

typedef struct
{
  char *name;
  char *accel_type;
  guint64 memory_size;
  char *cpu_model;
  guint n_cpus;
  guint max_cpus;
  guint sockets;
  guint dies;
  guint cores;
  guint threads;
  char *kernel;
  char *initrd;
  char *append;
  char *uuid;
  char *mem_path;
  char *rtc_base;
  SvRtcClock rtc_clock;
  char *boot_order;
  char *boot_once;
  gint boot_splash_time;
  gint boot_reboot_timeout;
  gboolean boot_menu;
  gboolean boot_strict;
  GPtrArray *globals; /* of SvMachineGlobal; NULL: none */
  gboolean mem_prealloc;
  SvObject *memory_backend; /* link */
  GPtrArray *ram;           /* SvMemoryBackend: what RAM is made of, in a row */
  SvNuma *numa;             /* NULL: no nodes */
  gboolean dump_guest_core;
  gboolean mem_share;

  SvObject *own_root; /* the tree of a machine that nobody else placed; both live until sv_machine_close() */
  gboolean closed;

  SvMachineRun run;
  SvAddressSpace *memory;
  SvAddressSpace *io;
  SvAccel *accel;
  GPtrArray *cpus; /* SvCpu, not owned; those that are realized, the boot processor first */
  SvIrq *irqs[SV_MACHINE_N_IRQS];
} SvMachinePrivate;

enum
{
  SV_MACHINE_SIGNAL_STOPPED,
  SV_MACHINE_SIGNAL_RESUMED,
  SV_MACHINE_SIGNAL_RESET,
  SV_MACHINE_SIGNAL_POWERDOWN,
  SV_MACHINE_SIGNAL_SHUTDOWN,
  SV_MACHINE_SIGNAL_QUIT,
  SV_MACHINE_SIGNAL_DEVICE_EVENT,
  SV_MACHINE_N_SIGNALS
};

SvMachinePrivate *sv_machine_get_priv (SvMachine *self);
void sv_machine_requests_init (SvMachine *self);
void sv_machine_requests_clear (SvMachine *self);
/* The main loop is to halt the guest, or to look at its panic, before it runs any further. */
gboolean sv_machine_has_requests (SvMachine *self);
/* From a saved state */
void sv_machine_run_loaded (SvMachine *self, SvRunState state, gboolean loaded);
/* sv-machine-state.c */
extern const SvMigratableState sv_machine_migration;
/* sv-machine-signals.c */
extern guint sv_machine_signals[SV_MACHINE_N_SIGNALS];
void sv_machine_signals_class_init (SvMachineClass *klass);
void sv_machine_notify_run_state (SvMachine *self);
void sv_machine_set_run_state (SvMachine *self, SvRunState state);
/* No guest instruction runs from here until sv_machine_go(). VM lock held; any thread. */
void sv_machine_request_pause (SvMachine *self);
/* Before sv_machine_halt(): FALSE: devices would have the main loop wait for the host; sv_machine_settled() calls again. */
gboolean sv_machine_settle (SvMachine *self);
/* Pauses processors and devices. */
void sv_machine_halt (SvMachine *self);
void sv_machine_go (SvMachine *self); /* the reverse */
/* Stops the processors and ends their threads. */
void sv_machine_stop_for_good (SvMachine *self);
/* sv-machine-topology.c: fills in what follows from the other numbers */
gboolean sv_machine_check_topology (SvMachine *self, GError **error);
/* sv-machine-panic.c: on the main thread; what is to be done */
SvPanicAction sv_machine_tell_panic (SvMachine *self, SvGuestPanic panic);
/* sv-machine-ram.c: memory, and NUMA nodes that it belongs to */
gboolean sv_machine_make_ram (SvMachine *self, GError **error);
/* sv-machine-globals.c: what is said of all devices of a type, for those that do not say it themselves */
void sv_machine_add_globals (SvMachine *self, GType type, JsonObject *properties);
gboolean sv_machine_apply_globals (SvMachine *self, SvObject *device, GError **error);
/* sv-machine-devices.c */
SvBus *sv_machine_find_bus_in_tree (SvMachine *self, SvDevice *device, GError **error);

G_END_DECLS
