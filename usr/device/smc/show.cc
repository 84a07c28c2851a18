// SPDX-License-Identifier: GPL-2.0-or-later
// What a library holds, for `tgtadm --json --op show`.
#include <nlohmann/json.hpp>

#include "device/smc/model.h"

namespace tgt::smc {

namespace {

using Json = nlohmann::ordered_json;

Json show_element(uint16_t address, const store::Element& element) {
    Json out{{"address", address}, {"kind", store::element_word(element.kind)}};
    Json barcode, tag;
    if (element.cartridge) barcode = element.cartridge->barcode;
    if (element.cartridge && !element.cartridge->volume_tag.empty())
        tag = element.cartridge->volume_tag;
    out["barcode"] = barcode;
    if (!tag.is_null()) out["volume_tag"] = tag;
    if (element.cartridge && element.cartridge->source) out["source"] = *element.cartridge->source;
    if (element.drive) out["drive"] = {{"tid", element.drive->tid}, {"lun", element.drive->lun}};
    return out;
}

}  // namespace

std::string Changer::shown() const {
    const auto inventory = std::atomic_load_explicit(&published_, std::memory_order_acquire);
    Json elements = Json::array();
    for (const auto& [address, element] : inventory->elements)
        elements.push_back(show_element(address, element));
    const Json whole{{"media_home", inventory->media_home}, {"elements", elements}};
    return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tgt::smc
