// SPDX-License-Identifier: GPL-2.0-or-later
// From the lines of a file to logical lines. The order of the steps is Config::General's: C
// comments before # comments before continuation before here-documents before include.
#include "config/file_scan.h"

#include <strings.h>

#include <algorithm>

namespace tgt::config {

namespace {

std::string folder_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// Where a # comment begins: at the first # that has no backslash before it.
size_t hash_comment(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i)
        if (text[i] == '#' && (i == 0 || text[i - 1] != '\\')) return i;
    return text.size();
}

bool continues(std::string_view text) {
    if (text.empty() || text.back() != '\\') return false;
    return text.size() == 1 || text[text.size() - 2] != '\\';
}

bool begins_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() && strncasecmp(text.data(), word.data(), word.size()) == 0;
}

struct IncludeLine {
    std::string_view path;
    bool optional = false;
};

// A path in quotes, or all that follows.
std::optional<std::string_view> include_path(std::string_view rest) {
    const std::string_view path = trim(rest);
    const bool quoted = path.size() > 2 && (path[0] == '"' || path[0] == '\'') &&
                        path.back() == path[0] && path[path.size() - 2] != '\\';
    if (quoted) return path.substr(1, path.size() - 2);
    // "include" ends at a blank; includes, include=x are other words.
    if (path.empty() || !is_blank(rest[0])) return {};
    return path;
}

std::optional<IncludeLine> include_line(std::string_view text) {
    const std::string_view line = trim(text);
    for (const auto& [word, optional] :
         {std::pair<std::string_view, bool>{"includeoptional", true}, {"include", false}}) {
        if (!begins_with_word(line, word)) continue;
        if (const auto path = include_path(line.substr(word.size())))
            return IncludeLine{*path, optional};
    }
    // Config::General's other way to write it.
    const std::string_view opening = "<<include";
    const bool framed = begins_with_word(line, opening) && line.size() > opening.size() + 2 &&
                        line.substr(line.size() - 2) == ">>";
    if (!framed) return {};
    const auto path = include_path(line.substr(opening.size(), line.size() - opening.size() - 2));
    return path ? std::optional(IncludeLine{*path, false}) : std::nullopt;
}

struct DocumentStart {
    size_t key_begin, key_end;
    std::string_view marker;
};

// "key = <<MARKER" or "key <<MARKER".
std::optional<DocumentStart> document_start(std::string_view text) {
    const size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    const auto marker = [&](size_t behind_key) -> std::string_view {
        std::string_view rest = trim(text.substr(behind_key));
        if (rest.substr(0, 2) != "<<") return {};
        return trim(rest.substr(2));
    };
    const size_t equals = text.find('=', begin);
    if (equals != std::string_view::npos && equals > begin) {
        const std::string_view word = marker(equals + 1);
        const size_t length = trim(text.substr(begin, equals - begin)).size();
        if (!word.empty()) return DocumentStart{begin, begin + length, word};
    }
    const size_t end = std::min(text.find_first_of(blanks, begin), text.size());
    const std::string_view word = marker(end);
    if (end == text.size() || word.empty()) return {};
    return DocumentStart{begin, end, word};
}

}  // namespace

FileScan::FileScan(LineReader& reader, const std::string& name)
    : reader_(reader), folder_(folder_of(name)) {
    here_ = {std::make_shared<const std::string>(name), 0, 1};
}

Diagnostic FileScan::problem(const Position& at, std::string what, std::string advice) const {
    return {at, std::move(what), std::move(advice)};
}

FileScan::Problem FileScan::line(std::string_view text) {
    ++here_.line;
    if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
        Position at = here_;
        at.column += unsigned(zero);
        return problem(at, "there is a NUL byte here: this is no text file", "give the right file");
    }
    if (document_) {
        document_line(text);
        return {};
    }
    SourceLine line(std::string(text), here_);
    if (comment(line)) return {};
    line.erase(hash_comment(line.text()), line.text().size());
    if (continues(line.text())) {
        line.erase(line.text().size() - 1, line.text().size());
        line.trim_left();
        if (!line.empty()) continued_.append(line);
        return {};
    }
    return complete(std::move(line));
}

// --- here-documents
// ---------------------------------------------------------------------------------

bool FileScan::opens_document(const SourceLine& line) {
    const auto start = document_start(line.text());
    if (!start) return false;
    document_.emplace();
    document_->key = line;
    document_->marker = start->marker;
    document_->key.erase(start->key_end, line.text().size());
    document_->key.erase(0, start->key_begin);
    return true;
}

