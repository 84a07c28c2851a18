// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/admin/legacy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

namespace tgt::ipc::legacy {
namespace {

using Json = nlohmann::json;

// A list of lists of two strings in braces would become an object.
Json pairs(const char* text) {
    return Json::parse(text);
}

template <class T>
T field(const std::string& bytes, size_t offset) {
    T value{};
    std::memcpy(&value, bytes.data() + offset, sizeof(value));
    return value;
}

std::string text_part(const std::string& bytes) {
    return bytes.substr(header_size);
}

Json round_trip(std::string_view method, const Json& params) {
    const auto bytes = encode_request(method, params);
    if (!bytes) return bytes.error().text;
    const std::string_view view = *bytes;
    const auto size = text_size(view.substr(0, header_size));
    if (!size || *size != view.size() - header_size) return "text_size";
    const auto request = decode_request(view.substr(0, header_size), view.substr(header_size));
    if (!request) return request.error().text;
    EXPECT_EQ(request->method, method);
    return *request->params;
}

TEST(LegacyRequest, header_fields_lie_where_tgt_reads_them) {
    const auto bytes = encode_request("connection.delete", {{"lld", "iscsi"},
                                                            {"tid", 1},
                                                            {"sid", 0x1122334455ull},
                                                            {"lun", 7},
                                                            {"cid", 3},
                                                            {"host", 9},
                                                            {"outgoing", true},
                                                            {"force", true},
                                                            {"device-type", "pt"}});
    ASSERT_TRUE(bytes);
    ASSERT_EQ(bytes->size(), 120u);
    EXPECT_EQ(field<uint32_t>(*bytes, 0), 6u);
    EXPECT_EQ(field<uint32_t>(*bytes, 4), 1u);
    EXPECT_STREQ(bytes->data() + 8, "iscsi");
    EXPECT_EQ(field<uint32_t>(*bytes, 72), 120u);
    EXPECT_EQ(field<int32_t>(*bytes, 76), 1);
    EXPECT_EQ(field<uint64_t>(*bytes, 80), 0x1122334455ull);
    EXPECT_EQ(field<uint64_t>(*bytes, 88), 7u);
    EXPECT_EQ(field<uint32_t>(*bytes, 96), 3u);
    EXPECT_EQ(field<uint32_t>(*bytes, 100), 9u);
    EXPECT_EQ(field<uint32_t>(*bytes, 104), 0xffu);
    EXPECT_EQ(field<uint32_t>(*bytes, 108), 1u);
    EXPECT_EQ(field<uint32_t>(*bytes, 116), 1u);
}

TEST(LegacyRequest, what_is_not_given_has_tgts_marks) {
    const auto bytes = encode_request("target.show", Json::object());
    ASSERT_TRUE(bytes);
    EXPECT_EQ(field<int32_t>(*bytes, 76), -1);
    EXPECT_EQ(field<uint64_t>(*bytes, 88), UINT64_MAX);
}

TEST(LegacyRequest, text_has_tgts_order_and_a_terminating_nul) {
    const Json params = {{"params", pairs(R"([["a","b"],["c",""]])")},
                         {"password", "p"},
                         {"user", "u"},
                         {"initiator-name", "q"},
                         {"initiator-address", "i"},
                         {"targetname", "t"},
                         {"blocksize", 512},
                         {"bsoflags", "f"},
                         {"bsopts", "o"},
                         {"bstype", "s"},
                         {"backing-store", "/x"},
                         {"name", "n"},
                         {"value", "v"}};
    const std::string expected =
        "n=v,path=/x,bstype=s,bsopts=o,bsoflags=f,blocksize=512,targetname=t,"
        "initiator-address=i,initiator-name=q,user=u,password=p,";
    EXPECT_EQ(text_part(encode_request("session.new", params).value()),
              expected + "targetOps a=b,c," + '\0');
    EXPECT_EQ(text_part(encode_request("portal.new", params).value()),
              expected + "portalOps a=b,c," + '\0');
}

TEST(LegacyRequest, params_survive_the_way_there_and_back) {
    const std::pair<const char*, Json> table[] = {
        {"system.show", Json::object()},
        {"target.new", {{"tid", 1}, {"targetname", "iqn.x"}, {"lld", "iscsi"}}},
        {"target.delete", {{"tid", 1}, {"force", true}}},
        {"target.update", {{"tid", 1}, {"name", "RedirectCallback"}, {"value", "/a=b,c"}}},
        {"system.update", {{"name", "State"}, {"value", ""}}},
        {"target.bind", {{"tid", 1}, {"initiator-address", "ALL"}, {"initiator-name", "iqn.q"}}},
        {"logicalunit.new",
         {{"tid", 1},
          {"lun", 0},
          {"backing-store", "/a b"},
          {"device-type", "osd"},
          {"blocksize", 4096},
          {"bsoflags", "sync:direct"},
          {"bsopts", "x=y;z"}}},
        {"logicalunit.update",
         {{"tid", 1},
          {"lun", 1},
          {"params", pairs(R"([["vendor_id","a b"],["mode_page","8:0:18:0x10"]])")}}},
        {"portal.new", {{"params", pairs(R"([["portal","[::1]:3261"]])")}}},
        {"account.new", {{"user", "u"}, {"password", "a,b=c"}}},
        {"account.bind", {{"tid", 0}, {"user", "u"}, {"outgoing", true}}},
        {"connection.delete", {{"tid", 1}, {"sid", 5}, {"cid", 0}}},
    };
    for (const auto& [method, params] : table)
        EXPECT_EQ(round_trip(method, params), params) << method;
}

TEST(LegacyRequest, a_value_that_the_dialect_would_cut_is_refused) {
    const auto path = encode_request("logicalunit.new", {{"backing-store", "/a,b"}});
    ASSERT_FALSE(path);
    EXPECT_NE(path.error().text.find("--backing-store"), std::string::npos);
    EXPECT_FALSE(encode_request("portal.new", {{"params", pairs(R"([["portal","a,b"]])")}}));
    EXPECT_FALSE(encode_request("target.new", {{"targetname", std::string(max_text, 'x')}}));
    EXPECT_FALSE(encode_request("rpc.version", Json::object()));
}

TEST(LegacyRequest, impossible_lengths_close_the_connection) {
    std::string header = encode_request("system.show", Json::object()).value();
    const auto with_length = [&](uint32_t length) {
        std::memcpy(header.data() + 72, &length, 4);
        return text_size(header);
    };
    EXPECT_EQ(with_length(120).value(), 0u);
    EXPECT_EQ(with_length(120 + max_text).value(), max_text);
    EXPECT_FALSE(with_length(120 + max_text + 1));
    EXPECT_FALSE(with_length(119));
    EXPECT_FALSE(with_length(0));
    EXPECT_FALSE(text_size(header.substr(1)));
}

TEST(LegacyRequest, a_name_and_a_value_without_meaning_are_carried) {
    const std::string header = encode_request("system.show", Json::object()).value();
    const auto request = decode_request(header, "x=y,path=z");
    ASSERT_TRUE(request);
    EXPECT_EQ(*request->params, (Json{{"name", "x"}, {"value", "y"}, {"backing-store", "z"}}));
}

TEST(LegacyRequest, a_block_size_is_a_number_in_c_notation) {
    const std::string header = encode_request("logicalunit.new", Json::object()).value();
    for (const char* text : {"blocksize=512", "blocksize=0x200", "blocksize=01000"}) {
        const auto request = decode_request(header, text);
        ASSERT_TRUE(request) << text;
        EXPECT_EQ((*request->params)["blocksize"], 512) << text;
    }
    for (const char* text : {"blocksize=", "blocksize=x", "blocksize=4k", "blocksize=-512"})
        EXPECT_FALSE(decode_request(header, text)) << text;
}

TEST(LegacyRequest, unknown_numbers_and_keys_are_errors) {
    std::string header = encode_request("system.show", Json::object()).value();
    EXPECT_TRUE(decode_request(header, ""));
    EXPECT_FALSE(decode_request(header, "path=x,nonsense=1"));
    EXPECT_FALSE(decode_request(header, "blocksize=abc"));
    header[0] = 8;
    EXPECT_FALSE(decode_request(header, ""));
    header[0] = 0;
    header[4] = 9;
    EXPECT_FALSE(decode_request(header, ""));
}

TEST(LegacyRequest, account_requests_without_text_have_no_user) {
    EXPECT_EQ(round_trip("account.delete", Json::object()), Json::object());
}

TEST(LegacyRequest, the_first_byte_tells_the_dialects_apart) {
    EXPECT_TRUE(is_legacy_first_byte(0));
    EXPECT_TRUE(is_legacy_first_byte(7));
    for (const unsigned char byte : {'{', '[', ' ', '\n', '\t'})
        EXPECT_FALSE(is_legacy_first_byte(byte)) << int{byte};
}

TEST(LegacyReply, length_counts_the_header_and_the_nul) {
    const std::string bytes = encode_reply(0, "abc");
    EXPECT_EQ(bytes.size(), 12u);
    EXPECT_EQ(field<uint32_t>(bytes, 4), 12u);
    EXPECT_EQ(bytes.substr(8), std::string("abc\0", 4));
    const auto header = decode_reply_header(bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->text_size, 4u);
}

TEST(LegacyReply, an_error_is_a_header_alone) {
    const auto header = decode_reply_header(encode_reply(17, ""));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->code, 17u);
    EXPECT_EQ(header->text_size, 0u);
    EXPECT_FALSE(decode_reply_header(std::string(8, '\0')));
    EXPECT_FALSE(decode_reply_header("1234567"));
}

}  // namespace
}  // namespace tgt::ipc::legacy
