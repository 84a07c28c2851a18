// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver/iscsi/memory_account.h"

#include <algorithm>

namespace tgt::iscsi {

MemoryAccount& MemoryAccounts::join(int tid, const std::string& initiator) {
    const MemoryAccount::Key key(tid, initiator);
    MemoryAccount& account =
        accounts_.try_emplace(key, MemoryAccount{*this, key, 0, 0}).first->second;
    ++account.sessions;
    return account;
}

void MemoryAccounts::leave(MemoryAccount& account) {
    --account.sessions;
    drop_unused(account);
}

bool MemoryAccounts::admits(const MemoryAccount& account, uint64_t bytes,
                            const io::BufferPool& pool) {
    const uint64_t free = pool.limit() - std::min(pool.limit(), pool.bytes_in_use());
    return bytes == 0 || account.bytes == 0 || account.bytes + bytes <= free;
}

void MemoryAccounts::give_back(MemoryAccount& account, uint64_t bytes) {
    account.bytes -= bytes;
    if (account.owner.wanted) account.owner.tell();
    account.owner.drop_unused(account);
}

void MemoryAccounts::tell() {
    wanted = false;
    if (on_freed) on_freed();
}

void MemoryAccounts::drop_unused(MemoryAccount& account) {
    if (account.sessions > 0 || account.bytes > 0) return;
    const MemoryAccount::Key key = account.key;
    accounts_.erase(key);
}

void WindowBudget::join() {
    share_ = bytes_ / ++sessions_;
}

void WindowBudget::leave(uint64_t promised) {
    promised_ -= promised;
    share_ = --sessions_ == 0 ? bytes_ : bytes_ / sessions_;
}

uint32_t WindowBudget::window(uint32_t have, uint32_t wanted, uint64_t each) const {
    const uint64_t room = bytes_ - std::min(bytes_, promised_);
    const uint64_t most = std::min({uint64_t{wanted}, share_ / each, have + room / each});
    return std::max(uint32_t(most), std::min(wanted, min_window));
}

}  // namespace tgt::iscsi