void FileScan::document_line(std::string_view text) {
    if (trim(text) == document_->marker)
        return close_document(text.substr(0, text.find_first_not_of(blanks)));
    document_->lines.emplace_back(text, here_);
}

// What stands before the end mark is taken off every line that begins with it.
void FileScan::close_document(std::string_view indent) {
    LogicalLine out;
    out.kind = LogicalLine::Kind::document;
    out.text = std::move(document_->key);
    out.value_at = document_->lines.empty() ? here_ : document_->lines.front().second;
    for (const auto& [text, at] : document_->lines) {
        const bool indented = std::string_view(text).substr(0, indent.size()) == indent;
        out.value += indented ? text.substr(indent.size()) : text;
        out.value += '\n';
    }
    out.value = trim(out.value);
    reader_.lines.push_back(std::move(out));
    document_.reset();
}

// --- comments
// ---------------------------------------------------------------------------------------

// True: the line belongs to a comment as a whole.
bool FileScan::comment(SourceLine& line) {
    const std::string& text = line.text();
    const size_t open = text.find("/*"), close = text.rfind("*/");
    const bool inside =
        open != std::string::npos && close != std::string::npos && close >= open + 2;
    // In a path with patterns the two are no comment.
    const bool path = inside && include_line(text) && !is_blank(text[open - 1]);
    if (inside && !path) {
        const size_t begin = trim_right(std::string_view(text).substr(0, open)).size();
        const size_t end = std::min(text.find_first_not_of(blanks, close + 2), text.size());
        line.erase(begin, end);
    } else if (trim(text).substr(0, 2) == "/*" && !path) {
        in_comment_ = trim(text) != "/*/";
        comment_at_ = line.at(text.find("/*"));
    } else if (close != std::string::npos && !path) {
        closing_comment(line);
    }
    return in_comment_;
}

// Without a beginning it is no end either where it can be something else.
void FileScan::closing_comment(SourceLine& line) {
    const std::string& text = line.text();
    const size_t close = text.rfind("*/");
    if (!in_comment_ && (include_line(text) || hash_comment(text) < close)) return;
    if (!in_comment_)
        reader_.warnings.push_back(problem(line.at(close), "a comment ends here that never began",
                                           "what stands before it is ignored; delete it"));
    in_comment_ = false;
    line.erase(0, close + 2);
}

// --- lines
// ------------------------------------------------------------------------------------------

// A line without comments that is not continued.
FileScan::Problem FileScan::complete(SourceLine line) {
    if (!continued_.empty()) {
        if (document_start(line.text()))
            return problem(line.at(0), "a here-document cannot begin on a continued line",
                           "write the key and << on one line");
        line.trim_left();
        SourceLine whole = std::exchange(continued_, {});
        whole.append(line);
        push(std::move(whole));
        return {};
    }
    if (opens_document(line)) return {};
    return plain(std::move(line));
}

FileScan::Problem FileScan::plain(SourceLine line) {
    line.trim();
    const std::string& text = line.text();
    if (text.empty()) return {};
    if (text.size() > 3 && text[0] == '<' && text[1] != '/' &&
        text.substr(text.size() - 2) == "/>") {
        empty_block(std::move(line));
        return {};
    }
    const auto found = include_line(text);
    if (!found || found->path.empty()) {
        push(std::move(line));
        return {};
    }
    return reader_.include({std::string(found->path), line.at(0), folder_, found->optional});
}

void FileScan::push(SourceLine line) {
    line.trim();
    LogicalLine out;
    out.text = std::move(line);
    reader_.lines.push_back(std::move(out));
}

// "<target x/>" is "<target x>", "</target>".
void FileScan::empty_block(SourceLine line) {
    const size_t slash = line.text().size() - 2;
    LogicalLine end;
    end.kind = LogicalLine::Kind::end;
    end.text = line;
    line.erase(slash, slash + 1);
    push(std::move(line));
    reader_.lines.push_back(std::move(end));
}

FileScan::Problem FileScan::end() {
    if (document_)
        return problem(document_->key.at(0),
                       "the here-document that begins here has no end in this file",
                       "put " + document_->marker + " on a line of its own behind it");
    if (in_comment_)
        return problem(comment_at_, "the comment that begins here has no end in this file",
                       "end it with */");
    if (!continued_.empty()) {
        reader_.warnings.push_back(problem(here_, "the last line is continued, but nothing follows",
                                           "take the backslash off its end"));
        push(std::exchange(continued_, {}));
    }
    return {};
}

}  // namespace tgt::config
