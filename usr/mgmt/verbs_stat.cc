// SPDX-License-Identifier: GPL-2.0-or-later
// Statistics: the counters of the nexuses, collected on their workers.
#include <algorithm>
#include <tuple>

#include "mgmt/handlers.h"
#include "scsi/nexus.h"

namespace tgt::mgmt {

namespace {

struct Row {
    int tid = 0;
    uint64_t lun = 0;
    uint64_t sid = 0;
    scsi::Counters counters;
};

struct Filter {
    std::optional<int> tid;
    std::optional<uint64_t> lun;
    std::optional<uint64_t> sid;
};

// The rows of one round over the workers; each worker fills its own part.
struct Collection {
    Filter filter;
    std::vector<std::pair<int, std::shared_ptr<scsi::Target>>> targets;
    std::vector<std::vector<Row>> by_worker;
};

void collect_here(Collection& all, unsigned worker) {
    for (const auto& [tid, target] : all.targets)
        target->shard(worker).nexuses.for_each([&, tid = tid](scsi::Nexus& nexus) {
            if (all.filter.sid && *all.filter.sid != nexus.number()) return;
            for (const auto& [lun, itl] : nexus.luns())
                if (!all.filter.lun || *all.filter.lun == lun)
                    all.by_worker[worker].push_back({tid, lun, nexus.number(), itl->counters});
        });
}

std::vector<Row> merged(const Collection& all) {
    std::vector<Row> rows;
    for (const auto& part : all.by_worker) rows.insert(rows.end(), part.begin(), part.end());
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
        return std::tuple(a.tid, a.lun, a.sid) < std::tuple(b.tid, b.lun, b.sid);
    });
    return rows;
}

Json show_row(const Row& row) {
    const scsi::Counters& c = row.counters;
    return {{"tid", row.tid},
            {"lun", row.lun},
            {"sid", row.sid},
            {"rd_subm_bytes", c.read_submitted_bytes},
            {"rd_subm_cmds", c.read_submitted},
            {"rd_done_bytes", c.read_done_bytes},
            {"rd_done_cmds", c.read_done},
            {"wr_subm_bytes", c.write_submitted_bytes},
            {"wr_subm_cmds", c.write_submitted},
            {"wr_done_bytes", c.write_done_bytes},
            {"wr_done_cmds", c.write_done},
            {"errs", c.errors}};
}

void collect(const CallPtr& call, Filter filter, std::function<void(Json)> done) {
    auto all = std::make_shared<Collection>();
    io::Runtime& runtime = call->registry.runtime();
    all->filter = filter;
    all->by_worker.resize(runtime.worker_count());
    for (const auto& [tid, entry] : call->registry.targets())
        if (!filter.tid || *filter.tid == tid) all->targets.emplace_back(tid, entry.target);
    runtime.on_every_worker([all](io::Worker& worker) { collect_here(*all, worker.index()); },
                            [all, done = std::move(done)] {
                                Json rows = Json::array();
                                for (const Row& row : merged(*all)) rows.push_back(show_row(row));
                                done(std::move(rows));
                            });
}

void answer_rows(const CallPtr& call, Filter filter) {
    collect(call, filter, [call](Json rows) { answer(*call, Json{{"rows", std::move(rows)}}); });
}

Json show_connections(const std::vector<SessionInfo>& sessions, std::optional<uint64_t> sid,
                      std::optional<uint64_t> cid) {
    Json out = Json::array();
    for (const SessionInfo& session : sessions)
        for (const ConnectionInfo& connection : session.connections) {
            if ((sid && *sid != session.id) || (cid && *cid != connection.cid)) continue;
            const ConnectionCounters& c = connection.counters;
            out.push_back({{"sid", session.id},
                           {"cid", connection.cid},
                           {"rxdata_octets", c.rxdata_octets},
                           {"txdata_octets", c.txdata_octets},
                           {"dataout_pdus", c.dataout_pdus},
                           {"datain_pdus", c.datain_pdus},
                           {"cmd_pdus", c.command_pdus},
                           {"rsp_pdus", c.response_pdus}});
        }
    return out;
}

bool is_there(const std::vector<SessionInfo>& sessions, uint64_t sid) {
    return std::any_of(sessions.begin(), sessions.end(),
                       [&](const SessionInfo& session) { return session.id == sid; });
}

}  // namespace

void system_stat(CallPtr call) {
    answer_rows(call, {});
}

void target_stat(CallPtr call) {
    auto found = call->registry.find_target(tid_of(*call));
    if (!found) return answer_failure(*call, found.error());
    Filter filter;
    filter.tid = (*found)->tid;
    answer_rows(call, filter);
}

void lun_stat(CallPtr call) {
    auto found = call->registry.find_target(tid_of(*call));
    if (!found) return answer_failure(*call, found.error());
    Filter filter;
    filter.tid = (*found)->tid;
    filter.lun = number_of(*call, Key::lun);
    if (!filter.lun || !(*found)->target->luns().count(*filter.lun))
        return answer_failure(
            *call, {ErrorCode::no_lun, fmt::format("target {} has no such LUN", (*found)->tid)});
    answer_rows(call, filter);
}

void session_stat(CallPtr call) {
    Filter filter;
    filter.sid = number_of(*call, Key::sid);
    if (!filter.sid)
        return answer_failure(*call, {ErrorCode::no_session, "say which session: give sid"});
    call->registry.list_sessions(filter.tid, [call, filter](std::vector<SessionInfo> sessions) {
        if (!is_there(sessions, *filter.sid))
            return answer_failure(
                *call, {ErrorCode::no_session, fmt::format("there is no session {}", *filter.sid)});
        // None where the nexus is a port of the kernel's.
        Json connections = show_connections(sessions, filter.sid, {});
        collect(call, filter, [call, connections](Json rows) {
            // tgt lists the LUNs of a session from the last to the first.
            std::reverse(rows.begin(), rows.end());
            answer(*call, Json{{"rows", std::move(rows)}, {"connections", connections}});
        });
    });
}

void connection_stat(CallPtr call) {
    call->registry.list_sessions({}, [call](std::vector<SessionInfo> sessions) {
        const auto sid = number_of(*call, Key::sid);
        const auto cid = number_of(*call, Key::cid);
        if (!sid)
            return answer_failure(*call, {ErrorCode::no_session, "say which session: give sid"});
        if (!is_there(sessions, *sid))
            return answer_failure(
                *call, {ErrorCode::no_session, fmt::format("there is no session {}", *sid)});
        Json connections = show_connections(sessions, sid, cid);
        if (connections.empty())
            return answer_failure(*call, {ErrorCode::no_connection, "there is no such connection"});
        answer(*call, Json{{"rows", Json::array()}, {"connections", connections}});
    });
}

}  // namespace tgt::mgmt
