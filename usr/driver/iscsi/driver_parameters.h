// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "driver/iscsi/parameters.h"
#include "mgmt/driver.h"

namespace tgt::iscsi {

// A target's iSCSI parameters as management holds them.
class IscsiParameters final : public mgmt::DriverParameters {
  public:
    std::unique_ptr<mgmt::DriverParameters> clone() const override {
        return std::make_unique<IscsiParameters>(*this);
    }
    Result<void> update(std::string_view name, std::string_view value) override {
        return values.update(name, value);
    }
    std::vector<std::pair<std::string, std::string>> show() const override { return values.show(); }
    std::vector<std::pair<std::string, std::string>> all() const override { return values.all(); }

    Parameters values;
};

}  // namespace tgt::iscsi
