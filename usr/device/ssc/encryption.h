// SPDX-License-Identifier: GPL-2.0-or-later
// Tape data encryption (SSC-4 4.2.22, 8.5): which keys are in force for which initiator, and the
// pages of SECURITY PROTOCOL IN and OUT, protocol 20h. Keys are in memory only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "device/ssc/block_cipher.h"
#include "scsi/outcome.h"
#include "scsi/reservations.h"

namespace tgt::ssc {

enum class EncryptionMode : uint8_t { disable, external, encrypt };
enum class DecryptionMode : uint8_t { disable, raw, decrypt, mixed };

// A set of data encryption parameters. The key may be shared by commands that run.
struct EncryptionSet {
    EncryptionMode encrypt = EncryptionMode::disable;
    DecryptionMode decrypt = DecryptionMode::disable;
    std::shared_ptr<const BlockKey> key;
    std::vector<uint8_t> ukad, akad;  // of blocks that are written
    bool clear_on_demount = false;    // CKOD
    uint32_t instance = 0;            // key instance counter
};

// What a SET DATA ENCRYPTION page asks for (SSC-4 8.5.3.2).
struct SetEncryption {
    enum class Scope : uint8_t { open, local, all };
    Scope scope = Scope::open;
    bool lock = false;
    bool clear_on_demount = false;
    EncryptionMode encrypt = EncryptionMode::disable;
    DecryptionMode decrypt = DecryptionMode::disable;
    std::shared_ptr<const BlockKey> key;
    std::vector<uint8_t> ukad, akad;
};
Result<SetEncryption, scsi::Sense> parse_set_encryption(std::span<const uint8_t> page);

struct NexusOrder {
    bool operator()(const scsi::NexusId& a, const scsi::NexusId& b) const {
        return std::tie(a.initiator_port, a.relative_target_port) <
               std::tie(b.initiator_port, b.relative_target_port);
    }
};

// The parameters of all nexuses of a drive: one set for each that wanted its own (LOCAL), and one
// for all others. On the strand.
class Encryption {
  public:
    using Scope = SetEncryption::Scope;

    // False: too many nexuses want something of their own.
    bool set(const scsi::NexusId& nexus, SetEncryption wanted);
    // In force for a nexus; never null.
    const EncryptionSet& of(const scsi::NexusId& nexus) const;
    Scope scope_of(const scsi::NexusId& nexus) const;
    // Where the parameters in force come from: `open` when there are none.
    Scope source_of(const scsi::NexusId& nexus) const;
    // The nexus has locked itself to a key that another has replaced (SSC-4 4.2.22.6).
    bool lock_is_broken(const scsi::NexusId& nexus) const;
    // A set of the nexus's own goes, and so does its lock; one for all stays.
    void nexus_lost(const scsi::NexusId& nexus);
    // The cartridge leaves: sets with CKOD go.
    void demounted();
    void clear();

  private:
    struct Member {
        Scope scope = Scope::open;
        std::optional<uint32_t> locked_to;  // key instance
    };
    std::map<scsi::NexusId, Member, NexusOrder> members_;
    std::map<scsi::NexusId, EncryptionSet, NexusOrder> local_;
    std::optional<EncryptionSet> all_;
    uint32_t instances_ = 0;
};

// What the drive and the cartridge in it can do.
struct EncryptionAbility {
    bool medium = false;  // blocks can be encrypted for the cartridge that is loaded
};

// What lies at the position, as far as encryption is concerned.
struct NextBlock {
    enum class Status : uint8_t {  // ENCRYPTION STATUS
        not_now = 1,
        no_block = 2,
        clear = 3,
        unknown_algorithm = 4,
        readable = 5,
        other_key = 6,
    };
    uint64_t object = 0;
    Status status = Status::not_now;
    bool compressed = false;
    std::vector<uint8_t> ukad, akad;
};

// SECURITY PROTOCOL IN, page by page (SSC-4 8.5.2), header included.
std::vector<uint8_t> encryption_pages_in();                                      // 0000h
std::vector<uint8_t> encryption_pages_out();                                     // 0001h
std::vector<uint8_t> encryption_capabilities(const EncryptionAbility& ability);  // 0010h
std::vector<uint8_t> encryption_key_formats();                                   // 0011h
std::vector<uint8_t> encryption_management();                                    // 0012h
std::vector<uint8_t> encryption_status(const Encryption& encryption,
                                       const scsi::NexusId& nexus);       // 0020h
std::vector<uint8_t> next_block_status(const NextBlock& next);            // 0021h
std::vector<uint8_t> random_number(std::span<const uint8_t, 32> number);  // 0030h

}  // namespace tgt::ssc
