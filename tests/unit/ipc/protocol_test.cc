// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/admin/protocol.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tgt::ipc {
namespace {

using Json = nlohmann::json;

Entry only(std::string_view line) {
    Incoming incoming = parse_request_line(line);
    EXPECT_FALSE(incoming.batch);
    EXPECT_EQ(incoming.entries.size(), 1u);
    return incoming.entries.empty() ? Entry{} : incoming.entries.front();
}

TEST(AdminNames, every_mode_and_op_has_tgts_number_and_comes_back_from_its_method) {
    const char* modes[] = {"system", "target",  "logicalunit", "portal",
                           "lld",    "session", "connection",  "account"};
    const char* ops[] = {"new",    "delete", "show",  "bind", "unbind",
                         "update", "stat",   "start", "stop"};
    for (uint8_t m = 0; m < 8; ++m)
        for (uint8_t o = 0; o < 9; ++o) {
            const std::string method = method_of(static_cast<Mode>(m), static_cast<Op>(o));
            EXPECT_EQ(method, std::string(modes[m]) + "." + ops[o]);
            const auto verb = verb_of(method);
            ASSERT_TRUE(verb);
            EXPECT_EQ(static_cast<uint8_t>(verb->mode), m);
            EXPECT_EQ(static_cast<uint8_t>(verb->op), o);
        }
}

TEST(AdminNames, short_modes_are_for_the_command_line_only) {
    EXPECT_EQ(find_mode("lu"), Mode::logicalunit);
    EXPECT_EQ(find_mode("tgt"), Mode::target);
    EXPECT_EQ(find_mode("sess"), Mode::session);
    EXPECT_FALSE(find_mode("Target"));
    EXPECT_FALSE(find_op(""));
    for (const char* method : {"lu.new", "target", "target.", ".new", "target.New", "target.new.x"})
        EXPECT_FALSE(verb_of(method)) << method;
}

TEST(AdminErrors, numbers_have_tgts_texts) {
    EXPECT_EQ(error_text(ErrorCode::target_exists), "this target already exists");
    EXPECT_EQ(error_text(4), "can't find the target");
    EXPECT_EQ(error_text(13), "this access control rule does not exist");
    EXPECT_EQ(error_text(24), "this device has Prevent Removal set");
    EXPECT_EQ(error_text(25), "(unknown tgtadm_errno)");
    EXPECT_EQ(error_text(UINT32_MAX), "(unknown tgtadm_errno)");
}

TEST(AdminSocketPath, prefix_and_control_port) {
    EXPECT_EQ(socket_path("", 0).value(), "/var/run/tgtd/socket.0");
    EXPECT_EQ(socket_path("/x/sk", 99).value(), "/x/sk.99");
}

TEST(AdminSocketPath, must_fit_sun_path) {
    EXPECT_TRUE(socket_path(std::string(105, 'x'), 1));
    const auto path = socket_path(std::string(106, 'x'), 1);
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, ENAMETOOLONG);
    EXPECT_EQ(path.error().text, "management path too long: " + std::string(106, 'x') + ".1");
}

TEST(AdminRequest, carries_id_method_and_params) {
    const Entry entry =
        only(R"({"jsonrpc":"2.0","id":"a\"b","method":"target.new","params":{"tid":1}})");
    EXPECT_EQ(entry.error, 0);
    EXPECT_EQ(entry.request.id, R"("a\"b")");
    EXPECT_EQ(entry.request.method, "target.new");
    EXPECT_EQ(*entry.request.params, Json({{"tid", 1}}));
}

TEST(AdminRequest, without_params_has_an_empty_object) {
    const Entry entry = only(R"({"jsonrpc":"2.0","id":1,"method":"system.show"})");
    EXPECT_EQ(entry.error, 0);
    EXPECT_EQ(*entry.request.params, Json::object());
}

