/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-bus.h"
#include "hw/core/sv-irq.h"
#include "hw/core/sv-numa.h"
#include "src/accel/sv-accel.h"
#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

#define SV_MACHINE_MAX_CPUS 254u

/**
 * SvRunState:
 * @SV_RUN_STATE_PRELAUNCH: the guest did not run yet, or was reset while it did not run
 * @SV_RUN_STATE_RUNNING: the processors run
 * @SV_RUN_STATE_PAUSED: somebody at the host stopped them
 * @SV_RUN_STATE_SHUTDOWN: the guest is off
 * @SV_RUN_STATE_INTERNAL_ERROR: a processor cannot go on
 * @SV_RUN_STATE_IO_ERROR: a disk cannot go on, and shall stop the VM then
 * @SV_RUN_STATE_GUEST_PANICKED: the guest's kernel panicked
 * @SV_RUN_STATE_INMIGRATE: waits for the state of a VM that comes here
 * @SV_RUN_STATE_POSTMIGRATE: the VM went elsewhere
 *
 * What a VM is doing, as QEMU's RunState names it.
 */
typedef enum
{
  SV_RUN_STATE_PRELAUNCH,
  SV_RUN_STATE_RUNNING,
  SV_RUN_STATE_PAUSED,
  SV_RUN_STATE_SHUTDOWN,
  SV_RUN_STATE_INTERNAL_ERROR,
  SV_RUN_STATE_IO_ERROR,
  SV_RUN_STATE_GUEST_PANICKED,
  SV_RUN_STATE_INMIGRATE,
  SV_RUN_STATE_POSTMIGRATE,
} SvRunState;

/**
 * SvShutdownCause:
 * @SV_SHUTDOWN_CAUSE_NONE: there is none
 * @SV_SHUTDOWN_CAUSE_HOST_ERROR: an error of the host
 * @SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT: QMP's quit
 * @SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET: QMP's system_reset, or [method@Machine.reset]
 * @SV_SHUTDOWN_CAUSE_HOST_SIGNAL: a signal to the process
 * @SV_SHUTDOWN_CAUSE_HOST_UI: a person at a console, or [method@Machine.quit]
 * @SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN: the guest switched itself off
 * @SV_SHUTDOWN_CAUSE_GUEST_RESET: the guest restarted itself
 * @SV_SHUTDOWN_CAUSE_GUEST_PANIC: the guest cannot go on
 *
 * Why a VM stops or restarts, as QEMU's ShutdownCause names it.
 */
typedef enum
{
  SV_SHUTDOWN_CAUSE_NONE,
  SV_SHUTDOWN_CAUSE_HOST_ERROR,
  SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT,
  SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET,
  SV_SHUTDOWN_CAUSE_HOST_SIGNAL,
  SV_SHUTDOWN_CAUSE_HOST_UI,
  SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN,
  SV_SHUTDOWN_CAUSE_GUEST_RESET,
  SV_SHUTDOWN_CAUSE_GUEST_PANIC,
} SvShutdownCause;

/**
 * SvPanicAction:
 * @SV_PANIC_ACTION_PAUSE: the VM stops and waits
 * @SV_PANIC_ACTION_SHUTDOWN: the VM ends
 * @SV_PANIC_ACTION_EXIT_FAILURE: the VM ends, and so does its process, with a status that tells
 * @SV_PANIC_ACTION_NONE: nothing
 *
 * What a guest's panic does to the VM, as QEMU's PanicAction names it.
 */
typedef enum
{
  SV_PANIC_ACTION_PAUSE,
  SV_PANIC_ACTION_SHUTDOWN,
  SV_PANIC_ACTION_EXIT_FAILURE,
  SV_PANIC_ACTION_NONE,
} SvPanicAction;

/**
 * SvGuestPanic:
 * @SV_GUEST_PANIC_NONE: nothing
 * @SV_GUEST_PANIC_CRASH_LOADED: the kernel panicked and a crash kernel takes over
 * @SV_GUEST_PANIC_FATAL: the kernel panicked for good
 *
 * What a guest reports.
 */
typedef enum
{
  SV_GUEST_PANIC_NONE,
  SV_GUEST_PANIC_CRASH_LOADED,
  SV_GUEST_PANIC_FATAL,
} SvGuestPanic;

