// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scsi/reservations.h"

namespace tgt::scsi {

struct LunIdentity {
    std::string scsi_id;   // at most 36 bytes: the T10 vendor-id designator of VPD 83h
    std::string scsi_sn;   // at most 36 bytes: VPD 80h
    std::string vendor;    // at most 8
    std::string product;   // at most 16
    std::string revision;  // at most 4
    bool operator==(const LunIdentity&) const = default;
};

struct Geometry {
    uint64_t blocks = 0;
    uint32_t block_size = 512;      // bytes, power of two; tapes: any, 0 variable
    uint8_t physical_exponent = 0;  // logical blocks per physical block, as a power of two (LBPPBE)
    uint16_t lowest_aligned_lba = 0;
    uint16_t optimal_granularity = 0;  // blocks, VPD B0h; 0 = not reported
    uint32_t optimal_length = 0;       // blocks, VPD B0h; 0 = not reported
    uint16_t rotation_rate = 0;        // VPD B1h: 0 not reported, 1 non-rotating, else rpm
    bool operator==(const Geometry&) const = default;
};

// One mode page with its three value sets; the bytes after the page header (byte 2 or 4 on).
struct ModePage {
    uint8_t code = 0;
    uint8_t subcode = 0;
    std::vector<uint8_t> current;
    std::vector<uint8_t> defaults;
    std::vector<uint8_t> changeable;  // ones where MODE SELECT may change a bit
    bool operator==(const ModePage&) const = default;
};

// Whether the medium can be used at all, beside what an administrator or an initiator wishes.
enum class Backing : uint8_t {
    present,
    draining,  // writes of commands that were aborted may still land: 02h/04h/01h
    gone,      // the backing object has vanished, and is looked for: 02h/04h/00h
};

// Everything LUN-wide that commands read and that can change. Immutable once published and replaced
// whole by the control thread, so that readers take no lock. Plain data without pointers: it is
// saved and restored.
struct LunState {
    LunIdentity identity;
    std::string personality;  // which product it behaves as; empty: the type's own
    Geometry geometry;
    bool online = true;
    bool removable = false;
    bool medium_present = true;
    bool read_only = false;  // the administrator's wish or the store's; the WP bit and 7/27h/00h
    bool thin = false;       // LBPME, UNMAP, VPD B2h
    bool descriptor_sense = false;  // D_SENSE's starting value
    Backing backing = Backing::present;
    // Data that was acknowledged could not be written back. The system tells that once, so it is
    // kept here: SYNCHRONIZE CACHE and FUA fail until an administrator acts.
    bool flush_failed = false;
    bool keeps_reservations = false;   // APTPL=1 can be honoured (PTPL_C)
    uint32_t unmap_granularity = 0;    // blocks, VPD B0h; 0 = not reported
    std::vector<ModePage> mode_pages;  // in order of code, then subcode
    // What MODE SELECT has set of the DEVICE-SPECIFIC PARAMETER; types with ModeRules.
    uint8_t mode_parameter = 0;
    Reservations reservations;
    bool operator==(const LunState&) const = default;

    const ModePage* mode_page(uint8_t code, uint8_t subcode = 0) const;
    ModePage* mode_page(uint8_t code, uint8_t subcode = 0);
    // Bits of mode pages that the data path asks for; false when the page is absent.
    bool write_cache_enabled() const;       // caching page 08h, WCE
    bool software_write_protected() const;  // control page 0Ah, SWP
    bool task_aborted_status() const;       // control page 0Ah, TAS
    bool sense_descriptor_format() const;   // control page 0Ah, D_SENSE, else descriptor_sense
    bool write_protected() const { return read_only || software_write_protected(); }
};

using LunStatePtr = std::shared_ptr<const LunState>;

// The durable form (JSON text) for saved state and live upgrade: restore(snapshot(s)) == s.
std::string snapshot(const LunState& state);
Result<LunState> restore_lun_state(const std::string& text);

// The part of it that may have to outlive the daemon (APTPL), in the same form.
std::string snapshot_reservations(const Reservations& reservations);
Result<Reservations> restore_reservations(const std::string& text);

}  // namespace tgt::scsi
