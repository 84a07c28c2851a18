// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgt-setup-lun/listing.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace tgt::setup_lun {
namespace {

using Json = nlohmann::json;

// Arrays only: nlohmann iterates objects and scalars as well.
const Json& list(const Json& object, const char* name) {
    static const Json empty = Json::array();
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? *found : empty;
}

uint64_t number(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number() ? found->get<uint64_t>() : 0;
}

void take_texts(std::vector<std::string>& out, const Json& texts) {
    for (const Json& text : texts)
        if (text.is_string()) out.push_back(text.get<std::string>());
}

TargetView view(const Json& target) {
    TargetView out;
    out.tid = number(target, "tid");
    out.name = target.value("name", "");
    for (const Json& unit : list(target, "luns")) out.luns.push_back(number(unit, "lun"));
    const auto acl = target.find("acl");
    if (acl == target.end()) return out;
    take_texts(out.rules, list(*acl, "addresses"));
    take_texts(out.rules, list(*acl, "initiators"));
    return out;
}

// The number after `before` at the beginning of the line; `line` keeps what follows it.
bool take_number(std::string_view& line, std::string_view before, uint64_t& value) {
    if (!line.starts_with(before)) return false;
    const char* end = line.data() + line.size();
    const auto [rest, failed] = std::from_chars(line.data() + before.size(), end, value);
    if (failed != std::errc()) return false;
    line.remove_prefix(size_t(rest - line.data()));
    return true;
}

// Reads the layout line by line; a heading of the second level begins each section of a target.
class TextReader {
  public:
    void line(std::string_view text) {
        uint64_t value = 0;
        if (take_number(text, "Target ", value) && text.starts_with(": ")) {
            targets.push_back({value, std::string(text.substr(2)), {}, {}});
            in_rules_ = false;
        } else if (targets.empty()) {
            return;
        } else if (take_number(text, "        LUN: ", value)) {
            targets.back().luns.push_back(value);
        } else if (!text.starts_with("        ")) {
            in_rules_ = text == "    ACL information:";
        } else if (in_rules_) {
            targets.back().rules.emplace_back(text.substr(8));
        }
    }

    std::vector<TargetView> targets;

  private:
    bool in_rules_ = false;
};

}  // namespace

std::vector<TargetView> targets_of(const Json& result) {
    std::vector<TargetView> out;
    if (!result.is_object()) return out;
    for (const Json& target : list(result, "targets"))
        if (target.is_object()) out.push_back(view(target));
    return out;
}

std::vector<TargetView> targets_of(std::string_view text) {
    TextReader reader;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        reader.line(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return std::move(reader.targets);
}

uint64_t lowest_free(uint64_t first, std::vector<uint64_t> taken) {
    std::sort(taken.begin(), taken.end());
    for (const uint64_t one : taken) {
        if (one > first) break;
        if (one == first) ++first;
    }
    return first;
}

}  // namespace tgt::setup_lun
