// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-admin/scsi_identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace tgt::tgt_admin {
namespace {

constexpr unsigned timeout_ms = 20000;
constexpr size_t answer_size = 252;

using Bytes = std::vector<uint8_t>;

// The answer, cut to what came; nothing when the device refuses the command.
Result<Bytes> ask(int fd, std::vector<uint8_t> cdb) {
    Bytes data(answer_size);
    std::array<uint8_t, 32> sense{};
    sg_io_hdr_t request{};
    request.interface_id = 'S';
    request.dxfer_direction = SG_DXFER_FROM_DEV;
    request.cmd_len = static_cast<unsigned char>(cdb.size());
    request.cmdp = cdb.data();
    request.dxferp = data.data();
    request.dxfer_len = static_cast<unsigned>(data.size());
    request.sbp = sense.data();
    request.mx_sb_len = sense.size();
    request.timeout = timeout_ms;
    if (ioctl(fd, SG_IO, &request) != 0) return fail(errno, std::strerror(errno));
    if (request.status != 0 || request.host_status != 0)
        return fail(EIO, fmt::format("status {:02x}h, host status {:02x}h", request.status,
                                     request.host_status));
    const auto missing = std::clamp<ptrdiff_t>(request.resid, 0, answer_size);
    return Bytes(data.begin(), data.end() - missing);
}

Bytes ask_if_it_can(int fd, std::vector<uint8_t> cdb) {
    auto answer = ask(fd, std::move(cdb));
    return answer ? std::move(*answer) : Bytes();
}

// SPC-5 6.7.2
std::vector<uint8_t> inquiry(std::optional<uint8_t> page = {}) {
    return {0x12, uint8_t(page ? 1 : 0), page.value_or(0), 0, answer_size, 0};
}

// SBC-4 5.21.2: the allocation length is at byte 10.
std::vector<uint8_t> read_capacity() {
    std::vector<uint8_t> cdb(16);
    cdb[0] = 0x9e;
    cdb[1] = 0x10;
    cdb[13] = 32;
    return cdb;
}

std::string text_at(std::span<const uint8_t> bytes, size_t at, size_t size) {
    if (bytes.size() < at + size) return "";
    std::string out(bytes.begin() + long(at), bytes.begin() + long(at + size));
    for (char& c : out)
        if (c < 0x20 || c > 0x7e) c = ' ';
    const size_t first = out.find_first_not_of(' ');
    if (first == std::string::npos) return "";
    return out.substr(first, out.find_last_not_of(' ') - first + 1);
}

uint32_t number_at(std::span<const uint8_t> bytes, size_t at, size_t size) {
    uint32_t out = 0;
    if (bytes.size() < at + size) return 0;
    for (size_t i = 0; i < size; ++i) out = out << 8 | bytes[at + i];
    return out;
}

std::string serial_from(std::span<const uint8_t> page) {
    constexpr size_t header = 4;
    if (page.size() < header || page[1] != 0x80) return "";
    return text_at(page, header, std::min<size_t>(number_at(page, 2, 2), page.size() - header));
}

}  // namespace

Identity identity_from(const DiskAnswers& answers) {
    Identity out;
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) out.parameters.emplace_back(name, value);
    };
    const auto add_number = [&](const char* name, uint32_t value) {
        if (value != 0) out.parameters.emplace_back(name, std::to_string(value));
    };
    // SPC-5 6.7.2
    add("vendor_id", text_at(answers.inquiry, 8, 8));
    add("product_id", text_at(answers.inquiry, 16, 16));
    add("product_rev", text_at(answers.inquiry, 32, 4));
    add("scsi_sn", serial_from(answers.serial));
    // SBC-4 6.6.4
    if (answers.limits.size() > 1 && answers.limits[1] == 0xb0) {
        add_number("optimal_xfer_gran", number_at(answers.limits, 6, 2));
        add_number("optimal_xfer_len", number_at(answers.limits, 12, 4));
    }
    // SBC-4 5.21.2
    if (const uint32_t size = number_at(answers.capacity, 8, 4)) {
        out.block_size = std::to_string(size);
        add_number("lbppbe", number_at(answers.capacity, 13, 1) & 0x0f);
        add_number("la_lba", number_at(answers.capacity, 14, 2) & 0x3fff);
    }
    return out;
}

Result<Identity> scsi_identity(const std::string& path) {
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return fail(errno, std::strerror(errno));
    const auto standard = ask(fd.get(), inquiry());
    if (!standard) return tl::unexpected(standard.error());
    const Bytes serial = ask_if_it_can(fd.get(), inquiry(0x80));
    const Bytes limits = ask_if_it_can(fd.get(), inquiry(0xb0));
    const Bytes capacity = ask_if_it_can(fd.get(), read_capacity());
    return identity_from({*standard, serial, limits, capacity});
}

}  // namespace tgt::tgt_admin
