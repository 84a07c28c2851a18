// SPDX-License-Identifier: GPL-2.0-or-later
// Doubly linked list whose links live inside the elements: no allocation, O(1) removal.
#pragma once

#include <cassert>
#include <cstddef>

namespace tgt {

// Base class of an element. Tag tells several memberships of one object apart.
template <class Tag = void>
struct ListHook {
    ListHook* prev = nullptr;
    ListHook* next = nullptr;

    ListHook() = default;
    ListHook(const ListHook&) = delete;
    ListHook& operator=(const ListHook&) = delete;
    ~ListHook() { unlink(); }

    bool linked() const { return next != nullptr; }
    void unlink() {
        if (!linked()) return;
        prev->next = next;
        next->prev = prev;
        prev = next = nullptr;
    }
};

// T must derive from ListHook<Tag>. The list owns nothing; an element may unlink itself at any
// time. One thread only.
template <class T, class Tag = void>
class IntrusiveList {
    using Hook = ListHook<Tag>;

  public:
    IntrusiveList() { head_.prev = head_.next = &head_; }
    IntrusiveList(const IntrusiveList&) = delete;
    IntrusiveList& operator=(const IntrusiveList&) = delete;
    ~IntrusiveList() {
        while (!empty()) pop_front();
        head_.prev = head_.next = nullptr;
    }

    bool empty() const { return head_.next == &head_; }
    T& front() { return *static_cast<T*>(head_.next); }
    T& back() { return *static_cast<T*>(head_.prev); }
    void push_back(T& item) { insert_before(head_, item); }
    void push_front(T& item) { insert_before(*head_.next, item); }
    T* pop_front() {
        if (empty()) return nullptr;
        T& item = front();
        static_cast<Hook&>(item).unlink();
        return &item;
    }
    static void remove(T& item) { static_cast<Hook&>(item).unlink(); }

    // The element being visited may be removed by `fn`, no other.
    template <class Fn>
    void for_each(Fn&& fn) {
        for (Hook* hook = head_.next; hook != &head_;) {
            Hook* next = hook->next;
            fn(*static_cast<T*>(hook));
            hook = next;
        }
    }
    template <class Pred>
    T* find_if(Pred&& pred) {
        for (Hook* hook = head_.next; hook != &head_; hook = hook->next)
            if (pred(*static_cast<T*>(hook))) return static_cast<T*>(hook);
        return nullptr;
    }
    size_t size() const {
        size_t n = 0;
        for (Hook* hook = head_.next; hook != &head_; hook = hook->next) ++n;
        return n;
    }

  private:
    static void insert_before(Hook& position, T& item) {
        Hook& hook = item;
        assert(!hook.linked());
        hook.prev = position.prev;
        hook.next = &position;
        position.prev->next = &hook;
        position.prev = &hook;
    }
    Hook head_;
};

}  // namespace tgt
