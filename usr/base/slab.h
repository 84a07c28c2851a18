// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace tgt {

// Recycles objects of one type: take() gives a default-constructed or recycled object, give()
// returns it. T must have `void recycle()`, which brings it back to its first state without freeing
// what it can keep. Objects live as long as the slab. One thread only.
template <class T>
class Slab {
  public:
    T* take() {
        if (free_.empty()) {
            all_.push_back(std::make_unique<T>());
            return all_.back().get();
        }
        T* item = free_.back();
        free_.pop_back();
        return item;
    }
    void give(T* item) {
        item->recycle();
        free_.push_back(item);
    }
    size_t in_use() const { return all_.size() - free_.size(); }

  private:
    std::vector<std::unique_ptr<T>> all_;
    std::vector<T*> free_;
};

}  // namespace tgt
