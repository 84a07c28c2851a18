// SPDX-License-Identifier: GPL-2.0-or-later
// Headers of libraries that many files include; see the Makefile. Files still include what they
// use. Guards, since g++ warns of the pragma in what it precompiles.
#ifndef TGT_PCH_COMMON_H
#define TGT_PCH_COMMON_H

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#endif
