// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/hosts.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "ipc/netlink/client.h"
#include "tgtadm/host_text.h"

namespace tgt::tgtadm {
namespace {

using ipc::NetlinkClient;
using ipc::NetlinkRecord;
using Json = nlohmann::json;

Exit failure(int code, const std::string& text, const std::string& reason = "") {
    std::string err = "tgtadm: " + text + "\n";
    if (!reason.empty()) err += "tgtadm: reason: " + reason + "\n";
    return {code, "", err};
}

std::string printed(const Json& json, int indent) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

// What is the same whatever was asked.
Exit refused(const Error& error, const std::string& what) {
    if (error.code == EPERM)
        return failure(exit_invalid, what, "only root, or who has CAP_NET_ADMIN, may do that");
    return failure(exit_invalid, what, error.text);
}

struct Request {
    const Json& params;
    bool json;
    std::optional<uint64_t> host;
    std::string lld;

    explicit Request(const Parsed& parsed) : params(*parsed.params), json(parsed.json) {
        if (params.contains("host")) host = params["host"].get<uint64_t>();
        if (params.contains("lld")) lld = params["lld"].get<std::string>();
    }
    // Of the host alone, or of all.
    NetlinkRecord ask(uint8_t command) const {
        NetlinkRecord out(command);
        if (host) out.set(TGT_NL_A_HOST, *host);
        return out;
    }
};

// --- new

struct Parameter {
    std::string_view name;
    uint16_t attribute;
    uint64_t most;
};
constexpr std::array<Parameter, 3> parameters{{
    {"queues", TGT_NL_A_QUEUES, 64},
    {"nexuses", TGT_NL_A_NEXUSES, 64},
    {"depth", TGT_NL_A_DEPTH, 4096},
}};

Result<void> add_parameter(NetlinkRecord& record, const std::string& name,
                           const std::string& value) {
    for (const Parameter& row : parameters) {
        if (row.name != name) continue;
        const auto number = parse_number(value, row.most);
        if (!number || *number == 0)
            return fail(EINVAL, fmt::format("{} is a number from 1 to {}, not '{}'", name, row.most,
                                            value));
        record.set(row.attribute, *number);
        return {};
    }
    return fail(EINVAL, fmt::format("a host has no parameter '{}': there are queues, nexuses "
                                    "and depth",
                                    name));
}

Result<NetlinkRecord> new_host(const Request& request) {
    NetlinkRecord record = request.ask(TGT_NL_HOST_NEW);
    if (request.host && *request.host > UINT16_MAX)
        return fail(EINVAL, fmt::format("the number of a host is 1 to {}", UINT16_MAX));
    record.set(TGT_NL_A_LLD, std::string_view(request.lld));
    if (!request.params.contains("params")) return record;
    for (const Json& pair : request.params["params"])
        if (auto added =
                add_parameter(record, pair[0].get<std::string>(), pair[1].get<std::string>());
            !added)
            return tl::unexpected(added.error());
    return record;
}

Exit make(NetlinkClient& client, const Request& request, const KernelAccess&) {
    const auto record = new_host(request);
    if (!record) return failure(exit_invalid, "can't make a host", record.error().text);
    const auto answer = client.call(*record, false);
    if (answer && !answer->empty()) {
        const uint64_t number = answer->front().number(TGT_NL_A_HOST).value_or(0);
        return {0, request.json ? printed({{"host", number}}, 2) : fmt::format("{}\n", number), ""};
    }
    const Error error = answer ? Error{EBADMSG, "the kernel does not say which"} : answer.error();
    if (error.code == EOPNOTSUPP)
        return failure(exit_invalid, "can't make a host",
                       fmt::format("the kernel has no driver '{}' that makes hosts: modprobe "
                                   "tgt_{}",
                                   request.lld, request.lld));
    if (error.code == EEXIST)
        return failure(exit_invalid, "can't make a host",
                       fmt::format("there is a host {} already", request.host.value_or(0)));
    return refused(error, "can't make a host");
}

// --- delete

Exit remove(NetlinkClient& client, const Request& request, const KernelAccess&) {
    NetlinkRecord record = request.ask(TGT_NL_HOST_DEL);
    if (request.params.contains("force")) record.set(TGT_NL_A_FORCE, 1);
    const auto answer = client.call(record, false);
    if (answer) return {};
    const uint64_t host = *request.host;
    const std::string what = fmt::format("can't delete host {}", host);
    const int code = answer.error().code;
    if (code == ENODEV)
        return failure(exit_invalid, what, fmt::format("there is no host {}", host));
    if (code == EBUSY)
        return failure(exit_invalid, what,
                       "a device of it is in use; take it away all the same with --force");
    if (code == EOPNOTSUPP)
        return failure(exit_invalid, what,
                       "it is of a driver whose hosts come and go with their hardware");
    return refused(answer.error(), what);
}

// --- show

Result<std::vector<NetlinkRecord>> hosts_of(NetlinkClient& client, const Request& request) {
    NetlinkRecord record = request.ask(TGT_NL_HOST_GET);
    if (!request.lld.empty() && !request.host)
        record.set(TGT_NL_A_LLD, std::string_view(request.lld));
    auto hosts = client.call(record, !request.host);
    if (!hosts && hosts.error().code == ENODEV)
        return fail(ENODEV, fmt::format("there is no host {}", request.host.value_or(0)));
    return hosts;
}

// Hosts may come and go between the lists: each shows what it was when it was asked.
Result<std::vector<ShownHost>> look(NetlinkClient& client, const Request& request) {
    auto hosts = hosts_of(client, request);
    if (!hosts) return tl::unexpected(hosts.error());
    auto queues = client.call(request.ask(TGT_NL_QUEUE_GET), true);
    if (!queues) return tl::unexpected(queues.error());
    auto nexuses = client.call(request.ask(TGT_NL_NEXUS_GET), true);
    if (!nexuses) return tl::unexpected(nexuses.error());
    std::vector<ShownHost> out;
    for (NetlinkRecord& host : *hosts) out.push_back({std::move(host), {}, {}});
    for (ShownHost& shown : out) {
        const auto number = shown.host.number(TGT_NL_A_HOST);
        for (const NetlinkRecord& queue : *queues)
            if (queue.number(TGT_NL_A_HOST) == number) shown.queues.push_back(queue);
        for (const NetlinkRecord& nexus : *nexuses)
            if (nexus.number(TGT_NL_A_HOST) == number) shown.nexuses.push_back(nexus);
    }
    return out;
}

Exit show(NetlinkClient& client, const Request& request, const KernelAccess&) {
    const auto hosts = look(client, request);
    if (!hosts) return refused(hosts.error(), "can't list the hosts");
    std::string text;
    Json list = Json::array();
    for (const ShownHost& one : *hosts) {
        if (request.json)
            list.push_back(host_json(one));
        else
            text += host_text(one);
    }
    return {0, request.json ? printed({{"hosts", list}}, 2) : text, ""};
}

// --- monitor

std::string event_line(const NetlinkRecord& event, const Request& request,
                       const std::string& time) {
    if (request.json) {
        Json json = event_json(event);
        json["time"] = time;
        return printed(json, -1);
    }
    const std::string text = event_text(event);
    return text.empty() ? "" : time + " " + text + "\n";
}

std::string loss_line(const Request& request, const std::string& time) {
    if (request.json) return printed({{"time", time}, {"event", "events_lost"}}, -1);
    return time + " events were lost\n";
}

// Until nobody reads any more; a signal ends the program.
Exit monitor(NetlinkClient& client, const Request& request, const KernelAccess& kernel) {
    if (auto listening = client.listen(); !listening)
        return refused(listening.error(), "can't follow the kernel's events");
    bool read = true;
    while (true) {
        const auto end = client.follow([&](const NetlinkRecord& event) {
            if (request.host && event.number(TGT_NL_A_HOST) != request.host) return true;
            const std::string line = event_line(event, request, kernel.time());
            if (!line.empty()) read = kernel.print(line);
            return read;
        });
        if (end) return {};
        if (end.error().code != ENOBUFS)
            return refused(end.error(), "there are no events any more");
        if (!kernel.print(loss_line(request, kernel.time()))) return {};
    }
}

struct Verb {
    std::string_view method;
    Exit (*run)(NetlinkClient& client, const Request& request, const KernelAccess& kernel);
};
constexpr std::array<Verb, 4> verbs{{
    {"host.new", make},
    {"host.delete", remove},
    {"host.show", show},
    {"host.monitor", monitor},
}};

const Verb* find_verb(const Parsed& parsed) {
    for (const Verb& verb : verbs)
        if (verb.method == parsed.method) return &verb;
    return nullptr;
}

// "2026-11-23 14:05:06.789", of this place.
std::string local_time() {
    using namespace std::chrono;
    const auto now = system_clock::now();
    const std::time_t seconds = system_clock::to_time_t(now);
    const auto ms = duration_cast<milliseconds>(now.time_since_epoch()).count() % 1000;
    std::tm fields{};
    localtime_r(&seconds, &fields);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &fields);
    return fmt::format("{}.{:03}", text.data(), ms);
}

}  // namespace

KernelAccess real_kernel() {
    return {ipc::make_netlink_link(),
            [](std::string_view text) {
                return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
                       std::fflush(stdout) == 0;
            },
            local_time};
}

bool is_host_request(const Parsed& parsed) {
    return find_verb(parsed) != nullptr;
}

Exit run_host(const Parsed& parsed, KernelAccess kernel) {
    const Request request(parsed);
    NetlinkClient client(std::move(kernel.link));
    if (auto connected = client.connect(); !connected) {
        if (connected.error().code == ENOENT)
            return failure(exit_not_connected, "the kernel serves no hosts",
                           "it has no tgt_core: modprobe tgt_core tgt_loop");
        return refused(connected.error(), "can't speak to the kernel");
    }
    return find_verb(parsed)->run(client, request, kernel);
}

}  // namespace tgt::tgtadm
