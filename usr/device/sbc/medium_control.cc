// SPDX-License-Identifier: GPL-2.0-or-later
// FORMAT UNIT, START STOP UNIT (SBC-4 5.5, 5.31).
#include "device/sbc/handlers.h"
#include "device/sbc/medium.h"
#include "scsi/logical_unit.h"
#include "wire/endian.h"

namespace tgt::sbc {

namespace {

using scsi::LogicalUnit;
using scsi::LunChange;
using scsi::LunState;
using Start = wire::Bits<0>;
using LoadEject = wire::Bits<1>;
using NoFlush = wire::Bits<2>;
using PowerCondition = wire::Bits<4, 4>;

Step done(Command& command, const Outcome& outcome) {
    command.outcome = outcome;
    return Step::done;
}

Outcome flush_job(Command& command) {
    return Medium(command).flush();
}

// SBC-4 5.31: the medium is in step with the cache when the unit has stopped.
Step flush_then_end(Command& command) {
    const bool flush = !NoFlush::get(command.cdb[4]) && command.shard->store;
    return flush ? scsi::offload(command, &flush_job) : done(command, Status::good);
}

LunChange eject(const LogicalUnit& unit, const LunState& now) {
    LunChange change;
    if (unit.preventers() > 0) {
        change.outcome = scsi::sense::medium_removal_prevented();
        return change;
    }
    if (!now.online) return change;
    change.next = std::make_shared<LunState>(now);
    change.next->online = false;
    return change;
}

LunChange load(const LogicalUnit& unit, const LunState& now, const scsi::NexusId& from) {
    LunChange change;
    if (!unit.store() || !now.medium_present) {
        change.outcome = scsi::sense::medium_not_present();
        return change;
    }
    if (now.online) return change;
    if (unit.preventers() > 0) {  // the mechanism is locked both ways
        change.outcome = scsi::sense::medium_removal_prevented();
        return change;
    }
    change.next = std::make_shared<LunState>(now);
    change.next->online = true;
    LunChange::Attention attention;
    attention.attention = scsi::ua::medium_may_have_changed;
    attention.except = from;
    change.attentions.push_back(attention);
    return change;
}

Step start_eject(Command& command) {
    scsi::LunShard& shard = *command.shard;
    shard.unit.change([&unit = shard.unit](const LunState& now) { return eject(unit, now); },
                      shard.worker,
                      [&command](const Outcome& outcome) {
                          if (!outcome.good() || flush_then_end(command) == Step::done)
                              scsi::complete(command, outcome);
                      });
    return Step::pending;
}

Step start_load(Command& command) {
    return scsi::change_state(command, [&unit = command.shard->unit, from = command.nexus->id()](
                                           const LunState& now) { return load(unit, now, from); });
}

// SBC-4 table 13: only making the medium ready is allowed against another's reservation.
bool conflicts(const Command& command) {
    return command.itl->forbidden & scsi::class_bit(scsi::ReservationClass::write);
}

}  // namespace

scsi::BlockRange whole_medium(const Command& command) {
    return {0, command.state().geometry.blocks};
}

Outcome format_unit(Command& command) {
    const LunState& state = command.state();
    const Medium medium(command);
    const bool discard =
        state.thin && medium.features().discard && medium.features().discard_zeroes;
    auto kind = discard ? store::OpKind::discard : store::OpKind::write_zeroes;
    Outcome outcome =
        medium.change_range(kind, 0, state.geometry.blocks * state.geometry.block_size);
    return outcome.good() ? medium.flush() : outcome;
}

Step start_stop_unit(Command& command) {
    const uint8_t byte4 = command.cdb[4];
    const bool start = Start::get(byte4);
    const bool power = PowerCondition::get(byte4) != 0;
    if ((!start || power) && conflicts(command)) return done(command, Status::reservation_conflict);
    // Nothing spins: a power condition is entered and left at once, and LOEJ is ignored with it.
    if (power) return done(command, Status::good);
    if (LoadEject::get(byte4)) {
        if (!command.state().removable)
            return done(command, scsi::sense::invalid_field_in_cdb(4, 1));
        return start ? start_load(command) : start_eject(command);
    }
    const bool ready = command.state().online && command.state().medium_present;
    if (start && !ready) return done(command, scsi::sense::medium_not_present());
    return start || !ready ? done(command, Status::good) : flush_then_end(command);
}

}  // namespace tgt::sbc
