// SPDX-License-Identifier: GPL-2.0-or-later
// What a configuration file wants of a logical unit, in tgtadm's terms, and how that is compared
// with what there is. Pure.
#pragma once

#include "config/targets_conf.h"
#include "tgt-admin/command.h"
#include "tgt-admin/devices.h"
#include "tgt-admin/state.h"

namespace tgt::tgt_admin {

// One call of `--op update --params`.
struct UnitUpdate {
    Pairs pairs;
    Form form = Form::quoted;
};

struct DesiredUnit {
    UnitOptions options;
    std::vector<UnitUpdate> updates;  // in order
    bool write_cache = true;
};

// `identity`: of a direct-store's device; what the file says counts more.
DesiredUnit desired_unit(const config::LogicalUnit& unit, int tid, uint64_t lun,
                         const Identity& identity);

// Equal as tgtadm reads them: numbers by value, words in any case.
bool same_value(std::string_view a, std::string_view b);
// A parameter of a target, as it is set and as it is shown.
bool same_parameter(std::string_view name, std::string_view wanted, std::string_view shown);
// The bytes of a mode page in one form: "8:0:2:16:0" for "8:0:2:0x10".
std::string plain_mode_page(std::string_view text);

// Whether the unit has to be made anew: something differs that only a new one can be given. The
// path is not looked at.
bool differs_for_good(const UnitState& unit, const DesiredUnit& wanted);
// The updates that are missing, and those that take back what nobody wants (`take_back`).
std::vector<UnitUpdate> missing_updates(const UnitState& unit, const DesiredUnit& wanted,
                                        bool take_back);
// It sets something of a changer's library.
bool wants_library(const DesiredUnit& wanted);
// Such an update takes the medium away from initiators.
bool disturbs(const UnitUpdate& update);

}  // namespace tgt::tgt_admin
