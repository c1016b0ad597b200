/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-x86-boot.h"

#include <string.h>

#include "hw/x86/sv-boot-image.h"
#include "hw/x86/sv-x86-boot-params.h"
#include "hw/x86/sv-x86-layout.h"

#define PAGE 4096u
#define E820_RAM 1u

#define HEX "0x%" G_GINT64_MODIFIER "x"

struct _SvX86Boot
{
  GObject parent_instance;

  SvBootFile *kernel;
  SvBootFile *initrd;
  SvBootImage image;
  gboolean zeroed;
};

G_DEFINE_FINAL_TYPE (SvX86Boot, sv_x86_boot, G_TYPE_OBJECT)

static void
sv_x86_boot_finalize (GObject *object)
{
  SvX86Boot *self = SV_X86_BOOT (object);

  g_clear_pointer (&self->kernel, sv_boot_file_free);
  g_clear_pointer (&self->initrd, sv_boot_file_free);

  G_OBJECT_CLASS (sv_x86_boot_parent_class)->finalize (object);
}

static void
sv_x86_boot_class_init (SvX86BootClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_x86_boot_finalize;
}

static void
sv_x86_boot_init (SvX86Boot *self)
{
}

/**
 * sv_x86_boot_new:
 * @scope: (nullable): an object of the tree that descriptor sets belong to
 * @kernel: path of a bzImage, an ELF file or a raw kernel
 * @initrd: (nullable): path of an initial RAM disk
 *
 * Opens and recognises what is to be booted.
 *
 * Returns: (transfer full): a new object, or %NULL with @error set
 */
SvX86Boot *
sv_x86_boot_new (SvObject *scope, const char *kernel, const char *initrd, GError **error)
{
  g_autoptr (SvX86Boot) self = g_object_new (SV_TYPE_X86_BOOT, NULL);

  self->kernel = sv_boot_file_open (scope, kernel, error);
  if (self->kernel == NULL)
    {
      g_prefix_error (error, "kernel ");
      return NULL;
    }
  if (!sv_boot_image_parse (&self->image, self->kernel, error))
    {
      g_prefix_error (error, "kernel ");
      return NULL;
    }
  if (initrd == NULL)
    return g_steal_pointer (&self);

  self->initrd = sv_boot_file_open (scope, initrd, error);
  if (self->initrd == NULL)
    {
      g_prefix_error (error, "initrd ");
      return NULL;
    }
  return g_steal_pointer (&self);
}

/**
 * sv_x86_boot_assume_zeroed:
 *
 * Spares the next load to clear memory; see the header.
 */
void
sv_x86_boot_assume_zeroed (SvX86Boot *self)
{
  g_return_if_fail (SV_IS_X86_BOOT (self));

  self->zeroed = TRUE;
}

static gboolean
check_cmdline (SvX86Boot *self, gsize length, GError **error)
{
  const guint64 max = self->image.cmdline_max;

  if (length >= SV_X86_CMDLINE_MAX)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_CMDLINE,
                   "kernel command line: %" G_GSIZE_FORMAT " bytes; at most %u fit", length,
                   SV_X86_CMDLINE_MAX - 1);
      return FALSE;
    }
  if (max > 0 && length > max)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_CMDLINE,
                   "kernel command line: %" G_GSIZE_FORMAT
                   " bytes; %s takes at most %" G_GUINT64_FORMAT,
                   length, self->kernel->path, max);
      return FALSE;
    }
  return TRUE;
}

/* Whether the map calls the whole range RAM; entries may adjoin. */
static gboolean
is_ram (const SvE820Entry *e820, gsize n_e820, guint64 start, guint64 size)
{
  while (size > 0)
    {
      guint64 covered = 0;

      for (gsize i = 0; i < n_e820 && covered == 0; i++)
        {
          if (e820[i].type == E820_RAM && start >= e820[i].start
              && start - e820[i].start < e820[i].size)
            covered = MIN (size, e820[i].size - (start - e820[i].start));
        }
      if (covered == 0)
        return FALSE;
      start += covered;
      size -= covered;
    }
  return TRUE;
}