SV_API GType sv_panic_action_get_type (void);
#define SV_TYPE_PANIC_ACTION (sv_panic_action_get_type ())
SV_API GType sv_run_state_get_type (void);
SV_API GType sv_shutdown_cause_get_type (void);
#define SV_TYPE_RUN_STATE (sv_run_state_get_type ())
#define SV_TYPE_SHUTDOWN_CAUSE (sv_shutdown_cause_get_type ())
SV_PUBLIC gboolean sv_shutdown_cause_is_guest (SvShutdownCause cause);

/**
 * SvMachine:
 *
 * A virtual machine (abstract), at /machine. Properties: `name`, `memory-size`, `cpus`, `max-cpus`, `kernel`, `initrd`, `append`,
 * `no-reboot`, `no-shutdown`, `run-state` (read-only) ... Completing it builds everything that is there without -device.
 *
 * Signals (main thread, VM lock held):
 * - `run-state-changed` (SvRunState old, SvRunState now): notify::run-state happens too
 * - `stopped`, `resumed`: the STOP and RESUME events
 * - `reset` (SvShutdownCause cause): the RESET event
 * - `powerdown`: the POWERDOWN event
 * - `shutdown` (SvShutdownCause cause): the SHUTDOWN event
 * - `device-event` (string name, JsonObject data): a QMP event of a device
 * - `quit` (gint status): the process that owns this VM should end with @status
 */
#define SV_TYPE_MACHINE (sv_machine_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvMachine, sv_machine, SV, MACHINE, SvObject)

/**
 * SvMachineClass:
 * @build: makes address spaces, accelerator, memory, platform devices and vCPUs
 * @load: puts kernel, tables ... into guest memory and resets the vCPUs to their entry; at start and reset
 * @find_bus: a bus with room for @device, which names none (microvm makes a transport);
 *   the default looks for one in the tree
 * @bus_vacated: the device on @bus went, or did not come: what find_bus made for it may go as well
 * @prepare_device: before a device is made: takes out of @properties what only the machine understands, such as
 *   a slot, and adds what it implies; %NULL: nothing
 * @device_plugged: a device that was made while the guest runs is realized: tells the guest; %NULL: nothing
 * @unplug_request: asks the guest to give @device up, when its bus has no vfunc of that name; whoever hears
 *   that it did calls sv_machine_remove_device(); %NULL: the machine has no hotplug
 * @powerdown: presses the power button
 * @inject_nmi: interrupts all processors with an NMI; %NULL: there is no such thing
 * @add_firmware_file: gives firmware and guest a file; %NULL: the machine has no way to
 * @description: for `-machine help`
 */
struct _SvMachineClass
{
  SvObjectClass parent_class;

  gboolean (*build) (SvMachine *self, GError **error);
  gboolean (*load) (SvMachine *self, GError **error);
  SvBus *(*find_bus) (SvMachine *self, SvDevice *device, GError **error);
  void (*bus_vacated) (SvMachine *self, SvBus *bus);
  gboolean (*prepare_device) (SvMachine *self, JsonObject *properties, GError **error);
  gboolean (*device_plugged) (SvMachine *self, SvDevice *device, GError **error);
  gboolean (*unplug_request) (SvMachine *self, SvDevice *device, GError **error);
  void (*powerdown) (SvMachine *self);
  void (*inject_nmi) (SvMachine *self);
  gboolean (*add_firmware_file) (SvMachine *self, const char *name, gconstpointer data, gsize size, GError **error);

  const char *description;
  const char *serial_driver; /* wire name of what sv_machine_add_serial() makes */
  gboolean hotpluggable_cpus; /* there may be more places than processors */
  gboolean no_guest; /* runs nothing: no accelerator, no memory */
  gpointer padding[6];
};

SV_PUBLIC SvRunState sv_machine_get_run_state (SvMachine *self);
SV_PUBLIC gboolean sv_machine_is_running (SvMachine *self);
/* Event function of the machine's vCPUs; @opaque is the machine. */
SV_API void sv_machine_vcpu_event (SvVcpu *vcpu, SvVcpuEvent event, gpointer opaque);
SV_API SvAccel *sv_machine_get_accel (SvMachine *self);           /* (transfer none) */
SV_API SvAddressSpace *sv_machine_get_memory (SvMachine *self);   /* (transfer none) */
SV_API SvAddressSpace *sv_machine_get_io (SvMachine *self);       /* (transfer none) (nullable): port I/O */

