/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-machine-private.h"

#include "qom/sv-type-registry.h"

#define MIN_MEMORY (128ull << 20)
#define MAX_MEMORY (512ull << 30)
#define DEFAULT_MEMORY (256ull << 20)
#define MAX_CPUS SV_MACHINE_MAX_CPUS

enum
{
  PROP_NAME = 1,
  PROP_ACCEL,
  PROP_MEMORY_SIZE,
  PROP_CPU,
  PROP_CPUS,
  PROP_MAX_CPUS,
  PROP_SOCKETS,
  PROP_DIES,
  PROP_CORES,
  PROP_THREADS,
  PROP_KERNEL,
  PROP_INITRD,
  PROP_APPEND,
  PROP_UUID,
  PROP_MEMORY_BACKEND,
  PROP_MEM_PATH,
  PROP_MEM_PREALLOC,
  PROP_DUMP_GUEST_CORE,
  PROP_MEM_SHARE,
  PROP_NO_REBOOT,
  PROP_NO_SHUTDOWN,
  PROP_RTC_BASE,
  PROP_RTC_CLOCK,
  PROP_BOOT_ORDER,
  PROP_BOOT_ONCE,
  PROP_BOOT_SPLASH_TIME,
  PROP_BOOT_REBOOT_TIMEOUT,
  PROP_BOOT_MENU,
  PROP_BOOT_STRICT,
  PROP_PANIC_ACTION,
  PROP_RUN_STATE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SvMachine, sv_machine, SV_TYPE_OBJECT,
                                  G_ADD_PRIVATE (SvMachine) SV_MIGRATABLE_STATE (&sv_machine_migration))

#define PRIV(self) ((SvMachinePrivate *)sv_machine_get_instance_private (self))

SvMachinePrivate *
sv_machine_get_priv (SvMachine *self)
{
  return PRIV (self);
}

void
sv_machine_notify_run_state (SvMachine *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RUN_STATE]);
}

static gboolean
sv_machine_complete (SvObject *object, GError **error)
{
  SvMachine *self = SV_MACHINE (object);
  SvMachinePrivate *priv = PRIV (self);

  sv_object_ensure_container (object, "peripheral");
  sv_object_ensure_container (object, "peripheral-anon");
  sv_object_ensure_container (object, "unattached");

  if (SV_MACHINE_GET_CLASS (self)->no_guest)
    return TRUE;
  if (priv->memory_size % 4096 != 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Machine memory size %" G_GUINT64_FORMAT " must be a multiple of 4096",
                   priv->memory_size);
      return FALSE;
    }
  return sv_machine_check_topology (self, error) && sv_machine_make_ram (self, error)
         && SV_MACHINE_GET_CLASS (self)->build (self, error);
}

/* --- accessors --- */

/**
 * sv_machine_get_accel:
 * @self: a machine
 *
 * Returns: (transfer none) (nullable): what runs the guest's code
 */
SvAccel *
sv_machine_get_accel (SvMachine *self)
{
  return PRIV (self)->accel;
}

/**
 * sv_machine_get_memory: (skip)
 * @self: a machine
 *
 * Returns: (transfer none): guest-physical memory
 */
SvAddressSpace *
sv_machine_get_memory (SvMachine *self)
{
  return PRIV (self)->memory;
}

/**
 * sv_machine_get_io: (skip)
 * @self: a machine
 *
 * Returns: (transfer none): port I/O space
 */
SvAddressSpace *
sv_machine_get_io (SvMachine *self)
{
  return PRIV (self)->io;
}

const char *
sv_machine_get_kernel (SvMachine *self)
{
  return PRIV (self)->kernel;
}

const char *
sv_machine_get_initrd (SvMachine *self)
{
  return PRIV (self)->initrd;
}

const char *
sv_machine_get_append (SvMachine *self)
{
  return PRIV (self)->append;
}

/* --- GObject --- */

/* Where a property is kept that is nothing but a value; NULL: it is not of that kind. */
static char **
get_string (SvMachinePrivate *priv, guint id)
{
  switch (id)
    {
    case PROP_NAME:
      return &priv->name;
    case PROP_ACCEL:
      return &priv->accel_type;
    case PROP_CPU:
      return &priv->cpu_model;
    case PROP_KERNEL:
      return &priv->kernel;
    case PROP_INITRD:
      return &priv->initrd;
    case PROP_APPEND:
      return &priv->append;
    case PROP_UUID:
      return &priv->uuid;
    case PROP_MEM_PATH:
      return &priv->mem_path;
    case PROP_RTC_BASE:
      return &priv->rtc_base;
    case PROP_BOOT_ORDER:
      return &priv->boot_order;
    case PROP_BOOT_ONCE:
      return &priv->boot_once;
    default:
      return NULL;
    }
}

