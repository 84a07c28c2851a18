// SPDX-License-Identifier: GPL-2.0-or-later
// Commands from the initiator's side, so that the daemon has something to answer wrongly.
#include <fcntl.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "attacks.h"

namespace tgt::hostile {
namespace {

constexpr unsigned kTimeoutMs = 1000;
constexpr size_t kMaxBytes = 256 << 10;

void put_be32(uint8_t* at, uint32_t value) {
    for (int i = 0; i < 4; ++i) {
        at[i] = static_cast<uint8_t>(value >> (24 - 8 * i));
    }
}

// READ(10), WRITE(10), INQUIRY, REQUEST SENSE, TEST UNIT READY; lengths do not always agree with
// the CDB's.
void command(int fd, std::vector<uint8_t>& data, Random& random) {
    static constexpr std::array<uint8_t, 6> kCodes = {0x28, 0x2a, 0x12, 0x03, 0x00, 0xa0};
    uint8_t code = kCodes[random.below(kCodes.size())];
    auto blocks = static_cast<uint16_t>(1 + random.below(kMaxBytes / 512));
    std::array<uint8_t, 16> cdb{};
    std::array<uint8_t, 96> sense{};
    cdb[0] = code;
    put_be32(&cdb[2], static_cast<uint32_t>(random.below(1024)));
    cdb[7] = static_cast<uint8_t>(blocks >> 8);
    cdb[8] = static_cast<uint8_t>(blocks);
    sg_io_hdr_t header{};
    header.interface_id = 'S';
    header.cmd_len = code >= 0xa0 ? 12 : code >= 0x20 ? 10 : 6;
    header.cmdp = cdb.data();
    header.sbp = sense.data();
    header.mx_sb_len = sense.size();
    header.timeout = kTimeoutMs;
    header.dxfer_direction = code == 0x2a   ? SG_DXFER_TO_DEV
                             : code == 0x00 ? SG_DXFER_NONE
                                            : SG_DXFER_FROM_DEV;
    header.dxfer_len =
        random.one_in(8) ? static_cast<unsigned>(1 + random.below(kMaxBytes)) : blocks * 512u;
    if (code == 0x00) {
        header.dxfer_len = 0;
    }
    header.dxferp = data.data();
    ioctl(fd, SG_IO, &header);
}

// The middle layer gives a device up that does not answer.
void set_online(const std::string& device) {
    std::string path =
        "/sys/class/scsi_generic" + device.substr(device.rfind('/')) + "/device/state";
    int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "running", 7);
        close(fd);
    }
}

}  // namespace

void load(Field& field, Random random) {
    std::vector<uint8_t> data(kMaxBytes);
    while (!field.over) {
        set_online(field.options.load);
        int fd = open(field.options.load.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            continue;
        }
        for (int left = 16; left > 0 && !field.over; --left) {
            command(fd, data, random);
            field.count.commands++;
        }
        close(fd);
    }
}

}  // namespace tgt::hostile
