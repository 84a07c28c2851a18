// SPDX-License-Identifier: GPL-2.0-or-later
// tgtadm's options as data, and a scanner that reads a command line like getopt_long but has no
// global state and prints nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tgt::tgtadm {

enum class Arg : uint8_t {
    none,       // --debug, -d
    required,   // --tid 5, -t 5
    short_only  // --force has none, but -F eats the next word: scripts for tgt write "-F x"
};

struct Option {
    std::string_view name;
    char letter;  // 0: has no short form
    Arg arg;
    char rule;  // the letter under which the rules of the modes know it; 0: allowed everywhere
    // Our own options are not found by abbreviation, so they make none of tgt's ambiguous.
    bool exact = false;
};

std::span<const Option> options();

struct Word {
    const Option* option = nullptr;  // null: the scan failed, `value` is the message
    std::string value;
};

// Reads one word of `args` after the other. One use, one thread; `args` must outlive it.
class Scanner {
  public:
    // `posix`: stop at the first word that is not an option (POSIXLY_CORRECT).
    Scanner(std::string_view program, std::span<const std::string> args, bool posix)
        : program_(program), args_(args), posix_(posix) {}

    // The next option, a failure, or nothing at the end.
    std::optional<Word> next();
    // After the end: the words that belong to no option, in their order.
    const std::vector<std::string>& stray() const { return stray_; }

  private:
    Word long_option(std::string_view text);
    Word short_option();
    Word message(std::string_view text) const;
    std::optional<std::string> take_argument();

    std::string_view program_;
    std::span<const std::string> args_;
    bool posix_;
    size_t next_ = 0;
    std::string_view cluster_;  // the rest of "-abc"
    std::vector<std::string> stray_;
};

}  // namespace tgt::tgtadm
