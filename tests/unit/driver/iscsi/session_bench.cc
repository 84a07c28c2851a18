// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/driver/iscsi/session_bench.h"

#include <sys/socket.h>
#include <unistd.h>

#include "driver/iscsi/tcp_transport.h"

namespace tgt::test {

using namespace iscsi;

Peer::~Peer() {
    hang_up();
}

void Peer::hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    bench_.scsi.settle();
}

void Peer::raw(const std::vector<uint8_t>& bytes) {
    for (size_t sent = 0; sent < bytes.size() && fd_ >= 0;) {
        ssize_t n =
            ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) sent += size_t(n);
        if (n < 0 && errno != EAGAIN) return;
        bench_.scsi.settle();
    }
}

void Peer::slip(const std::vector<uint8_t>& bytes) {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) closed_ = true;
}

size_t Peer::push(const std::vector<uint8_t>& bytes) {
    size_t sent = 0;
    for (int tries = 0; tries < 3 && sent < bytes.size(); ++tries) {
        const ssize_t n =
            ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) sent += size_t(n);
        bench_.scsi.settle();
    }
    return sent;
}

size_t Peer::drink(size_t most) {
    std::vector<uint8_t> piece(most);
    const ssize_t n = ::recv(fd_, piece.data(), most, MSG_DONTWAIT);
    return size_t(std::max<ssize_t>(n, 0));
}

std::vector<uint8_t> Peer::encode(wire::Bhs bhs, const std::vector<uint8_t>& data) {
    bhs.data_segment_length = uint32_t(data.size());
    auto header = wire::bytes_of(bhs);
    std::vector<uint8_t> bytes(header.size() + data.size() + wire::padding(data.size()));
    std::copy(header.begin(), header.end(), bytes.begin());
    std::copy(data.begin(), data.end(), bytes.begin() + ptrdiff_t(header.size()));
    return bytes;
}

std::vector<Reply> Peer::replies() {
    std::vector<Reply> found;
    std::vector<uint8_t> piece(1 << 16);
    for (int quiet = 0; quiet < 3 && fd_ >= 0;) {
        bench_.scsi.settle();
        ssize_t n = ::recv(fd_, piece.data(), piece.size(), MSG_DONTWAIT);
        if (n == 0) closed_ = true;
        if (n <= 0) {
            ++quiet;
            continue;
        }
        in_.insert(in_.end(), piece.begin(), piece.begin() + n);
    }
    size_t at = 0;
    while (in_.size() - at >= wire::bhs_size) {
        Reply reply;
        reply.bhs = wire::from_bytes<wire::Bhs>(in_.data() + at);
        size_t length = reply.bhs.data_segment_length;
        size_t whole = wire::bhs_size + length + wire::padding(length);
        if (in_.size() - at < whole) break;
        auto data = in_.begin() + ptrdiff_t(at + wire::bhs_size);
        reply.data.assign(data, data + ptrdiff_t(length));
        found.push_back(std::move(reply));
        at += whole;
    }
    in_.erase(in_.begin(), in_.begin() + ptrdiff_t(at));
    return found;
}

Reply Peer::one() {
    auto all = replies();
    return all.size() == 1 ? all[0] : Reply();
}

bool Peer::closed() {
    replies();
    return closed_;
}

std::vector<uint8_t> Peer::login_request(const std::string& keys, uint8_t isid, uint8_t flags) {
    wire::LoginRequestPdu pdu;
    pdu.flags = flags;
    pdu.isid[0] = 0x40;
    pdu.isid[5] = isid;
    pdu.cmd_sn = cmd_sn;
    pdu.initiator_task_tag = 1;
    std::string text = "InitiatorName=" + name + "|TargetName=iqn.t|SessionType=Normal|" + keys;
    if (keys.find("SessionType=Discovery") != std::string::npos)
        text = "InitiatorName=" + name + "|" + keys;
    for (char& c : text)
        if (c == '|') c = '\0';
    return encode(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()),
                  {text.begin(), text.end()});
}

bool Peer::login(const std::string& keys, uint8_t isid) {
    raw(login_request(keys, isid));
    for (const Reply& reply : replies()) {
        auto response = reply.as<wire::LoginResponsePdu>();
        tsih = response.tsih;
        if (response.status == 0 && (response.flags & 0x80)) return true;
    }
    return false;
}

