/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-machine-private.h"

#include "qom/sv-type-registry.h"

#define MIN_MEMORY (128ull << 20)
#define MAX_MEMORY (512ull << 30)
#define DEFAULT_MEMORY (256ull << 20)
#define MAX_CPUS 254


enum
{
  PROP_NAME = 1,
  PROP_ACCEL,
  PROP_MEMORY_SIZE,
  PROP_CPUS,
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
  PROP_RUN_STATE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvMachine, sv_machine, SV_TYPE_OBJECT)

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
check_topology (SvMachinePrivate *priv, GError **error)
{
  guint64 product;

  /* Sockets make up the rest, as users of StratoVirt expect. */
  if (priv->sockets == 0)
    {
      guint64 per_socket = (guint64)priv->dies * priv->cores * priv->threads;
      priv->sockets = (guint)MAX (1, priv->n_cpus / per_socket);
    }
  product = (guint64)priv->sockets * priv->dies * priv->cores * priv->threads;
  if (product != priv->n_cpus)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Invalid CPU topology: sockets (%u) * dies (%u) * cores (%u) * threads (%u) must "
                   "be cpus (%u)",
                   priv->sockets, priv->dies, priv->cores, priv->threads, priv->n_cpus);
      return FALSE;
    }
  return TRUE;
}

static SvObject *
new_ram (SvMachinePrivate *priv)
{
  GType type = priv->mem_share ? sv_memory_backend_memfd_get_type () : sv_memory_backend_ram_get_type ();
  SvObject *ram;

  if (priv->mem_path != NULL)
    type = sv_memory_backend_file_get_type ();
  ram = g_object_new (type, "size", priv->memory_size, "share", priv->mem_share, "dump",
                      priv->dump_guest_core, "prealloc", priv->mem_prealloc, NULL);
  if (priv->mem_path != NULL)
    g_object_set (ram, "mem-path", priv->mem_path, NULL);
  return ram;
}

static gboolean
ensure_ram (SvMachine *self, GError **error)
{
  SvMachinePrivate *priv = PRIV (self);
  g_autoptr (SvObject) ram = NULL;

  if (priv->memory_backend != NULL && priv->mem_path != NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'mem-path' and 'memory-backend' both say where guest memory is: give one");
      return FALSE;
    }
  if (priv->memory_backend != NULL)
    {
      guint64 size = sv_memory_backend_get_size (SV_MEMORY_BACKEND (priv->memory_backend));

      if (size != priv->memory_size)
        {
          g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                       "Machine memory size %" G_GUINT64_FORMAT
                       " must be the size of memory-backend '%s' (%" G_GUINT64_FORMAT ")",
                       priv->memory_size, sv_object_get_id (priv->memory_backend), size);
          return FALSE;
        }
      return sv_object_claim (priv->memory_backend, SV_OBJECT (self), error);
    }
  ram = new_ram (priv);
  if (!sv_object_add_child (SV_OBJECT (self), "ram", ram, error))
    return FALSE;
  if (!sv_object_complete (ram, error))
    {
      sv_object_unparent (ram);
      return FALSE;
    }
  sv_object_set_link (SV_OBJECT (self), props[PROP_MEMORY_BACKEND], &priv->memory_backend, ram);
  return TRUE;
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
  return check_topology (priv, error) && ensure_ram (self, error)
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

/**
 * sv_machine_get_ram: (skip)
 * @self: a complete machine
 *
 * Returns: (transfer none): the memory behind the guest's RAM
 */
SvMemoryBackend *
sv_machine_get_ram (SvMachine *self)
{
  return (SvMemoryBackend *)PRIV (self)->memory_backend;
}

