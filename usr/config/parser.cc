// SPDX-License-Identifier: GPL-2.0-or-later
// From logical lines to the tree.
#include "config/parser.h"

#include <unordered_map>

#include "config/line_reader.h"

namespace tgt::config {

namespace {

bool is_block_start(std::string_view text) {
    return text.size() > 2 && text.front() == '<' && text.back() == '>' && text[1] != '/';
}

bool is_block_end(std::string_view text) {
    return text.size() > 3 && text.substr(0, 2) == "</" && text.back() == '>';
}

struct BlockName {
    std::string name;
    std::optional<std::string> argument;
};

// The text in quotes when they are around all of it, or nothing.
std::optional<std::string_view> unquoted(std::string_view text) {
    if (text.size() < 3 || text.front() != '"' || text.find('"', 1) != text.size() - 1) return {};
    return text.substr(1, text.size() - 2);
}

// What cannot be said otherwise: a # that begins no comment.
std::string block_argument(std::string_view text) {
    if (const auto inner = unquoted(text)) text = *inner;
    std::string out;
    for (size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\\' || i + 1 == text.size() || text[i + 1] != '#') out += text[i];
    return out;
}

// `name argument`, each of them in quotes or not.
BlockName block_name(std::string_view inside) {
    inside = trim_right(inside);
    if (const auto name = unquoted(inside)) return {std::string(*name), {}};
    if (inside.empty() || is_blank(inside[0])) return {std::string(inside), {}};
    size_t end = std::min(inside.find_first_of(blanks), inside.size());
    if (inside[0] == '"') {
        const size_t quote = inside.find('"', 1);
        if (quote != std::string_view::npos && quote > 1 && quote + 1 < inside.size() &&
            is_blank(inside[quote + 1]))
            end = quote + 1;
    }
    std::string_view name = inside.substr(0, end);
    if (const auto inner = unquoted(name)) name = *inner;
    if (end == inside.size()) return {std::string(name), {}};
    return {std::string(name), block_argument(trim_left(inside.substr(end)))};
}

// Quotes around all of it go; then \$ \\ \" and \# stand for what follows the backslash.
std::string plain_value(std::string_view text) {
    if (!text.empty() && text.front() == '"' && text.back() == '"') {
        text.remove_prefix(1);
        if (!text.empty()) text.remove_suffix(1);
    }
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool escapes = text[i] == '\\' && i + 1 < text.size() &&
                             std::string_view("$\\\"#").find(text[i + 1]) != std::string_view::npos;
        out += text[escapes ? ++i : i];
    }
    return out;
}

// Makes the tree of lines in their order. Owns what it needs to find a block that comes again.
class Builder {
  public:
    explicit Builder(Tree& tree) : tree_(tree), open_{{&tree.root, {}}} {}

    std::optional<Diagnostic> add(const LogicalLine& line) {
        const std::string& text = line.text.text();
        if (line.kind == LogicalLine::Kind::end) return end({}, line.text.at(0));
        if (line.kind == LogicalLine::Kind::document) {
            entry({text, plain_value(line.value), line.text.at(0), line.value_at, nullptr});
            return {};
        }
        if (is_block_start(text)) return start(line.text);
        if (is_block_end(text)) return end(trim(text.substr(2, text.size() - 3)), line.text.at(0));
        key_and_value(line.text);
        return {};
    }

    std::optional<Diagnostic> finish() const {
        if (open_.size() == 1) return {};
        const Block& block = *open_.back().block;
        return Diagnostic{open_.back().at, "block <" + block.name + "> has no end",
                          "add </" + block.name + ">"};
    }

  private:
    struct Open {
        Block* block;
        Position at;
    };

    void entry(Entry entry) { open_.back().block->entries.push_back(std::move(entry)); }

    // The key ends at the first blank or "=".
    void key_and_value(const SourceLine& line) {
        const std::string_view text = line.text();
        const size_t end = text.find_first_of(" \t\n\r\f\v=");
        Entry out;
        out.key = text.substr(0, end);
        out.at = out.value_at = line.at(0);
        if (end != std::string_view::npos) {
            size_t begin = std::min(text.find_first_not_of(blanks, end), text.size());
            if (begin < text.size() && text[begin] == '=')
                begin = std::min(text.find_first_not_of(blanks, begin + 1), text.size());
            out.value = plain_value(text.substr(begin));
            out.value_at = line.at(begin);
        }
        entry(std::move(out));
    }

    std::optional<Diagnostic> start(const SourceLine& line) {
        if (open_.size() > max_block_depth)
            return Diagnostic{
                line.at(0),
                "blocks are nested more than " + std::to_string(max_block_depth) + " deep",
                "check that every block has its end"};
        const std::string_view text = line.text();
        BlockName name = block_name(text.substr(1, text.size() - 2));
        open_.push_back({find_or_add(std::move(name), line.at(0)), line.at(0)});
        return {};
    }

    Block* find_or_add(BlockName name, const Position& at) {
        Block* parent = open_.back().block;
        const std::string argument = name.argument ? "\n" + *name.argument : "";
        Block*& found = blocks_[std::to_string(uintptr_t(parent)) + "\n" + name.name + argument];
        if (found) return found;
        auto block = std::make_unique<Block>();
        block->name = name.name;
        block->argument = std::move(name.argument);
        block->at = at;
        found = block.get();
        parent->entries.push_back({name.name, {}, at, at, std::move(block)});
        return found;
    }

    // Any end closes the innermost block, as with Config::General.
    std::optional<Diagnostic> end(std::string_view name, const Position& at) {
        if (open_.size() == 1)
            return Diagnostic{at, "</" + std::string(name) + "> ends a block that never began",
                              "delete it, or look for an end too many before it"};
        const Open closed = open_.back();
        open_.pop_back();
        if (!name.empty() && name != closed.block->name)
            tree_.warnings.push_back({at,
                                      "</" + std::string(name) + "> ends <" + closed.block->name +
                                          "> of line " + std::to_string(closed.at.line),
                                      "write </" + closed.block->name + ">"});
        return {};
    }

    Tree& tree_;
    std::vector<Open> open_;
    std::unordered_map<std::string, Block*> blocks_;  // by parent, name and argument
};

Result<Tree, Diagnostic> build(LineReader reader, std::optional<Diagnostic> problem) {
    Tree tree;
    Builder builder(tree);
    tree.warnings = std::move(reader.warnings);
    tree.files = std::move(reader.read_files);
    for (const LogicalLine& line : reader.lines) {
        if (problem) break;
        problem = builder.add(line);
    }
    if (!problem) problem = builder.finish();
    if (problem) return tl::unexpected(std::move(*problem));
    return tree;
}

}  // namespace

Result<Tree, Diagnostic> parse_file(Files& files, const std::string& path) {
    LineReader reader(files, path);
    auto problem = reader.read_main();
    return build(std::move(reader), std::move(problem));
}

Result<Tree, Diagnostic> parse_text(Files& files, std::string_view text, const std::string& name) {
    LineReader reader(files, name);
    auto problem = reader.read_text(text);
    return build(std::move(reader), std::move(problem));
}

}  // namespace tgt::config
