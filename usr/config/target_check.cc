// SPDX-License-Identifier: GPL-2.0-or-later
// One <target> block: its own directives, and its logical units with what they have from it.
#include "config/target_check.h"

#include <algorithm>

#include "base/text.h"

namespace tgt::config {

namespace {

constexpr std::string_view unsupported =
    "\nYour config file is not supported. See targets.conf.example for details.\n";

bool for_units(const Directive& row) {
    return (row.levels & in_unit) != 0;
}

bool is_store(std::string_view name) {
    return name == "backing-store" || name == "direct-store";
}

// An entry with its row; only those that can be used.
struct Line {
    const Directive* row;
    const Entry* entry;

    Setting setting(bool inherited) const {
        return {row, entry->key, *entry->value, entry->value_at, inherited};
    }
};

class TargetCheck {
  public:
    TargetCheck(const Block& block, std::vector<Problem>& problems)
        : block_(block), say_(problems, *block.argument) {
        target_.name = *block.argument;
        target_.at = block.at;
    }

    Target run(const std::string& default_driver) {
        target_.driver = default_driver;
        for (const Entry& entry : block_.entries)
            if (is_store(entry.key))
                stores_[entry.key].push_back(&entry);
            else if (entry.key == "library")
                libraries_.push_back(&entry);
            else
                line(entry);
        common_once();
        who_may_use_it();
        for (const auto& [name, entries] : stores_) add_units(name, entries);
        add_libraries();
        sort_by_name(target_.settings);
        same_luns();
        return std::move(target_);
    }

  private:
    // Which of the two names tgt would be at when it finds fault with a unit's directive.
    std::string_view store_name() const {
        return stores_.count("backing-store") || stores_.empty() ? "backing-store" : "direct-store";
    }

    // Null: it cannot be used, and that has been said.
    const Directive* row_of(const Entry& entry, Level level, std::string_view inside) const {
        const Directive* row = find_directive(entry.key, level);
        if (entry.block && !row) say_.unknown_block(*entry.block, level);
        if (entry.block && row) say_.multiple(entry.key, inside, entry.at);
        if (entry.block) return nullptr;
        if (!entry.value || entry.value->empty()) {
            say_.missing_value(entry.key, entry.at);
            return nullptr;
        }
        if (!row) say_.unknown(entry, level);
        return row && say_.value_is_good(*row, *entry.value, entry.value_at) ? row : nullptr;
    }

    void line(const Entry& entry) {
        const Directive* row = row_of(entry, in_target, "target");
        if (!row) return;
        if (for_units(*row))
            common_.push_back({row, &entry});
        else if (may_stand(*row, entry))
            use(*row, entry);
    }

    bool may_stand(const Directive& row, const Entry& entry) {
        if (seen_.insert(entry.key).second || row.repeat == Repeat::many) return true;
        if (row.repeat == Repeat::once)
            say_.multiple(entry.key, "target", entry.at);
        else
            say_.warning(
                entry.at, "'" + entry.key + "' is given more than once",
                "only the first one counts",
                "# Warning: only one " + entry.key + " is allowed. Will only use the first one.\n");
        return false;
    }

    void use(const Directive& row, const Entry& entry) {
        if (row.use == Use::driver) {
            target_.driver = *entry.value;
        } else if (row.use == Use::tid) {
            target_.controller_tid = int(*parse_number(*entry.value));
        } else {
            if (row.use == Use::acl_address) target_.allow_all = false;
            if (row.use == Use::acl_address && *entry.value == "NONE") return;
            target_.settings.push_back(Line{&row, &entry}.setting(false));
        }
    }

    // Initiators that log in, or hosts.
    void who_may_use_it() {
        const bool hosts = driver_has_hosts(target_.driver);
        if (hosts) target_.allow_all = false;
        for (const Setting& setting : target_.settings) {
            const Use use = setting.directive->use;
            if (use == Use::host && !hosts)
                say_.error(setting.at, "targets of driver '" + target_.driver + "' have no hosts",
                           "delete the line, or write: driver loop");
            if (hosts && (use == Use::acl_address || use == Use::acl_name))
                say_.error(setting.at,
                           "nobody logs in to targets of driver '" + target_.driver + "'",
                           "write host NUMBER in place of '" + setting.name + "'");
        }
    }

    // What all units have comes once, or is of those that may come again.
    void common_once() {
        std::set<std::string> seen;
        for (const Line& line : common_) {
            if (line.row->repeat == Repeat::once && !seen.insert(line.entry->key).second)
                say_.multiple(line.entry->key, store_name(), line.entry->at);
            if (line.row->name == "allow-in-use" && *line.entry->value == "yes")
                target_.allow_in_use = true;
        }
    }

