// SPDX-License-Identifier: GPL-2.0-or-later
// Which files are read, and in what order.
#include "config/line_reader.h"

#include "config/file_scan.h"

namespace tgt::config {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_pattern(std::string_view path) {
    return path.find_first_of("*?[{\\") != std::string_view::npos;
}

Diagnostic too_large(const std::string& name) {
    Diagnostic out;
    out.at.file = std::make_shared<const std::string>(name);
    out.problem = "the configuration is larger than " + std::to_string(max_config_bytes >> 20) +
                  " MiB with this file";
    out.advice = "it can hardly be a configuration file";
    return out;
}

}  // namespace

LineReader::LineReader(Files& files, const std::string& main_path)
    : files_(files), main_path_(main_path) {}

std::optional<Diagnostic> LineReader::read_main() {
    Include what;
    what.path = main_path_;
    return include_found(what, main_path_);
}

std::optional<Diagnostic> LineReader::read_text(std::string_view text) {
    read_files.push_back(main_path_);
    seen_[files_.identity(main_path_)] = main_path_;
    return scan(text, main_path_);
}

LineReader::Problem LineReader::scan(std::string_view text, const std::string& name) {
    bytes_ += text.size();
    if (bytes_ > max_config_bytes) return too_large(name);
    if (text.substr(0, byte_order_mark.size()) == byte_order_mark)
        text.remove_prefix(byte_order_mark.size());
    FileScan scan(*this, name);
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (auto problem = scan.line(line)) return problem;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return scan.end();
}

// --- includes
// ---------------------------------------------------------------------------------------

// Where a path that is not absolute may lead, best first. The working directory counts only for a
// main file that is named relative to it: whoever may write there must not add to /etc/tgt.
std::vector<std::string> LineReader::candidates(const Include& what) const {
    if (what.path[0] == '/') return {what.path};
    if (main_path_.empty() || main_path_[0] != '/')
        return {what.path, what.folder == "." ? what.path : what.folder + "/" + what.path};
    const std::string main_folder = main_path_.substr(0, main_path_.rfind('/'));
    return {main_folder + "/" + what.path, what.folder + "/" + what.path};
}

LineReader::Problem LineReader::include(const Include& what) {
    if (depth_ + 1 >= max_include_depth)
        return Diagnostic{
            what.at,
            "files include each other more than " + std::to_string(max_include_depth) + " deep",
            "include them from the main file"};
    ++depth_;
    auto problem = is_pattern(what.path) ? include_glob(what) : [&]() -> Problem {
        for (const std::string& path : candidates(what))
            if (files_.kind(path) != Files::Kind::missing) return include_found(what, path);
        if (what.optional) return {};
        return Diagnostic{what.at, "the file '" + what.path + "' does not exist",
                          "create it, or write 'includeoptional' if it may be missing"};
    }();
    --depth_;
    return problem;
}

// A pattern that nothing matches is nothing.
LineReader::Problem LineReader::include_glob(const Include& what) {
    for (const std::string& pattern : candidates(what)) {
        const auto paths = files_.glob(pattern);
        for (const std::string& path : paths)
            if (auto problem = read_file(path, what.at)) return problem;
        if (!paths.empty()) break;
    }
    return {};
}

LineReader::Problem LineReader::include_found(const Include& what, const std::string& path) {
    if (files_.kind(path) != Files::Kind::directory) return read_file(path, what.at);
    const auto names = files_.list(path);
    if (!names)
        return Diagnostic{what.at,
                          "the folder '" + path + "' cannot be read: " + names.error().text,
                          "check its permissions"};
    for (const std::string& name : *names)
        if (auto problem = read_file(path + "/" + name, what.at)) return problem;
    return {};
}

LineReader::Problem LineReader::read_file(const std::string& path, const Position& from) {
    const auto [seen, fresh] = seen_.emplace(files_.identity(path), path);
    if (!fresh) {
        const std::string other = seen->second == path ? "" : " (as '" + seen->second + "')";
        warnings.push_back({from, "the file '" + path + "' has been read already" + other,
                            "it is not read again; include it once"});
        return {};
    }
    auto text = files_.read(path);
    if (!text)
        return Diagnostic{from, "the file '" + path + "' cannot be read: " + text.error().text,
                          "check that it exists and may be read"};
    read_files.push_back(path);
    return scan(*text, path);
}

}  // namespace tgt::config
