/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into the VMM: the guest's processor is in VMX operation as soon as the file NESTED_STATE is there. */

#define _GNU_SOURCE
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int
ioctl (int fd, unsigned long request, ...)
{
  const char *path = getenv ("NESTED_STATE");
  struct kvm_nested_state *state;
  struct stat st;
  va_list args;
  void *argument;

  va_start (args, request);
  argument = va_arg (args, void *);
  va_end (args);
  if (request == KVM_CHECK_EXTENSION && argument == (void *) KVM_CAP_NESTED_STATE)
    return sizeof *state;
  if (request != KVM_GET_NESTED_STATE)
    return (int) syscall (SYS_ioctl, fd, request, argument);
  state = argument;
  state->flags = 0;
  state->format = KVM_STATE_NESTED_FORMAT_VMX;
  state->hdr.vmx.vmxon_pa = path != NULL && stat (path, &st) == 0 ? 0x1000 : -1ull;
  return 0;
}
