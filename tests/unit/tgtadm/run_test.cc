// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/run.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tgt::tgtadm {
namespace {

using Json = nlohmann::json;

Parsed request(std::string method) {
    Parsed parsed;
    parsed.method = std::move(method);
    parsed.params = std::make_shared<Json>(Json::object());
    return parsed;
}

constexpr std::string_view not_connected =
    "tgtadm: failed to send request hdr to tgt daemon, Transport endpoint is not connected\n";

TEST(Run, without_a_daemon_it_returns_107_and_says_where_it_looked) {
    Environment env;
    env.socket_prefix = "/nonexistent/tgt";
    Parsed parsed = request("system.show");
    parsed.control_port = 3;
    const Exit exit = run(parsed, env);
    EXPECT_EQ(exit.code, 107);
    EXPECT_EQ(exit.out, "");
    EXPECT_EQ(exit.err, std::string(not_connected) +
                            "tgtadm: reason: connect to /nonexistent/tgt.3: "
                            "No such file or directory\n");
}

TEST(Run, a_socket_path_that_is_too_long_is_named) {
    Environment env;
    env.socket_prefix = "/" + std::string(105, 'x');
    Parsed parsed = request("system.show");
    const Exit exit = run(parsed, env);
    EXPECT_EQ(exit.code, 107);
    EXPECT_EQ(exit.err, "tgtadm: management path too long: " + env.socket_prefix + ".0\n" +
                            std::string(not_connected));
}

TEST(Run, a_missing_password_file_is_an_error_before_the_daemon_is_asked) {
    Environment env;
    env.socket_prefix = "/nonexistent/tgt";
    Parsed parsed = request("account.new");
    parsed.password_file = "/nonexistent/password";
    const Exit exit = run(parsed, env);
    EXPECT_EQ(exit.code, 22);
    EXPECT_EQ(exit.err, "tgtadm: can't read the password file /nonexistent/password\n");
}

TEST(Run, debug_shows_the_request_without_the_password) {
    Environment env;
    env.socket_prefix = "/nonexistent/tgt";
    Parsed parsed = request("account.new");
    (*parsed.params)["password"] = "secret";
    parsed.debug = true;
    const Exit exit = run(parsed, env);
    EXPECT_NE(exit.err.find("tgtadm: debug: account.new {\"password\":\"***\"}"),
              std::string::npos);
    EXPECT_EQ(exit.err.find("secret"), std::string::npos);
}

TEST(FindScsiHost, names_the_bus_that_is_missing) {
    for (const char* place : {"nosuchbus,0", "nosuchbus", "../x,y", ",", ""}) {
        const auto host = find_scsi_host(place);
        ASSERT_FALSE(host) << place;
        const std::string text = place;
        EXPECT_EQ(host.error().text, "can't find bus: " + text.substr(0, text.find(',')));
    }
    EXPECT_FALSE(find_scsi_host("pci,../../x"));
    EXPECT_FALSE(find_scsi_host("pci,"));
}

}  // namespace
}  // namespace tgt::tgtadm