static guint *
get_uint (SvMachinePrivate *priv, guint id)
{
  switch (id)
    {
    case PROP_CPUS:
      return &priv->n_cpus;
    case PROP_MAX_CPUS:
      return &priv->max_cpus;
    case PROP_SOCKETS:
      return &priv->sockets;
    case PROP_DIES:
      return &priv->dies;
    case PROP_CORES:
      return &priv->cores;
    case PROP_THREADS:
      return &priv->threads;
    default:
      return NULL;
    }
}

static gboolean *
get_flag (SvMachinePrivate *priv, guint id)
{
  switch (id)
    {
    case PROP_MEM_PREALLOC:
      return &priv->mem_prealloc;
    case PROP_DUMP_GUEST_CORE:
      return &priv->dump_guest_core;
    case PROP_MEM_SHARE:
      return &priv->mem_share;
    case PROP_NO_REBOOT:
      return &priv->run.no_reboot;
    case PROP_NO_SHUTDOWN:
      return &priv->run.no_shutdown;
    case PROP_BOOT_MENU:
      return &priv->boot_menu;
    case PROP_BOOT_STRICT:
      return &priv->boot_strict;
    default:
      return NULL;
    }
}

static void
sv_machine_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvMachinePrivate *priv = PRIV (SV_MACHINE (object));

  switch (id)
    {
    case PROP_MEMORY_SIZE:
      g_value_set_uint64 (value, priv->memory_size);
      break;
    case PROP_MEMORY_BACKEND:
      g_value_set_object (value, priv->memory_backend);
      break;
    case PROP_PANIC_ACTION:
      g_value_set_enum (value, priv->run.panic_action);
      break;
    case PROP_RTC_CLOCK:
      g_value_set_enum (value, priv->rtc_clock);
      break;
    case PROP_BOOT_SPLASH_TIME:
      g_value_set_int (value, priv->boot_splash_time);
      break;
    case PROP_BOOT_REBOOT_TIMEOUT:
      g_value_set_int (value, priv->boot_reboot_timeout);
      break;
    case PROP_RUN_STATE:
      g_value_set_enum (value, priv->run.state);
      break;
    default:
      if (G_VALUE_HOLDS_STRING (value) && get_string (priv, id) != NULL)
        g_value_set_string (value, *get_string (priv, id));
      else if (G_VALUE_HOLDS_UINT (value) && get_uint (priv, id) != NULL)
        g_value_set_uint (value, *get_uint (priv, id));
      else if (G_VALUE_HOLDS_BOOLEAN (value) && get_flag (priv, id) != NULL)
        g_value_set_boolean (value, *get_flag (priv, id));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_machine_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvMachinePrivate *priv = PRIV (SV_MACHINE (object));

  switch (id)
    {
    case PROP_MEMORY_SIZE:
      priv->memory_size = g_value_get_uint64 (value);
      break;
    case PROP_MEMORY_BACKEND:
      sv_object_set_link (SV_OBJECT (object), pspec, &priv->memory_backend,
                          g_value_get_object (value));
      break;
    case PROP_PANIC_ACTION:
      priv->run.panic_action = g_value_get_enum (value);
      break;
    case PROP_RTC_CLOCK:
      priv->rtc_clock = g_value_get_enum (value);
      break;
    case PROP_BOOT_SPLASH_TIME:
      priv->boot_splash_time = g_value_get_int (value);
      break;
    case PROP_BOOT_REBOOT_TIMEOUT:
      priv->boot_reboot_timeout = g_value_get_int (value);
      break;
    default:
      if (G_VALUE_HOLDS_STRING (value) && get_string (priv, id) != NULL)
        {
          g_free (*get_string (priv, id));
          *get_string (priv, id) = g_value_dup_string (value);
        }
      else if (G_VALUE_HOLDS_UINT (value) && get_uint (priv, id) != NULL)
        *get_uint (priv, id) = g_value_get_uint (value);
      else if (G_VALUE_HOLDS_BOOLEAN (value) && get_flag (priv, id) != NULL)
        *get_flag (priv, id) = g_value_get_boolean (value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

void
sv_machine_stop_for_good (SvMachine *self)
{
  SvMachinePrivate *priv = PRIV (self);

  if (priv->cpus == NULL)
    return;
  if (priv->run.hold.release != NULL)
    priv->run.hold.release (priv->run.hold.opaque);
  sv_machine_stop (self, SV_RUN_STATE_SHUTDOWN);
  while (priv->cpus->len > 0)
    sv_device_unrealize (g_ptr_array_index (priv->cpus, priv->cpus->len - 1));
}

/* Bottom up: threads and devices go before what they use. */
static void
sv_machine_dispose (GObject *object)
{
  SvMachine *self = SV_MACHINE (object);
  SvMachinePrivate *priv = PRIV (self);

  sv_machine_stop_for_good (self);
  sv_object_set_link (SV_OBJECT (self), props[PROP_MEMORY_BACKEND], &priv->memory_backend, NULL);
  G_OBJECT_CLASS (sv_machine_parent_class)->dispose (object);
}

static void
sv_machine_finalize (GObject *object)
{
  SvMachine *self = SV_MACHINE (object);
  SvMachinePrivate *priv = PRIV (self);

  sv_machine_requests_clear (self);
  for (guint i = 0; i < SV_MACHINE_N_IRQS; i++)
    g_clear_pointer (&priv->irqs[i], sv_irq_unref);
  g_clear_object (&priv->accel);
  g_clear_object (&priv->memory);
  g_clear_object (&priv->io);
  g_clear_pointer (&priv->cpus, g_ptr_array_unref);
  g_clear_pointer (&priv->ram, g_ptr_array_unref);
  g_clear_pointer (&priv->numa, sv_numa_free);
  g_free (priv->name);
  g_free (priv->accel_type);
  g_free (priv->cpu_model);
  g_free (priv->kernel);
  g_free (priv->initrd);
  g_free (priv->append);
  g_free (priv->uuid);
  g_free (priv->mem_path);
  g_free (priv->rtc_base);
  g_free (priv->boot_order);
  g_free (priv->boot_once);
  g_clear_pointer (&priv->globals, g_ptr_array_unref);
  G_OBJECT_CLASS (sv_machine_parent_class)->finalize (object);
}

static void
install_topology (guint id, const char *name, guint minimum, guint value, const char *blurb)
{
  props[id] = g_param_spec_uint (name, name, blurb, minimum, MAX_CPUS, value, SV_PARAM_RW_WIRING);
}

static void
sv_machine_class_init (SvMachineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_machine_get_property;
  object_class->set_property = sv_machine_set_property;
  object_class->dispose = sv_machine_dispose;
  object_class->finalize = sv_machine_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_machine_complete;
  klass->find_bus = sv_machine_find_bus_in_tree;

  props[PROP_NAME] = g_param_spec_string ("name", "name", "Name of the virtual machine, 1 to 255 bytes",
                                          NULL, SV_PARAM_RW_WIRING);
  props[PROP_ACCEL] = g_param_spec_string ("accel", "accel", "Accelerator that runs the guest's code",
                                           "kvm", SV_PARAM_RW_WIRING);
  props[PROP_MEMORY_SIZE] = g_param_spec_uint64 (
      "memory-size", "memory-size", "Guest memory in bytes, 128 MiB to 512 GiB", MIN_MEMORY, MAX_MEMORY,
      DEFAULT_MEMORY, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  props[PROP_CPU] = g_param_spec_string (
      "cpu", "cpu", "Processor model and its switches: MODEL[,+FEATURE][,-FEATURE][,FEATURE=on|off]", "host",
      SV_PARAM_RW_WIRING);
  install_topology (PROP_CPUS, "cpus", 1, 1, "Number of processors at the start");
  install_topology (PROP_MAX_CPUS, "max-cpus", 0, 0,
                    "Most processors there can be, those that are plugged later included; 0: as many as at the start");
  install_topology (PROP_SOCKETS, "sockets", 0, 0, "Number of sockets; 0: as many as it takes");
  install_topology (PROP_DIES, "dies", 1, 1, "Dies per socket");
  install_topology (PROP_CORES, "cores", 1, 1, "Cores per die");
  install_topology (PROP_THREADS, "threads", 1, 1, "Hardware threads per core");
  props[PROP_KERNEL] = g_param_spec_string (
      "kernel", "kernel", "Kernel file: bzImage, ELF vmlinux or raw vmlinux.bin", NULL,
      SV_PARAM_RW_WIRING);
  props[PROP_INITRD] = g_param_spec_string ("initrd", "initrd", "Initial RAM disk file", NULL,
                                            SV_PARAM_RW_WIRING);
  props[PROP_APPEND] = g_param_spec_string ("append", "append", "Kernel command line", NULL,
                                            SV_PARAM_RW_WIRING);
  props[PROP_UUID] = g_param_spec_string ("uuid", "uuid", "Id of the virtual machine", NULL,
                                          SV_PARAM_RW_WIRING);
  props[PROP_MEM_PATH] = g_param_spec_string (
      "mem-path", "mem-path",
      "File, or directory as of a hugetlbfs, that holds the guest's RAM", NULL, SV_PARAM_RW_WIRING);
  props[PROP_MEM_PREALLOC] = g_param_spec_boolean (
      "mem-prealloc", "mem-prealloc", "Whether guest memory is allocated at the start", FALSE,
      SV_PARAM_RW_WIRING);
  props[PROP_MEMORY_BACKEND] = g_param_spec_object (
      "memory-backend", "memory-backend", "Memory behind the guest's RAM; made when it is not given",
      SV_TYPE_MEMORY_BACKEND, SV_PARAM_RW_WIRING);
  props[PROP_DUMP_GUEST_CORE] = g_param_spec_boolean (
      "dump-guest-core", "dump-guest-core", "Whether a core dump of the process holds guest memory", TRUE,
      SV_PARAM_RW_WIRING);
  props[PROP_MEM_SHARE]
      = g_param_spec_boolean ("mem-share", "mem-share", "Whether other processes can share guest memory",
                              FALSE, SV_PARAM_RW_WIRING);
  props[PROP_NO_REBOOT] = g_param_spec_boolean (
      "no-reboot", "no-reboot", "Whether a reset ends the VM", FALSE, SV_PARAM_RW);
  props[PROP_NO_SHUTDOWN] = g_param_spec_boolean (
      "no-shutdown", "no-shutdown", "Whether the process stays when the guest switches itself off", FALSE,
      SV_PARAM_RW);
  props[PROP_RTC_BASE] = g_param_spec_string (
      "rtc-base", "rtc-base", "Time that the clock starts with: 'utc', 'localtime', or a date as 2026-01-31T12:00:00",
      "utc", SV_PARAM_RW_WIRING);
  props[PROP_RTC_CLOCK] = g_param_spec_enum ("rtc-clock", "rtc-clock", "What the clock goes by", SV_TYPE_RTC_CLOCK,
                                             SV_RTC_CLOCK_HOST, SV_PARAM_RW_WIRING);
  props[PROP_BOOT_ORDER] = g_param_spec_string (
      "boot-order", "boot-order", "Kinds of devices that firmware boots from, in order: a (floppy), c (disk), d (CD), n (network)",
      NULL, SV_PARAM_RW_WIRING);
  props[PROP_BOOT_ONCE] = g_param_spec_string (
      "boot-once", "boot-once", "What boot-order is until the first reset", NULL, SV_PARAM_RW_WIRING);
  props[PROP_BOOT_SPLASH_TIME] = g_param_spec_int (
      "boot-splash-time", "boot-splash-time", "Milliseconds that firmware shows the way to its menu; -1: as it likes", -1,
      G_MAXUINT16, -1, SV_PARAM_RW_WIRING);
  props[PROP_BOOT_REBOOT_TIMEOUT] = g_param_spec_int (
      "boot-reboot-timeout", "boot-reboot-timeout",
      "Milliseconds after which firmware that found nothing to boot tries again; -1: never", -1, G_MAXUINT16, -1,
      SV_PARAM_RW_WIRING);
  props[PROP_BOOT_MENU] = g_param_spec_boolean ("boot-menu", "boot-menu", "Whether firmware offers a menu", FALSE,
                                                SV_PARAM_RW_WIRING);
  props[PROP_BOOT_STRICT] = g_param_spec_boolean (
      "boot-strict", "boot-strict", "Whether firmware boots from nothing but devices with a bootindex", FALSE,
      SV_PARAM_RW_WIRING);
  props[PROP_PANIC_ACTION] = g_param_spec_enum (
      "panic-action", "panic-action", "What a panic of the guest's kernel does to the VM", SV_TYPE_PANIC_ACTION,
      SV_PANIC_ACTION_SHUTDOWN, SV_PARAM_RW);
  props[PROP_RUN_STATE] = g_param_spec_enum ("run-state", "run-state", "What the VM is doing",
                                             SV_TYPE_RUN_STATE, SV_RUN_STATE_PRELAUNCH, SV_PARAM_RO);
  g_object_class_install_properties (object_class, N_PROPS, props);

  sv_machine_signals_class_init (klass);
}

static void
sv_machine_init (SvMachine *self)
{
  SvMachinePrivate *priv = PRIV (self);
  g_autoptr (SvMemoryRegion) memory = sv_memory_region_new_container ("memory", G_MAXUINT64);
  g_autoptr (SvMemoryRegion) io = sv_memory_region_new_container ("io", 0x10000);

  priv->accel_type = g_strdup ("kvm");
  priv->cpu_model = g_strdup ("host");
  priv->memory_size = DEFAULT_MEMORY;
  priv->n_cpus = 1;
  priv->dies = priv->cores = priv->threads = 1;
  priv->dump_guest_core = TRUE;
  priv->rtc_base = g_strdup ("utc");
  priv->boot_splash_time = priv->boot_reboot_timeout = -1;
  priv->run.panic_action = SV_PANIC_ACTION_SHUTDOWN;
  priv->cpus = g_ptr_array_new ();
  priv->ram = g_ptr_array_new_with_free_func (g_object_unref);
  priv->memory = sv_address_space_new ("memory", memory);
  priv->io = sv_address_space_new ("io", io);
  sv_machine_requests_init (self);
}
