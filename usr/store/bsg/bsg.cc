// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/bsg/bsg.h"

#include <scsi/sg.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "store/sgio/delivery.h"
#include "store/sgio/scsi_store.h"

namespace tgt::store {

namespace bsg {

namespace {

constexpr size_t sense_bytes = 252;  // SPC-5 4.4.1; the kernel keeps fewer

uint64_t address_of(const void* memory) {
    return uint64_t(uintptr_t(memory));
}

// Where the data is in one piece.
uint64_t flatten(Call& call, std::span<const iovec> pieces, uint64_t length, bool with_data) {
    if (pieces.size() == 1) return address_of(pieces[0].iov_base);
    call.flat.resize(length);
    uint64_t at = 0;
    for (const iovec& piece : pieces) {
        if (with_data) memcpy(call.flat.data() + at, piece.iov_base, piece.iov_len);
        at += piece.iov_len;
    }
    return address_of(call.flat.data());
}

int run(int fd, const ScsiRequest& request, uint32_t timeout_ms, ScsiReply& reply) {
    Call call;
    prepare(call, request, timeout_ms);
    if (ioctl(fd, SG_IO, &call.header) != 0) return errno;
    reply = reply_of(call, request);
    return 0;
}

// What the block layer gives to one request without being asked for more.
uint64_t most_bytes(int fd) {
    int bytes = 0;
    return ioctl(fd, SG_GET_RESERVED_SIZE, &bytes) == 0 && bytes > 0 ? uint64_t(bytes)
                                                                     : SG_BIG_BUFF;
}

constexpr sgio::Dialect dialect = {
    .driver = {.subsystem = "bsg", .node = "/dev/bsg/H:C:T:L", .engine = "bsg"},
    .run = run,
    .most_bytes = most_bytes,
};

}  // namespace

void prepare(Call& call, const ScsiRequest& request, uint32_t timeout_ms) {
    call.sense.resize(sense_bytes);
    sg_io_v4& header = call.header;
    header = {};
    header.guard = 'Q';
    header.protocol = BSG_PROTOCOL_SCSI;
    header.subprotocol = BSG_SUB_PROTOCOL_SCSI_CMD;
    header.request_len = uint32_t(request.cdb.size());
    header.request = address_of(request.cdb.data());
    header.max_response_len = sense_bytes;
    header.response = address_of(call.sense.data());
    // The oldest first, as with other commands.
    header.flags = BSG_FLAG_Q_AT_TAIL;
    header.timeout = timeout_ms;
    if (!request.in.empty()) {
        header.din_xfer_len = uint32_t(request.length);
        header.din_xferp = flatten(call, request.in, request.length, false);
    } else if (!request.out.empty()) {
        header.dout_xfer_len = uint32_t(request.length);
        header.dout_xferp = flatten(call, request.out, request.length, true);
    }
}

ScsiReply reply_of(const Call& call, const ScsiRequest& request) {
    const sg_io_v4& header = call.header;
    uint64_t at = 0;
    for (const iovec& piece : request.in) {
        if (call.flat.empty()) break;
        memcpy(piece.iov_base, call.flat.data() + at, piece.iov_len);
        at += piece.iov_len;
    }
    ScsiReply reply;
    reply.delivery =
        sgio::delivery_of(header.device_status, header.transport_status, header.driver_status);
    reply.status = uint8_t(header.device_status);
    reply.residual = request.out.empty() ? header.din_resid : header.dout_resid;
    const size_t length = std::min<size_t>(header.response_len, call.sense.size());
    reply.sense.assign(call.sense.begin(), call.sense.begin() + ptrdiff_t(length));
    return reply;
}

}  // namespace bsg

const Engine bsg_engine = {
    .name = "bsg",
    .flags = "",
    .needs_path = true,
    .open = [](const OpenRequest& request) { return sgio::ScsiStore::open(request, bsg::dialect); },
    .content = Content::commands,
};

}  // namespace tgt::store
