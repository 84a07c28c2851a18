// SPDX-License-Identifier: GPL-2.0-or-later
// What a READ costs beside its work: nothing that two workers would fight for. The whole way from
// the socket to the null store and back.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

#include "device/sbc/disk.h"
#include "driver/iscsi/tcp_transport.h"
#include "tests/unit/driver/iscsi/session_bench.h"

namespace {

// Every allocation of the program goes through here.
struct Allocations {
    bool counting = false;
    size_t counted = 0;
    // What several workers share is put on pages of its own while `sharing`, told by its size;
    // locked pages cannot be written.
    bool sharing = false;
    std::array<std::pair<size_t, size_t>, 3> shared_sizes{};  // from, to
    uint8_t* pages = nullptr;
    size_t used = 0;
    static constexpr size_t page_bytes = size_t(1) << 16;

    bool is_shared(size_t bytes) const {
        if (!sharing) return false;
        for (const auto& [from, to] : shared_sizes)
            if (bytes >= from && bytes <= to) return true;
        return false;
    }
    void* take_shared(size_t bytes) {
        if (!pages)
            pages = static_cast<uint8_t*>(mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        void* memory = pages + used;
        used += (bytes + 63) & ~size_t(63);
        return memory;
    }
    bool owns(void* memory) const {
        return pages && memory >= pages && memory < pages + page_bytes;
    }
    void lock(bool locked) {
        mprotect(pages, page_bytes, locked ? PROT_READ : PROT_READ | PROT_WRITE);
    }
} allocations;

}  // namespace

void* operator new(size_t bytes) {
    if (allocations.counting) ++allocations.counted;
    if (allocations.is_shared(bytes)) return allocations.take_shared(bytes);
    if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    if (!allocations.owns(memory)) std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
    operator delete(memory);
}

namespace tgt::iscsi {
namespace {

using test::Peer;
using test::SessionBench;

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t reads = 50'000;
#else
constexpr size_t reads = 1'000'000;
#endif
constexpr size_t depth = 32;
constexpr size_t block_bytes = 4096;
constexpr uint64_t lun = 2;
constexpr size_t reference_counts = 32;  // bytes, of a pointer with a function that disposes

// Where the reference counts of a shared_ptr are: its second word.
template <class T>
void* counts_of(const std::shared_ptr<T>& pointer) {
    std::array<void*, 2> words;
    static_assert(sizeof(pointer) == sizeof(words));
    std::memcpy(words.data(), static_cast<const void*>(&pointer), sizeof(words));
    return words[1];
}

void report_write(int, siginfo_t* info, void*) {
    constexpr char text[] = "a READ has written to what all workers share\n";
    if (!allocations.owns(info->si_addr) || write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        abort();
    _exit(1);
}

class ReadPathTest : public testing::Test {
  protected:
    struct Client {
        int fd = -1;
        uint32_t cmd_sn = 0;
        std::vector<uint8_t> out = std::vector<uint8_t>(depth * wire::bhs_size);
    };

    ReadPathTest() : bench_(2) {
        share_unit();
        for (Client& client : clients_) log_in(client);
    }
    ~ReadPathTest() override {
        for (Client& client : clients_) ::close(client.fd);
        bench_.scsi.settle();
        bench_.registry->drop(std::nullopt, std::chrono::seconds(1), [](bool) {});
        bench_.scsi.settle();
        bench_.scsi.target->remove_lun(lun, std::chrono::seconds(1), [](bool) {});
        unit_.reset();
        bench_.scsi.await_jobs();
    }

    // A disk on the null store, its shared parts on pages of their own.
    void share_unit() {
        store::OpenRequest request;
        auto store = std::move(*store::find_engine("null")->open(request));
        scsi::LunSetup setup;
        setup.store = &store->info();
        scsi::LunState state = sbc::disk.initial_state(setup);
        allocations.shared_sizes = {
            std::pair(sizeof(scsi::LogicalUnit), sizeof(scsi::LogicalUnit)),
            std::pair(sizeof(scsi::LunState), sizeof(scsi::LunState) + 64),
            std::pair(reference_counts, reference_counts),
        };
        allocations.sharing = true;
        unit_ = scsi::LogicalUnit::make(bench_.scsi.runtime, sbc::disk, std::move(store), "null",
                                        "", "", std::move(state), 4);
        allocations.sharing = false;
        bench_.scsi.target->add_lun(lun, unit_, {});
        bench_.scsi.settle();
        ASSERT_TRUE(allocations.owns(unit_.get()));
        ASSERT_TRUE(allocations.owns(counts_of(unit_)));
        ASSERT_TRUE(allocations.owns(counts_of(unit_->state())));
    }

    void log_in(Client& client) {
        auto peer = bench_.connect();
        ASSERT_TRUE(peer->login("", uint8_t(1 + (&client - clients_.data()))));
        bench_.session(peer->tsih)->nexus()->find(lun)->attentions.clear_all();
        client.cmd_sn = peer->cmd_sn;
        client.fd = dup(peer->descriptor());
        peers_.push_back(std::move(peer));
    }

    void send_reads(Client& client) {
        for (size_t i = 0; i < depth; ++i) {
            wire::ScsiCommandPdu pdu;
            pdu.opcode_byte = 0x01;
            pdu.flags = 0x81 | 0x40;
            pdu.lun[1] = uint8_t(lun);
            pdu.initiator_task_tag = uint32_t(i + 1);
            pdu.expected_data_transfer_length = block_bytes;
            pdu.cmd_sn = client.cmd_sn++;
            pdu.cdb[0] = 0x28;
            pdu.cdb[5] = uint8_t(i);
            pdu.cdb[8] = block_bytes / 512;
            std::memcpy(client.out.data() + i * wire::bhs_size, wire::bytes_of(pdu).data(),
                        wire::bhs_size);
        }
        ASSERT_EQ(::send(client.fd, client.out.data(), client.out.size(), MSG_NOSIGNAL),
                  ssize_t(client.out.size()));
    }

    // Turns both workers until every answer of the client has come; false: they do not come.
    bool receive(Client& client) {
        size_t left = depth * (wire::bhs_size + block_bytes);
        for (int idle = 0; left > 0 && idle < 1000;) {
            turn();
            const ssize_t n = ::recv(client.fd, in_.data(), in_.size(), MSG_DONTWAIT);
            if (n > 0) left -= size_t(n);
            idle = n > 0 ? 0 : idle + 1;
        }
        // The last PDU is a Data-In with GOOD status: all of them were.
        return left == 0;
    }
    void turn() {
        allocations.counting = true;
        for (unsigned i = 0; i < 2; ++i) bench_.scsi.runtime.worker(i).turn_for_test(now_);
        allocations.counting = false;
    }
    void read(size_t count) {
        for (size_t done = 0; done < count; done += depth * clients_.size()) {
            for (Client& client : clients_) send_reads(client);
            for (Client& client : clients_) ASSERT_TRUE(receive(client));
        }
    }
    uint64_t mail() {
        uint64_t count = bench_.scsi.runtime.control().mail_count();
        for (unsigned i = 0; i < 2; ++i) count += bench_.scsi.runtime.worker(i).mail_count();
        return count;
    }
    uint64_t reads_done() {
        uint64_t count = 0;
        for (const auto& peer : peers_)
            count += bench_.session(peer->tsih)->nexus()->find(lun)->counters.read_done;
        return count;
    }

    SessionBench bench_;
    const io::TimePoint now_ = bench_.scsi.now;
    std::shared_ptr<scsi::LogicalUnit> unit_;
    std::array<Client, 2> clients_;
    std::vector<std::unique_ptr<Peer>> peers_;
    std::vector<uint8_t> in_ = std::vector<uint8_t>(1 << 18);
};

TEST_F(ReadPathTest, NoMessageNoAllocationAndNoWriteToWhatWorkersShare) {
    for (unsigned i = 0; i < 2; ++i)
        ASSERT_EQ(bench_.registry->context(i).sessions.size(), 1u) << "one session per worker";
    read(100 * depth);
    struct sigaction old {
    }, action{};
    action.sa_sigaction = report_write;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &old);
    allocations.lock(true);
    allocations.counted = 0;
    const uint64_t mail_before = mail(), done_before = reads_done();
    read(reads);
    EXPECT_EQ(allocations.counted, 0u);
    EXPECT_EQ(mail(), mail_before);
    EXPECT_GE(reads_done() - done_before, reads);
    allocations.lock(false);
    sigaction(SIGSEGV, &old, nullptr);
}

}  // namespace
}  // namespace tgt::iscsi
