// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>

namespace tgt::ssc {

// A count that one thread writes and any thread reads.
class Count {
  public:
    void add(uint64_t more) { value_.fetch_add(more, std::memory_order_relaxed); }
    void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
    uint64_t get() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<uint64_t> value_{0};
};

// What went over the head. "Stored" is what is on the medium of it, after compression.
struct Traffic {
    Count blocks_written, bytes_written, stored_bytes_written;
    Count blocks_read, bytes_read, stored_bytes_read;
    Count filemarks_written;
    Count write_errors, read_errors;  // that could not be corrected
    void clear() {
        for (Count* count :
             {&blocks_written, &bytes_written, &stored_bytes_written, &blocks_read, &bytes_read,
              &stored_bytes_read, &filemarks_written, &write_errors, &read_errors})
            count->set(0);
    }
};

// TapeAlert flags (SSC-4 annex A) that a drive like this can have something to say about.
enum class Alert : uint8_t {
    hard_error = 3,
    media = 4,
    read_failure = 5,
    write_failure = 6,
    write_protect = 9,
    no_removal = 10,
    cleaning_media = 11,
    unsupported_format = 12,
    worm_overwrite_attempted = 60,
    expired_cleaning_media = 22,
};

// What log pages tell of a drive. Written by whoever has the strand, read by any thread.
struct Counters {
    Traffic lifetime;  // since the unit was made
    Traffic mount;     // since the cartridge was loaded, or the last one
    Count loads, cleanings, rewinds;

    // Bit n-1 is flag n.
    std::atomic<uint64_t> alerts{0};
    void raise(Alert flag) { alerts.fetch_or(bit(flag), std::memory_order_relaxed); }
    void lower(Alert flag) { alerts.fetch_and(~bit(flag), std::memory_order_relaxed); }

  private:
    static uint64_t bit(Alert flag) { return uint64_t(1) << (unsigned(flag) - 1); }
};

}  // namespace tgt::ssc