/* The length was checked to lie in RAM by the map; the view has the last word. */
static gboolean
clear (const SvFlatView *view, guint64 address, guint64 size)
{
  while (size > 0)
    {
      const SvFlatRange *range = sv_flat_view_lookup (view, address);
      const guint64 room = range ? range->size - (address - range->start) : 0;
      const guint64 chunk = MIN (size, room);
      gpointer host = chunk > 0 ? sv_flat_view_map (view, address, chunk, SV_MEMORY_WRITE) : NULL;

      if (host == NULL)
        return FALSE;
      memset (host, 0, chunk);
      address += chunk;
      size -= chunk;
    }
  return TRUE;
}

static gboolean
load_kernel (
    SvX86Boot *self, const SvFlatView *view, const SvE820Entry *e820, gsize n_e820, GError **error)
{
  /* All is checked before the first byte is written. */
  for (guint i = 0; i < self->image.n_segments; i++)
    {
      const SvBootSegment *segment = &self->image.segments[i];

      if (!is_ram (e820, n_e820, segment->address, segment->size))
        {
          g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY,
                       "kernel %s: needs RAM from " HEX " to " HEX
                       "; the guest has not that much memory",
                       self->kernel->path, segment->address, segment->address + segment->size - 1);
          return FALSE;
        }
    }

  for (guint i = 0; i < self->image.n_segments; i++)
    {
      const SvBootSegment *segment = &self->image.segments[i];

      if (!sv_boot_file_load (self->kernel, segment->offset, segment->file_size, view,
                              segment->address, error))
        {
          g_prefix_error (error, "kernel ");
          return FALSE;
        }
      if (self->image.zero_tail && !self->zeroed
          && !clear (view, segment->address + segment->file_size,
                     segment->size - segment->file_size))
        {
          g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY,
                       "kernel %s: the guest has no RAM at " HEX " for %" G_GUINT64_FORMAT " bytes",
                       self->kernel->path, segment->address, segment->size);
          return FALSE;
        }
    }
  return TRUE;
}

/* Highest page below @end where @size bytes touch no segment of the kernel and stay above @start;
 * 0: none */
static guint64
fit (const SvBootImage *image, guint64 start, guint64 end, guint64 size)
{
  gboolean moved;
  guint64 at;

  do
    {
      moved = FALSE;
      if (end < size)
        return 0;
      at = (end - size) & ~(guint64)(PAGE - 1);
      if (at < start)
        return 0;

      for (guint i = 0; i < image->n_segments; i++)
        {
          const SvBootSegment *segment = &image->segments[i];

          if (at < segment->address + segment->size && segment->address < at + size)
            {
              end = segment->address;
              moved = TRUE;
            }
        }
    }
  while (moved);
  return at;
}

/* Highest place between @low and @high (exclusive); 0: none */
static guint64
place (const SvBootImage *image,
       const SvE820Entry *e820,
       gsize n_e820,
       guint64 low,
       guint64 high,
       guint64 size)
{
  guint64 best = 0;

  for (gsize i = 0; i < n_e820; i++)
    {
      const guint64 start = MAX (e820[i].start, low);
      const guint64 end = MIN (e820[i].start + e820[i].size, high);

      if (e820[i].type == E820_RAM && start < end)
        best = MAX (best, fit (image, start, end, size));
    }
  return best;
}

static gboolean
load_initrd (SvX86Boot *self, const SvFlatView *view, SvX86BootInfo *info, GError **error)
{
  const SvBootImage *image = &self->image;

  if (self->initrd == NULL || self->initrd->size == 0)
    return TRUE;

  info->initrd_size = self->initrd->size;
  info->initrd = place (image, info->e820, info->n_e820, SV_X86_HIGH_RAM, image->initrd_max + 1,
                        info->initrd_size);
  if (info->initrd == 0 && image->initrd_above_4g)
    info->initrd = place (image, info->e820, info->n_e820, SV_X86_RAM_ABOVE_4G, G_MAXUINT64,
                          info->initrd_size);
  if (info->initrd == 0)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY,
                   "initrd %s: %" G_GUINT64_FORMAT
                   " bytes do not fit beside the kernel; the guest needs more memory",
                   self->initrd->path, info->initrd_size);
      return FALSE;
    }
  if (!sv_boot_file_load (self->initrd, 0, info->initrd_size, view, info->initrd, error))
    {
      g_prefix_error (error, "initrd ");
      return FALSE;
    }
  return TRUE;
}