/* Main thread, VM lock held. Starting a running VM and stopping a stopped one succeed silently. */
SV_PUBLIC gboolean sv_machine_start (SvMachine *self, GError **error);  /* cont */
SV_PUBLIC void sv_machine_stop (SvMachine *self, SvRunState state);     /* paused ... */
SV_PUBLIC void sv_machine_powerdown (SvMachine *self);
/* Any thread with the VM lock: done from the main loop; a vCPU that asks runs no further instruction. */
SV_API void sv_machine_request_reset (SvMachine *self, SvShutdownCause cause);
SV_API void sv_machine_request_shutdown (SvMachine *self, SvShutdownCause cause);
SV_API void sv_machine_request_panic (SvMachine *self, SvGuestPanic panic);
/* As sv_machine_stop(), but TRUE: later, from the main loop, as devices wait for the host. SvMachine::stopped tells. */
SV_API gboolean sv_machine_request_stop (SvMachine *self, SvRunState state);
/* Some device has less in flight: who waits for that may look again. Any thread. */
SV_API void sv_machine_settled (SvMachine *self);

/*
 * Adds a device: makes it, places it at /machine/peripheral/<id> (peripheral-anon without an id), plugs and realizes it.
 * @wanted has "driver", "id", "bus" as in device_add. On failure nothing is left. (transfer none)
 */
SV_PUBLIC SvDevice *sv_machine_add_device (SvMachine *self, JsonObject *wanted, GError **error);
/*
 * Asks the guest to give up a device that sv_machine_add_device() made; it is taken out when the guest has, or at once
 * when there is nobody to ask. May be repeated.
 */
SV_PUBLIC gboolean sv_machine_request_unplug (SvMachine *self, SvDevice *device, GError **error);
/* Takes a device that sv_machine_add_device() made out at once, without asking the guest. */
SV_API void sv_machine_remove_device (SvMachine *self, SvDevice *device);

/* For programs and scripts that have a machine in their process (sv-machine-script.c); main thread, VM lock held. */
SV_PUBLIC gboolean sv_machine_prepare (SvMachine *self, GError **error);
SV_PUBLIC void sv_machine_close (SvMachine *self);
SV_API gboolean sv_machine_add_part (SvMachine *self, const char *id, SvObject *part, GError **error);
SV_PUBLIC SvObject *sv_machine_add_object (SvMachine *self, SvObject *object, const char *id, GError **error);
SV_PUBLIC SvDevice *sv_machine_add_device_values (SvMachine *self, const char *driver, const char *id,
                                                  GHashTable *properties, GError **error);
SV_PUBLIC SvDevice *sv_machine_add_device_json (SvMachine *self, const char *json, GError **error);
SV_PUBLIC gboolean sv_machine_add_serial_chardev (SvMachine *self, SvChardev *chardev, GError **error);
SV_PUBLIC void sv_machine_pause (SvMachine *self);
SV_PUBLIC gboolean sv_machine_resume (SvMachine *self, GError **error);
SV_PUBLIC void sv_machine_reset (SvMachine *self);
SV_PUBLIC void sv_machine_quit (SvMachine *self);

/**
 * SvMachineHold:
 * @reason: (nullable): why the guest must not run and devices must stay; %NULL: there is no hold
 * @may_run: the guest may run all the same
 * @stop: somebody wants the guest, which the hold keeps from running, to be stopped: it must not run on afterwards
 * @cancel: a reset (unless @may_run) or the end of the machine waits until the hold is gone, the end if @ending
 * @release: called when the machine goes without waiting: the hold must be gone when it returns
 * @opaque: for the functions
 *
 * What keeps a machine as it is while its state is saved.
 */
typedef struct
{
  const char *reason;
  gboolean may_run;
  void (*stop) (gpointer opaque);
  void (*cancel) (gpointer opaque, gboolean ending);
  void (*release) (gpointer opaque);
  gpointer opaque;
} SvMachineHold;

/* For migration; main thread, VM lock held. */
SV_API void sv_machine_set_hold (SvMachine *self, const SvMachineHold *hold); /* (nullable) */
/* Calls @func while neither processors nor devices do anything; who looks at the run state sees nothing of it. */
SV_API void sv_machine_call_paused (SvMachine *self, void (*func) (gpointer opaque), gpointer opaque);
/* FALSE with an error: devices must stay as they are now. */
SV_API gboolean sv_machine_check_hold (SvMachine *self, GError **error);
/* The machine waits for the state of a guest: run state inmigrate. Starting it means to start it then. */
SV_API void sv_machine_begin_incoming (SvMachine *self);
/* The guest's state is there: paused, and running when somebody started it. */
SV_API gboolean sv_machine_end_incoming (SvMachine *self, GError **error);
/* The guest, which is stopped, went elsewhere: run state postmigrate. */
SV_API void sv_machine_end_outgoing (SvMachine *self);
/* FALSE with an error: the guest must not run here, as it may do so elsewhere. */
typedef gboolean (*SvMachineClaimFunc) (SvMachine *self, GError **error);
/* Starting the guest needs @claim first, once. NULL: the guest is this machine's. */
SV_API void sv_machine_set_claim (SvMachine *self, SvMachineClaimFunc claim);
SV_API gboolean sv_machine_has_claim (SvMachine *self); /* the guest may be elsewhere */
SV_API GPtrArray *sv_machine_get_ram_backends (SvMachine *self); /* (transfer none) (element-type SvMemoryBackend) */

