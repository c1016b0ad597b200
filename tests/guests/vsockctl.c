/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sockets of the guest, for the tests of vhost-vsock: `vsockctl listen PORT` takes one connection,
 * `vsockctl connect CID PORT` makes one. Either sends back what comes, to the end.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* After sys/socket.h */
#include <linux/vm_sockets.h>

static int
fail (const char *what)
{
  perror (what);
  return 1;
}

static int
echo (int fd)
{
  static char buffer[65536];
  unsigned long total = 0;
  ssize_t n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    {
      total += (unsigned long)n;
      for (ssize_t sent = 0, part; sent < n; sent += part)
        {
          part = write (fd, buffer + sent, (size_t)(n - sent));
          if (part < 0)
            return fail ("write");
        }
    }
  if (n < 0)
    return fail ("read");
  printf ("vsock echo %lu\n", total);
  return 0;
}

int
main (int argc, char **argv)
{
  int listening = argc == 3 && strcmp (argv[1], "listen") == 0;
  struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
  int fd = socket (AF_VSOCK, SOCK_STREAM, 0);

  if (!listening && (argc != 4 || strcmp (argv[1], "connect") != 0))
    {
      fprintf (stderr, "usage: vsockctl listen PORT | connect CID PORT\n");
      return 2;
    }
  if (fd < 0)
    return fail ("socket");
  address.svm_port = (unsigned)strtoul (argv[argc - 1], NULL, 10);
  if (!listening)
    {
      address.svm_cid = (unsigned)strtoul (argv[2], NULL, 10);
      if (connect (fd, (struct sockaddr *)&address, sizeof address) < 0)
        return fail ("connect");
      return echo (fd);
    }
  if (bind (fd, (struct sockaddr *)&address, sizeof address) < 0 || listen (fd, 1) < 0)
    return fail ("listen");
  printf ("vsock listening\n");
  fflush (stdout);
  fd = accept (fd, NULL, NULL);
  if (fd < 0)
    return fail ("accept");
  return echo (fd);
}
