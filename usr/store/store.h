// SPDX-License-Identifier: GPL-2.0-or-later
// The seam to backing stores. It knows bytes and offsets, never SCSI.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mailbox.h"
#include "base/result.h"

namespace tgt::io {
class Worker;
class PoolLane;
}  // namespace tgt::io

namespace tgt::store {

enum class OpKind : uint8_t {
    read,
    write,
    flush,    // everything acknowledged before is on the medium; offset and length are a hint
    discard,  // the range reads as zeroes afterwards if Features::discard_zeroes, and its space is
              // given back
    write_zeroes,  // the range reads as zeroes afterwards; space may be kept or given back
    prefetch,      // a hint: the range will be read soon; never fails
    forget,        // a hint: the range will not be needed soon; never fails
};

class Library;
class ScsiPort;
class Tape;
class StoreQueue;

// One operation. Owned by the caller and untouched by it from submit() until it is complete; the
// memory behind `iov` likewise. An operation that the kernel has begun cannot be taken back: it
// lives until it completes.
struct Op {
    OpKind kind = OpKind::read;
    bool dsync = false;  // write: on the medium before it completes (FUA)
    uint64_t offset = 0;
    uint64_t length = 0;  // bytes; for read and write the sum of `iov`
    const iovec* iov = nullptr;
    unsigned iov_count = 0;

    // The outcome: 0 or an errno value. A read or write that moved less than `length` is an error
    // (EIO, or ENOSPC for a full file system); a read past the end of the store is EIO.
    int error = 0;

    // Called on the queue's worker when submit() did not complete at once.
    void (*complete)(Op&) = nullptr;

    // For the engine, while it has the operation.
    Task task;
    StoreQueue* queue = nullptr;
    uint64_t done = 0;  // bytes moved so far; 0 before submit() or perform() and after completion
};

// Of one store, for one worker: all calls on that worker's thread. Destroyed only when nothing is
// in flight.
class StoreQueue {
  public:
    virtual ~StoreQueue() = default;
    // True: it is complete already, op.error is the outcome and op.complete is not called
    // (page-cache hits, hints). False: op.complete will be called, later, never inside submit().
    virtual bool submit(Op& op) = 0;
    // True: the operation had not begun and never will; op.complete is not called.
    // False: it goes on and completes as usual.
    virtual bool cancel(Op& op) = 0;
};

struct Features {
    bool discard = false;         // OpKind::discard works
    bool discard_zeroes = false;  // a discarded range reads as zeroes
    bool fast_read = false;       // reads may complete inside submit()
    bool extents = false;         // extent() knows holes
};

// Which backing object this is, wherever its name has moved to: two LUNs with equal identities are
// one medium.
struct Identity {
    // Instead of an inode, which no file has:
    static constexpr uint64_t block_device = 0;
    static constexpr uint64_t character_device = UINT64_MAX;

    uint64_t device = 0;
    uint64_t inode = 0;
    bool known = false;
    bool operator==(const Identity&) const = default;
};

struct Info {
    uint64_t size = 0;                   // bytes
    uint32_t physical_block_size = 512;  // of the medium below; a power of two
    uint32_t required_alignment = 1;     // of offset and length (direct I/O); a power of two
    uint32_t optimal_io_size = 0;        // bytes, 0 = not known
    uint32_t discard_granularity = 0;    // bytes, 0 = any
    bool rotational = false;
    bool read_only = false;  // asked for, or fallen back to
    Features features;
    Identity identity;
    // The same object again after a reboot, a remount or its device's return, where `identity` may
    // differ: a text without meaning but equality. Empty: not known.
    std::string lasting_id;
};

// A run of bytes that are all data or all hole.
struct Extent {
    uint64_t length = 0;
    bool mapped = true;
};

// An open backing store. Constant after open: any thread may use it. Destroying it closes the
// handle.
class Store {
  public:
    virtual ~Store() = default;
    virtual const Info& info() const = 0;

    // A submission channel for `worker`; blocking calls go through `lane`. Call on any thread; the
    // queue then belongs to the worker. The store and the lane must outlive it.
    virtual std::unique_ptr<StoreQueue> make_queue(io::Worker& worker, io::PoolLane& lane) = 0;

    // The same operations done synchronously in the calling thread, which may wait for the device:
    // only for threads of the blocking pool. Returns 0 or an errno value; op.complete is not
    // called.
    virtual int perform(Op& op) = 0;
    // The run that starts at `offset` (< size). Blocking, as perform().
    virtual Result<Extent> extent(uint64_t offset) = 0;
    // The size now, which may have changed since open; 0 or an error when the object is gone.
    // Blocking.
    virtual Result<uint64_t> current_size() = 0;

    // What of the engine can be changed while it serves (tgtadm --op update --params). ENOENT: it
    // has no such parameter; else the error names the parameter, the reason and what is allowed.
    // Blocking.
    virtual Result<void> update(std::string_view name, std::string_view value);
    // The same to look at: name and value, in a fixed order. Any thread.
    virtual std::vector<std::pair<std::string, std::string>> parameters() const { return {}; }

    // Not null: it carries SCSI commands (store/scsi_port.h) and no bytes at offsets; operations
    // fail, its size is 0. Any thread.
    virtual ScsiPort* scsi_port() { return nullptr; }
    // Not null: it is a tape cartridge (store/tape.h) and has no bytes at offsets; likewise. One
    // thread at a time may use what is returned.
    virtual Tape* tape() { return nullptr; }
    // Not null: it is what a media library holds (store/library.h); likewise.
    virtual Library* library() { return nullptr; }
};

struct OpenFlags {
    bool sync = false;       // every write is on the medium before it completes
    bool direct = false;     // O_DIRECT
    bool read_only = false;  // never open for writing
    bool force = false;      // also when another process holds an advisory lock on it
};

// What a store carries, and so what device types can use it.
enum class Content : uint8_t {
    bytes,     // at offsets: StoreQueue
    commands,  // Store::scsi_port()
    tape,      // Store::tape()
    library,   // Store::library()
};

struct OpenRequest {
    std::string path;
    std::string options;  // store specific, tgtadm --bsopts
    OpenFlags flags;
    uint32_t block_size = 512;  // of the LUN that will use it
};

// Constant description of an engine: one per folder below usr/store.
struct Engine {
    std::string_view name;   // tgtadm --bstype
    std::string_view flags;  // bsoflags it honours, as shown by tgtadm: "sync:direct" or ""
    bool needs_path;         // false: any text is accepted
    // Blocking: runs on the pool. Errors name the path, the reason and what to do.
    Result<std::unique_ptr<Store>> (*open)(const OpenRequest& request);
    Content content = Content::bytes;
};

// All engines of this build, in the order tgtadm shows them.
std::span<const Engine* const> engines();
const Engine* find_engine(std::string_view name);
// "sync", "direct", "sync:direct" or "" into flags; an unknown word, or one that the engine does
// not honour, fails.
Result<OpenFlags> parse_flags(const Engine& engine, std::string_view text);
std::string flags_text(const OpenFlags& flags);

}  // namespace tgt::store