/* For devices: tells the world of an event of QMP's. Main thread, VM lock held. */
SV_API void sv_machine_emit_device_event (SvMachine *self, const char *name, JsonObject *data);

/* For machines: the guest keeps @device, though it was asked to give it up. */
SV_API void sv_machine_emit_unplug_refused (SvMachine *self, SvDevice *device);

/* Gives the machine a serial port that talks through the character device with this id: `-serial`. */
SV_PUBLIC gboolean sv_machine_add_serial (SvMachine *self, const char *chardev, GError **error);

/* For -global: @property of all devices of type @driver that are not told otherwise. Before the machine is complete. */
SV_API gboolean sv_machine_set_global (SvMachine *self, const char *driver, const char *property, JsonNode *value,
                                       GError **error);
/* Gives firmware and guest a file in fw_cfg: `-fw_cfg`. */
SV_API gboolean sv_machine_add_firmware_file (SvMachine *self, const char *name, gconstpointer data, gsize size,
                                              GError **error);

/* For subclasses */
typedef gboolean (*SvMachineCpuFunc) (SvDevice *cpu, gconstpointer boot_data, GError **error);
/* Calls @func for each processor, with @boot_data for the first and NULL for the others, until it fails. */
SV_API gboolean sv_machine_foreach_cpu (SvMachine *self, SvMachineCpuFunc func, gconstpointer boot_data,
                                        GError **error);
SV_API guint64 sv_machine_get_ram_size (SvMachine *self);             /* bytes; 0: it has no RAM (yet) */
SV_API SvMemoryRegion *sv_machine_new_ram_region (SvMachine *self);   /* (transfer full): all RAM in a row */
SV_API gboolean sv_machine_is_ram_fresh (SvMachine *self);            /* it reads as zeros at the start */
SV_API const SvNuma *sv_machine_get_numa (SvMachine *self);           /* (transfer none) (nullable) */
/* What the processors are and how they are arranged. The model lives as long as the machine. */
SV_API SvCpuLayout sv_machine_get_cpu_layout (SvMachine *self);
SV_API guint sv_machine_get_max_cpus (SvMachine *self);
/* Processor @index, or NULL where none is (now). (transfer none) */
SV_API SvDevice *sv_machine_get_cpu (SvMachine *self, guint index);
/* For SvCpu: it runs from now on, or no more. */
SV_API void sv_machine_cpu_realized (SvMachine *self, SvDevice *cpu);
SV_API void sv_machine_cpu_unrealized (SvMachine *self, SvDevice *cpu);
SV_API const char *sv_machine_get_kernel (SvMachine *self);   /* (nullable) */
SV_API const char *sv_machine_get_initrd (SvMachine *self);   /* (nullable) */
SV_API const char *sv_machine_get_append (SvMachine *self);   /* (nullable) */
/* Places @device at /machine/unattached/device[N], plugs it into @bus (may be NULL) and realizes it. */
SV_API gboolean sv_machine_adopt (SvMachine *self, SvDevice *device, SvBus *bus, GError **error);
/* The same, at /machine/unattached/@id */
SV_API gboolean sv_machine_adopt_as (SvMachine *self, const char *id, SvDevice *device, SvBus *bus, GError **error);
/* For unplug_request: FALSE, with an error that says that @device stays. */
SV_API gboolean sv_machine_refuse_unplug (SvDevice *device, GError **error);
/* Opens the accelerator on the two address spaces, which subclasses fill with RAM before. */
SV_API gboolean sv_machine_runs_code (SvMachine *self); /* FALSE: a test takes the processors' place */
SV_API gboolean sv_machine_open_accel (SvMachine *self, GError **error);
/* Makes the `cpus` processors. */
SV_API gboolean sv_machine_create_cpus (SvMachine *self, GError **error);
/* The line of the accelerator's interrupt controller with this number (GSI on x86). (transfer none) */
SV_API SvIrq *sv_machine_get_irq (SvMachine *self, guint gsi);

G_END_DECLS