TEST(AdminRequest, without_an_id_is_a_notification) {
    const Entry entry = only(R"({"jsonrpc":"2.0","method":"system.show"})");
    EXPECT_EQ(entry.error, 0);
    EXPECT_EQ(entry.request.id, "");
}

struct Bad {
    const char* line;
    int error;
    const char* id;
};

TEST(AdminRequest, malformed_lines_get_json_rpc_errors) {
    const Bad table[] = {
        {"", rpc::parse_error, "null"},
        {"{", rpc::parse_error, "null"},
        {R"({"jsonrpc":"2.0","id":1,"method":"a.b"} x)", rpc::parse_error, "null"},
        {"\"\xff\"", rpc::parse_error, "null"},
        {"7", rpc::invalid_request, "null"},
        {"[]", rpc::invalid_request, "null"},
        {R"({"id":1,"method":"a.b"})", rpc::invalid_request, "1"},
        {R"({"jsonrpc":2.0,"id":1,"method":"a.b"})", rpc::invalid_request, "1"},
        {R"({"jsonrpc":"2.0","id":1})", rpc::invalid_request, "1"},
        {R"({"jsonrpc":"2.0","id":1,"method":5})", rpc::invalid_request, "1"},
        {R"({"jsonrpc":"2.0","id":[1],"method":"a.b"})", rpc::invalid_request, "null"},
        {R"({"jsonrpc":"2.0","id":1,"method":"a.b","params":[1]})", rpc::invalid_params, "1"},
    };
    for (const Bad& bad : table) {
        const Entry entry = only(bad.line);
        EXPECT_EQ(entry.error, bad.error) << bad.line;
        EXPECT_EQ(entry.request.id, bad.id) << bad.line;
        EXPECT_FALSE(entry.reason.empty()) << bad.line;
    }
}

TEST(AdminRequest, one_mebibyte_is_the_limit_of_a_line) {
    std::string line = R"({"jsonrpc":"2.0","id":1,"method":"system.show"})";
    line.resize(max_line, ' ');
    EXPECT_EQ(only(line).error, 0);
    line += ' ';
    EXPECT_EQ(only(line).error, rpc::invalid_request);
}

std::string nested(int arrays) {
    return R"({"jsonrpc":"2.0","id":1,"method":"a.b","params":{"x":)" + std::string(arrays, '[') +
           std::string(arrays, ']') + "}}";
}

TEST(AdminRequest, depth_is_limited_and_brackets_in_strings_do_not_count) {
    EXPECT_EQ(only(nested(max_depth - 2)).error, 0);
    EXPECT_EQ(only(nested(max_depth - 1)).error, rpc::invalid_request);
    EXPECT_EQ(only(R"({"jsonrpc":"2.0","id":1,"method":"a.b","params":{"x":"\")" +
                   std::string(100, '[') + "\"}}")
                  .error,
              0);
}

TEST(AdminRequest, params_have_the_types_of_the_protocol) {
    const char* wrong[] = {
        R"({"tid":"1"})",        R"({"tid":-1})",           R"({"tid":1.5})",
        R"({"targetname":1})",   R"({"force":1})",          R"({"params":{"a":"b"}})",
        R"({"params":[["a"]]})", R"({"params":[["a",1]]})", R"({"backing-store":"a\u0000b"})",
        R"({"lun":null})",
    };
    for (const char* params : wrong) EXPECT_TRUE(check_params(Json::parse(params))) << params;
    EXPECT_FALSE(check_params(Json::parse(
        R"({"tid":0,"lun":18446744073709551615,"force":false,"params":[["a",""]],"new-key":[1]})")));
    EXPECT_EQ(*check_params(Json::parse(R"({"sid":"x"})")),
              "sid must be a whole number, not negative");
}

