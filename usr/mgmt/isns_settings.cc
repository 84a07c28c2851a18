// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/isns_settings.h"

#include <algorithm>
#include <array>

#include "mgmt/numbers.h"
#include "mgmt/portal_spec.h"

namespace tgt::mgmt {

namespace {

constexpr size_t max_server = 255;
constexpr uint32_t max_esi_interval = 3600;

Status set_enabled(IsnsSettings& settings, std::string_view value) {
    if (value != "On" && value != "Off")
        return refuse(ErrorCode::invalid_request, "iSNS is On or Off, not '{}'", value);
    settings.enabled = value == "On";
    return {};
}

// tgt takes everything but "On" for Off, which lets everybody in: here "on" is On, and a word that
// is neither is refused.
Status set_access_control(IsnsSettings& settings, std::string_view value) {
    const bool on = equal_any_case(value, "On");
    if (!on && !equal_any_case(value, "Off"))
        return refuse(ErrorCode::invalid_request, "iSNSAccessControl is On or Off, not '{}'",
                      value);
    settings.access_control = on;
    return {};
}

Status set_server(IsnsSettings& settings, std::string_view value) {
    std::string_view bare = value;
    if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']')
        bare = bare.substr(1, bare.size() - 2);
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    };
    if (bare.empty() || bare.size() > max_server || !std::all_of(bare.begin(), bare.end(), allowed))
        return refuse(ErrorCode::invalid_request,
                      "iSNSServerIP is an address or a name of at most {} characters; the port is "
                      "iSNSServerPort",
                      max_server);
    settings.server = bare;
    return {};
}

Status set_port(IsnsSettings& settings, std::string_view value) {
    const auto port = parse_number(value, UINT16_MAX);
    if (!port || *port == 0)
        return refuse(ErrorCode::invalid_request, "iSNSServerPort is 1 to 65535, not '{}'", value);
    settings.port = uint16_t(*port);
    return {};
}

Status set_esi_interval(IsnsSettings& settings, std::string_view value) {
    const auto seconds = parse_number(value, max_esi_interval);
    if (!seconds)
        return refuse(ErrorCode::invalid_request,
                      "iSNSESIInterval is 0 (no status inquiries) to {} seconds, not '{}'",
                      max_esi_interval, value);
    settings.esi_interval = uint32_t(*seconds);
    return {};
}

struct Setting {
    std::string_view name;
    Status (*set)(IsnsSettings&, std::string_view);
};
constexpr std::array<Setting, 5> all_settings{{
    {"iSNS", set_enabled},
    {"iSNSServerIP", set_server},
    {"iSNSServerPort", set_port},
    {"iSNSAccessControl", set_access_control},
    {"iSNSESIInterval", set_esi_interval},
}};

}  // namespace

bool IsnsSettings::has(std::string_view name) {
    return std::any_of(all_settings.begin(), all_settings.end(),
                       [&](const Setting& one) { return name == one.name; });
}

Status IsnsSettings::update(std::string_view name, std::string_view value) {
    for (const Setting& one : all_settings)
        if (name == one.name) return one.set(*this, value);
    return refuse(ErrorCode::invalid_request, "iSNS has no setting '{}'", name);
}

}  // namespace tgt::mgmt
