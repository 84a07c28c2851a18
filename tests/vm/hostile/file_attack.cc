// SPDX-License-Identifier: GPL-2.0-or-later
// A daemon that calls mmap, ioctl, read, write and close as it should not, and processes that are
// killed in the middle.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "attacks.h"
#include "ring.h"

namespace tgt::hostile {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kRegions[] = {TGT_RING_MMAP_KERNEL, TGT_RING_MMAP_USER, TGT_RING_MMAP_DATA,
                                 0x30000000ull};

// Maps something odd, looks at one byte where it is mapped, and lets go in an odd way.
void odd_map(Field& field, int fd, Random& random) {
    static constexpr int kProtections[] = {PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE,
                                           PROT_READ | PROT_EXEC};
    uint64_t offset = kRegions[random.below(4)] + random.below(3) * kPage * random.below(64);
    if (random.one_in(8)) {
        offset = random.awkward(offset) & ~(kPage - 1) & (~0ull >> 1);
    }
    uint64_t bytes = kPage * (1 + random.below(1 << random.below(16)));
    int protection = kProtections[random.below(std::size(kProtections))];
    int sharing = random.one_in(3) ? MAP_PRIVATE : MAP_SHARED;
    void* at = mmap(nullptr, bytes, protection, sharing, fd, static_cast<off_t>(offset));
    field.count.maps++;
    if (at == MAP_FAILED) {
        return;
    }
    if ((protection & PROT_READ) != 0) {
        (void)*static_cast<volatile char*>(at);
    }
    if (random.one_in(4)) {
        madvise(at, bytes, random.one_in(2) ? MADV_DONTNEED : MADV_DONTFORK);
    }
    if (random.one_in(4)) {
        void* moved = mremap(at, bytes, bytes + kPage, MREMAP_MAYMOVE);
        if (moved != MAP_FAILED) {  // the kernel fills what is there; the rest is nobody's to touch
            at = moved;
            bytes += kPage;
        }
    }
    if (random.one_in(4) && bytes > kPage) {
        munmap(static_cast<char*>(at) + kPage, kPage);
    }
    munmap(at, bytes);
}

// Numbers and pointers that mean nothing; also the true numbers with pointers that mean nothing.
void odd_ioctl(Field& field, int fd, Random& random) {
    tgt_ring_attach attach{};
    attach.version = random.one_in(4) ? random.word() : TGT_RING_VERSION;
    attach.host = random.one_in(2) ? field.options.host : random.word();
    attach.queue = random.one_in(2) ? 0 : random.word();
    attach.pad = random.one_in(8) ? random.word() : 0;
    attach.caps = random.next();
    attach.data_bytes = random.awkward(1 << 20);
    static const uintptr_t kPointers[] = {0, 1, 4096, 0xffff888000000000ull, ~uintptr_t{0}};
    uintptr_t argument = random.one_in(4) ? kPointers[random.below(std::size(kPointers))]
                                          : reinterpret_cast<uintptr_t>(&attach);
    static const unsigned long kNumbers[] = {TGT_RING_ATTACH, TGT_RING_ATTACH, TGT_RING_KICK,
                                             TGT_RING_DETACH};
    const unsigned long number =
        random.one_in(3) ? random.word() : kNumbers[random.below(std::size(kNumbers))];
    ioctl(fd, number, argument);
    field.count.ioctls++;
}

void odd_calls(int fd, Random& random) {
    char bytes[64] = {};
    (void)!read(fd, bytes, random.below(sizeof(bytes)));
    (void)!write(fd, bytes, random.below(sizeof(bytes)));
    lseek(fd, static_cast<off_t>(random.next()), SEEK_SET);
    (void)!ftruncate(fd, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC);
}

// A daemon that is killed while it attaches, kicks and maps. The child uses system calls only.
void killed_daemon(Field& field, Random& random) {
    pid_t child = fork();
    if (child == 0) {
        for (int fd = open_device();;) {
            odd_ioctl(field, fd, random);
            odd_map(field, fd, random);
        }
    }
    if (child > 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(3000)));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
}

// In a process of its own whose user is nobody: every promise is one of refusal.
int unprivileged() {
    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 2;
    }
    return open_device() >= 0 ? 1 : 0;
}

}  // namespace

void attack_file(Field& field, Random random) {
    while (!field.over) {
        int fd = open_device();
        for (uint64_t left = random.below(20); left > 0 && !field.over; --left) {
            switch (random.below(4)) {
                case 0:
                    odd_ioctl(field, fd, random);
                    break;
                case 1:
                    odd_calls(fd, random);
                    break;
                default:
                    odd_map(field, fd, random);
            }
        }
        close(fd);
        if (random.one_in(16)) {
            killed_daemon(field, random);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(random.below(20)));
    }
}

void check_privileges(Field& field) {
    pid_t child = fork();
    if (child == 0) {
        _exit(unprivileged());
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) {
        field.blame("a user without privileges can open the device");
    }
}

void check_protection(Field& field) {
    auto ring = Attachment::make(field.options.host, 0, 0);
    if (!ring) {
        field.blame(std::string("nothing to attach to: ") + std::strerror(errno));
        return;
    }
    const Region& kernel = ring->kernel();
    if (Region(ring->fd(), TGT_RING_MMAP_KERNEL, kernel.bytes(), PROT_READ | PROT_WRITE).mapped()) {
        field.blame("the kernel's region can be mapped writable");
    }
    if (mprotect(kernel.at(0), kernel.bytes(), PROT_READ | PROT_WRITE) == 0) {
        field.blame("the kernel's region can be made writable");
    }
    for (uint64_t region : kRegions) {  // whatever it is long, not as long as this
        if (Region(ring->fd(), region, 256ull << 20, PROT_READ).mapped()) {
            field.blame("more can be mapped than there is");
        }
    }
    auto second = Attachment::make(field.options.host, 0, 0);
    if (second || errno != EBUSY) {
        field.blame("a queue has two daemons");
    }
}

}  // namespace tgt::hostile
