/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into the VMM: KVM has no memory for what FAIL_CPUID counts, as "01100": the second and third vCPU's CPUID. */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int
ioctl (int fd, unsigned long request, ...)
{
  static unsigned count;
  const char *fails = getenv ("FAIL_CPUID");
  va_list args;
  void *argument;

  va_start (args, request);
  argument = va_arg (args, void *);
  va_end (args);
  if (request == KVM_SET_CPUID2 && fails != NULL && count < strlen (fails) && fails[count++] == '1')
    {
      errno = ENOMEM;
      return -1;
    }
  return (int) syscall (SYS_ioctl, fd, request, argument);
}