    // --- logical units
    // ------------------------------------------------------------------------------

    void add_units(const std::string& name, const std::vector<const Entry*>& entries) {
        const size_t before = target_.units.size();
        std::map<std::string, Position> paths;
        const bool blocks = entries.front()->block != nullptr;
        for (const Entry* entry : entries) {
            const auto path = entry->block ? entry->block->argument : entry->value;
            if (blocks != (entry->block != nullptr)) return mixed(name, *entry);
            if (!path || path->empty()) {
                say_.missing_value(name, entry->at);
                continue;
            }
            const auto [first, fresh] = paths.emplace(*path, entry->at);
            if (fresh)
                add_unit(name, *path, *entry);
            else
                say_.warning(entry->at, name + " " + *path + " is given more than once",
                             "it is one logical unit; delete the line");
        }
        std::sort(target_.units.begin() + ptrdiff_t(before), target_.units.end(),
                  [](const LogicalUnit& a, const LogicalUnit& b) { return a.path < b.path; });
        if (target_.units.size() > before) mark(name);
    }

    // The place of the units among the settings.
    void mark(const std::string& name) {
        if (!target_.find(name))
            target_.settings.push_back(
                {find_directive(name, in_target), name, {}, block_.at, false});
    }

    // Their units have nothing from the target but that they may be in use.
    void add_libraries() {
        uint64_t next = 1;
        for (const LogicalUnit& unit : target_.units)
            next = std::max(next, unit.lun.value_or(0) + 1);
        for (const Entry* entry : libraries_) {
            const auto library = check_library(*entry, next, say_);
            if (!library) continue;
            for (LogicalUnit& unit : library_units(*library, entry->at)) {
                unit.allow_in_use = target_.allow_in_use;
                next = std::max(next, *unit.lun + 1);
                target_.units.push_back(std::move(unit));
            }
            mark("backing-store");
        }
    }

    void mixed(const std::string& name, const Entry& entry) {
        say_.error(entry.at, "'" + name + "' is given as a line and as a block in one target",
                   "write blocks, <" + name + " PATH> ... </" + name + ">, for all of them",
                   std::string(unsupported));
    }

    void add_unit(const std::string& name, const std::string& path, const Entry& entry) {
        LogicalUnit unit;
        unit.path = path;
        unit.direct = name == "direct-store";
        unit.at = entry.block ? entry.at : entry.value_at;
        unit.allow_in_use = target_.allow_in_use;
        std::set<std::string> own;
        if (entry.block) own = own_settings(unit, *entry.block, name);
        for (const Line& line : common_)
            if (line.row->repeat == Repeat::many || own.count(line.entry->key) == 0)
                apply(unit, line.setting(true));
        std::stable_sort(
            unit.settings.begin(), unit.settings.end(),
            [](const Setting& a, const Setting& b) { return a.directive < b.directive; });
        target_.units.push_back(std::move(unit));
    }

    // Their names.
    std::set<std::string> own_settings(LogicalUnit& unit, const Block& block,
                                       const std::string& store) {
        std::set<std::string> seen;
        for (const Entry& entry : block.entries) {
            const Directive* row = row_of(entry, in_unit, store);
            const bool fresh = seen.insert(entry.key).second;
            if (row && !fresh && row->repeat == Repeat::once)
                say_.multiple(entry.key, store, entry.at);
            else if (row)
                apply(unit, Line{row, &entry}.setting(false));
        }
        return seen;
    }

    static void apply(LogicalUnit& unit, Setting setting) {
        if (setting.directive->use == Use::unit_lun)
            unit.lun = parse_number(setting.value);
        else if (setting.directive->use == Use::program)
            unit.allow_in_use |= setting.value == "yes";
        else
            unit.settings.push_back(std::move(setting));
    }

    void same_luns() {
        std::map<uint64_t, const LogicalUnit*> luns;
        for (const LogicalUnit& unit : target_.units) {
            if (!unit.lun) continue;
            const auto [other, fresh] = luns.emplace(*unit.lun, &unit);
            if (!fresh)
                say_.warning(unit.at,
                             "LUN " + std::to_string(*unit.lun) + " is that of " +
                                 other->second->path + ", too",
                             "give each logical unit its own");
        }
    }

    const Block& block_;
    Speaker say_;
    Target target_;
    std::vector<Line> common_;  // for all units of the target
    std::map<std::string, std::vector<const Entry*>> stores_;
    std::vector<const Entry*> libraries_;
    std::set<std::string> seen_;
};

}  // namespace

Target check_target(const Block& block, const std::string& default_driver,
                    std::vector<Problem>& problems) {
    return TargetCheck(block, problems).run(default_driver);
}

}  // namespace tgt::config
