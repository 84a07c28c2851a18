// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtd/options.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "tgtd/process.h"

namespace tgt::tgtd {
namespace {

constexpr const char* try_line = "Try `tgtd --help' for more information.\n";

TEST(TgtdOptions, DefaultsAreThoseOfTgt) {
    const auto options = parse_options({});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->io_threads, 16u);
    EXPECT_EQ(options->control_port, 0u);
    EXPECT_EQ(options->abort_seconds, 5u);
    EXPECT_TRUE(options->portals.empty());
    EXPECT_FALSE(options->foreground);
}

TEST(TgtdOptions, ReadsEveryForm) {
    const auto options = parse_options({"-fD",         "-C7",           "-t",
                                        "0x10",        "--pid-file=/p", "--debug",
                                        "1",           "--workers",     "3",
                                        "--memory",    "512M",          "--busy-poll",
                                        "50",          "--pin",         "--unique-ids",
                                        "--log-level", "iscsi=debug",   "--abort-bound",
                                        "60",          "--state-dir",   "/var/lib/tgt"});
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_TRUE(options->foreground && options->nodaemonize && options->debug && options->pin);
    EXPECT_TRUE(options->unique_ids);
    EXPECT_EQ(options->control_port, 7u);
    EXPECT_EQ(options->io_threads, 16u);
    EXPECT_EQ(options->pid_file, "/p");
    EXPECT_EQ(options->workers, 3u);
    EXPECT_EQ(options->busy_poll_us, 50u);
    EXPECT_EQ(options->abort_seconds, 60u);
    EXPECT_EQ(options->state_dir, "/var/lib/tgt");
    EXPECT_EQ(options->memory, size_t(512) << 20);
    ASSERT_EQ(options->log_levels.size(), 1u);
    EXPECT_EQ(options->log_levels[0].first, log::Module::iscsi);
}

TEST(TgtdOptions, IscsiListHasPortalsAndDefaults) {
    const auto options = parse_options(
        {"--iscsi", "portal=127.0.0.1:3377,portal=[::1]:1,nop_interval=5", "--iscsi=nop_count=3"});
    ASSERT_TRUE(options) << options.error().text;
    ASSERT_EQ(options->portals.size(), 2u);
    EXPECT_EQ(options->portals[0].text(), "127.0.0.1:3377");
    EXPECT_EQ(options->portals[1].text(), "[::1]:1");
    EXPECT_EQ(options->target_defaults.size(), 2u);
}

TEST(TgtdOptions, IscsiListHasTheBoundsForPeers) {
    const auto options = parse_options({"--iscsi",
                                        "login_timeout=3,login_limit=0x10,connection_limit=100,"
                                        "send_timeout=7,data_out_timeout=60"});
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->iscsi_settings.login_timeout, 3u);
    EXPECT_EQ(options->iscsi_settings.login_limit, 16u);
    EXPECT_EQ(options->iscsi_settings.connection_limit, 100u);
    ASSERT_EQ(options->target_defaults.size(), 2u);
    EXPECT_EQ(options->target_defaults[1].second, "60");
}

struct Bad {
    std::vector<std::string> words;
    std::string first_line;
    int status;
};

TEST(TgtdOptions, BadOnesEndWithTgtsTextAndStatus) {
    for (const Bad& row : std::vector<Bad>{
             {{"--foo", "bar"}, "'foo' is an unknown option\n", 1},
             {{"-x"}, "", 1},
             {{"-C"}, "", 1},
             {{"-t", "0"}, "-t argument value '0' out of range\n", ERANGE},
             {{"-t", "x"}, "-t argument value 'x' invalid\n", EINVAL},
             {{"-C", "-1"}, "-C argument value '-1' invalid\n", EINVAL},
             {{"-d", "5"}, "-d argument value '5' out of range\n", ERANGE},
             {{"--abort-bound", "0"}, "--abort-bound argument value '0' out of range\n", ERANGE},
             {{"--abort-bound", "61"}, "--abort-bound argument value '61' out of range\n", ERANGE},
             {{"--abort-bound", "5s"}, "--abort-bound argument value '5s' invalid\n", EINVAL},
             {{"--busy-poll", "10001"},
              "--busy-poll argument value '10001' out of range\n",
              ERANGE},
             {{"--state-dir", ""}, "--state-dir needs the name of a folder\n", EINVAL},
             {{"--iser", "port=1"}, "--iser: the driver iser is not in this build\n", 1},
             {{"--memory", "1K"}, "--memory argument value '1K' out of range\n", ERANGE},
             {{"--log-level", "x=debug"}, "--log-level argument value 'x=debug' invalid\n", EINVAL},
             {{"--iscsi", "login_limit=0"},
              "--iscsi: login_limit cannot be '0': it takes a number from 1 to 65535\n",
              EINVAL},
             {{"--iscsi", "send_timeout=x"},
              "--iscsi: send_timeout cannot be 'x': it takes a number from 0 to 86400\n",
              EINVAL},
             {{"--iscsi", "nop=1"}, "--iscsi has no parameter 'nop'\n", 1},
         }) {
        const auto options = parse_options(row.words);
        ASSERT_FALSE(options) << row.words[0];
        EXPECT_EQ(options.error().text, row.first_line + try_line);
        EXPECT_EQ(options.error().status, row.status);
    }
}

TEST(TgtdOptions, TheStateFolderIsFoundFromAnywhere) {
    EXPECT_EQ(absolute_path(""), "");
    EXPECT_EQ(absolute_path("/var/lib/tgt"), "/var/lib/tgt");
    EXPECT_EQ(absolute_path("/var/lib/../state/"), "/var/state");
    EXPECT_EQ(absolute_path("/"), "/");
    EXPECT_EQ(absolute_path("x/"), std::filesystem::current_path().string() + "/x");
}

TEST(TgtdOptions, HelpEndsTheReading) {
    const auto options = parse_options({"-h", "--nonsense"});
    ASSERT_TRUE(options);
    EXPECT_TRUE(options->show_help);
}

TEST(TgtdOptions, AnAbbreviationMeansWhatItMeansToTgt) {
    const auto options = parse_options({"--con", "7", "--config", "/x"});
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->control_port, 7u);
    EXPECT_EQ(options->config, "/x");
    EXPECT_EQ(parse_options({"--p", "file"})->pid_file, "file");
    EXPECT_FALSE(parse_options({"--is", "portal=::1"})) << "two of tgt's own begin so";
    EXPECT_FALSE(parse_options({"--config", ""}));
}

TEST(TgtdOptions, HelpBeginsAsTgts) {
    EXPECT_TRUE(help_text().starts_with("Linux SCSI Target framework daemon, version " TGT_VERSION
                                        "\n\nUsage: tgtd [OPTION]\n-f, --foreground        make "
                                        "the program run in the foreground\n"));
    EXPECT_EQ(version_text(), TGT_VERSION "\n");
}

}  // namespace
}  // namespace tgt::tgtd
