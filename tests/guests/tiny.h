/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

void print (const char *text);
void print_number (uint64_t value);
void map_devices (void);

/* tiny-hotplug.c; they do not return */
void answer_ejects (int refuse);
void drive_disk (void);
/* tiny-fs.c; it does not return */
void use_files (void);
void reset_files (void);