wire::ScsiCommandPdu Peer::command(const std::vector<uint8_t>& cdb, uint32_t tag, uint32_t length,
                                   bool read, bool write) {
    wire::ScsiCommandPdu pdu;
    pdu.opcode_byte = 0x01;
    pdu.flags = uint8_t(0x81 | (read ? 0x40 : 0) | (write ? 0x20 : 0));
    pdu.lun[1] = 1;
    pdu.initiator_task_tag = tag;
    pdu.expected_data_transfer_length = length;
    pdu.cmd_sn = cmd_sn++;
    std::copy(cdb.begin(), cdb.end(), std::begin(pdu.cdb));
    return pdu;
}

wire::DataOutPdu Peer::data_out(const wire::R2tPdu& r2t, uint32_t sn, uint32_t offset, bool final) {
    wire::DataOutPdu pdu;
    pdu.opcode_byte = 0x05;
    pdu.flags = final ? 0x80 : 0;
    std::copy(std::begin(r2t.lun), std::end(r2t.lun), std::begin(pdu.lun));
    pdu.initiator_task_tag = r2t.initiator_task_tag.get();
    pdu.target_transfer_tag = r2t.target_transfer_tag.get();
    pdu.data_sn = sn;
    pdu.buffer_offset = offset;
    return pdu;
}

SessionBench::SessionBench(unsigned workers, const DriverSettings& settings) : scsi(workers) {
    parameters.values.set(ParamId::nop_interval, 0);
    registry = std::make_unique<SessionRegistry>(scsi.runtime, *this, settings);
}

SessionBench::~SessionBench() {
    scsi.store->hold(false);
    scsi.store->release_held();
    registry->drop(std::nullopt, std::chrono::seconds(1), [](bool) {});
    scsi.settle();
    scsi.pass(std::chrono::seconds(10));
}

std::unique_ptr<Peer> SessionBench::connect(const std::string& from, bool settle) {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) return nullptr;
    auto fd = std::make_shared<UniqueFd>(fds[0]);
    const auto address = mgmt::SocketAddress::parse(from, 1024);
    registry->add_connection(*address, [fd, address](WorkerContext& context, uint64_t id) {
        auto connection =
            std::make_unique<Connection>(context, id, *address, mgmt::SocketAddress(), "iscsi");
        connection->start(
            std::make_unique<TcpTransport>(context, *connection, std::move(*fd), "peer"));
        return connection;
    });
    if (settle) scsi.settle();
    return std::make_unique<Peer>(*this, next_++, fds[1]);
}

Session* SessionBench::session(uint16_t tsih) {
    for (unsigned i = 0; i < scsi.runtime.worker_count(); ++i) {
        auto& sessions = registry->context(i).sessions;
        if (auto found = sessions.find(tsih); found != sessions.end()) return found->second.get();
    }
    return nullptr;
}

size_t SessionBench::session_count() {
    size_t count = 0;
    for (unsigned i = 0; i < scsi.runtime.worker_count(); ++i)
        count += registry->context(i).sessions.size();
    return count;
}

bool SessionBench::connected(uint64_t id) {
    for (unsigned i = 0; i < scsi.runtime.worker_count(); ++i)
        if (registry->context(i).connections.count(id)) return true;
    return false;
}

void SessionBench::login(mgmt::LoginQuestion question,
                         std::function<void(mgmt::LoginAnswer)> answer) {
    asked_by = question.driver;
    mgmt::LoginAnswer granted;
    granted.admission = mgmt::Admission::granted;
    granted.parameters = std::make_shared<IscsiParameters>(parameters);
    if (!question.discovery) {
        granted.tid = 1;
        granted.target = scsi.target;
    }
    answer(std::move(granted));
}

std::vector<mgmt::DiscoveredTarget> SessionBench::discover(const mgmt::LoginQuestion&,
                                                           std::string_view) {
    std::vector<mgmt::DiscoveredTarget> found;
    for (size_t i = 0; i < discovered; ++i)
        found.push_back({"iqn.t" + std::to_string(i), {"127.0.0.1:3260,1"}});
    return found;
}

}  // namespace tgt::test