TEST(AdminBatch, entries_keep_their_order_and_their_own_errors) {
    const Incoming incoming = parse_request_line(
        R"([{"jsonrpc":"2.0","id":1,"method":"a.b"},5,{"jsonrpc":"2.0","method":"c.d"}])");
    EXPECT_TRUE(incoming.batch);
    ASSERT_EQ(incoming.entries.size(), 3u);
    EXPECT_EQ(incoming.entries[0].request.method, "a.b");
    EXPECT_EQ(incoming.entries[1].error, rpc::invalid_request);
    EXPECT_EQ(incoming.entries[2].request.id, "");
}

TEST(AdminBatch, size_is_limited) {
    std::string line = "[0";
    for (size_t i = 0; i < max_batch; ++i) line += ",0";
    EXPECT_EQ(only(line + "]").error, rpc::invalid_request);
}

TEST(AdminReply, result_and_error_come_back) {
    const auto result = parse_reply_line(result_reply("7", {{"a", 1}}));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->id, 7u);
    EXPECT_EQ(result->code, 0);
    EXPECT_EQ(*result->result, Json({{"a", 1}}));
    const auto error = parse_reply_line(error_reply("8", ErrorCode::lun_exists, "LUN 1 is used"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->id, 8u);
    EXPECT_EQ(error->code, 10);
    EXPECT_EQ(error->message, "this logical unit number already exists");
    EXPECT_EQ(error->reason, "LUN 1 is used");
}

TEST(AdminReply, texts_that_are_not_utf8_do_not_break_the_line) {
    const std::string line = result_reply("1", {{"path", "/x\xff\n"}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(parse_reply_line(line));
}

TEST(AdminReply, an_error_before_the_id_is_known_has_id_null) {
    EXPECT_EQ(Json::parse(error_reply("", rpc::parse_error, ""))["id"], Json());
}

TEST(AdminReply, lines_are_arrays_for_batches_and_nothing_for_notifications) {
    EXPECT_EQ(reply_line(false, {"{}"}), "{}\n");
    EXPECT_EQ(reply_line(true, {"{}"}), "[{}]\n");
    EXPECT_EQ(reply_line(true, {"1", "2"}), "[1,2]\n");
    EXPECT_EQ(reply_line(true, {}), "");
}

TEST(AdminReply, what_is_no_reply_is_refused) {
    for (const char* line : {"", "{}", "[]", R"({"jsonrpc":"2.0","id":1})",
                             R"({"jsonrpc":"2.0","id":1,"error":{"code":0}})",
                             R"({"jsonrpc":"2.0","id":1,"error":"x"})"})
        EXPECT_FALSE(parse_reply_line(line)) << line;
}

TEST(AdminRequest, the_clients_line_is_what_the_daemon_reads) {
    const std::string line = request_line(3, "target.show", {{"tid", 2}});
    ASSERT_EQ(line.back(), '\n');
    const Entry entry = only(std::string_view(line).substr(0, line.size() - 1));
    EXPECT_EQ(entry.request.id, "3");
    EXPECT_EQ(entry.request.method, "target.show");
    EXPECT_EQ(*entry.request.params, Json({{"tid", 2}}));
}

// The fast way to write it gives what the library would.
TEST(Replies, a_text_arrives_as_it_was_sent) {
    const std::string all = "line\n\tquote \" backslash \\ bell \a delete \x7f \xc3\xa4 end\n\n";
    for (const std::string& text :
         {std::string(), all, std::string("\n"), std::string("\a\a\n\a")}) {
        const auto reply = parse_reply_line(text_reply("7", text));
        ASSERT_TRUE(reply) << text;
        EXPECT_EQ(reply->id, 7u);
        EXPECT_EQ((*reply->result)["text"], text);
    }
    const std::string not_utf8 =
        "a\xff"
        "b";
    const auto replaced = parse_reply_line(text_reply("7", not_utf8));
    ASSERT_TRUE(replaced);
    EXPECT_EQ((*replaced->result)["text"],
              "a\xef\xbf\xbd"
              "b");
}

}  // namespace
}  // namespace tgt::ipc
