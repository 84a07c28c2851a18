// SPDX-License-Identifier: GPL-2.0-or-later
// A row of the saved state: the key, a newline, the value. What is believed must survive being
// written again.
#include <cstdint>
#include <cstdlib>

#include "mgmt/state_rows.h"

namespace {

using namespace tgt;

void require(bool fine) {
    if (!fine) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const size_t end = text.find('\n');
    if (end == std::string::npos) return 0;
    const auto object = mgmt::decode_row({text.substr(0, end), text.substr(end + 1)});
    if (!object) {
        require(!object.error().text.empty());
        return 0;
    }
    const mgmt::StateRow row = mgmt::encode_row(*object);
    const auto again = mgmt::decode_row(row);
    require(again && *again == *object);
    require(mgmt::encode_row(*again) == row);
    require(row.key == text.substr(0, end));
    return 0;
}
