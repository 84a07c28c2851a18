// SPDX-License-Identifier: GPL-2.0-or-later
// tgt's own dialect of the admin socket: one request per connection, a fixed 120-byte header in the
// host's byte order, comma separated text, then an 8-byte header and text back. Both directions are
// here: the client drives an old tgtd with it, the daemon serves an old tgtadm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/admin/protocol.h"

namespace tgt::ipc::legacy {

inline constexpr size_t header_size = 120;
inline constexpr size_t reply_header_size = 8;
inline constexpr size_t max_text = 8192;  // a longer request text is refused by closing the socket

// True when the first byte of a connection begins a binary header: the modes are 0 to 7, and JSON
// begins with a blank, '{' or '['.
inline constexpr bool is_legacy_first_byte(unsigned char byte) {
    return byte < 8;
}

// Header and text for a request. Fails with EINVAL when a value cannot be carried (a comma in a
// value, an unknown method, a text that is too long).
Result<std::string> encode_request(std::string_view method, const nlohmann::json& params);

// Bytes of text that follow a header, or EMSGSIZE/EPROTO: then the connection is to be closed.
Result<size_t> text_size(std::string_view header);

// The request as JSON-RPC would have carried it; `id` is empty. `header` is 120 bytes, `text` has
// the size that text_size() gave. Fails with EINVAL for an unknown mode or operation.
Result<Request> decode_request(std::string_view header, std::string_view text);

// Reply header and text with its terminating NUL (a header alone when there is no text).
std::string encode_reply(uint32_t code, std::string_view text);

struct ReplyHeader {
    uint32_t code = 0;
    uint32_t text_size = 0;
};
// Fails with EPROTO when the length is impossible. `bytes` is 8 bytes.
Result<ReplyHeader> decode_reply_header(std::string_view bytes);

}  // namespace tgt::ipc::legacy
