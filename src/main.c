/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/sv-type-list.h"

int
main (int argc, char **argv)
{
  sv_type_list_register ();
  return 0;
}
