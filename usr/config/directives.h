// SPDX-License-Identifier: GPL-2.0-or-later
// Every directive of targets.conf, one row each: where it may stand, whether it may come again,
// what its value is, and what it becomes. The manual's table is made of the same rows.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tgt::config {

// Where a directive may stand. What is for a logical unit may stand in a target, too: it is then
// for all units of the target that do not have their own.
enum Level : uint8_t {
    in_global = 1,
    in_target = 2,
    in_unit = 4,
    in_library = 8,
};

enum class Repeat : uint8_t {
    once,   // again is an error
    first,  // again is a warning; the first counts
    many,
};

enum class Kind : uint8_t {
    text,
    number,      // C notation: 10, 0xa, 012
    yes_no,      // "yes", or anything else
    on_off,      // "on" or "off"
    account,     // USER PASSWORD
    store,       // path or address of a medium; line or block
    mode_page,   // page:subpage:length:byte:...
    parameters,  // key=value,...; ${tid} and ${lun} are replaced
};

// What becomes of it.
enum class Use : uint8_t {
    program,           // nothing is sent: it directs tgt-admin
    driver,            // the driver of the target (default-driver: of all)
    tid,               // the number of the target
    system_update,     // tgtadm --mode system --op update --name TO --value V
    portal,            // tgtadm --mode portal --op new --param portal=V
    account,           // tgtadm --mode account --op new; bound to nothing
    account_incoming,  // and bound to the target; a global directive: for discovery
    account_outgoing,
    target_update,     // tgtadm --mode target --op update --name TO --value V
    acl_address,       // tgtadm --mode target --op bind --initiator-address V
    acl_name,          // tgtadm --mode target --op bind --initiator-name V
    host,              // tgtadm --mode target --op bind --host V
    backing_store,     // a logical unit
    direct_store,      // a logical unit with the identity of its device
    library,           // logical units: drives and a changer
    library_part,      // one thing about them
    unit_lun,          // the number of the logical unit
    unit_option,       // tgtadm --mode logicalunit --op new --TO V
    unit_update,       // tgtadm --mode logicalunit --op update --params TO=V
    unit_params,       // tgtadm --mode logicalunit --op update --params V
    unit_write_cache,  // off: a mode page
};

struct Directive {
    std::string_view name;
    uint8_t levels;  // of Level
    Repeat repeat;
    Kind kind;
    Use use;
    std::string_view to;     // name on tgtadm's side, see Use
    bool extension;          // not in tgt
    std::string_view about;  // for the manual: what it does, its values and its default
};

// In the order in which tgt-admin applies those of a logical unit.
std::span<const Directive> directives();

// The row for a name at a level, or null. Names that begin with "state" are target parameters.
const Directive* find_directive(std::string_view name, Level level);

// Whether its targets are bound to hosts, rather than to addresses and names of initiators.
bool driver_has_hosts(std::string_view driver);

// The known name at this level that is most like it, or nothing when none is.
std::string_view nearest_directive(std::string_view name, Level level);

}  // namespace tgt::config
