// SPDX-License-Identifier: GPL-2.0-or-later
// What the store tests share: a scratch folder, a tmpfs of a given size, a worker with a lane.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "io/blocking_pool.h"
#include "io/worker.h"
#include "store/store.h"

namespace tgt::store::test {

class TempDir {
  public:
    explicit TempDir(const std::string& parent = "/var/tmp") : path_(parent + "/tgt-store-XXXXXX") {
        if (!mkdtemp(path_.data())) abort();
    }
    TempDir(const TempDir&) = delete;
    ~TempDir() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

    // A file with a hole in all its length.
    std::string file(const std::string& name, uint64_t size) const {
        std::string path = *this / name;
        UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (ftruncate(fd.get(), off_t(size)) != 0) abort();
        return path;
    }

  private:
    std::string path_;
};

// A small file system of its own; mounted() is false when this user may not mount.
class Tmpfs {
  public:
    explicit Tmpfs(const std::string& options) {
        mounted_ = mount("tgt-test", dir_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
    }
    ~Tmpfs() {
        if (mounted_) umount2(dir_.path().c_str(), MNT_DETACH);
    }
    bool mounted() const { return mounted_; }
    const TempDir& dir() const { return dir_; }

  private:
    TempDir dir_;
    bool mounted_ = false;
};

// Memory as the workers' buffers have it: good for direct I/O.
template <class T>
struct PageAligned {
    using value_type = T;
    PageAligned() = default;
    template <class U>
    PageAligned(const PageAligned<U>&) {}
    T* allocate(size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(4096)));
    }
    void deallocate(T* memory, size_t) { ::operator delete(memory, std::align_val_t(4096)); }
    bool operator==(const PageAligned&) const = default;
};

// An operation over its own memory.
struct TestOp : Op {
    std::vector<uint8_t, PageAligned<uint8_t>> memory;
    std::vector<iovec> pieces;
    bool completed = false;
    std::thread::id completed_on;

    TestOp(OpKind k, uint64_t at, size_t bytes, uint8_t fill = 0) : memory(bytes, fill) {
        kind = k;
        offset = at;
        length = bytes;
        cut({bytes});
        complete = [](Op& op) {
            auto& self = static_cast<TestOp&>(op);
            self.completed = true;
            self.completed_on = std::this_thread::get_id();
        };
    }
    virtual ~TestOp() = default;
    // The memory as pieces of these sizes.
    void cut(const std::vector<size_t>& sizes) {
        pieces.clear();
        size_t at = 0;
        for (size_t size : sizes) {
            pieces.push_back({memory.data() + at, size});
            at += size;
        }
        iov = pieces.data();
        iov_count = unsigned(pieces.size());
    }
    void fill_pattern(uint32_t seed) {
        for (size_t i = 0; i < memory.size(); ++i)
            memory[i] = uint8_t((i + seed) * 2654435761u >> 24);
    }
    // What the file system has at the operation's offset, by the path of other programs.
    bool is_in(const std::string& path) const {
        UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        std::vector<uint8_t> there(memory.size());
        return pread(fd.get(), there.data(), there.size(), off_t(offset)) ==
                   ssize_t(there.size()) &&
               std::equal(there.begin(), there.end(), memory.begin());
    }
    bool all(uint8_t value) const {
        for (uint8_t byte : memory)
            if (byte != value) return false;
        return true;
    }
};

// A worker that the test drives by hand, so that "later" and "inside" can be told apart.
class QueueTest : public testing::Test {
  protected:
    explicit QueueTest(bool ring = false) : worker_({.name = "test", .ring = ring}) {}
    void run_until(const std::function<bool()>& done) {
        while (!done()) {
            worker_.turn_for_test(io::Clock::now());
            std::this_thread::yield();
        }
    }
    // True when it completed inside submit().
    bool submit_and_wait(StoreQueue& queue, TestOp& op) {
        op.completed = false;
        if (queue.submit(op)) return true;
        run_until([&] { return op.completed; });
        return false;
    }

    io::BlockingPool pool_;
    io::Worker worker_;
    io::PoolLane lane_{pool_, 2};
};

inline Result<std::unique_ptr<Store>> open_store(std::string_view engine, const std::string& path,
                                                 OpenFlags flags = {}, uint32_t block_size = 512) {
    OpenRequest request;
    request.path = path;
    request.flags = flags;
    request.block_size = block_size;
    return find_engine(engine)->open(request);
}

}  // namespace tgt::store::test
