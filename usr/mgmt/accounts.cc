// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/accounts.h"

#include <algorithm>

namespace tgt::mgmt {

namespace {

constexpr size_t max_text = 255;  // of a name and of a secret, as tgt

std::string place(int tid) {
    return tid == Accounts::global ? "discovery" : fmt::format("target {}", tid);
}

}  // namespace

const Account* Accounts::find(std::string_view name) const {
    const auto it = std::find_if(accounts_.begin(), accounts_.end(),
                                 [&](const Account& account) { return account.name == name; });
    return it == accounts_.end() ? nullptr : &*it;
}

Status Accounts::add(std::string_view name, std::string_view secret) {
    if (name.empty() || name.size() > max_text)
        return refuse(ErrorCode::invalid_request, "a user name has 1 to {} characters", max_text);
    if (secret.empty() || secret.size() > max_text)
        return refuse(ErrorCode::invalid_request,
                      "the password of '{}' must have 1 to {} characters", name, max_text);
    if (find(name))
        return refuse(ErrorCode::account_exists,
                      "account '{}' is already there; delete it first to change the password",
                      name);
    accounts_.push_back({std::string(name), std::string(secret)});
    return {};
}

std::string Accounts::secret_of(std::string_view name) const {
    const Account* account = find(name);
    return account ? account->secret : std::string();
}

Status Accounts::remove(std::string_view name) {
    if (!find(name)) return refuse(ErrorCode::no_account, "there is no account '{}'", name);
    for (auto& [tid, bound] : bound_) {
        std::erase(bound.incoming, name);
        if (bound.outgoing == name) bound.outgoing.clear();
    }
    std::erase_if(accounts_, [&](const Account& account) { return account.name == name; });
    return {};
}

Status Accounts::bind(int tid, std::string_view name, Direction direction) {
    if (!find(name))
        return refuse(ErrorCode::no_account,
                      "there is no account '{}'; make it with --mode account --op new", name);
    BoundAccounts& bound = bound_[tid];
    if (direction == Direction::outgoing) {
        if (!bound.outgoing.empty())
            return refuse(ErrorCode::outgoing_account_exists,
                          "{} already has the outgoing account '{}'; unbind it first", place(tid),
                          bound.outgoing);
        bound.outgoing = name;
        return {};
    }
    if (std::find(bound.incoming.begin(), bound.incoming.end(), name) != bound.incoming.end())
        return refuse(ErrorCode::account_exists, "account '{}' is already bound to {}", name,
                      place(tid));
    bound.incoming.emplace_back(name);
    return {};
}

Status Accounts::unbind(int tid, std::string_view name, Direction direction) {
    if (!find(name)) return refuse(ErrorCode::no_account, "there is no account '{}'", name);
    BoundAccounts& bound = bound_[tid];
    if (direction == Direction::outgoing && bound.outgoing == name) {
        bound.outgoing.clear();
        return {};
    }
    if (direction == Direction::incoming && std::erase(bound.incoming, name) > 0) return {};
    return refuse(ErrorCode::no_account, "account '{}' is not bound to {} as {}", name, place(tid),
                  direction == Direction::outgoing ? "outgoing" : "incoming");
}

std::vector<std::string> Accounts::newest_first() const {
    std::vector<std::string> out;
    for (auto it = accounts_.rbegin(); it != accounts_.rend(); ++it) out.push_back(it->name);
    return out;
}

const BoundAccounts& Accounts::bound(int tid) const {
    static const BoundAccounts none;
    const auto it = bound_.find(tid);
    return it == bound_.end() ? none : it->second;
}

std::vector<Account> Accounts::incoming(int tid) const {
    std::vector<Account> out;
    for (const std::string& name : bound(tid).incoming)
        if (const Account* account = find(name)) out.push_back(*account);
    return out;
}

std::optional<Account> Accounts::outgoing(int tid) const {
    const Account* account = find(bound(tid).outgoing);
    if (!account) return std::nullopt;
    return *account;
}

}  // namespace tgt::mgmt
