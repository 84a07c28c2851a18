// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tgt::scsi {

// An additional sense code to be reported once with sense key UNIT ATTENTION.
struct UnitAttention {
    uint8_t asc = 0;
    uint8_t ascq = 0;
    bool operator==(const UnitAttention&) const = default;
};

namespace ua {
inline constexpr UnitAttention power_on_reset{0x29, 0x00};
inline constexpr UnitAttention bus_device_reset{0x29, 0x03};  // LOGICAL UNIT RESET
inline constexpr UnitAttention nexus_loss{0x29, 0x07};
inline constexpr UnitAttention mode_parameters_changed{0x2a, 0x01};
inline constexpr UnitAttention reservations_preempted{0x2a, 0x03};
inline constexpr UnitAttention reservations_released{0x2a, 0x04};
inline constexpr UnitAttention registrations_preempted{0x2a, 0x05};
inline constexpr UnitAttention capacity_changed{0x2a, 0x09};
inline constexpr UnitAttention commands_cleared{0x2f, 0x00};
inline constexpr UnitAttention inquiry_changed{0x3f, 0x03};
inline constexpr UnitAttention reported_luns_changed{0x3f, 0x0e};
inline constexpr UnitAttention medium_may_have_changed{0x28, 0x00};
}  // namespace ua

// Pending unit attentions of one I_T_L nexus, in SAM-5 5.14 order: those of group 29h first, the
// others in order of arrival, each at most once. Bounded by the number of codes there are. Its
// worker's thread only.
class UnitAttentions {
  public:
    bool empty() const { return pending_.empty(); }
    void raise(UnitAttention attention);
    std::optional<UnitAttention> front() const;
    void pop();
    void clear(UnitAttention attention);  // REPORT LUNS clears 3Fh/0Eh (SPC-5 6.33)
    void clear_all() { pending_.clear(); }
    const std::vector<UnitAttention>& all() const { return pending_; }

  private:
    std::vector<UnitAttention> pending_;
};

}  // namespace tgt::scsi
