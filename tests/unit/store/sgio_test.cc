// SPDX-License-Identifier: GPL-2.0-or-later
// The stores sg and bsg but for the kernel: what they ask it for, and what they make of its answer.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "store/bsg/bsg.h"
#include "store/sg/sg.h"
#include "store/sgio/delivery.h"
#include "store/sgio/device.h"
#include "store/sgio/options.h"

namespace tgt::store {
namespace {

using sgio::delivery_of;
using sgio::delivery_of_errno;
namespace fs = std::filesystem;

struct Memory {
    std::array<uint8_t, 8> first{1, 2, 3, 4, 5, 6, 7, 8}, second{9, 10, 11, 12};
    std::array<iovec, 2> pieces{iovec{first.data(), 8}, iovec{second.data(), 4}};
    std::array<uint8_t, 6> cdb{0x12, 0, 0, 0, 12, 0};
    ScsiRequest request() const {
        ScsiRequest made;
        made.cdb = cdb;
        return made;
    }
    ScsiRequest reading(size_t count) const {
        ScsiRequest made = request();
        made.in = std::span(pieces).first(count);
        made.length = count == 2 ? 12 : 8;
        return made;
    }
    ScsiRequest writing(size_t count) const {
        ScsiRequest made = reading(count);
        std::swap(made.in, made.out);
        return made;
    }
};

TEST(Sg, ARequestIsWhatTheDriverWants) {
    Memory memory;
    sg::Call call;
    sg::prepare(call, memory.reading(2), 30000);
    EXPECT_EQ(call.header.interface_id, 'S');
    EXPECT_EQ(call.header.dxfer_direction, SG_DXFER_FROM_DEV);
    EXPECT_EQ(call.header.cmd_len, 6);
    EXPECT_EQ(call.header.cmdp[0], 0x12);
    EXPECT_EQ(call.header.dxfer_len, 12u);
    EXPECT_EQ(call.header.iovec_count, 2);
    EXPECT_EQ(static_cast<iovec*>(call.header.dxferp)[1].iov_base, memory.second.data());
    EXPECT_EQ(call.header.timeout, 30000u);
    EXPECT_EQ(call.header.mx_sb_len, 252);
}

TEST(Sg, OnePieceIsGivenAsItIsAndNoneIsNoTransfer) {
    Memory memory;
    sg::Call call;
    sg::prepare(call, memory.writing(1), 1);
    EXPECT_EQ(call.header.dxfer_direction, SG_DXFER_TO_DEV);
    EXPECT_EQ(call.header.iovec_count, 0);
    EXPECT_EQ(call.header.dxferp, memory.first.data());
    sg::prepare(call, memory.request(), 1);
    EXPECT_EQ(call.header.dxfer_direction, SG_DXFER_NONE);
    EXPECT_EQ(call.header.dxfer_len, 0u);
}

TEST(Sg, AnAnswerHasStatusSenseAndResidual) {
    Memory memory;
    sg::Call call;
    sg::prepare(call, memory.reading(1), 1);
    call.header.status = 0x02;
    call.header.resid = 5;
    call.header.sb_len_wr = 2;
    call.sense[0] = 0x72;
    const ScsiReply reply = sg::reply_of(call);
    EXPECT_EQ(reply.delivery, Delivery::answered);
    EXPECT_EQ(reply.status, 0x02);
    EXPECT_EQ(reply.residual, 5);
    EXPECT_EQ(reply.sense, (std::vector<uint8_t>{0x72, 0}));
}

TEST(Bsg, ARequestIsWhatTheDriverWants) {
    Memory memory;
    bsg::Call call;
    const ScsiRequest request = memory.reading(1);
    bsg::prepare(call, request, 30000);
    EXPECT_EQ(call.header.guard, 'Q');
    EXPECT_EQ(call.header.request_len, 6u);
    EXPECT_EQ(call.header.request, uint64_t(uintptr_t(memory.cdb.data())));
    EXPECT_EQ(call.header.din_xfer_len, 8u);
    EXPECT_EQ(call.header.din_xferp, uint64_t(uintptr_t(memory.first.data())));
    EXPECT_EQ(call.header.dout_xfer_len, 0u);
    EXPECT_EQ(call.header.timeout, 30000u);
}

// The driver takes no list of pieces.
TEST(Bsg, SeveralPiecesAreCopied) {
    Memory memory;
    bsg::Call call;
    bsg::prepare(call, memory.writing(2), 1);
    EXPECT_EQ(call.flat, (std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
    EXPECT_EQ(call.header.dout_xferp, uint64_t(uintptr_t(call.flat.data())));
    EXPECT_EQ(call.header.dout_xfer_len, 12u);

    bsg::Call read;
    const ScsiRequest request = memory.reading(2);
    bsg::prepare(read, request, 1);
    for (size_t i = 0; i < 12; ++i) read.flat[i] = uint8_t(100 + i);
    bsg::reply_of(read, request);
    EXPECT_EQ(memory.first[7], 107);
    EXPECT_EQ(memory.second[0], 108);
    EXPECT_EQ(memory.second[3], 111);
}

TEST(Bsg, AnAnswerHasStatusSenseAndTheResidualOfItsDirection) {
    Memory memory;
    bsg::Call call;
    const ScsiRequest request = memory.writing(1);
    bsg::prepare(call, request, 1);
    call.header.device_status = 0x18;
    call.header.dout_resid = 8;
    call.header.response_len = 1000;
    const ScsiReply reply = bsg::reply_of(call, request);
    EXPECT_EQ(reply.delivery, Delivery::answered);
    EXPECT_EQ(reply.status, 0x18);
    EXPECT_EQ(reply.residual, 8);
    EXPECT_EQ(reply.sense.size(), 252u);
}

// --- what the kernel says ---------------------------------------------------------------------

TEST(SgioDelivery, AStatusOfTheDeviceIsAnAnswerWhateverTheKernelMadeOfIt) {
    EXPECT_EQ(delivery_of(0x02, 0x10, 0x08), Delivery::answered);
    EXPECT_EQ(delivery_of(0x18, 0x11, 0), Delivery::answered);
}

TEST(SgioDelivery, NoHostCodeButOkIsAnAnswer) {
    EXPECT_EQ(delivery_of(0, 0, 0), Delivery::answered);
    EXPECT_EQ(delivery_of(0, 0, 0x08), Delivery::answered);  // sense data, no more
    EXPECT_EQ(delivery_of(0, 0x01, 0), Delivery::no_device);
    EXPECT_EQ(delivery_of(0, 0x02, 0), Delivery::busy);
    EXPECT_EQ(delivery_of(0, 0x03, 0), Delivery::timed_out);
    EXPECT_EQ(delivery_of(0, 0x08, 0), Delivery::ended);
    EXPECT_EQ(delivery_of(0, 0x07, 0), Delivery::link_failed);
    EXPECT_EQ(delivery_of(0, 0x11, 0), Delivery::conflict);
    for (uint32_t code : {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0b,  0x0c,
                          0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0xffff})
        EXPECT_NE(delivery_of(0, code, 0), Delivery::answered) << code;
}

TEST(SgioDelivery, DriverCodesOfOldKernelsAreKnown) {
    EXPECT_EQ(delivery_of(0, 0, 0x06), Delivery::timed_out);
    EXPECT_EQ(delivery_of(0, 0, 0x04), Delivery::failed);
}

TEST(SgioDelivery, ErrnoValuesTellWhy) {
    ScsiRequest request;
    std::array<uint8_t, 32> cdb{};
    request.cdb = std::span(cdb).first(10);
    request.length = 4096;
    constexpr uint64_t most = 512 << 10;
    EXPECT_EQ(delivery_of_errno(ENODEV, request, most), Delivery::no_device);
    EXPECT_EQ(delivery_of_errno(ENOMEM, request, most), Delivery::busy);
    EXPECT_EQ(delivery_of_errno(EDOM, request, most), Delivery::busy);
    EXPECT_EQ(delivery_of_errno(EPERM, request, most), Delivery::unsupported);
    EXPECT_EQ(delivery_of_errno(EIO, request, most), Delivery::failed);
    request.length = most + 1;
    EXPECT_EQ(delivery_of_errno(EINVAL, request, most), Delivery::too_large);
    EXPECT_EQ(delivery_of_errno(ENOMEM, request, most), Delivery::too_large);
    request.length = 0;
    request.cdb = cdb;
    EXPECT_EQ(delivery_of_errno(EINVAL, request, most), Delivery::unsupported);
}

// --- options ----------------------------------------------------------------------------------

TEST(SgioOptions, TheTimeoutIsSecondsOrThatOfTheType) {
    EXPECT_EQ(sgio::parse_options("")->timeout, std::nullopt);
    EXPECT_EQ(sgio::parse_options("timeout=90;")->timeout, 90u);
    EXPECT_EQ(sgio::default_timeout(0x00), 30u);
    EXPECT_EQ(sgio::default_timeout(0x01), 14000u);
    for (const char* bad : {"timeout=", "timeout=0", "timeout=-1", "timeout=9x", "timeout=604801",
                            "timeout=99999999999", "speed=9", "timeout"})
        EXPECT_FALSE(sgio::parse_options(bad)) << bad;
}

// --- devices ----------------------------------------------------------------------------------

// A sysfs of the test's own, in which /dev/null is a SCSI device.
class SgioDeviceTest : public testing::Test {
  protected:
    SgioDeviceTest() {
        std::string name = (fs::temp_directory_path() / "sgio-XXXXXX").string();
        top = mkdtemp(name.data());
        struct stat st;
        stat("/dev/null", &st);
        const auto number =
            std::to_string(major(st.st_rdev)) + ":" + std::to_string(minor(st.st_rdev));
        node = top / "dev/char" / number;
        device = top / "devices/3:0:1:2";
        fs::create_directories(node);
        fs::create_directories(device);
        fs::create_directories(top / "class/scsi_generic");
        fs::create_directory_symlink(top / "class/scsi_generic", node / "subsystem");
        fs::create_directory_symlink(device, node / "device");
        write("type", "1");
        write("vendor", "ACME    ");
        write("model", "Tape");
    }
    ~SgioDeviceTest() override { fs::remove_all(top); }
    void write(const char* name, std::string_view text) {
        std::ofstream(device / name) << text << "\n";
    }
    Result<sgio::Device> open(const std::string& path = "/dev/null",
                              std::string_view wanted = "scsi_generic") {
        return sgio::open_device(path, {wanted, "/dev/sgN", "sg"}, top);
    }

    fs::path top, node, device;
};

TEST_F(SgioDeviceTest, IsKnownByItsOwnNameOrByWhatItIsAndWhere) {
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(opened->type, 1);
    EXPECT_EQ(opened->lasting_id, "scsi-at:3:0:1:2:ACME:Tape");
    write("wwid", "naa.3000");
    EXPECT_EQ(open()->lasting_id, "scsi:naa.3000");
}

TEST_F(SgioDeviceTest, IsGoneWhenItsFolderIsOrAnotherHasItsNumber) {
    write("wwid", "naa.3000");
    auto opened = open();
    ASSERT_TRUE(opened);
    EXPECT_TRUE(sgio::is_there(*opened));
    write("wwid", "naa.4000");
    EXPECT_FALSE(sgio::is_there(*opened));
    fs::remove(node / "device");
    EXPECT_FALSE(sgio::is_there(*opened));
}

TEST_F(SgioDeviceTest, WithoutAnSgNodeItCannotBeReset) {
    auto opened = open();
    ASSERT_TRUE(opened);
    EXPECT_EQ(sgio::reset_device(*opened), ENOTSUP);
}

TEST_F(SgioDeviceTest, WhatIsNoSuchDeviceIsRefusedWithTheReason) {
    EXPECT_NE(open("/dev/null", "bsg").error().text.find("/dev/sgN"), std::string::npos);
    EXPECT_NE(open(top).error().text.find("/dev/sgN"), std::string::npos);
    EXPECT_NE(open("/dev/sg-none").error().text.find("module sg"), std::string::npos);
    write("type", "");
    EXPECT_NE(open().error().text.find("does not lead to a SCSI device"), std::string::npos);
}

TEST(SgioStore, IsAnEngineOfCommands) {
    for (const Engine* engine : {&sg_engine, &bsg_engine}) {
        EXPECT_EQ(engine->content, Content::commands);
        EXPECT_TRUE(engine->needs_path);
        OpenRequest request;
        request.path = "/dev/null";
        EXPECT_FALSE(engine->open(request));
    }
}

}  // namespace
}  // namespace tgt::store
