// SPDX-License-Identifier: GPL-2.0-or-later
// A datagram of netlink. What is believed of it must survive being written again, and being shown.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "ipc/netlink/record.h"
#include "tgtadm/host_text.h"

namespace {

using namespace tgt;

constexpr uint16_t family = 0x21;

void require(bool fine) {
    if (!fine) std::abort();
}

void look_at(const ipc::NetlinkRecord& record) {
    const auto again = ipc::decode_netlink(ipc::encode_netlink(family, 7, false, record), family);
    require(again.size() == 1 && again[0].record == record && again[0].sequence == 7);
    using Json = nlohmann::json;
    const auto handle = Json::error_handler_t::replace;
    require(!tgtadm::event_json(record).dump(-1, ' ', false, handle).empty());
    require(!tgtadm::host_json({record, {record}, {record}}).dump(-1, ' ', false, handle).empty());
    const std::string line = tgtadm::event_text(record);
    require(line.find('\n') == std::string::npos);
    require(!tgtadm::host_text({record, {record}, {record}}).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    for (const auto& incoming : ipc::decode_netlink({data, size}, family)) {
        if (incoming.kind == ipc::NetlinkIncoming::Kind::record) look_at(incoming.record);
        require(incoming.failure.code >= 0 && incoming.failure.code < 4096);
    }
    return 0;
}
