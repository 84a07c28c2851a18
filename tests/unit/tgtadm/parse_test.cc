// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/parse.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace tgt::tgtadm {
namespace {

using Json = nlohmann::json;

// Words are separated by blanks; "''" is an empty word.
std::vector<std::string> words(const std::string& line) {
    std::vector<std::string> list{"tgtadm"};
    std::istringstream stream(line);
    for (std::string word; stream >> word;) list.push_back(word == "''" ? "" : word);
    return list;
}

Environment environment() {
    Environment env;
    env.find_host = [](std::string_view bus) -> Result<uint32_t> {
        if (bus == "pci,0") return 3u;
        return fail(ENODEV, "can't find bus: x");
    };
    return env;
}

std::variant<Parsed, Exit> parse_line(const std::string& line) {
    return parse(words(line), environment());
}

Exit exit_of(const std::string& line) {
    auto result = parse_line(line);
    if (auto* exit = std::get_if<Exit>(&result)) return *exit;
    return {-1, "", "a request: " + std::get<Parsed>(result).method};
}

Parsed parsed(const std::string& line) {
    auto result = parse_line(line);
    if (auto* request = std::get_if<Parsed>(&result)) return *request;
    ADD_FAILURE() << line << ": " << std::get<Exit>(result).err;
    return {"", std::make_shared<Json>(), 0, false, false, {}};
}

constexpr std::string_view try_line = "Try `tgtadm --help' for more information.\n";

struct Mistake {
    const char* line;
    const char* text;
    int code = 22;
};

TEST(Parse, mistakes_have_tgts_text_and_exit_code) {
    const Mistake table[] = {
        {"", "specify the operation type"},
        {"-m system", "specify the operation type"},
        {"-o show", "specify the mode"},
        {"-m foo -o show", "unknown mode: foo", 1},
        {"-m ''", "unknown mode: ", 1},
        {"-m system -o foo", "unknown operation: foo", 1},
        {"-m lu -o new -Y foo", "unknown target type: foo"},
        {"-m system -o new", "operation new not supported in system mode"},
        {"-m target -o start -t 1", "operation start not supported in target mode"},
        {"-m account -o stat", "operation stat not supported in account mode"},
        {"-m lu -o show -t 1 -l 1", "operation show not supported in logicalunit mode"},
        {"-m portal -o bind", "operation bind not supported in portal mode"},
        {"-m lld -o bind", "option 3 not supported in lld mode"},
        {"-m target -o show -b x", "target mode: option '-b' is not allowed/supported"},
        {"-m target -o show --force", "target mode: option '-F' is not allowed/supported"},
        {"-m target -o show --password-file x",
         "target mode: option '-p' is not allowed/supported"},
        {"-m system -o update -b x", "system mode: option '-b' is not allowed/supported"},
        {"-m account -o show -t 1", "account mode: option '-t' is not allowed/supported"},
        {"-m lu -o delete -t 1 -l 1 -s 1 -c 1",
         "logicalunit mode: option '-s' is not allowed/supported"},
        {"-m portal -o new -t 1", "portal mode: option '-t' is not allowed/supported"},
        {"-m lld -o start -t 1", "lld mode: option '-t' is not allowed/supported"},
        {"-m lu -o update -t 1 -l 1 -b x", "option '-b' not supported in logicalunit mode"},
        {"-m portal -o show -P a=b", "option '-P' not supported in portal mode"},
        {"-m target -o update -t 1 -n a", "update operation requires 'name' and 'value' options"},
        {"-m system -o update -v a", "update operation requires 'name' and 'value' options"},
        {"-m lu -o update -t 1 -l 1 -n a", "update operation requires 'name' and 'value' options"},
        {"-m lu -o update -t 1 -l 1 -v a", "update operation requires 'name' and 'value' options"},
        {"-m target -o delete -t 0", "'tid' cannot be 0"},
        {"-m target -o new -b x", "'tid' option is necessary"},
        {"-m lu -o new -t 0 -l 1", "'tid' must not be 0"},
        {"-m lu -o new -l 1", "'tid' option is necessary"},
        {"-m lu -o update -t 1 -s 1", "'lun' option is necessary"},
        {"-m target -o new -t 1", "creating new target requires a name, use --targetname"},
        {"-m target -o bind -t 1",
         "bind operation requires initiator-address, initiator-nameor bus"},
        {"-m target -o unbind -t 1",
         "unbind operation requires initiator-address, initiator-nameor bus"},
        {"-m target -o bind -t 1 -H 0",
         "bind operation requires initiator-address, initiator-nameor bus"},
        {"-m account -o new -u a", "'user' and 'password' options are required"},
        {"-m account -o bind", "'user' option is necessary"},
        {"-m account -o delete", "'user' option is necessary"},
        {"-m lu -o new -t 1 -l 1 -Y osd", "'backing-store' option is necessary"},
        {"-m portal -o delete", "you must specify --param portal=<portal>"},
        {"-P portal=a -m portal -o new", "you must specify --param portal=<portal>"},
        {"-m target -o bind -t 1 -B a,b", "can't find bus: x"},
    };
    for (const Mistake& mistake : table) {
        const Exit exit = exit_of(mistake.line);
        EXPECT_EQ(exit.err, "tgtadm: " + std::string(mistake.text) + "\n") << mistake.line;
        EXPECT_EQ(exit.code, mistake.code) << mistake.line;
        EXPECT_EQ(exit.out, "") << mistake.line;
    }
}

TEST(Parse, usage_mistakes_point_to_help) {
    const Mistake table[] = {
        {"-m system -o show extra", "tgtadm: unrecognized option 'extra'"},
        {"-F -m system -o show", "tgtadm: unrecognized option 'system'"},
        {"--bogus", "tgtadm: unrecognized option '--bogus'"},
        {"-Z", "tgtadm: invalid option -- 'Z'"},
        {"-t x", "-t argument value 'x' invalid"},
        {"-t ''", "-t argument value '' invalid"},
        {"-t -1", "-t argument value '-1' invalid"},
        {"-t 2147483648", "-t argument value '2147483648' out of range"},
        {"-s 18446744073709551615", "-s argument value '18446744073709551615' invalid"},
        {"-l 18446744073709551616", "-l argument value '18446744073709551616' invalid"},
        {"-c 4294967296", "-c argument value '4294967296' out of range"},
        {"-H x", "-H argument value 'x' invalid"},
        {"-C 32768", "-C argument value '32768' out of range"},
        {"-y abc", "-y argument value 'abc' invalid"},
        {"-y 4k", "-y argument value '4k' invalid"},
    };
    for (const Mistake& mistake : table) {
        const Exit exit = exit_of(mistake.line);
        EXPECT_EQ(exit.err, std::string(mistake.text) + "\n" + std::string(try_line));
        EXPECT_EQ(exit.code, 22) << mistake.line;
    }
}

TEST(Parse, help_and_version_go_to_standard_output) {
    const Exit help = exit_of("-m target --help --bogus");
    EXPECT_EQ(help.code, 0);
    EXPECT_EQ(help.err, "");
    EXPECT_NE(help.out.find("Usage: tgtadm [OPTION]\n"), std::string::npos);
    EXPECT_NE(help.out.find("--json"), std::string::npos);
    const Exit version = exit_of("-V");
    EXPECT_EQ(version.code, 0);
    EXPECT_EQ(version.out, TGT_VERSION "\n");
}

TEST(Parse, the_first_mistake_on_the_line_counts) {
    EXPECT_EQ(exit_of("-m foo -V").code, 1);
    EXPECT_EQ(exit_of("-V -m foo").code, 0);
    EXPECT_EQ(exit_of("word -m foo").err, "tgtadm: unknown mode: foo\n");
}

struct Good {
    const char* line;
    const char* method;
    const char* params;
};

TEST(Parse, requests_carry_what_was_given_and_nothing_else) {
    const Good table[] = {
        {"-m sys -o show", "system.show", "{}"},
        {"--lld iscsi --op show --mode target", "target.show", R"({"lld":"iscsi"})"},
        {"-m tgt -o show -t 0x1f", "target.show", R"({"tid":31})"},
        {"-m target -o show -t 017", "target.show", R"({"tid":15})"},
        {"-m target -o show -t 5x", "target.show", R"({"tid":5})"},
        {"-m target -o new -t 1 -T iqn.x", "target.new", R"({"tid":1,"targetname":"iqn.x"})"},
        {"-m target -o delete -t 1 --force", "target.delete", R"({"tid":1,"force":true})"},
        {"-m target -o delete -t 1 -F x", "target.delete", R"({"tid":1,"force":true})"},
        {"-m target -o bind -t 1 -I ALL -Q iqn.q", "target.bind",
         R"({"tid":1,"initiator-address":"ALL","initiator-name":"iqn.q"})"},
        {"-m target -o bind -t 1 -B pci,0", "target.bind", R"({"tid":1,"host":3})"},
        {"-m target -o update -t 1 -n state -v offline", "target.update",
         R"({"tid":1,"name":"state","value":"offline"})"},
        {"-m lu -o new -t 1 -l 2 -b /x -E rdwr -S o -f sync:direct -y 4096 -Y cd",
         "logicalunit.new",
         R"({"tid":1,"lun":2,"backing-store":"/x","bstype":"rdwr","bsopts":"o",
             "bsoflags":"sync:direct","blocksize":4096,"device-type":"cd"})"},
        {"-m lu -o new -t 1 -l 2 -b /x --force", "logicalunit.new",
         R"({"tid":1,"lun":2,"backing-store":"/x","force":true})"},
        {"-m lu -o new -t 1 -l 2 -Y ssc -E rdwr", "logicalunit.new",
         R"({"tid":1,"lun":2,"bstype":"ssc","device-type":"tape"})"},
        {"-m lu -o update -t 1 -l 1 -P a=b,c,d=e=f", "logicalunit.update",
         R"({"tid":1,"lun":1,"params":[["a","b"],["c",""],["d","e=f"]]})"},
        {"-m lu -o update -t 1 -l 1 -P a=b -P c=d", "logicalunit.update",
         R"({"tid":1,"lun":1,"params":[["c","d"]]})"},
        {"-m lu -o update -t 1 -l 1 -n fault -v error,op=write;hang", "logicalunit.update",
         R"({"tid":1,"lun":1,"params":[["fault","error,op=write;hang"]]})"},
        {"-m lu -o update -t 1 -l 1 -n c -v d -P a=b", "logicalunit.update",
         R"({"tid":1,"lun":1,"params":[["a","b"],["c","d"]]})"},
        {"-m portal -o new --param portal=[::1]:1,portal=x", "portal.new",
         R"({"params":[["portal","[::1]:1"],["portal","x"]]})"},
        {"-m account -o new -u a -p b", "account.new", R"({"user":"a","password":"b"})"},
        {"-m account -o bind -u a -t 0 -O x", "account.bind",
         R"({"user":"a","tid":0,"outgoing":true})"},
        {"-m conn -o delete -t 1 -s 18446744073709551614 -c 0", "connection.delete",
         R"({"tid":1,"sid":18446744073709551614,"cid":0})"},
        {"-m sess -o stat -s 1", "session.stat", R"({"sid":1})"},
    };
    for (const Good& good : table) {
        const Parsed request = parsed(good.line);
        EXPECT_EQ(request.method, good.method) << good.line;
        EXPECT_EQ(*request.params, Json::parse(good.params)) << good.line;
    }
}

TEST(Parse, switches_of_the_client_are_not_part_of_the_request) {
    const Parsed request = parsed("-d -m target --json -o show -C 7");
    EXPECT_TRUE(request.debug);
    EXPECT_TRUE(request.json);
    EXPECT_EQ(request.control_port, 7u);
    EXPECT_EQ(*request.params, Json::object());
}

TEST(Parse, a_password_file_stands_for_the_password) {
    const Parsed request = parsed("-m account -o new -u a --password-file /f");
    EXPECT_EQ(request.password_file, "/f");
    EXPECT_FALSE(request.params->contains("password"));
    EXPECT_FALSE(parsed("-m account -o new -u a -p b").password_file);
}

}  // namespace
}  // namespace tgt::tgtadm
