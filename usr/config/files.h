// SPDX-License-Identifier: GPL-2.0-or-later
// Where the parser gets files from: the disk, or memory for tests and the fuzzer.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tgt::config {

// What the parser asks of a file system. One thread; the parser keeps no reference.
class Files {
  public:
    enum class Kind { missing, file, directory, other };

    virtual ~Files() = default;
    // Symbolic links are followed.
    virtual Kind kind(const std::string& path) = 0;
    virtual Result<std::string> read(const std::string& path) = 0;
    // Names of the regular files in a directory, in byte order.
    virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
    // Paths of the regular files that a shell pattern (with braces) matches, each alternative of
    // the braces in byte order.
    virtual std::vector<std::string> glob(const std::string& pattern) = 0;
    // The same for two paths of one file.
    virtual std::string identity(const std::string& path) = 0;
};

class DiskFiles final : public Files {
  public:
    Kind kind(const std::string& path) override;
    Result<std::string> read(const std::string& path) override;
    Result<std::vector<std::string>> list(const std::string& directory) override;
    std::vector<std::string> glob(const std::string& pattern) override;
    std::string identity(const std::string& path) override;
};

// Files by path; a directory is whatever is before a slash. No braces in patterns.
class MemoryFiles final : public Files {
  public:
    MemoryFiles() = default;
    explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
    void add(std::string path, std::string text) { files_[std::move(path)] = std::move(text); }

    Kind kind(const std::string& path) override;
    Result<std::string> read(const std::string& path) override;
    Result<std::vector<std::string>> list(const std::string& directory) override;
    std::vector<std::string> glob(const std::string& pattern) override;
    std::string identity(const std::string& path) override { return path; }

  private:
    std::map<std::string, std::string> files_;
};

}  // namespace tgt::config
