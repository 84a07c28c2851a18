// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/lun_identity.h"

#include <fmt/core.h>
#include <nettle/sha2.h>

#include <array>
#include <vector>

namespace tgt::mgmt {

namespace {

constexpr std::string_view vendor_field = "IET     ";  // T10 vendor identification, 8 bytes

void feed(sha256_ctx& hash, std::string_view text) {
    std::vector<uint8_t> bytes(text.begin(), text.end());
    bytes.push_back(0);  // so that "ab" + "c" is not "a" + "bc"
    sha256_update(&hash, bytes.size(), bytes.data());
}

}  // namespace

scsi::LunIdentity default_identity(int tid, uint64_t lun) {
    scsi::LunIdentity out;
    out.scsi_id = fmt::format("{}{:04x}{:04x}", vendor_field, tid, lun);
    out.scsi_sn = fmt::format("beaf{}{}", tid, lun);
    return out;
}

scsi::LunIdentity unique_identity(std::string_view machine_id, std::string_view what) {
    sha256_ctx hash;
    sha256_init(&hash);
    feed(hash, "tgt logical unit");
    feed(hash, machine_id);
    feed(hash, what);
    std::array<uint8_t, SHA256_DIGEST_SIZE> digest;
    sha256_digest(&hash, digest.size(), digest.data());
    std::string hex;
    for (const uint8_t byte : digest) hex += fmt::format("{:02x}", byte);
    scsi::LunIdentity out;
    out.scsi_id = fmt::format("{}{}", vendor_field, hex.substr(0, 24));
    out.scsi_sn = hex.substr(0, 16);
    return out;
}

}  // namespace tgt::mgmt
