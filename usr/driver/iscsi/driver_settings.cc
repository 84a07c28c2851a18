// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/driver_settings.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "driver/iscsi/parameters.h"

namespace tgt::iscsi {

namespace {

struct Row {
    std::string_view name;
    uint32_t DriverSettings::*field;
    uint32_t min, max;
};
constexpr Row table[] = {
    {"login_timeout", &DriverSettings::login_timeout, 1, 3600},
    {"login_limit", &DriverSettings::login_limit, 1, 65535},
    {"connection_limit", &DriverSettings::connection_limit, 1, 1000000},
};

}  // namespace

Result<void> DriverSettings::update(std::string_view name, std::string_view value) {
    const auto row = std::find_if(std::begin(table), std::end(table),
                                  [&](const Row& one) { return one.name == name; });
    if (row == std::end(table))
        return fail(ENOENT, "there is no parameter '" + std::string(name) + "'");
    const auto number = parse_admin_number(value);
    if (!number || *number < row->min || *number > row->max)
        return fail(EINVAL, std::string(name) + " cannot be '" + std::string(value) +
                                "': it takes a number from " + std::to_string(row->min) + " to " +
                                std::to_string(row->max));
    this->*row->field = uint32_t(*number);
    return {};
}

}  // namespace tgt::iscsi
