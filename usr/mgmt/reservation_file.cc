// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/reservation_file.h"

#include <fmt/core.h>
#include <nettle/sha2.h>

#include <array>
#include <nlohmann/json.hpp>

#include "scsi/lun_state.h"

namespace tgt::mgmt {

namespace {

using nlohmann::json;

constexpr int format_version = 1;

// Paths and identities may hold any byte, JSON takes UTF-8 only.
std::string readable(const json& value) {
    return value.dump(2, ' ', true, json::error_handler_t::replace);
}

tl::unexpected<Error> damaged(std::string reason) {
    return fail(EBADMSG, std::move(reason));
}

Result<scsi::Reservations> decode(const json& file, const std::string& medium_key) {
    if (file.at("version").get<int>() != format_version)
        return damaged("its version is not known to this daemon");
    if (readable(file.at("medium")) != readable(json(medium_key)))
        return damaged("it is for another medium");
    auto reservations = scsi::restore_reservations(file.at("reservations").dump());
    if (!reservations) return damaged(reservations.error().text);
    if (!scsi::consistent(*reservations)) return damaged("its reservations contradict each other");
    if (!reservations->aptpl) return damaged("its reservations were not to be kept (aptpl)");
    reservations->generation = 0;
    reservations->reserve6_holder.reset();
    return reservations;
}

}  // namespace

std::string reservation_file_name(const std::string& medium_key) {
    sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, medium_key.size(), reinterpret_cast<const uint8_t*>(medium_key.data()));
    std::array<uint8_t, SHA256_DIGEST_SIZE> digest;
    sha256_digest(&hash, digest.size(), digest.data());
    std::string name;
    for (const uint8_t byte : digest) name += fmt::format("{:02x}", byte);
    return name + ".json";
}

std::string encode_reservation_file(const std::string& medium_key,
                                    const UnitDescription& description,
                                    const scsi::Reservations& reservations) {
    scsi::Reservations kept = reservations;
    kept.reserve6_holder.reset();
    const json file = {{"version", format_version},
                       {"medium", medium_key},
                       {"path", description.path},
                       {"scsi_id", description.scsi_id},
                       {"reservations", json::parse(scsi::snapshot_reservations(kept))}};
    return readable(file) + "\n";
}

// The library reports malformed text by exceptions; they end here.
Result<scsi::Reservations> decode_reservation_file(const std::string& text,
                                                   const std::string& medium_key) {
    try {
        return decode(json::parse(text), medium_key);
    } catch (const std::exception& error) {
        return damaged(error.what());
    }
}

}  // namespace tgt::mgmt
