// SPDX-License-Identifier: GPL-2.0-or-later
// The same for unit tests.
#ifndef TGT_PCH_UNIT_H
#define TGT_PCH_UNIT_H

#include <gtest/gtest.h>

#include "common.h"

#endif
