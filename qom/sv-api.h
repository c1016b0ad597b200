/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

/**
 * SV_API:
 *
 * Marks a function as part of libstratovirt's public interface. The library is built with hidden
 * visibility; what does not carry this mark is not exported and not introspected.
 */
#define SV_API __attribute__ ((visibility ("default")))
