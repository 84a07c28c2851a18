// SPDX-License-Identifier: GPL-2.0-or-later
// PDU receive from hostile bytes. The first byte chooses digests and limits, the second how the
// bytes are cut into receives, the third what the owner does with data; the rest is the stream.
// Target memory is allocated to the byte, so that the sanitizer sees every overrun.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "driver/iscsi/pdu_receiver.h"

using namespace tgt;
using namespace tgt::iscsi;

namespace {

struct Owner {
    PduReceiver receiver{PduReceiver::min_scratch};
    uint8_t choice = 0;
    unsigned pdus = 0;
    volatile unsigned seen = 0;  // makes the reads happen
    std::unique_ptr<uint8_t[]> memory;
    std::vector<iovec> segments;

    void place() {
        const uint32_t length = receiver.data_length();
        const unsigned what = (choice + pdus) % 4;
        if (what == 1 || (what == 0 && !receiver.fits_scratch())) receiver.discard_data();
        if (what < 2) return;
        memory.reset(new uint8_t[length]);
        segments.clear();
        const uint32_t step = what == 2 ? std::max(length, 1u) : 97;
        for (uint32_t at = 0; at < length; at += step)
            segments.push_back({memory.get() + at, std::min(step, length - at)});
        receiver.set_data_target(segments);
    }
    void finish() {
        ++pdus;
        unsigned sum = receiver.data_digest_ok();
        for (uint8_t byte : receiver.data()) sum += byte;
        for (uint8_t byte : receiver.ahs()) sum += byte;
        if (const auto fields = wire::decode_ahs(receiver.ahs()))
            for (uint8_t byte : fields->extended_cdb) sum += byte;
        seen = seen + sum;
    }
    bool drain() {
        for (;;) {
            switch (receiver.next()) {
                case PduEvent::none:
                    return true;
                case PduEvent::error:
                    return false;
                case PduEvent::header:
                    place();
                    break;
                case PduEvent::pdu:
                    finish();
                    break;
            }
        }
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    Owner owner;
    owner.receiver.set_digests((data[0] & 1) != 0, (data[0] & 2) != 0);
    owner.receiver.set_limits({(data[0] & 4) != 0 ? 65536u : 8192u,
                               (data[0] & 8) != 0 ? 256u : uint32_t{wire::max_ahs_size}});
    const size_t piece = data[1] == 0 ? size : data[1];
    owner.choice = data[2];
    data += 3;
    size -= 3;
    while (size != 0) {
        iovec iov[4];
        const size_t count = owner.receiver.want(iov);
        if (count == 0) abort();  // the stream would stand still
        size_t got = 0;
        size_t left = std::min(piece, size);
        for (size_t i = 0; i < count && left != 0; ++i) {
            const size_t part = std::min(left, iov[i].iov_len);
            std::memcpy(iov[i].iov_base, data + got, part);
            got += part;
            left -= part;
        }
        if (got == 0) abort();
        owner.receiver.advance(got);
        if (!owner.drain()) return 0;
        if (piece % 16 == 15 && owner.receiver.receiving_data()) {
            owner.receiver.abandon_data();
            owner.memory.reset();
        }
        data += got;
        size -= got;
    }
    return 0;
}
