/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-guest-dump.h"

#include <elf.h>
#include <errno.h>
#include <gio/gio.h>
#include <unistd.h>

#include "hw/core/sv-cpu.h"
#include "src/runtime/sv-vm-lock.h"

#define MAX_WRITE (64u << 20)
#define PAGE 4096u
#define KEY "sv-guest-dump"

/* A datum of the machine: that of the last one stays there. */
typedef struct
{
  SvMachine *machine; /* while it is active */
  SvGuestDumpStatus status;
  guint64 completed; /* atomic */
  guint64 total;
  gboolean was_running;
  int fd;
  GByteArray *notes;
  GThread *thread;
  int result;
  SvGuestDumpFunc func;
  gpointer user_data;
} Dump;

static gboolean
write_all (Dump *self, gconstpointer data, guint64 size)
{
  const guint8 *at = data;

  while (size > 0 && self->result == 0)
    {
      ssize_t n = write (self->fd, at, size);

      if (n > 0)
        {
          at += n;
          size -= (guint64)n;
        }
      else if (n == 0 || errno != EINTR)
        self->result = n == 0 ? ENOSPC : errno;
    }
  return self->result == 0;
}

static gboolean
is_memory (const SvFlatRange *range)
{
  return range->host != NULL && !range->readonly;
}

/* File header, a program header for the notes and each range, the notes; then memory, from a page's boundary on. */
static void
write_file (Dump *self, const SvFlatRange *ranges, gsize n_ranges)
{
  g_autoptr (GByteArray) head = g_byte_array_new ();
  Elf64_Ehdr file = {
    .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
    .e_type = ET_CORE,
    .e_machine = EM_X86_64,
    .e_version = EV_CURRENT,
    .e_phoff = sizeof file,
    .e_ehsize = sizeof file,
    .e_phentsize = sizeof (Elf64_Phdr),
    .e_phnum = 1,
  };
  Elf64_Phdr part = { .p_type = PT_NOTE, .p_filesz = self->notes->len, .p_memsz = self->notes->len };
  guint64 offset;

  for (gsize i = 0; i < n_ranges; i++)
    file.e_phnum += is_memory (&ranges[i]);
  part.p_offset = sizeof file + file.e_phnum * sizeof part;
  g_byte_array_append (head, (const guint8 *)&file, sizeof file);
  g_byte_array_append (head, (const guint8 *)&part, sizeof part);
  offset = (part.p_offset + self->notes->len + PAGE - 1) / PAGE * PAGE;
  for (gsize i = 0, at = offset; i < n_ranges; i++)
    {
      if (!is_memory (&ranges[i]))
        continue;
      part = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X, .p_offset = at, .p_paddr = ranges[i].start,
        .p_filesz = ranges[i].size, .p_memsz = ranges[i].size, .p_align = PAGE,
      };
      g_byte_array_append (head, (const guint8 *)&part, sizeof part);
      at += ranges[i].size;
    }
  g_byte_array_append (head, self->notes->data, self->notes->len);
  while (head->len < offset)
    g_byte_array_append (head, (const guint8 *)"", 1);

  write_all (self, head->data, head->len);
  for (gsize i = 0; i < n_ranges; i++)
    for (guint64 at = 0; is_memory (&ranges[i]) && at < ranges[i].size; at += MAX_WRITE)
      {
        guint64 size = MIN (ranges[i].size - at, MAX_WRITE);

        if (!write_all (self, ranges[i].host + at, size))
          return;
        __atomic_fetch_add (&self->completed, size, __ATOMIC_RELAXED);
      }
}

