// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sg/sg.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "store/sgio/delivery.h"
#include "store/sgio/scsi_store.h"

namespace tgt::store {

namespace sg {

namespace {

constexpr size_t sense_bytes = 252;  // SPC-5 4.4.1; the kernel keeps fewer
constexpr size_t max_cdb = UINT8_MAX;
// The oldest first; the driver's default is the newest. glibc's header does not have it.
constexpr unsigned queue_at_tail = 0x10;

int run(int fd, const ScsiRequest& request, uint32_t timeout_ms, ScsiReply& reply) {
    if (request.cdb.size() > max_cdb) return EINVAL;
    Call call;
    prepare(call, request, timeout_ms);
    if (ioctl(fd, SG_IO, &call.header) != 0) return errno;
    reply = reply_of(call);
    return 0;
}

// What the block layer gives to one request without being asked for more.
uint64_t most_bytes(int fd) {
    int bytes = 0;  // sg counts bytes here, other drivers sectors
    return ioctl(fd, BLKSECTGET, &bytes) == 0 && bytes > 0 ? uint64_t(bytes) : SG_BIG_BUFF;
}

// The driver has a buffer for each descriptor that it does not clear between commands, and not
// every device says how much of it is its answer: initiators would get what others have read. A
// command whose end is never asked for keeps that buffer until the descriptor is closed; the driver
// then takes clean memory for each of ours. (SG_DXFER_TO_FROM_DEV, which would clear it, fails in
// Linux 6.1.) Without it all works as well, but for that.
void occupy_uncleared_buffer(int fd) {
    constexpr uint8_t bytes = 36;
    std::array<uint8_t, 6> inquiry{0x12, 0, 0, 0, bytes, 0};  // it changes nothing
    sg_io_hdr header = {};
    header.interface_id = 'S';
    header.dxfer_direction = SG_DXFER_FROM_DEV;
    header.cmd_len = uint8_t(inquiry.size());
    header.cmdp = inquiry.data();
    header.dxfer_len = bytes;
    header.flags = SG_FLAG_NO_DXFER;
    header.timeout = 30000;
    if (write(fd, &header, sizeof(header)) != ssize_t(sizeof(header)))
        log::debug(log::Module::store, "sg keeps its uncleared buffer: {}", strerror(errno));
}

constexpr sgio::Dialect dialect = {
    .driver = {.subsystem = "scsi_generic", .node = "/dev/sgN", .engine = "sg"},
    .run = run,
    .most_bytes = most_bytes,
    .opened = occupy_uncleared_buffer,
};

}  // namespace

void prepare(Call& call, const ScsiRequest& request, uint32_t timeout_ms) {
    const auto& pieces = request.in.empty() ? request.out : request.in;
    call.cdb.assign(request.cdb.begin(), request.cdb.end());
    call.pieces.assign(pieces.begin(), pieces.end());
    call.sense.resize(sense_bytes);
    call.header = {};
    call.header.interface_id = 'S';
    call.header.dxfer_direction = SG_DXFER_NONE;
    if (!request.in.empty()) call.header.dxfer_direction = SG_DXFER_FROM_DEV;
    if (!request.out.empty()) call.header.dxfer_direction = SG_DXFER_TO_DEV;
    call.header.cmd_len = uint8_t(call.cdb.size());
    call.header.cmdp = call.cdb.data();
    call.header.mx_sb_len = sense_bytes;
    call.header.sbp = call.sense.data();
    call.header.iovec_count = uint16_t(call.pieces.size());
    call.header.dxferp = call.pieces.data();
    call.header.dxfer_len = unsigned(request.length);
    if (call.pieces.size() == 1) {
        call.header.iovec_count = 0;
        call.header.dxferp = call.pieces[0].iov_base;
    }
    call.header.timeout = timeout_ms;
    call.header.flags = queue_at_tail;
}

ScsiReply reply_of(const Call& call) {
    const sg_io_hdr& header = call.header;
    ScsiReply reply;
    reply.delivery = sgio::delivery_of(header.status, header.host_status, header.driver_status);
    reply.status = header.status;
    reply.residual = header.resid;
    const size_t length = std::min<size_t>(header.sb_len_wr, call.sense.size());
    reply.sense.assign(call.sense.begin(), call.sense.begin() + ptrdiff_t(length));
    return reply;
}

}  // namespace sg

const Engine sg_engine = {
    .name = "sg",
    .flags = "",
    .needs_path = true,
    .open = [](const OpenRequest& request) { return sgio::ScsiStore::open(request, sg::dialect); },
    .content = Content::commands,
};

}  // namespace tgt::store
