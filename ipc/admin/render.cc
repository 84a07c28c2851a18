// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/admin/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

namespace tgt::ipc {
namespace {

using Json = nlohmann::json;
using Out = std::string;

const Json& at(const Json& object, const char* name) {
    static const Json none;
    if (!object.is_object()) return none;
    auto it = object.find(name);
    return it == object.end() ? none : *it;
}

// Aliases come from initiators: a line break in one must not forge a line of the listing.
std::string plain(std::string_view raw) {
    std::string text(raw);
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}
std::string plain(const Json& value) {
    return value.is_string() ? plain(std::string_view(value.get_ref<const std::string&>())) : "";
}

std::string str(const Json& object, const char* name) {
    return plain(at(object, name));
}

uint64_t num(const Json& object, const char* name) {
    const Json& value = at(object, name);
    if (value.is_number_unsigned()) return value.get<uint64_t>();
    return value.is_number_integer() ? static_cast<uint64_t>(value.get<int64_t>()) : 0;
}

bool flag(const Json& object, const char* name) {
    const Json& value = at(object, name);
    return value.is_boolean() && value.get<bool>();
}

// Arrays only: nlohmann iterates objects and scalars as well.
const Json& list(const Json& object, const char* name) {
    static const Json empty = Json::array();
    const Json& value = at(object, name);
    return value.is_array() ? value : empty;
}

template <class... Args>
void line(Out& out, int indent, fmt::format_string<Args...> format, Args&&... args) {
    out.append(static_cast<size_t>(indent) * 4, ' ');
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
    out += '\n';
}

const char* yes_no(bool value) {
    return value ? "Yes" : "No";
}
const char* on_off(bool value) {
    return value ? "On" : "Off";
}

// --- system.show ---------------------------------------------------------------------------

// tgt lists the outgoing account of discovery only behind an incoming one, after an empty line.
void system_accounts(Out& out, const Json& accounts) {
    if (list(accounts, "incoming").empty()) return;
    line(out, 1, "Account information:");
    out += '\n';
    for (const Json& name : list(accounts, "incoming")) line(out, 1, "{}", plain(name));
    for (const Json& name : list(accounts, "outgoing")) line(out, 1, "{} (outgoing)", plain(name));
}

void system_isns(Out& out, const Json& isns) {
    const uint64_t port = num(isns, "server_port");
    line(out, 0, "iSNS:");
    line(out, 1, "iSNS={}", on_off(flag(isns, "enabled")));
    line(out, 1, "iSNSServerIP={}", str(isns, "server_ip"));
    line(out, 1, "iSNSServerPort={}", port ? port : 3205);
    line(out, 1, "iSNSAccessControl={}", on_off(flag(isns, "access_control")));
}

void system_show(Out& out, const Json&, const Json& result) {
    line(out, 0, "System:");
    line(out, 1, "State: {}", str(result, "state"));
    line(out, 1, "debug: {}", flag(result, "debug") ? "on" : "off");
    line(out, 0, "LLDs:");
    for (const Json& lld : list(result, "llds"))
        line(out, 1, "{}: {}", str(lld, "name"), str(lld, "state"));
    line(out, 0, "Backing stores:");
    for (const Json& store : list(result, "backing_stores")) {
        const std::string flags = str(store, "flags");
        line(out, 1, "{}{}", str(store, "name"), flags.empty() ? "" : " (bsoflags " + flags + ")");
    }
    line(out, 0, "Device types:");
    for (const Json& type : list(result, "device_types")) line(out, 1, "{}", plain(type));
    system_accounts(out, at(result, "accounts"));
    system_isns(out, at(result, "isns"));
}

// --- target.show ---------------------------------------------------------------------------

void target_system(Out& out, const Json& target) {
    const std::string lld = str(target, "lld");
    line(out, 1, "System information:");
    line(out, 2, "Driver: {}", lld);
    line(out, 2, "State: {}", str(target, "state"));
    if (lld != "iscsi" || num(target, "nop_interval") == 0) return;
    line(out, 2, "Nop interval: {}", num(target, "nop_interval"));
    line(out, 2, "Nop count: {}", num(target, "nop_count"));
}

void target_nexuses(Out& out, const Json& target) {
    const bool rdma = str(target, "lld") == "iser";
    line(out, 1, "I_T nexus information:");
    for (const Json& nexus : list(target, "nexuses")) {
        const Json& alias = at(nexus, "alias");
        line(out, 2, "I_T nexus: {}", num(nexus, "id"));
        line(out, 3, "Initiator: {} alias: {}", str(nexus, "initiator"),
             alias.is_string() ? plain(alias) : "none");
        for (const Json& connection : list(nexus, "connections")) {
            line(out, 3, "Connection: {}", num(connection, "cid"));
            line(out, 4, "{}IP Address: {}", rdma ? "RDMA " : "", str(connection, "address"));
        }
    }
}

std::string_view view(const Json& value) {
    return value.is_string() ? std::string_view(value.get_ref<const std::string&>())
                             : std::string_view();
}

void target_lun(Out& out, const Json& lun) {
    const Json& store = at(lun, "store");
    LunLines lines;
    lines.lun = num(lun, "lun");
    lines.type = view(at(lun, "type"));
    lines.scsi_id = view(at(lun, "scsi_id"));
    lines.scsi_sn = view(at(lun, "scsi_sn"));
    lines.size_bytes = num(lun, "size_bytes");
    lines.block_size = num(lun, "block_size");
    lines.online = flag(lun, "online");
    lines.removable = flag(lun, "removable");
    lines.prevent_removal = flag(lun, "prevent_removal");
    lines.readonly = flag(lun, "readonly");
    lines.swp = flag(lun, "swp");
    lines.thin_provisioning = flag(lun, "thin_provisioning");
    lines.store = view(at(store, "type"));
    lines.path = view(at(store, "path"));
    lines.flags = view(at(store, "flags"));
    append_lun(out, lines);
}

void target_accounts(Out& out, const Json& target) {
    const std::string lld = str(target, "lld");
    if (lld != "iscsi" && lld != "iser") return;
    const Json& accounts = at(target, "accounts");
    line(out, 1, "Account information:");
    for (const Json& name : list(accounts, "incoming")) line(out, 2, "{}", plain(name));
    for (const Json& name : list(accounts, "outgoing")) line(out, 2, "{} (outgoing)", plain(name));
}

// In place of rules, for targets that are bound to hosts.
void target_hosts(Out& out, const Json& target) {
    if (at(target, "hosts").is_null()) return;
    line(out, 1, "Host information:");
    for (const Json& host : list(target, "hosts"))
        line(out, 2, "{}{}", num(host, "host"), flag(host, "present") ? "" : " (not there)");
}

void target_one(Out& out, const Json& target) {
    append_target_head(out, target);
    for (const Json& lun : list(target, "luns")) target_lun(out, lun);
    append_target_tail(out, target);
}

// A redirection hides the parameters, and a callback hides the address: so tgt prints it.
void target_parameters(Out& out, const Json& result) {
    const Json& redirect = at(result, "redirect");
    if (const std::string callback = str(redirect, "callback"); !callback.empty()) {
        line(out, 0, "RedirectCallback={}", callback);
        return;
    }
    if (const std::string address = str(redirect, "address"); !address.empty()) {
        const std::string reason = str(redirect, "reason");
        line(out, 0, "RedirectAddress={}", address);
        line(out, 0, "RedirectPort={}", str(redirect, "port"));
        line(out, 0, "RedirectReason={}", reason.empty() ? "Unknown" : reason);
        return;
    }
    for (const Json& parameter : list(result, "parameters"))
        line(out, 0, "{}={}", str(parameter, "name"), str(parameter, "value"));
}

void target_show(Out& out, const Json& params, const Json& result) {
    if (!at(params, "tid").is_null()) return target_parameters(out, result);
    for (const Json& target : list(result, "targets")) target_one(out, target);
}

// --- the short lists -------------------------------------------------------------------------

void portal_show(Out& out, const Json&, const Json& result) {
    for (const Json& portal : list(result, "portals"))
        line(out, 0, "Portal: {},{}{}", str(portal, "address"), num(portal, "tpgt"),
             str(portal, "state") == "failed" ? " (failed)" : "");
}

void account_show(Out& out, const Json&, const Json& result) {
    const Json& accounts = list(result, "accounts");
    if (accounts.empty()) return;
    line(out, 0, "Account list:");
    for (const Json& name : accounts) line(out, 1, "{}", plain(name));
}

void connection_show(Out& out, const Json&, const Json& result) {
    for (const Json& session : list(result, "sessions")) {
        line(out, 0, "Session: {}", num(session, "id"));
        for (const Json& connection : list(session, "connections")) {
            line(out, 1, "Connection: {}", num(connection, "cid"));
            line(out, 2, "Initiator: {}", str(connection, "initiator"));
            line(out, 2, "IP Address: {}", str(connection, "address"));
        }
    }
}

void lld_show(Out& out, const Json&, const Json& result) {
    line(out, 0, "LLDs:");
    for (const Json& lld : list(result, "llds")) {
        line(out, 1, "{}: {}", str(lld, "name"), str(lld, "state"));
        for (const Json& target : list(lld, "targets"))
            line(out, 2, "Target {}: {}", num(target, "tid"), str(target, "name"));
    }
}

// --- statistics --------------------------------------------------------------------------------

void stat_rows(Out& out, const Json& result) {
    line(out, 0,
         "tgt lun sid rd_subm(bytes,cmds) rd_done(bytes,cmds) wr_subm(bytes,cmds) "
         "wr_done(bytes,cmds) errs");
    constexpr std::array<std::array<const char*, 2>, 4> counters{{
        {"rd_subm_bytes", "rd_subm_cmds"},
        {"rd_done_bytes", "rd_done_cmds"},
        {"wr_subm_bytes", "wr_subm_cmds"},
        {"wr_done_bytes", "wr_done_cmds"},
    }};
    for (const Json& row : list(result, "rows")) {
        Out text = fmt::format("{:3} {:3} {:3}", num(row, "tid"), num(row, "lun"), num(row, "sid"));
        for (const auto& [bytes, commands] : counters)
            text += fmt::format(" {:12} {:6}", num(row, bytes), num(row, commands));
        line(out, 0, "{} {:4}", text, num(row, "errs"));
    }
}

void connection_rows(Out& out, const Json& result) {
    line(out, 0, "sid cid rxdata_octets txdata_octets dataout_pdus datain_pdus cmd_pdus rsp_pdus");
    for (const Json& row : list(result, "connections"))
        line(out, 0, "{:3} {:3} {:13} {:13} {:12} {:11} {:8} {:8}", num(row, "sid"),
             num(row, "cid"), num(row, "rxdata_octets"), num(row, "txdata_octets"),
             num(row, "dataout_pdus"), num(row, "datain_pdus"), num(row, "cmd_pdus"),
             num(row, "rsp_pdus"));
}

void rows_stat(Out& out, const Json&, const Json& result) {
    stat_rows(out, result);
}

void session_stat(Out& out, const Json&, const Json& result) {
    stat_rows(out, result);
    out += '\n';
    connection_rows(out, result);
}

void connection_stat(Out& out, const Json&, const Json& result) {
    connection_rows(out, result);
}

struct Layout {
    std::string_view method;
    void (*print)(Out& out, const Json& params, const Json& result);
};

constexpr std::array<Layout, 11> layouts{{
    {"system.show", system_show},
    {"target.show", target_show},
    {"portal.show", portal_show},
    {"account.show", account_show},
    {"connection.show", connection_show},
    {"lld.show", lld_show},
    {"system.stat", rows_stat},
    {"target.stat", rows_stat},
    {"logicalunit.stat", rows_stat},
    {"session.stat", session_stat},
    {"connection.stat", connection_stat},
}};

}  // namespace

void append_target_head(std::string& out, const Json& target) {
    line(out, 0, "Target {}: {}", num(target, "tid"), str(target, "name"));
    target_system(out, target);
    target_nexuses(out, target);
    line(out, 1, "LUN information:");
}

void append_target_tail(std::string& out, const Json& target) {
    const Json& acl = at(target, "acl");
    target_accounts(out, target);
    target_hosts(out, target);
    line(out, 1, "ACL information:");
    for (const Json& address : list(acl, "addresses")) line(out, 2, "{}", plain(address));
    for (const Json& name : list(acl, "initiators")) line(out, 2, "{}", plain(name));
}

void append_lun(std::string& out, const LunLines& lun) {
    const std::string path = lun.path.empty() ? "None" : plain(lun.path);
    fmt::format_to(std::back_inserter(out),
                   "        LUN: {}\n"
                   "            Type: {}\n"
                   "            SCSI ID: {}\n"
                   "            SCSI SN: {}\n"
                   "            Size: {} MB, Block size: {}\n"
                   "            Online: {}\n"
                   "            Removable media: {}\n"
                   "            Prevent removal: {}\n"
                   "            Readonly: {}\n"
                   "            SWP: {}\n"
                   "            Thin-provisioning: {}\n"
                   "            Backing store type: {}\n"
                   "            Backing store path: {}\n"
                   "            Backing store flags: {}\n",
                   lun.lun, lun.type, plain(lun.scsi_id), plain(lun.scsi_sn),
                   display_megabytes(lun.size_bytes), lun.block_size, yes_no(lun.online),
                   yes_no(lun.removable), yes_no(lun.prevent_removal), yes_no(lun.readonly),
                   yes_no(lun.swp), yes_no(lun.thin_provisioning), plain(lun.store), path,
                   plain(lun.flags));
}

uint64_t display_megabytes(uint64_t bytes) {
    const uint64_t sectors = bytes >> 9;
    return (sectors - (sectors / 625 - 974)) / 1950;
}

std::string render(std::string_view method, const Json& params, const Json& result) {
    Out out;
    for (const Layout& layout : layouts)
        if (layout.method == method) layout.print(out, params, result);
    return out;
}

}  // namespace tgt::ipc