/* In the main thread */
static gboolean
finish (gpointer data)
{
  Dump *self = data;
  GError *error = NULL;

  g_thread_join (self->thread);
  if (close (self->fd) < 0 && self->result == 0)
    self->result = errno;
  if (self->result != 0)
    error = g_error_new (G_IO_ERROR, g_io_error_from_errno (self->result), "dump: %s", g_strerror (self->result));
  if (self->was_running && sv_machine_get_run_state (self->machine) == SV_RUN_STATE_PAUSED)
    sv_machine_start (self->machine, error == NULL ? &error : NULL);
  g_clear_pointer (&self->notes, g_byte_array_unref);
  self->status = error == NULL ? SV_GUEST_DUMP_COMPLETED : SV_GUEST_DUMP_FAILED;
  self->func (error, self->user_data);
  /* It may take this with it. */
  g_object_unref (self->machine);
  return G_SOURCE_REMOVE;
}

static guint64
count_bytes (SvMachine *machine)
{
  SvAddressSpace *memory = sv_machine_get_memory (machine);
  guint64 total = 0;
  gsize n_ranges;
  const SvFlatRange *ranges = sv_flat_view_get_ranges (sv_address_space_enter (memory), &n_ranges);

  for (gsize i = 0; i < n_ranges; i++)
    total += is_memory (&ranges[i]) ? ranges[i].size : 0;
  sv_address_space_leave (memory);
  return total;
}

static gpointer
run (gpointer data)
{
  Dump *self = data;
  SvAddressSpace *memory = sv_machine_get_memory (self->machine);
  gsize n_ranges;
  const SvFlatRange *ranges = sv_flat_view_get_ranges (sv_address_space_enter (memory), &n_ranges);

  write_file (self, ranges, n_ranges);
  sv_address_space_leave (memory);
  g_idle_add (finish, self);
  return NULL;
}

static gboolean
check_can_start (SvMachine *machine, GError **error)
{
  if (sv_guest_dump_get_progress (machine).status == SV_GUEST_DUMP_ACTIVE)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "there is a dump in process");
      return FALSE;
    }
  if (sv_machine_get_run_state (machine) == SV_RUN_STATE_INMIGRATE)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Dump not allowed during incoming migration.");
      return FALSE;
    }
  return sv_machine_check_hold (machine, error);
}

/**
 * sv_guest_dump_start: (skip)
 * @machine: a machine
 * @fd: (transfer full): what to write to
 * @func: called when all is written
 * @user_data: passed to @func
 * @error: return location for an error
 *
 * Writes memory and registers as a core file in ELF format, in a thread of its own; the guest is paused meanwhile.
 *
 * Returns: %FALSE when another one is not done yet, or the machine is being saved
 */
gboolean
sv_guest_dump_start (SvMachine *machine, int fd, SvGuestDumpFunc func, gpointer user_data, GError **error)
{
  Dump *self;

  if (!check_can_start (machine, error))
    {
      close (fd);
      return FALSE;
    }
  self = g_new0 (Dump, 1);
  *self = (Dump){ .machine = g_object_ref (machine), .status = SV_GUEST_DUMP_ACTIVE, .fd = fd, .func = func,
                  .user_data = user_data };
  g_object_set_data_full (G_OBJECT (machine), KEY, self, g_free);
  self->notes = g_byte_array_new ();
  self->was_running = sv_machine_is_running (machine);
  sv_machine_stop (machine, SV_RUN_STATE_PAUSED);
  self->total = count_bytes (machine);
  for (guint i = 0; i < sv_machine_get_max_cpus (machine); i++)
    {
      SvDevice *cpu = sv_machine_get_cpu (machine, i);

      if (cpu != NULL)
        sv_vcpu_append_notes (sv_cpu_get_vcpu (SV_CPU (cpu)), self->notes);
    }
  self->thread = g_thread_new ("dump", run, self);
  return TRUE;
}

/**
 * sv_guest_dump_get_progress: (skip)
 * @machine: a machine
 *
 * Returns: how its last dump is doing
 */
SvGuestDumpProgress
sv_guest_dump_get_progress (SvMachine *machine)
{
  Dump *dump = g_object_get_data (G_OBJECT (machine), KEY);

  if (dump == NULL)
    return (SvGuestDumpProgress){ 0 };
  return (SvGuestDumpProgress){ dump->status, __atomic_load_n (&dump->completed, __ATOMIC_RELAXED), dump->total };
}
