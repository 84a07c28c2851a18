// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/targets_conf.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "config/source_line.h"
#include "config/target_check.h"

namespace tgt::config {

namespace {

template <class List>
const Setting* find_setting(const List& settings, std::string_view name) {
    const auto it = std::find_if(settings.begin(), settings.end(),
                                 [&](const Setting& setting) { return setting.name == name; });
    return it == settings.end() ? nullptr : &*it;
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
}

// The global directives, and the targets by name.
class GlobalCheck {
  public:
    explicit GlobalCheck(Config& config) : config_(config), say_(config.problems, {}) {}

    void run(const Block& root) {
        std::vector<const Block*> targets;
        for (const Entry& entry : root.entries)
            if (entry.block)
                block(*entry.block, targets);
            else
                line(entry);
        sort_by_name(config_.settings);
        std::sort(targets.begin(), targets.end(),
                  [](const Block* a, const Block* b) { return *a->argument < *b->argument; });
        for (const Block* target : targets)
            config_.targets.push_back(
                check_target(*target, config_.default_driver, config_.problems));
        same_numbers();
    }

  private:
    void block(const Block& block, std::vector<const Block*>& targets) {
        if (block.name != "target") return say_.unknown_block(block, in_global);
        if (block.argument && !block.argument->empty()) return targets.push_back(&block);
        say_.error(block.at, "a target needs a name", "write <target NAME>");
    }

    void line(const Entry& entry) {
        const Directive* row = find_directive(entry.key, in_global);
        if (entry.key == "target")
            return say_.error(entry.at, "'target' is a block", "write <target NAME> ... </target>");
        if (!row) return say_.unknown(entry, in_global);
        if (row->use == Use::program && row->name.substr(0, 7) == "include")
            return say_.warning(entry.at, "this include is not followed",
                                "write the word, a blank and the path on one line");
        if (!entry.value || entry.value->empty()) return missing(entry, *row);
        if (!say_.value_is_good(*row, *entry.value, entry.value_at)) return;
        if (row->repeat == Repeat::once && !seen_.insert(entry.key).second)
            return multiple(entry, *row);
        keep({row, entry.key, *entry.value, entry.value_at, false});
    }

    void missing(const Entry& entry, const Directive& row) {
        if (row.use == Use::driver)
            return say_.warning(entry.at, "'" + entry.key + "' has no value", "it is ignored");
        say_.missing_value(entry.key, entry.at);
    }

    void multiple(const Entry& entry, const Directive& row) {
        // tgt has two ways to say it.
        const bool terse = row.use == Use::driver || row.use == Use::program;
        const std::string first = terse
                                      ? "Multiple " + entry.key + " definitions are not allowed!\n"
                                      : "Multiple '" + entry.key + "' definitions not allowed!\n";
        say_.error(entry.at, "'" + entry.key + "' is given more than once", "give it once",
                   first + "Check your config file for errors.\n");
    }

    void keep(Setting setting) {
        if (setting.name == "default-driver") {
            config_.default_driver = setting.value;
            config_.default_driver_given = true;
        } else if (setting.name == "ignore-errors") {
            config_.ignore_errors = setting.value == "yes";
        } else if (setting.name == "control-port") {
            config_.control_port = unsigned(*parse_number(setting.value));
        } else {
            config_.settings.push_back(std::move(setting));
        }
    }

    void same_numbers() {
        std::map<int, const Target*> tids;
        for (const Target& target : config_.targets) {
            if (!target.controller_tid) continue;
            const auto [other, fresh] = tids.emplace(*target.controller_tid, &target);
            if (!fresh)
                say_.warning(target.at,
                             "controller_tid " + std::to_string(*target.controller_tid) +
                                 " is that of target " + other->second->name + ", too",
                             "give each target its own");
        }
    }

    Config& config_;
    Speaker say_;
    std::set<std::string> seen_;
};

}  // namespace

// --- accessors
// --------------------------------------------------------------------------------------

Account account_of(const Setting& setting) {
    const auto words = words_of(setting.value);
    Account out;
    if (!words.empty()) out.user = words[0];
    if (words.size() > 1) out.password = words[1];
    return out;
}

std::string expand_params(std::string_view text, int tid, uint64_t lun) {
    std::string out(text);
    replace_all(out, "${tid}", std::to_string(tid));
    replace_all(out, "${lun}", std::to_string(lun));
    return out;
}

bool LogicalUnit::without_medium() const {
    return path.compare(0, 5, "NONE:") == 0;
}

const Setting* LogicalUnit::find(std::string_view name) const {
    return find_setting(settings, name);
}

const Setting* Target::find(std::string_view name) const {
    return find_setting(settings, name);
}

const Setting* Config::find(std::string_view name) const {
    return find_setting(settings, name);
}

const Target* Config::find_target(std::string_view name) const {
    const auto it = std::lower_bound(
        targets.begin(), targets.end(), name,
        [](const Target& target, std::string_view wanted) { return target.name < wanted; });
    return it == targets.end() || it->name != name ? nullptr : &*it;
}

const Problem* Config::first_error(std::string_view name) const {
    for (const Problem& problem : problems)
        if (problem.error && (problem.target.empty() || problem.target == name)) return &problem;
    return nullptr;
}

const Problem* Config::first_error() const {
    for (const Problem& problem : problems)
        if (problem.error) return &problem;
    return nullptr;
}

Config check(const Tree& tree) {
    Config config;
    for (const Diagnostic& warning : tree.warnings)
        config.problems.push_back({false, {}, warning, {}});
    GlobalCheck(config).run(tree.root);
    return config;
}

}  // namespace tgt::config
