// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "device/ssc/counters.h"
#include "scsi/command.h"
#include "scsi/device_model.h"
#include "scsi/outcome.h"
#include "store/tape.h"

namespace tgt::ssc {

struct BlockCodec;
struct Personality;
enum class Use : uint8_t;

// Where a partition is about to end (SSC-4 4.2.5, 4.2.7).
struct Warning {
    bool early = false;         // in the early warning zone
    bool programmable = false;  // in the programmable early warning zone, or behind it
};

// What ALLOW OVERWRITE has given leave for (SSC-5 7.1): until a command that writes, or the
// cartridge leaves.
struct OverwriteLeave {
    enum class What : uint8_t { nothing, position, format };
    What what = What::nothing;
    uint32_t partition = 0;
    uint64_t object = 0;
};

// A tape drive: the cartridge that is in it, whether it is loaded (on the reel, so that commands
// can use it) or only present, and what was written and not flushed. Made and destroyed with its
// LogicalUnit. Everything is for the strand but what says otherwise.
class Drive final : public scsi::DeviceModel, private scsi::MediumPort {
  public:
    // `store` may be null: no cartridge.
    Drive(std::unique_ptr<store::Store> store, std::string path);
    ~Drive() override;

    void attach(scsi::LogicalUnit& unit) override;
    // SSC-4 4.2.22.5: keys do not outlive it.
    void reset() override;
    void nexus_lost(const scsi::NexusId& nexus) override;
    std::optional<scsi::Outcome> begin(const scsi::Command& command) override;
    scsi::MediumPort* medium_port() override { return this; }

    // Null: no cartridge. Its auxiliary memory can be used when it is present and not loaded, too.
    store::Tape* cartridge() const { return cartridge_; }
    // Null: nothing that commands could use. A cleaning cartridge never is.
    store::Tape* tape() const { return loaded_ ? cartridge_ : nullptr; }
    // What the drive may do with it (personality.h).
    Use use() const { return use_; }
    const std::string& path() const { return path_; }
    scsi::LogicalUnit& unit() const { return *unit_; }
    // Any thread.
    Counters& counters() { return counters_; }
    const Counters& counters() const { return counters_; }

    OverwriteLeave& overwrite_leave() { return leave_; }

    // Why a command that needs the medium cannot run now; nothing: it is ready.
    std::optional<scsi::Sense> not_ready() const;
    // Why the medium cannot be written (SSC-4 4.2.14).
    std::optional<scsi::Sense> protection(const scsi::LunState& state) const;
    // What a command that writes asks first: both, and whether a flush has failed.
    std::optional<scsi::Sense> refusal_of_write(const scsi::LunState& state);

    // LOAD UNLOAD. `asked`: the nexus that did, which needs no unit attention. A cartridge that is
    // unloaded stays in the drive. Who asks to unload it is told first, once, if not everything
    // came to the medium.
    scsi::Outcome load(const std::optional<scsi::NexusId>& asked, bool hold);
    scsi::Outcome unload(bool hold);

    // A command has written something that flush() has to bring to the medium.
    void wrote() { unflushed_ = std::max(unflushed_, Unflushed::written); }
    // It ends: what of it is not on the medium yet is from now on the initiator's to rely on.
    void acknowledge(const scsi::NexusId& nexus);
    // What was written before is on the medium. Once it has failed it fails until the cartridge
    // leaves: nobody knows what was lost. Notes of the drive's own may fail unnoticed.
    scsi::Outcome flush();
    // What write() of the cartridge failed with: perhaps something that was acknowledged.
    scsi::Outcome write_failure(int error, uint64_t residue);
    // Sense, log line and TapeAlert flags of an errno of the cartridge. `information`: of the
    // sense, as the command defines it.
    scsi::Outcome failure(int error, scsi::Access access, std::optional<uint64_t> information);

    Warning warning(const scsi::LunState& state) const;
    // Memory for blocks that cannot go straight to where they belong; empty: there is none.
    std::span<uint8_t> scratch(size_t bytes);
    // Keys, and what else blocks are made and opened with (block_codec.h).
    BlockCodec& codec() const { return *codec_; }
    // Tells everybody what is in the drive now.
    void publish();

  private:
    struct Request;
    // What the medium may not have: what the drive keeps of its own, what the command that runs has
    // written, what commands have that were answered.
    enum class Unflushed : uint8_t { nothing, notes, written, acknowledged };
    // An error that the nexus which wrote has not been told of.
    struct Untold {
        scsi::NexusId nexus;
        scsi::Sense sense;
    };

    Answer load(std::unique_ptr<store::Store> medium, std::string path,
                io::Duration limit) override;
    Answer unload(io::Duration limit) override;
    Answer carry_out(const std::shared_ptr<Request>& request, io::Duration limit);
    void take_in(Request& request);
    void give_out(Request& request);

    // A personality, and another identity, can be given at any time.
    void be_what_the_unit_says();
    void put_in(std::unique_ptr<store::Store> store, std::string path);
    void thread();
    int to_beginning();
    void clean();
    void put_back(bool sound);
    scsi::Outcome lost(int error);

    scsi::LogicalUnit* unit_ = nullptr;
    std::unique_ptr<store::Store> store_;
    store::Tape* cartridge_ = nullptr;  // of store_
    std::string path_;
    bool loaded_ = false;
    bool held_ = false;                    // present, not loaded, and kept so by HOLD
    std::optional<scsi::Sense> unusable_;  // present, but the drive cannot use it
    Use use_{};
    scsi::LunStatePtr seen_;  // what personality and identity are of
    const Personality* personality_ = nullptr;
    scsi::LunIdentity identity_;
    Unflushed unflushed_ = Unflushed::nothing;
    std::optional<scsi::NexusId> writer_;  // of what was acknowledged last
    std::optional<Untold> untold_;
    bool flush_failed_ = false;
    OverwriteLeave leave_;
    bool told_failure_ = false;  // the log has a line about this cartridge
    Counters counters_;
    std::unique_ptr<BlockCodec> codec_;
    std::unique_ptr<uint8_t[]> scratch_;
    size_t scratch_bytes_ = 0;
};

// The drive that a command is for.
Drive& drive_of(const scsi::Command& command);

}  // namespace tgt::ssc