static gboolean
write_tables (SvX86Boot *self,
              const SvFlatView *view,
              const SvX86BootInfo *info,
              SvX86Entry *entry,
              GError **error)
{
  const gsize cmdline_size = strlen (info->cmdline) + 1;
  gpointer cmdline = sv_flat_view_map (view, SV_X86_CMDLINE, cmdline_size, SV_MEMORY_WRITE);
  gboolean done
      = cmdline != NULL && sv_x86_write_gdt (view, entry) && sv_x86_write_reset_code (view);

  if (done)
    memcpy (cmdline, info->cmdline, cmdline_size);

  entry->mode = self->image.mode;
  entry->rip = self->image.entry;
  if (entry->mode == SV_X86_ENTRY_PROTECTED_MODE)
    {
      entry->rbx = SV_X86_PVH_START_INFO;
      done = done && sv_x86_write_pvh_start_info (view, info);
    }
  else
    {
      entry->rsi = SV_X86_ZERO_PAGE;
      entry->rsp = SV_X86_BOOT_STACK;
      entry->cr3 = SV_X86_PAGE_TABLES;
      done = done && sv_x86_write_boot_params (view, &self->image, info)
             && sv_x86_write_page_tables (view);
    }

  if (!done)
    g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY,
                 "kernel %s: the guest has no RAM in the first MiB for boot data",
                 self->kernel->path);
  return done;
}

static gboolean
check_e820 (const SvE820Entry *e820, gsize n_e820, GError **error)
{
  if (n_e820 > SV_X86_E820_MAX)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY,
                   "memory map of %" G_GSIZE_FORMAT " ranges; at most %u fit", n_e820,
                   SV_X86_E820_MAX);
      return FALSE;
    }
  for (gsize i = 0; i < n_e820; i++)
    {
      if (e820[i].size > G_MAXUINT64 - e820[i].start)
        {
          g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY,
                       "memory map: the range at " HEX " runs past the end of memory",
                       e820[i].start);
          return FALSE;
        }
    }
  return TRUE;
}

/**
 * sv_x86_boot_load:
 * @memory: guest memory
 * @cmdline: (nullable): kernel command line
 * @e820: (array length=n_e820): memory map for the guest; what it calls RAM must be RAM
 * @rsdp: address of the ACPI root pointer, 0 without
 * @entry: (out caller-allocates): where and how the boot processor starts
 *
 * Puts everything into guest memory. The VM is stopped.
 *
 * Returns: whether all of it went well; if not, guest memory is in no defined state
 */
gboolean
sv_x86_boot_load (SvX86Boot *self,
                  SvAddressSpace *memory,
                  const char *cmdline,
                  const SvE820Entry *e820,
                  gsize n_e820,
                  guint64 rsdp,
                  SvX86Entry *entry,
                  GError **error)
{
  SvX86BootInfo info = {
    .cmdline = cmdline ? cmdline : "",
    .rsdp = rsdp,
    .e820 = e820,
    .n_e820 = n_e820,
  };
  const SvFlatView *view;
  gboolean done;

  g_return_val_if_fail (SV_IS_X86_BOOT (self), FALSE);

  if (!check_cmdline (self, strlen (info.cmdline), error) || !check_e820 (e820, n_e820, error))
    return FALSE;

  memset (entry, 0, sizeof *entry);
  info.kernel = self->image.segments[0].address;
  view = sv_address_space_enter (memory);
  done = load_kernel (self, view, e820, n_e820, error) && load_initrd (self, view, &info, error)
         && write_tables (self, view, &info, entry, error);
  sv_address_space_leave (memory);
  self->zeroed = FALSE;
  return done;
}
