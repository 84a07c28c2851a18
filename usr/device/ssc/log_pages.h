// SPDX-License-Identifier: GPL-2.0-or-later
// The log pages of a tape drive (SSC-4 8.2, SPC-4 7.3) as pure functions: the log parameters of
// each, made of what is known of drive and cartridge.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "device/ssc/counters.h"
#include "scsi/device_type.h"
#include "store/tape.h"

namespace tgt::ssc {

struct LogFacts {
    const Counters& counters;
    std::string serial;            // of the drive
    bool compresses = false;       // blocks that are written now
    bool encrypts = false;         // the same
    bool prevented = false;        // medium removal
    bool write_protected = false;  // the medium, whoever protects it
    const store::Tape* cartridge = nullptr;
    bool loaded = false;        // it can be used by commands
    uint64_t thread_count = 0;  // loads of the cartridge in its life
};

using LogBody = std::vector<uint8_t>;
void log_write_errors(const LogFacts& facts, LogBody& body);       // 02h
void log_read_errors(const LogFacts& facts, LogBody& body);        // 03h
void log_non_medium_errors(const LogFacts& facts, LogBody& body);  // 06h
void log_sequential_access(const LogFacts& facts, LogBody& body);  // 0Ch
void log_device_status(const LogFacts& facts, LogBody& body);      // 11h
void log_alert_response(const LogFacts& facts, LogBody& body);     // 12h
void log_device_statistics(const LogFacts& facts, LogBody& body);  // 14h
void log_volume_statistics(const LogFacts& facts, LogBody& body);  // 17h
void log_data_compression(const LogFacts& facts, LogBody& body);   // 1Bh
void log_alerts(const LogFacts& facts, LogBody& body);             // 2Eh
void log_usage(const LogFacts& facts, LogBody& body);              // 30h, as LTO drives have it
void log_capacity(const LogFacts& facts, LogBody& body);           // 31h, the same
void log_compression(const LogFacts& facts, LogBody& body);        // 32h, the same

}  // namespace tgt::ssc
