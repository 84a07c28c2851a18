// SPDX-License-Identifier: GPL-2.0-or-later
// What a client may send to the admin socket, in both dialects. Beyond not crashing: every request
// that is accepted has checked params, every rejected one can be answered, and a request in tgt's
// dialect survives being written again.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "ipc/admin/legacy.h"
#include "ipc/admin/protocol.h"

namespace {

using namespace tgt::ipc;

void require(bool fine) {
    if (!fine) std::abort();
}

void json_dialect(std::string_view bytes) {
    const Incoming incoming = parse_request_line(bytes);
    require(!incoming.entries.empty());
    for (const Entry& entry : incoming.entries) {
        const std::string& id = entry.request.id;
        if (entry.error) {
            const auto reply = parse_reply_line(error_reply(id, entry.error, entry.reason));
            require(reply && reply->code == entry.error);
            continue;
        }
        require(entry.request.params && !check_params(*entry.request.params));
        require(parse_reply_line(result_reply(id, *entry.request.params)).has_value());
    }
}

void legacy_dialect(std::string_view bytes) {
    const auto size = legacy::text_size(bytes);
    if (!size || bytes.size() - legacy::header_size < *size) return;
    const auto request = legacy::decode_request(bytes.substr(0, legacy::header_size),
                                                bytes.substr(legacy::header_size, *size));
    if (!request) return;
    const auto again = legacy::encode_request(request->method, *request->params);
    if (!again) return;
    const auto second =
        legacy::decode_request(std::string_view(*again).substr(0, legacy::header_size),
                               std::string_view(*again).substr(legacy::header_size));
    require(second && second->method == request->method);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(static_cast<const char*>(static_cast<const void*>(data)), size);
    json_dialect(bytes);
    legacy_dialect(bytes);
    return 0;
}
