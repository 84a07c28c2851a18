// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <gtest/gtest.h>

namespace tgt::log {
namespace {

class LogTest : public testing::Test {
  protected:
    void SetUp() override { open({.to_syslog = false, .program = "log-test"}); }
    void TearDown() override { set_all(Level::info); }
};

TEST_F(LogTest, LevelsAreNamedAndParsed) {
    for (Level level : {Level::debug, Level::info, Level::warning, Level::error, Level::off}) {
        Level parsed = level == Level::off ? Level::debug : Level::off;
        EXPECT_TRUE(parse_level(level_name(level), parsed));
        EXPECT_EQ(parsed, level);
    }
    Level untouched = Level::warning;
    EXPECT_FALSE(parse_level("loud", untouched));
    EXPECT_EQ(untouched, Level::warning);
}

TEST_F(LogTest, ModuleLevelsAreIndependent) {
    set_level(Module::scsi, Level::debug);
    EXPECT_TRUE(enabled(Module::scsi, Level::debug));
    EXPECT_FALSE(enabled(Module::io, Level::debug));
    set_level(Module::scsi, Level::off);
    EXPECT_FALSE(enabled(Module::scsi, Level::error));
}

TEST_F(LogTest, SuppressedLinesAreNotWritten) {
    testing::internal::CaptureStderr();
    debug(Module::io, "hidden");
    warn(Module::io, "shown {}", 42);
    std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(text.find("hidden"), std::string::npos);
    EXPECT_NE(text.find("io: shown 42"), std::string::npos);
}

TEST_F(LogTest, ControlBytesCannotForgeALine) {
    testing::internal::CaptureStderr();
    info(Module::iscsi, "name {}", "evil\nsecond\x1b[31m");
    std::string text = testing::internal::GetCapturedStderr();
    EXPECT_NE(text.find("name evil?second?[31m"), std::string::npos);
}

}  // namespace
}  // namespace tgt::log
