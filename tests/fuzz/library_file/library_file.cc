// SPDX-License-Identifier: GPL-2.0-or-later
// The file of a changer. What is believed must survive being written again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "store/library.h"

namespace {

void require(bool fine) {
    if (!fine) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tgt::store;
    const auto inventory = parse_inventory({reinterpret_cast<const char*>(data), size});
    if (!inventory) {
        require(!inventory.error().text.empty());
        return 0;
    }
    for (const auto& [address, element] : inventory->elements)
        if (element.cartridge) require(barcode_fault(element.cartridge->barcode).empty());
    const auto again = parse_inventory(inventory_text(*inventory));
    require(again && *again == *inventory);
    return 0;
}
