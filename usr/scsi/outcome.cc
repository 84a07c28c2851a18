// SPDX-License-Identifier: GPL-2.0-or-later
#include "scsi/outcome.h"

#include <cerrno>

namespace tgt::scsi {

namespace {

enum class Cause : uint8_t {
    medium,       // the bytes cannot be read or written
    full,         // no space to allocate
    protected_,   // the medium refuses writes
    gone,         // the device behind the store is not there (now)
    unsupported,  // the store cannot do this at all
    busy,         // worth a repetition
    timeout,
    internal,
};

struct Row {
    int error;
    Cause cause;
};

constexpr Row rows[] = {
    {EIO, Cause::medium},
    {ENODATA, Cause::medium},  // what Linux's block layer says for a medium error
    {EILSEQ, Cause::medium},   // ... for a protection information error
    {EBADMSG, Cause::medium},  // checksum errors of file systems
    {EUCLEAN, Cause::medium},
    {EREMOTEIO, Cause::medium},
    {ENOSPC, Cause::full},
    {EDQUOT, Cause::full},
    {EFBIG, Cause::full},
    {EROFS, Cause::protected_},
    {EACCES, Cause::protected_},
    {EPERM, Cause::protected_},
    {ENODEV, Cause::gone},
    {ENXIO, Cause::gone},
    {ENOENT, Cause::gone},
    {ENOMEDIUM, Cause::gone},
    {ESHUTDOWN, Cause::gone},
    {ENOTCONN, Cause::gone},
    {ENOLINK, Cause::gone},
    {EPIPE, Cause::gone},
    {ECONNRESET, Cause::gone},
    {ECONNREFUSED, Cause::gone},
    {ECONNABORTED, Cause::gone},
    {EHOSTDOWN, Cause::gone},
    {EHOSTUNREACH, Cause::gone},
    {ENETDOWN, Cause::gone},
    {ENETUNREACH, Cause::gone},
    {ESTALE, Cause::gone},
    {EOPNOTSUPP, Cause::unsupported},
    {ENOSYS, Cause::unsupported},
    {ENOTTY, Cause::unsupported},
    {ENOMEM, Cause::busy},
    {ENOBUFS, Cause::busy},
    {EAGAIN, Cause::busy},
    {EBUSY, Cause::busy},
    {EINTR, Cause::busy},
    {ETIMEDOUT, Cause::timeout},
    {ETIME, Cause::timeout},
};

Cause cause_of(int error) {
    for (const Row& row : rows)
        if (row.error == error) return row.cause;
    return Cause::internal;
}

}  // namespace

bool is_medium_failure(int error) {
    const Cause cause = cause_of(error);
    return cause == Cause::medium || cause == Cause::gone;
}

bool is_gone_failure(int error) {
    return cause_of(error) == Cause::gone;
}

bool is_passing_failure(int error) {
    const Cause cause = cause_of(error);
    return cause == Cause::busy || cause == Cause::unsupported;
}

namespace {

Sense medium_error(Access access, uint64_t lba) {
    if (access == Access::read) return sense::unrecovered_read(lba);
    if (access == Access::write) return sense::write_error(lba);
    // Linux does not say which of the flushed blocks failed: INFORMATION stays invalid.
    return sense::make(SenseKey::medium_error, 0x0c, 0x00);
}

}  // namespace

Outcome outcome_of_errno(int error, Access access, uint64_t lba) {
    if (error == 0) return Status::good;
    Cause cause = cause_of(error);
    // A reader that is not let in finds no protected medium but a broken one.
    if (access == Access::read && (cause == Cause::protected_ || cause == Cause::full))
        cause = Cause::medium;
    switch (cause) {
        case Cause::medium:
            return medium_error(access, lba);
        case Cause::full:
            return sense::space_allocation_failed();
        case Cause::protected_:
            return sense::write_protected();
        case Cause::gone:
            return sense::not_ready(0x00);
        case Cause::unsupported:
            return sense::invalid_opcode();
        case Cause::busy:
            return Status::busy;
        case Cause::timeout:
            return sense::aborted_command(0x08, 0x01);
        case Cause::internal:
            break;
    }
    return sense::internal_target_failure();
}

}  // namespace tgt::scsi
