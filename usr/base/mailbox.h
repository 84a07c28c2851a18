// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>

namespace tgt {

// A unit of work that is handed between threads without an allocation. `run` is called once, on the
// receiving thread, which then owns the object again; it may be destroyed or posted again inside
// `run`.
struct Task {
    Task* next = nullptr;
    void (*run)(Task&) = nullptr;
};

// Many producers, one consumer; first in, first out.
class Mailbox {
  public:
    // Any thread.
    void push(Task& task) {
        Task* head = head_.load(std::memory_order_relaxed);
        do {
            task.next = head;
        } while (!head_.compare_exchange_weak(head, &task, std::memory_order_release,
                                              std::memory_order_relaxed));
    }
    // The consumer. Everything pushed so far, oldest first, linked by `next`; null when empty.
    Task* take_all() {
        Task* task = head_.exchange(nullptr, std::memory_order_acquire);
        Task* oldest_first = nullptr;
        while (task) {
            Task* next = task->next;
            task->next = oldest_first;
            oldest_first = task;
            task = next;
        }
        return oldest_first;
    }
    bool empty() const { return head_.load(std::memory_order_acquire) == nullptr; }

  private:
    std::atomic<Task*> head_{nullptr};
};

}  // namespace tgt
