// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/directives.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace tgt::config {

namespace {

constexpr auto once = Repeat::once;
constexpr auto first = Repeat::first;
constexpr auto many = Repeat::many;
constexpr uint8_t global = in_global;
constexpr uint8_t target = in_target;
constexpr uint8_t unit = in_target | in_unit;
constexpr uint8_t library = in_library;
constexpr bool tgt = false;  // tgt has it
constexpr bool ours = true;

// clang-format off
// name, where, again, value, what it becomes, tgtadm's name for it, extension, what it does
constexpr Directive table[] = {
    // What directs tgt-admin itself.
    {"include", global, many, Kind::text, Use::program, "", tgt,
     "Reads another file, the files that a pattern matches, or the files of a folder, in its place."},
    {"includeoptional", global, many, Kind::text, Use::program, "", tgt,
     "The same; a file that does not exist is nothing."},
    {"default-driver", global, once, Kind::text, Use::driver, "lld", tgt,
     "The driver of the targets that name none (iscsi)."},
    {"ignore-errors", global, first, Kind::yes_no, Use::program, "", tgt,
     "yes: go on after a command that fails."},
    {"control-port", global, once, Kind::number, Use::program, "control-port", tgt,
     "The control port of the daemon, as with tgtadm -C (0)."},

    // The daemon.
    {"incomingdiscoveryuser", global, many, Kind::account, Use::account_incoming, "user", tgt,
     "USER PASSWORD that initiators have to give for discovery."},
    {"outgoingdiscoveryuser", global, once, Kind::account, Use::account_outgoing, "user", tgt,
     "USER PASSWORD that the daemon gives initiators for discovery."},
    {"iSNS", global, once, Kind::on_off, Use::system_update, "iSNS", tgt,
     "On: registers with an iSNS server. Applied after the other iSNS directives."},
    {"iSNSServerIP", global, once, Kind::text, Use::system_update, "iSNSServerIP", tgt,
     "Address of the iSNS server."},
    {"iSNSServerPort", global, once, Kind::number, Use::system_update, "iSNSServerPort", tgt,
     "Port of the iSNS server (3205)."},
    {"iSNSAccessControl", global, once, Kind::on_off, Use::system_update, "iSNSAccessControl", tgt,
     "On: initiators must be in the discovery domain, too."},
    {"iSNSESIInterval", global, once, Kind::number, Use::system_update, "iSNSESIInterval", ours,
     "Seconds between status inquiries that the iSNS server is asked for; 0: none (0)."},
    {"account", global, many, Kind::account, Use::account, "user", ours,
     "USER PASSWORD of an account that is bound to nothing yet."},
    {"portal", global, many, Kind::text, Use::portal, "portal", ours,
     "ADDRESS[:PORT] to listen on, besides those of the daemon's command line."},
    {"abort-bound", global, once, Kind::number, Use::system_update, "abort-bound", ours,
     "Seconds that task management waits for aborted commands (5), for all targets."},
    {"debug", global, once, Kind::on_off, Use::system_update, "debug", ours,
     "on: logs everything."},
    {"log-level", global, many, Kind::text, Use::system_update, "log-level", ours,
     "LEVEL or MODULE=LEVEL: debug, info, warning, error, off."},
    {"state", global, once, Kind::text, Use::system_update, "State", ours,
     "ready or offline (ready), of the daemon."},

    // A target.
    {"driver", target, once, Kind::text, Use::driver, "lld", tgt,
     "The target's driver (default-driver)."},
    {"controller_tid", target, once, Kind::number, Use::tid, "tid", tgt,
     "The target's number (the next that is free)."},
    {"initiator-address", target, many, Kind::text, Use::acl_address, "initiator-address", tgt,
     "Address or network that may log in (ALL, when the target has none). NONE: no address may."},
    {"initiator-name", target, many, Kind::text, Use::acl_name, "initiator-name", tgt,
     "Name of an initiator that may log in, from whatever address."},
    {"host", target, many, Kind::number, Use::host, "host", ours,
     "Number of a host (loop port, HBA) that has the target, for drivers with hosts: loop."},
    {"incominguser", target, many, Kind::account, Use::account_incoming, "user", tgt,
     "USER PASSWORD that initiators have to give."},
    {"outgoinguser", target, first, Kind::account, Use::account_outgoing, "user", tgt,
     "USER PASSWORD that the target gives initiators."},
    {"state", target, first, Kind::text, Use::target_update, "state", tgt,
     "ready or offline (ready); an offline target refuses logins."},
    {"abort-bound", target, first, Kind::number, Use::target_update, "abort-bound", ours,
     "Seconds that task management waits for aborted commands, in this target."},
    {"MaxRecvDataSegmentLength", target, first, Kind::number, Use::target_update, "MaxRecvDataSegmentLength", tgt,
     "Most bytes in a PDU to the target, 512 to 16777215 (8192)."},
    {"MaxXmitDataSegmentLength", target, first, Kind::number, Use::target_update, "MaxXmitDataSegmentLength", tgt,
     "Most bytes in a PDU to the initiator, 512 to 16777215 (8192)."},
    {"HeaderDigest", target, first, Kind::text, Use::target_update, "HeaderDigest", tgt,
     "None, CRC32C or both with a comma (None)."},
    {"DataDigest", target, first, Kind::text, Use::target_update, "DataDigest", tgt,
     "None, CRC32C or both with a comma (None)."},
    {"InitialR2T", target, first, Kind::text, Use::target_update, "InitialR2T", tgt,
     "Yes or No (Yes)."},
    {"MaxOutstandingR2T", target, first, Kind::number, Use::target_update, "MaxOutstandingR2T", tgt,
     "1 to 65535 (1)."},
    {"ImmediateData", target, first, Kind::text, Use::target_update, "ImmediateData", tgt,
     "Yes or No (Yes)."},
    {"FirstBurstLength", target, first, Kind::number, Use::target_update, "FirstBurstLength", tgt,
     "Most bytes of data that come unasked, 512 to 16777215 (65536)."},
    {"MaxBurstLength", target, first, Kind::number, Use::target_update, "MaxBurstLength", tgt,
     "Most bytes in a sequence of data, 512 to 16777215 (262144)."},
    {"DataPDUInOrder", target, first, Kind::text, Use::target_update, "DataPDUInOrder", tgt,
     "Yes or No (Yes)."},
    {"DataSequenceInOrder", target, first, Kind::text, Use::target_update, "DataSequenceInOrder", tgt,
     "Yes or No (Yes)."},
    {"ErrorRecoveryLevel", target, first, Kind::number, Use::target_update, "ErrorRecoveryLevel", tgt,
     "0 to 2 (0)."},
    {"IFMarker", target, first, Kind::text, Use::target_update, "IFMarker", tgt, "Yes or No (No)."},
    {"OFMarker", target, first, Kind::text, Use::target_update, "OFMarker", tgt, "Yes or No (No)."},
    {"DefaultTime2Wait", target, first, Kind::number, Use::target_update, "DefaultTime2Wait", tgt,
     "0 to 3600 seconds (2)."},
    {"DefaultTime2Retain", target, first, Kind::number, Use::target_update, "DefaultTime2Retain", tgt,
     "0 to 3600 seconds (20)."},
    {"OFMarkInt", target, first, Kind::text, Use::target_update, "OFMarkInt", tgt,
     "1 to 65535 (2048); always rejected in negotiation."},
    {"IFMarkInt", target, first, Kind::text, Use::target_update, "IFMarkInt", tgt,
     "1 to 65535 (2048); always rejected in negotiation."},
    {"MaxConnections", target, first, Kind::number, Use::target_update, "MaxConnections", tgt,
     "Connections in a session, 1 to 65535 (1)."},
    {"MaxQueueCmd", target, first, Kind::number, Use::target_update, "MaxQueueCmd", ours,
     "Commands that a session may have under way, 1 to 512 (128)."},
    {"RDMAExtensions", target, first, Kind::text, Use::target_update, "RDMAExtensions", ours,
     "Yes or No (Yes); iSER."},
    {"TargetRecvDataSegmentLength", target, first, Kind::number, Use::target_update, "TargetRecvDataSegmentLength", ours,
     "512 to 16777215 (262144); iSER."},
    {"InitiatorRecvDataSegmentLength", target, first, Kind::number, Use::target_update, "InitiatorRecvDataSegmentLength", ours,
     "512 to 16777215 (262144); iSER."},
    {"MaxOutstandingUnexpectedPDUs", target, first, Kind::number, Use::target_update, "MaxOutstandingUnexpectedPDUs", ours,
     "0 or 2 to 4294967295 (0); iSER."},
    {"RedirectAddress", target, first, Kind::text, Use::target_update, "RedirectAddress", ours,
     "Address that initiators are sent to."},
    {"RedirectPort", target, first, Kind::text, Use::target_update, "RedirectPort", ours,
     "Port that they are sent to."},
    {"RedirectReason", target, first, Kind::text, Use::target_update, "RedirectReason", ours,
     "Temporary or Permanent."},
    {"RedirectCallback", target, first, Kind::text, Use::target_update, "RedirectCallback", ours,
     "Program that says on each login where the initiator is sent to."},
    {"nop_interval", target, first, Kind::number, Use::target_update, "nop_interval", ours,
     "Seconds between two pings to an initiator (0: none)."},
    {"nop_count", target, first, Kind::number, Use::target_update, "nop_count", ours,
     "Pings without an answer after which a connection is closed (0)."},
    {"send_timeout", target, first, Kind::number, Use::target_update, "send_timeout", ours,
     "Seconds after which an initiator that takes no output is disconnected (30; 0: never)."},
    {"data_out_timeout", target, first, Kind::number, Use::target_update, "data_out_timeout", ours,
     "Seconds after which a command ends whose data does not come (180; 0: never)."},

    // Logical units.
    {"backing-store", target, many, Kind::store, Use::backing_store, "backing-store", tgt,
     "File, block device or address of a logical unit; a line, or a block with directives of its own."},
    {"direct-store", target, many, Kind::store, Use::direct_store, "backing-store", tgt,
     "The same for a SCSI disk, whose identity and block sizes the logical unit takes over."},
    {"library", target, many, Kind::text, Use::library, "", ours,
     "A block: a tape library, whose cartridges are in this folder."},

    // A library.
    {"drives", library, once, Kind::number, Use::library_part, "drives", ours,
     "Tape drives, 0 to 250 (2)."},
    {"slots", library, once, Kind::number, Use::library_part, "slots", ours,
     "Slots for cartridges, 0 to 10000 (20)."},
    {"ports", library, once, Kind::number, Use::library_part, "ports", ours,
     "Import/export elements, 0 to 250 (4)."},
    {"media", library, once, Kind::text, Use::library_part, "media", ours,
     "What the drives are made for: LTO-1 to LTO-9 (LTO-8)."},
    {"personality", library, once, Kind::text, Use::library_part, "personality", ours,
     "The product that the changer behaves as (generic)."},
    {"drive-personality", library, once, Kind::text, Use::library_part, "drive_personality", ours,
     "The product that the drives behave as (that of the media: lto8)."},
    {"lun", library, once, Kind::number, Use::library_part, "lun", ours,
     "The number of the first drive; the others follow it, and the changer is the last (behind all numbers that the target gives)."},

    // A logical unit.
    {"allow-in-use", unit, once, Kind::yes_no, Use::program, "", tgt,
     "yes: take a medium that something else uses. In a target it is for all its logical units."},
    {"lun", unit, once, Kind::number, Use::unit_lun, "lun", tgt,
     "The number of the logical unit (the lowest from 1 on that is free)."},
    {"device-type", unit, once, Kind::text, Use::unit_option, "device-type", tgt,
     "disk, pt, tape, changer, cd, osd (disk)."},
    {"bs-type", unit, once, Kind::text, Use::unit_option, "bstype", tgt,
     "The kind of backing store (rdwr)."},
    {"bsopts", unit, once, Kind::text, Use::unit_option, "bsopts", tgt,
     "Options for the backing store; what they are is its own affair."},
    {"bsoflags", unit, once, Kind::text, Use::unit_option, "bsoflags", tgt,
     "sync, direct or sync:direct."},
    {"block-size", unit, once, Kind::number, Use::unit_option, "blocksize", tgt,
     "Bytes in a logical block, a power of two (512)."},
    {"scsi_id", unit, once, Kind::text, Use::unit_update, "scsi_id", tgt,
     "Identification, 36 characters."},
    {"sense_format", unit, once, Kind::number, Use::unit_update, "sense_format", tgt,
     "1: sense data in descriptor format (0)."},
    {"removable", unit, once, Kind::number, Use::unit_update, "removable", tgt,
     "1: the medium can be taken out (0)."},
    {"online", unit, once, Kind::number, Use::unit_update, "online", tgt,
     "0: the logical unit is not ready (1)."},
    {"path", unit, once, Kind::text, Use::unit_update, "path", tgt,
     "Another medium, while the logical unit is offline."},
    {"readonly", unit, once, Kind::number, Use::unit_update, "readonly", tgt,
     "1: writes are refused (0)."},
    {"vendor_id", unit, once, Kind::text, Use::unit_update, "vendor_id", tgt,
     "Vendor, 8 characters (IET)."},
    {"product_id", unit, once, Kind::text, Use::unit_update, "product_id", tgt,
     "Product, 16 characters (VIRTUAL-DISK)."},
    {"product_rev", unit, once, Kind::text, Use::unit_update, "product_rev", tgt,
     "Revision, 4 characters (0001)."},
    {"scsi_sn", unit, once, Kind::text, Use::unit_update, "scsi_sn", tgt,
     "Serial number, 36 characters."},
    {"lbppbe", unit, once, Kind::number, Use::unit_update, "lbppbe", tgt,
     "Logical blocks per physical block, as an exponent of two."},
    {"la_lba", unit, once, Kind::number, Use::unit_update, "la_lba", tgt,
     "The lowest logical block that begins with a physical one."},
    {"optimal_xfer_gran", unit, once, Kind::number, Use::unit_update, "optimal_xfer_gran", tgt,
     "Optimal transfer length granularity in blocks."},
    {"optimal_xfer_len", unit, once, Kind::number, Use::unit_update, "optimal_xfer_len", tgt,
     "Optimal transfer length in blocks."},
    {"thin_provisioning", unit, once, Kind::number, Use::unit_update, "thin_provisioning", ours,
     "1: UNMAP gives space back (0)."},
    {"rotation_rate", unit, once, Kind::number, Use::unit_update, "rotation_rate", ours,
     "Revolutions in a minute; 1: no rotating medium."},
    {"personality", unit, once, Kind::text, Use::unit_update, "personality", ours,
     "The product that a tape drive or a changer behaves as: lto8, ibm-td8."},
    {"capacity", unit, once, Kind::text, Use::unit_update, "capacity", ours,
     "Bytes that initiators see, instead of the whole medium."},
    {"write-cache", unit, once, Kind::on_off, Use::unit_write_cache, "mode_page", tgt,
     "on or off (on)."},
    {"mode_page", unit, many, Kind::mode_page, Use::unit_update, "mode_page", tgt,
     "PAGE:SUBPAGE:LENGTH:BYTE:...: a mode page as a whole."},
    {"params", unit, many, Kind::parameters, Use::unit_params, "params", tgt,
     "NAME=VALUE,...: any parameters of tgtadm --params. ${tid} and ${lun} stand for the numbers."},
};
// clang-format on

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = char(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

// Insertions, deletions and replacements from one to the other (Levenshtein).
size_t distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t(0));
    for (size_t i = 0; i < a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i + 1);
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

constexpr size_t longest_name = 40;  // of what is worth comparing

}  // namespace

std::span<const Directive> directives() {
    return table;
}

const Directive* find_directive(std::string_view name, Level level) {
    const bool state = level == in_target && name.substr(0, 5) == "state";
    for (const Directive& row : table)
        if ((row.levels & level) != 0 && (row.name == name || (state && row.name == "state")))
            return &row;
    return nullptr;
}

bool driver_has_hosts(std::string_view driver) {
    return driver == "loop";
}

std::string_view nearest_directive(std::string_view name, Level level) {
    if (name.empty() || name.size() > longest_name) return {};
    const std::string wanted = lower(name);
    std::string_view best;
    size_t least = std::min<size_t>(3, (name.size() + 1) / 2);
    for (const Directive& row : table) {
        if ((row.levels & level) == 0) continue;
        const size_t far = distance(wanted, lower(row.name));
        if (far >= least) continue;
        least = far;
        best = row.name;
    }
    return best;
}

}  // namespace tgt::config
