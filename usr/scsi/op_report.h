// SPDX-License-Identifier: GPL-2.0-or-later
// REPORT SUPPORTED OPERATION CODES (SPC-4 6.35) and REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS
// (SPC-4 6.36), made from the op rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scsi/command.h"
#include "scsi/op_table.h"

namespace tgt::scsi {

struct OpReportRequest {
    bool timeouts = false;  // RCTD
    uint8_t options = 0;    // REPORTING OPTIONS
    uint8_t opcode = 0;
    uint16_t service_action = 0;
};
// `thin`: whether rows with op_thin_only are supported now.
Result<std::vector<uint8_t>, Sense> supported_operation_codes(std::span<const OpRow> rows,
                                                              bool thin,
                                                              const OpReportRequest& request);
std::vector<uint8_t> supported_task_functions(bool extended);

Outcome run_report_supported_opcodes(Command& command);
Outcome run_report_supported_task_functions(Command& command);

}  // namespace tgt::scsi