guint
sv_machine_get_n_cpus (SvMachine *self)
{
  return PRIV (self)->n_cpus;
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

static void
sv_machine_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvMachinePrivate *priv = PRIV (SV_MACHINE (object));

  switch (id)
    {
    case PROP_NAME:
      g_value_set_string (value, priv->name);
      break;
    case PROP_ACCEL:
      g_value_set_string (value, priv->accel_type);
      break;
    case PROP_MEMORY_SIZE:
      g_value_set_uint64 (value, priv->memory_size);
      break;
    case PROP_CPUS:
      g_value_set_uint (value, priv->n_cpus);
      break;
    case PROP_SOCKETS:
      g_value_set_uint (value, priv->sockets);
      break;
    case PROP_DIES:
      g_value_set_uint (value, priv->dies);
      break;
    case PROP_CORES:
      g_value_set_uint (value, priv->cores);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, priv->threads);
      break;
    case PROP_KERNEL:
      g_value_set_string (value, priv->kernel);
      break;
    case PROP_INITRD:
      g_value_set_string (value, priv->initrd);
      break;
    case PROP_APPEND:
      g_value_set_string (value, priv->append);
      break;
    case PROP_UUID:
      g_value_set_string (value, priv->uuid);
      break;
    case PROP_MEM_PATH:
      g_value_set_string (value, priv->mem_path);
      break;
    case PROP_MEM_PREALLOC:
      g_value_set_boolean (value, priv->mem_prealloc);
      break;
    case PROP_MEMORY_BACKEND:
      g_value_set_object (value, priv->memory_backend);
      break;
    case PROP_DUMP_GUEST_CORE:
      g_value_set_boolean (value, priv->dump_guest_core);
      break;
    case PROP_MEM_SHARE:
      g_value_set_boolean (value, priv->mem_share);
      break;
    case PROP_NO_REBOOT:
      g_value_set_boolean (value, priv->run.no_reboot);
      break;
    case PROP_NO_SHUTDOWN:
      g_value_set_boolean (value, priv->run.no_shutdown);
      break;
    case PROP_RUN_STATE:
      g_value_set_enum (value, priv->run.state);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_string (char **field, const GValue *value)
{
  g_free (*field);
  *field = g_value_dup_string (value);
}

static void
sv_machine_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvMachinePrivate *priv = PRIV (SV_MACHINE (object));

  switch (id)
    {
    case PROP_NAME:
      set_string (&priv->name, value);
      break;
    case PROP_ACCEL:
      set_string (&priv->accel_type, value);
      break;
    case PROP_MEMORY_SIZE:
      priv->memory_size = g_value_get_uint64 (value);
      break;
    case PROP_CPUS:
      priv->n_cpus = g_value_get_uint (value);
      break;
    case PROP_SOCKETS:
      priv->sockets = g_value_get_uint (value);
      break;
    case PROP_DIES:
      priv->dies = g_value_get_uint (value);
      break;
    case PROP_CORES:
      priv->cores = g_value_get_uint (value);
      break;
    case PROP_THREADS:
      priv->threads = g_value_get_uint (value);
      break;
    case PROP_KERNEL:
      set_string (&priv->kernel, value);
      break;
    case PROP_INITRD:
      set_string (&priv->initrd, value);
      break;
    case PROP_APPEND:
      set_string (&priv->append, value);
      break;
    case PROP_UUID:
      set_string (&priv->uuid, value);
      break;
    case PROP_MEM_PATH:
      set_string (&priv->mem_path, value);
      break;
    case PROP_MEM_PREALLOC:
      priv->mem_prealloc = g_value_get_boolean (value);
      break;
    case PROP_MEMORY_BACKEND:
      sv_object_set_link (SV_OBJECT (object), pspec, &priv->memory_backend,
                          g_value_get_object (value));
      break;
    case PROP_DUMP_GUEST_CORE:
      priv->dump_guest_core = g_value_get_boolean (value);
      break;
    case PROP_MEM_SHARE:
      priv->mem_share = g_value_get_boolean (value);
      break;
    case PROP_NO_REBOOT:
      priv->run.no_reboot = g_value_get_boolean (value);
      break;
    case PROP_NO_SHUTDOWN:
      priv->run.no_shutdown = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* Bottom up: threads and devices go before what they use. */
static void
sv_machine_dispose (GObject *object)
{
  SvMachine *self = SV_MACHINE (object);
  SvMachinePrivate *priv = PRIV (self);

  if (priv->cpus != NULL)
    {
      sv_machine_stop (self, SV_RUN_STATE_SHUTDOWN);
      for (guint i = 0; i < priv->cpus->len; i++)
        sv_device_unrealize (g_ptr_array_index (priv->cpus, i));
      g_ptr_array_set_size (priv->cpus, 0);
    }
  sv_object_set_link (SV_OBJECT (self), props[PROP_MEMORY_BACKEND], &priv->memory_backend, NULL);
  G_OBJECT_CLASS (sv_machine_parent_class)->dispose (object);
}

static void
sv_machine_finalize (GObject *object)
{
  SvMachine *self = SV_MACHINE (object);
  SvMachinePrivate *priv = PRIV (self);

  sv_machine_run_clear (self);
  for (guint i = 0; i < SV_MACHINE_N_IRQS; i++)
    g_clear_pointer (&priv->irqs[i], sv_irq_unref);
  g_clear_object (&priv->accel);
  g_clear_object (&priv->memory);
  g_clear_object (&priv->io);
  g_clear_pointer (&priv->cpus, g_ptr_array_unref);
  g_free (priv->name);
  g_free (priv->accel_type);
  g_free (priv->kernel);
  g_free (priv->initrd);
  g_free (priv->append);
  g_free (priv->uuid);
  g_free (priv->mem_path);
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
  install_topology (PROP_CPUS, "cpus", 1, 1, "Number of processors");
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
  props[PROP_RUN_STATE] = g_param_spec_enum ("run-state", "run-state", "What the VM is doing",
                                             SV_TYPE_RUN_STATE, SV_RUN_STATE_PRELAUNCH, SV_PARAM_RO);
  g_object_class_install_properties (object_class, N_PROPS, props);

  sv_machine_run_class_init (klass);
}

static void
sv_machine_init (SvMachine *self)
{
  SvMachinePrivate *priv = PRIV (self);
  g_autoptr (SvMemoryRegion) memory = sv_memory_region_new_container ("memory", G_MAXUINT64);
  g_autoptr (SvMemoryRegion) io = sv_memory_region_new_container ("io", 0x10000);

  priv->accel_type = g_strdup ("kvm");
  priv->memory_size = DEFAULT_MEMORY;
  priv->n_cpus = 1;
  priv->dies = priv->cores = priv->threads = 1;
  priv->dump_guest_core = TRUE;
  priv->cpus = g_ptr_array_new ();
  priv->memory = sv_address_space_new ("memory", memory);
  priv->io = sv_address_space_new ("io", io);
  sv_machine_run_init (self);
}
