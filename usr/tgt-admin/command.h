// SPDX-License-Identifier: GPL-2.0-or-later
// The calls of tgtadm that tgt-admin makes. Each is a value that can be printed as the command line
// that a person would type, and carried out as a request; scripts compare the former byte for byte,
// so the order of the words and the blanks are tgt's.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tgt::tgt_admin {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Command {
    std::string method;
    std::shared_ptr<nlohmann::json> params;
    std::string words;   // what follows "tgtadm -C N "
    std::string secret;  // a part of `words` that only some may see; may be empty
    bool makes = false;  // a target or a logical unit: it can be marked as the file's
};

// "tgtadm -C 7 --op ...", with *** for a secret unless it is asked for.
std::string command_line(const Command& command, unsigned control_port, bool secrets);

// As a word of a shell's command line: in single quotes where it must be, or always.
std::string shell_word(std::string_view text);
std::string in_quotes(std::string_view text);

// --- the system
Command show_targets();
Command system_update(const std::string& name, const std::string& value);
Command portal_new(const std::string& lld, const std::string& portal);

// --- accounts; `lld` and `tid` are empty for those of the daemon
struct Place {
    std::string lld;
    std::optional<int> tid;
};
Command account_new(const std::string& lld, const std::string& user, const std::string& password);
Command account_delete(const std::string& user);
Command account_bind(const Place& place, const std::string& user, bool outgoing);
Command account_unbind(const Place& place, const std::string& user, bool outgoing);

// --- targets
struct TargetId {
    std::string lld;
    int tid = 0;
};
Command target_new(const TargetId& target, const std::string& name);
Command target_update(const TargetId& target, const std::string& name, const std::string& value);
// `name`: how it was asked for; may be empty.
Command target_state(int tid, const std::string& name, bool ready);
Command target_delete(int tid);
Command connection_delete(int tid, uint64_t sid, uint64_t cid);

enum class Subject : uint8_t { address, name };
Command acl_bind(const TargetId& target, Subject subject, const std::string& who);
// As tgt prints it: without the driver.
Command acl_unbind(int tid, Subject subject, const std::string& who);
Command host_bind(const TargetId& target, uint32_t host);
Command host_unbind(int tid, uint32_t host);

// --- logical units
struct UnitOptions {
    std::optional<std::string> path;
    std::string device_type, bstype, bsopts, bsoflags, blocksize;  // empty: not given
    bool force = false;                                            // not printed: tgt has none
};
Command unit_new(const TargetId& target, uint64_t lun, const UnitOptions& options);
Command unit_delete(const TargetId& target, uint64_t lun);

// How a parameter stands on the command line.
enum class Form : uint8_t {
    quoted,  // name='value'
    plain,   // name=value
    whole,   // 'name=value,name=value'
};
Command unit_update(const TargetId& target, uint64_t lun, const Pairs& pairs, Form form);

// "a=1,b=2" as tgtadm's --params has it.
Pairs split_pairs(std::string_view text);

}  // namespace tgt::tgt_admin
