// SPDX-License-Identifier: GPL-2.0-or-later
// A live connection after login, fed by the input. Each record is: one byte of what to do, then for
// a PDU its 48 header bytes and data. Bits 0-2 of the first byte: 0-3 a PDU whose CmdSN and length
// are put right, 4 a PDU as it is, 5 raw bytes, 6 time passes or the store lets go, 7 the store
// begins to hang. Bit 3: the operations of a hanging store can be cancelled.
#include "base/log.h"
#include "tests/fuzz/input.h"
#include "tests/unit/driver/iscsi/session_bench.h"
#include "wire/endian.h"

using tgt::test::Input;
using tgt::test::Peer;
using tgt::test::SessionBench;

namespace {

void send_pdu(Input& in, Peer& peer, bool honest) {
    auto header = in.take(tgt::wire::bhs_size);
    header.resize(tgt::wire::bhs_size);
    auto data = in.take(size_t(in.byte()) * 8);
    if (!honest) {
        header.insert(header.end(), data.begin(), data.end());
        peer.raw(header);
        return;
    }
    header[0] &= 0x5f;  // initiator opcodes
    header[4] = 0;
    tgt::wire::store_be<4>(&header[24], (header[0] & 0x3f) == 5 ? 0xffffffff : peer.cmd_sn);
    if (!(header[0] & 0x40) && (header[0] & 0x3f) < 7 && (header[0] & 0x3f) != 5) ++peer.cmd_sn;
    std::fill_n(&header[8], 8, 0);
    header[9] = 1;
    std::fill_n(&header[16], 3, 0);  // few tags
    peer.raw(Peer::encode(tgt::wire::from_bytes<tgt::wire::Bhs>(header.data()), data));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    tgt::log::set_all(tgt::log::Level::error);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input in(data, size);
    SessionBench bench;
    auto peer = bench.connect();
    const char* keys[] = {"", "InitialR2T=No|",
                          "ImmediateData=No|MaxBurstLength=1024|FirstBurstLength=512|",
                          "MaxOutstandingR2T=4|MaxRecvDataSegmentLength=512|"};
    if (!peer->login(keys[in.byte() & 3])) return 0;
    while (!in.empty() && bench.connected(peer->id)) {
        uint8_t what = in.byte();
        switch (what & 7) {
            case 4:
                send_pdu(in, *peer, false);
                break;
            case 5:
                peer->raw(in.take(what >> 3));
                break;
            case 6:
                if (what & 8) bench.scsi.pass(std::chrono::seconds(what >> 4));
                bench.scsi.store->hold(false);
                bench.scsi.store->release_held();
                break;
            case 7:
                bench.scsi.store->cancellable = (what & 8) != 0;
                bench.scsi.store->hold(true);
                break;
            default:
                send_pdu(in, *peer, true);
        }
        peer->replies();
    }
    return 0;
}
