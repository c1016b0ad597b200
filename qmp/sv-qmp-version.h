/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The version of QEMU whose protocol this is, as StratoVirt says it, and this program's own. */
#define SV_QMP_VERSION_JSON                                                                        \
  "{\"qemu\":{\"micro\":1,\"minor\":0,\"major\":5},\"package\":\"stratovirt-" SV_VERSION "\"}"
