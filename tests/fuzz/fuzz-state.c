/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A snapshot by somebody who knows how to make its checksum. Input: a byte that says which machine, then steps of 4 bytes
 * each: where in the machine's own state (24 bits), and what is flipped there. What is taken is run for a moment.
 */

#include <string.h>

#include "hw/core/sv-machine-private.h"
#include "hw/migration/sv-machine-state.h"
#include "src/cli/sv-cli.h"
#include "src/cli/sv-vm-builder.h"
#include "src/migration/sv-state-file.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"

#define MAX_STEPS 64u

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static const char *const lines[] = {
  "-accel qtest -machine microvm -S -smp 2,maxcpus=4 -chardev null,id=c0 -serial chardev:c0 -chardev null,id=c1 "
  "-device virtio-serial-device,id=vs -device virtserialport,chardev=c1,bus=vs.0 "
  "-device virtio-balloon-device",
  "-accel qtest -machine q35 -S -smp 2,maxcpus=4 -chardev null,id=c0 -serial chardev:c0 -chardev null,id=c1 "
  "-device pcie-root-port,id=rp0,chassis=1 -device pcie-root-port,id=rp1,chassis=2 -device pvpanic-pci "
  "-device virtio-serial-pci,id=vs,bus=rp0 -device virtserialport,chardev=c1,bus=vs.0 "
  "-device virtio-balloon-pci",
};

typedef struct
{
  SvVm *vm;
  GVariant *state;
} Machine;

static SvVm *
build (const char *line)
{
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) arguments = g_strsplit (line, " ", -1);
  g_autofree char *answer = NULL;
  SvVm *vm = NULL;

  if (sv_cli_parse (config, (const char *const *)arguments, &answer, &error))
    vm = sv_vm_build (config, &error);
  g_assert_no_error (error);
  return vm;
}

static Machine *
get_machine (guint n)
{
  static Machine machines[G_N_ELEMENTS (lines)];
  Machine *self = &machines[n];
  g_autoptr (GError) error = NULL;

  if (self->vm != NULL)
    return self;
  sv_type_list_register ();
  sv_vm_lock ();
  self->vm = build (lines[n]);
  g_assert_true (sv_machine_start (self->vm->machine, &error));
  sv_machine_stop (self->vm->machine, SV_RUN_STATE_PAUSED);
  self->state = sv_machine_state_dup (self->vm->machine, "fuzz", &error);
  g_assert_no_error (error);
  sv_vm_unlock ();
  return self;
}

/* As the file would be. */
static GBytes *
damage (GVariant *state, const guint8 *steps, gsize n_steps)
{
  gsize size = g_variant_get_size (state);
  guint8 *bytes = g_memdup2 (g_variant_get_data (state), size);
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GVariant) damaged = NULL;

  for (gsize i = 0; i < n_steps; i++, steps += 4)
    bytes[(steps[0] | (gsize)steps[1] << 8 | (gsize)steps[2] << 16) % size] ^= steps[3];
  payload = g_bytes_new_take (bytes, size);
  damaged = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (SV_STATE_TYPE), payload, FALSE));
  return sv_state_pack (damaged);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Machine *self = get_machine (size > 0 ? data[0] % G_N_ELEMENTS (lines) : 0);
  g_autoptr (GBytes) bytes = damage (self->state, size > 0 ? data + 1 : NULL, MIN ((size - MIN (size, 1)) / 4, MAX_STEPS));
  SvMachine *machine = self->vm->machine;
  g_autoptr (GVariant) state = NULL;

  sv_vm_lock ();
  state = sv_state_unpack (bytes, NULL);
  if (state != NULL && sv_machine_state_fits (machine, state, NULL) && sv_machine_state_load (machine, state, TRUE, NULL)
      && sv_machine_start (machine, NULL))
    sv_machine_stop (machine, SV_RUN_STATE_PAUSED);
  /* Whatever is left: what was taken away is asked for again by the next one. */
  sv_machine_set_run_state (machine, SV_RUN_STATE_PAUSED);
  sv_machine_state_load (machine, self->state, FALSE, NULL);
  sv_vm_unlock ();
  return 0;
}
