/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

/**
 * SV_API:
 *
 * Marks a function as part of libstratovirt's public interface. The library is built with hidden
 * visibility; what does not carry this mark is not exported.
 */
#define SV_API __attribute__ ((visibility ("default")))

/**
 * SV_PUBLIC:
 *
 * As %SV_API, for functions that other languages see, too: src/gir finds them by this mark.
 */
#define SV_PUBLIC SV_API
