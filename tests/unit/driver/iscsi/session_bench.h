// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver/iscsi/connection.h"
#include "driver/iscsi/driver_parameters.h"
#include "driver/iscsi/session_registry.h"
#include "tests/unit/scsi/engine_bench.h"
#include "wire/iscsi.h"

namespace tgt::test {

// One PDU that came from the target.
struct Reply {
    wire::Bhs bhs;
    std::vector<uint8_t> data;

    wire::Opcode opcode() const { return bhs.opcode(); }
    template <class Pdu>
    Pdu as() const {
        return wire::from_bytes<Pdu>(wire::bytes_of(bhs).data());
    }
};

class SessionBench;

// A scripted initiator at the other end of a socketpair.
class Peer {
  public:
    Peer(SessionBench& bench, uint64_t connection, int fd)
        : bench_(bench), id(connection), fd_(fd) {}
    ~Peer();

    // Sends bytes as they are; a PDU: data is padded, its length put into the header.
    void raw(const std::vector<uint8_t>& bytes);
    // The same, but the target has no turn to see them.
    void slip(const std::vector<uint8_t>& bytes);
    template <class Pdu>
    void send(const Pdu& pdu, const std::vector<uint8_t>& data = {}) {
        raw(encode(wire::from_bytes<wire::Bhs>(wire::bytes_of(pdu).data()), data));
    }
    static std::vector<uint8_t> encode(wire::Bhs bhs, const std::vector<uint8_t>& data = {});
    // Sends what the target takes now; how many bytes that was.
    size_t push(const std::vector<uint8_t>& bytes);
    // Reads and forgets at most so many bytes; how many there were.
    size_t drink(size_t most);
    // Everything that has come; settles first.
    std::vector<Reply> replies();
    Reply one();  // exactly one
    bool closed();
    void hang_up();
    int descriptor() const { return fd_; }

    // Login to full feature; false when the target refused. `keys` end with '|' each.
    bool login(const std::string& keys = "", uint8_t isid = 1);
    // Its request: from the operational stage to full feature unless `flags` say otherwise.
    std::vector<uint8_t> login_request(const std::string& keys = "", uint8_t isid = 1,
                                       uint8_t flags = 0x87);
    // A SCSI Command with the next CmdSN.
    wire::ScsiCommandPdu command(const std::vector<uint8_t>& cdb, uint32_t tag, uint32_t length,
                                 bool read, bool write);
    wire::DataOutPdu data_out(const wire::R2tPdu& r2t, uint32_t sn, uint32_t offset, bool final);

  private:
    SessionBench& bench_;

  public:
    const uint64_t id;
    uint32_t cmd_sn = 100;
    uint16_t tsih = 0;
    std::string name = "iqn.i";  // of the initiator

  private:
    int fd_;
    bool closed_ = false;
    std::vector<uint8_t> in_;
};

// The iSCSI driver's sessions on a Bench: a target with one LUN, as management would give it.
class SessionBench : public mgmt::Directory {
  public:
    explicit SessionBench(unsigned workers = 1, const iscsi::DriverSettings& settings = {});
    ~SessionBench();

    std::unique_ptr<Peer> connect(const std::string& from = "127.0.0.1", bool settle = true);
    iscsi::Session* session(uint16_t tsih);
    size_t session_count();
    bool connected(uint64_t id);

    bool accepting() const override { return true; }
    void login(mgmt::LoginQuestion question,
               std::function<void(mgmt::LoginAnswer)> answer) override;
    std::vector<mgmt::DiscoveredTarget> discover(const mgmt::LoginQuestion&,
                                                 std::string_view) override;

    Bench scsi;
    iscsi::IscsiParameters parameters;
    std::string asked_by;   // the driver of the last login
    size_t discovered = 1;  // targets that discover() names
    std::unique_ptr<iscsi::SessionRegistry> registry;

  private:
    uint64_t next_ = 1;
};

}  // namespace tgt::test
