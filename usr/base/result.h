// SPDX-License-Identifier: GPL-2.0-or-later
// Errors are values. The control plane uses Result<T> with Error; SCSI code uses Result<T,
// scsi::Sense>.
#pragma once

#include <cerrno>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tgt {

// A failure for a person to read: `code` is an errno value, `text` a sentence that names the
// object, the reason and, where it helps, what to do.
struct Error {
    int code = EIO;
    std::string text;
};

template <class T, class E = Error>
using Result = tl::expected<T, E>;

inline tl::unexpected<Error> fail(int code, std::string text) {
    return tl::unexpected<Error>(Error{code, std::move(text)});
}

}  // namespace tgt
