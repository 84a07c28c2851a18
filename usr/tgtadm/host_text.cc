// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/host_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

namespace tgt::tgtadm {
namespace {

using ipc::NetlinkAttribute;
using ipc::NetlinkRecord;
using Json = nlohmann::json;

// Names come from initiators and drivers: a line break in one must not forge a line.
std::string plain(std::string_view raw) {
    std::string text(raw);
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}

uint64_t number(const NetlinkRecord& record, uint16_t attribute) {
    return record.number(attribute).value_or(0);
}

template <class... Args>
void line(std::string& out, int indent, fmt::format_string<Args...> format, Args&&... args) {
    out.append(size_t(indent) * 4, ' ');
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
    out += '\n';
}

struct Label {
    uint16_t attribute;
    std::string_view text;
};
// Those that a message does not have are left out.
constexpr std::array<Label, 11> counters{{
    {TGT_NL_A_COMMANDS, "Commands"},
    {TGT_NL_A_ACTIVE, "Commands under way"},
    {TGT_NL_A_IN_BYTES, "Data-In bytes"},
    {TGT_NL_A_OUT_BYTES, "Data-Out bytes"},
    {TGT_NL_A_TASKS, "Task management functions"},
    {TGT_NL_A_ABORTED, "Commands without an answer"},
    {TGT_NL_A_FULL, "Commands refused, queue full"},
    {TGT_NL_A_KICKS, "System calls of tgtd"},
    {TGT_NL_A_WAKEUPS, "Wake-ups of tgtd"},
    {TGT_NL_A_REDELIVERED, "Commands given to another tgtd"},
    {TGT_NL_A_BAD_REPLIES, "Attachments ended for bad replies"},
}};

void add_counters(std::string& out, int indent, const NetlinkRecord& record) {
    for (const Label& label : counters)
        if (const auto value = record.number(label.attribute))
            line(out, indent, "{}: {}", label.text, *value);
}

void add_queue(std::string& out, const NetlinkRecord& queue) {
    line(out, 2, "Queue: {}", number(queue, TGT_NL_A_QUEUE));
    if (const auto pid = queue.number(TGT_NL_A_PID))
        line(out, 3, "Served by: process {}", *pid);
    else
        line(out, 3, "Served by: nobody");
    if (const auto bytes = queue.number(TGT_NL_A_DATA_BYTES))
        line(out, 3, "Data area: {} KB", *bytes >> 10);
    line(out, 3, "I_T nexuses: {}", number(queue, TGT_NL_A_NEXUSES));
    add_counters(out, 3, queue);
}

void add_nexus(std::string& out, const NetlinkRecord& nexus) {
    line(out, 2, "I_T nexus: {}", number(nexus, TGT_NL_A_NEXUS));
    line(out, 3, "Initiator: {}", plain(nexus.text(TGT_NL_A_INITIATOR)));
    line(out, 3, "Queue: {}", number(nexus, TGT_NL_A_QUEUE));
    add_counters(out, 3, nexus);
}

std::string hex(std::span<const uint8_t> bytes) {
    std::string out;
    for (const uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
    return out;
}

Json value_of(const NetlinkRecord& record, const NetlinkAttribute& row) {
    using Kind = NetlinkAttribute::Kind;
    if (row.kind == Kind::text) return plain(record.text(row.number));
    if (row.kind == Kind::bytes) return hex(record.bytes(row.number));
    if (row.kind == Kind::flag || row.kind == Kind::u8) return number(record, row.number) != 0;
    return number(record, row.number);
}

Json record_json(const NetlinkRecord& record) {
    Json out = Json::object();
    for (const NetlinkAttribute& row : ipc::netlink_attributes())
        if (record.has(row.number)) out[std::string(row.name)] = value_of(record, row);
    return out;
}

Json list_json(const std::vector<NetlinkRecord>& records) {
    Json out = Json::array();
    for (const NetlinkRecord& record : records) out.push_back(record_json(record));
    return out;
}

// --- events

std::string_view reason_of(const NetlinkRecord& event) {
    constexpr std::array<std::string_view, 3> reasons{
        "it was closed", "the process broke the rules", "the host is gone"};
    const uint64_t reason = number(event, TGT_NL_A_DETACH_REASON);
    return reason < reasons.size() ? reasons[reason] : "for a reason unknown here";
}

std::string host_added(const NetlinkRecord& event) {
    std::string out = fmt::format("added: driver {}, queues {}, commands per queue {}",
                                  plain(event.text(TGT_NL_A_LLD)), number(event, TGT_NL_A_QUEUES),
                                  number(event, TGT_NL_A_DEPTH));
    if (const auto scsi = event.number(TGT_NL_A_SCSI_HOST))
        out += fmt::format(", SCSI host {}", *scsi);
    return out;
}

std::string host_removed(const NetlinkRecord&) {
    return "removed";
}

std::string nexus_added(const NetlinkRecord& event) {
    return fmt::format("I_T nexus {} added: initiator {}, queue {}", number(event, TGT_NL_A_NEXUS),
                       plain(event.text(TGT_NL_A_INITIATOR)), number(event, TGT_NL_A_QUEUE));
}

std::string nexus_removed(const NetlinkRecord& event) {
    return fmt::format("I_T nexus {} removed: initiator {}", number(event, TGT_NL_A_NEXUS),
                       plain(event.text(TGT_NL_A_INITIATOR)));
}

std::string attached(const NetlinkRecord& event) {
    return fmt::format("queue {} attached: process {}", number(event, TGT_NL_A_QUEUE),
                       number(event, TGT_NL_A_PID));
}

std::string detached(const NetlinkRecord& event) {
    return fmt::format("queue {} detached: process {}, {}", number(event, TGT_NL_A_QUEUE),
                       number(event, TGT_NL_A_PID), reason_of(event));
}

struct EventRow {
    uint8_t command;
    std::string_view name;
    std::string (*text)(const NetlinkRecord& event);
};
constexpr std::array<EventRow, 6> events{{
    {TGT_NL_HOST_ADDED, "host_added", host_added},
    {TGT_NL_HOST_REMOVED, "host_removed", host_removed},
    {TGT_NL_NEXUS_ADDED, "nexus_added", nexus_added},
    {TGT_NL_NEXUS_REMOVED, "nexus_removed", nexus_removed},
    {TGT_NL_QUEUE_ATTACHED, "queue_attached", attached},
    {TGT_NL_QUEUE_DETACHED, "queue_detached", detached},
}};

const EventRow* find_event(const NetlinkRecord& event) {
    const auto found = std::find_if(events.begin(), events.end(), [&](const EventRow& row) {
        return row.command == event.command();
    });
    return found == events.end() ? nullptr : &*found;
}

}  // namespace

std::string host_text(const ShownHost& shown) {
    std::string out;
    const NetlinkRecord& host = shown.host;
    const std::string port = plain(host.text(TGT_NL_A_PORT_NAME));
    line(out, 0, "Host {}: {}", number(host, TGT_NL_A_HOST), plain(host.text(TGT_NL_A_LLD)));
    line(out, 1, "System information:");
    line(out, 2, "Port name: {}", port.empty() ? "none" : port);
    if (const auto scsi = host.number(TGT_NL_A_SCSI_HOST)) line(out, 2, "SCSI host: {}", *scsi);
    line(out, 2, "Queues: {}", number(host, TGT_NL_A_QUEUES));
    line(out, 2, "Commands per queue: {}", number(host, TGT_NL_A_DEPTH));
    line(out, 2, "I_T nexuses: {}", number(host, TGT_NL_A_NEXUSES));
    line(out, 1, "Queue information:");
    for (const NetlinkRecord& queue : shown.queues) add_queue(out, queue);
    line(out, 1, "I_T nexus information:");
    for (const NetlinkRecord& nexus : shown.nexuses) add_nexus(out, nexus);
    return out;
}

// The lists take the place of their numbers.
Json host_json(const ShownHost& shown) {
    Json out = record_json(shown.host);
    out["queues"] = list_json(shown.queues);
    out["nexuses"] = list_json(shown.nexuses);
    return out;
}

std::string event_text(const NetlinkRecord& event) {
    const EventRow* row = find_event(event);
    if (!row) return {};
    return fmt::format("host {} {}", number(event, TGT_NL_A_HOST), row->text(event));
}

Json event_json(const NetlinkRecord& event) {
    const EventRow* row = find_event(event);
    Json out = record_json(event);
    out["event"] = row ? std::string(row->name) : fmt::format("event_{}", event.command());
    return out;
}

}  // namespace tgt::tgtadm
