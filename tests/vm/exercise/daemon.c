// SPDX-License-Identifier: GPL-2.0-or-later
// A small daemon for tests of tgt_core.ko: serves the queues of a host, a thread for each. Commands
// of tgt_exercise.ko (0xc0) have their data fetched in pieces, checked, and made; others are
// answered with GOOD and no data. Ends when told to, or when the host goes.
//   daemon HOST QUEUES [N]         [is killed by itself at the Nth command]
//   daemon HOST QUEUES --hold      answers no command, but all else
//   daemon HOST --memory DEVICE    whether the data area can be used with O_DIRECT and io_uring
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/tgt_ring.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { UNIT = TGT_RING_DATA_UNIT, PIECE = 64 << 10, MAX_UNITS = 65536 };

struct pending {
    uint64_t id;
    uint32_t in_length, out_length, got, asked;
    bool bad, data_lost;
    unsigned segments;
    struct tgt_ring_segment segment[TGT_RING_MAX_SEGMENTS];
};

struct ring {
    int fd;
    unsigned seed;
    const struct tgt_ring_header* header;
    struct tgt_ring_user* user;
    const char* kernel;
    char* data;
    uint32_t* replies;
    struct tgt_ring_reply* slots;
    uint32_t reply_head;
    struct pending* pending;
    unsigned char* used;  // units of the data area
    uint32_t units;
};

static unsigned host, queue_count, die_after;
static bool hold;
static unsigned long seen_commands, seen_wrong, seen_redelivered;

static const struct tgt_ring_desc* desc_of(struct ring* r, uint32_t tag) {
    return (const void*)(r->kernel + r->header->desc_offset + (size_t)tag * r->header->desc_size);
}

static struct tgt_ring_reply* slot_of(struct ring* r, uint32_t tag) {
    struct tgt_ring_reply* slot = (void*)((char*)r->slots + (size_t)tag * r->header->slot_size);
    memset(slot, 0, sizeof(*slot));
    slot->id = desc_of(r, tag)->id;
    return slot;
}

static void reply(struct ring* r, uint32_t tag) {
    r->replies[r->reply_head & (r->header->ring_entries - 1)] = tag;
    __atomic_store_n(&r->user->reply_head, ++r->reply_head, __ATOMIC_RELEASE);
}

static void give_back(struct ring* r, struct pending* p) {
    for (unsigned i = 0; i < p->segments; i++)
        memset(r->used + p->segment[i].offset / UNIT, 0, (p->segment[i].length + UNIT - 1) / UNIT);
    p->segments = 0;
}

static bool take_run(struct ring* r, uint32_t bytes, struct tgt_ring_segment* to) {
    uint32_t want = (bytes + UNIT - 1) / UNIT, begin = rand_r(&r->seed) % r->units, run = 0;
    for (uint32_t i = 0; i < 2 * r->units; i++) {
        uint32_t at = (begin + i) % r->units;
        run = r->used[at] || at == 0 ? !r->used[at] : run + 1;
        if (run < want) continue;
        memset(r->used + at + 1 - want, 1, want);
        *to = (struct tgt_ring_segment){.offset = (uint64_t)(at + 1 - want) * UNIT, .length = bytes};
        return true;
    }
    return false;
}

// As many segments as it takes for the bytes, of random sizes; fewer bytes when there is no room.
static uint32_t take(struct ring* r, struct pending* p, uint32_t bytes) {
    uint32_t got = 0;
    p->segments = 0;
    while (got < bytes && p->segments < TGT_RING_MAX_SEGMENTS) {
        uint32_t most = bytes - got;
        uint32_t n = p->segments + 1 < TGT_RING_MAX_SEGMENTS && rand_r(&r->seed) % 2
                         ? ((rand_r(&r->seed) % most) / UNIT + 1) * UNIT
                         : most;
        if (n > most) n = most;
        if (!take_run(r, n, &p->segment[p->segments])) break;
        p->segments++;
        got += n;
    }
    return got;
}

static unsigned char pattern(uint64_t id, uint32_t at) {
    return (unsigned char)(id * 7 + at);
}

static void fill(struct tgt_ring_reply* slot, struct pending* p) {
    slot->segment_count = p->segments;
    memcpy(slot->segments, p->segment, p->segments * sizeof(p->segment[0]));
    for (unsigned i = 0; i < p->segments; i++) slot->length += p->segment[i].length;
}

static void done(struct ring* r, uint32_t tag, struct pending* p) {
    struct tgt_ring_reply* slot = slot_of(r, tag);
    slot->op = TGT_REPLY_DONE;
    if (p->data_lost) {
        slot->status = 2;
    } else if (p->in_length) {
        uint32_t at = 0;
        take(r, p, p->in_length);
        fill(slot, p);
        for (unsigned i = 0; i < p->segments; i++)
            for (uint32_t n = 0; n < p->segment[i].length; n++)
                r->data[p->segment[i].offset + n] = pattern(p->id, at++);
    }
    slot->in_total = p->in_length;
    slot->out_total = p->out_length;
    if (p->bad) {
        __atomic_add_fetch(&seen_wrong, 1, __ATOMIC_RELAXED);
        slot->status = 2;
    }
    reply(r, tag);
}

static void go_on(struct ring* r, uint32_t tag, struct pending* p) {
    if (p->got == p->out_length || p->data_lost || p->bad) {
        done(r, tag, p);
        return;
    }
    uint32_t want = p->out_length - p->got;
    if (want > PIECE) want = PIECE;
    want = take(r, p, want);
    if (!want) {
        p->data_lost = true;
        done(r, tag, p);
        return;
    }
    struct tgt_ring_reply* slot = slot_of(r, tag);
    slot->op = TGT_REPLY_GET_DATA;
    slot->offset = p->got;
    p->asked = want;
    fill(slot, p);
    reply(r, tag);
}

static void on_data(struct ring* r, uint32_t tag, int result) {
    struct pending* p = &r->pending[tag];
    uint32_t at = p->got;
    if (result) {
        p->data_lost = true;
    } else {
        for (unsigned i = 0; i < p->segments; i++)
            for (uint32_t n = 0; n < p->segment[i].length; n++, at++)
                if ((unsigned char)r->data[p->segment[i].offset + n] != pattern(p->id, at)) p->bad = true;
        p->got = at;
    }
    give_back(r, p);
    go_on(r, tag, p);
}

static void on_new(struct ring* r, uint32_t tag) {
    const struct tgt_ring_desc* d = desc_of(r, tag);
    if (d->type == TGT_DESC_COMMAND) {
        struct pending* p = &r->pending[tag];
        *p = (struct pending){.id = d->id};
        if (d->cdb[0] == 0xc0) {
            p->in_length = d->in_length;
            p->out_length = d->out_length;
        }
        if (d->flags & TGT_DESC_F_REDELIVERED)
            __atomic_add_fetch(&seen_redelivered, 1, __ATOMIC_RELAXED);
        if (__atomic_add_fetch(&seen_commands, 1, __ATOMIC_RELAXED) == die_after) abort();
        if (!hold) go_on(r, tag, p);
        return;
    }
    struct tgt_ring_reply* slot = slot_of(r, tag);
    slot->op = TGT_REPLY_DONE;
    reply(r, tag);
}

static void on_event(struct ring* r, const struct tgt_ring_event* e) {
    if (e->type == TGT_EVENT_NEW)
        on_new(r, e->tag);
    else if (e->type == TGT_EVENT_DATA)
        on_data(r, e->tag, e->result);
    else if (e->type == TGT_EVENT_SENT)
        give_back(r, &r->pending[e->tag]);
}

static bool attach(struct ring* r, unsigned queue) {
    struct tgt_ring_attach a = {.version = TGT_RING_VERSION, .host = host, .queue = queue};
    r->fd = open("/dev/" TGT_RING_DEVICE, O_RDWR | O_CLOEXEC);
    for (int left = 200; ioctl(r->fd, TGT_RING_ATTACH, &a); left--) {
        if (errno != EBUSY || !left) {
            perror("attach");
            return false;
        }
        usleep(10000);
    }
    const void* kernel = mmap(NULL, a.kernel_bytes, PROT_READ, MAP_SHARED, r->fd, TGT_RING_MMAP_KERNEL);
    void* user = mmap(NULL, a.user_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, TGT_RING_MMAP_USER);
    r->data = mmap(NULL, a.data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, TGT_RING_MMAP_DATA);
    if (kernel == MAP_FAILED || user == MAP_FAILED || r->data == MAP_FAILED) {
        perror("mmap");
        return false;
    }
    r->header = kernel;
    r->kernel = kernel;
    r->user = user;
    r->replies = (void*)((char*)user + r->header->reply_offset);
    r->slots = (void*)((char*)user + r->header->slot_offset);
    r->pending = calloc(r->header->tags, sizeof(*r->pending));
    r->units = a.data_bytes / UNIT;
    r->used = calloc(r->units, 1);
    r->seed = queue + 1;
    return true;
}

static void* serve(void* arg) {
    struct ring r = {0};
    if (!attach(&r, (unsigned)(uintptr_t)arg)) return (void*)1;
    for (uint32_t tail = 0;;) {
        uint32_t head = __atomic_load_n(&r.header->event_head, __ATOMIC_ACQUIRE);
        bool any = tail != head;
        for (; tail != head; tail++) {
            const struct tgt_ring_event* events = (const void*)(r.kernel + r.header->event_offset);
            struct tgt_ring_event e = events[tail & (r.header->ring_entries - 1)];
            __atomic_store_n(&r.user->event_tail, tail + 1, __ATOMIC_RELEASE);
            on_event(&r, &e);
        }
        if (any) {
            if (ioctl(r.fd, TGT_RING_KICK)) break;
            continue;
        }
        __atomic_store_n(&r.user->event_wait, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&r.header->event_head, __ATOMIC_SEQ_CST) == tail) {
            struct pollfd p = {.fd = r.fd, .events = POLLIN};
            poll(&p, 1, -1);
            if (p.revents & POLLHUP) break;
        }
        __atomic_store_n(&r.user->event_wait, 0, __ATOMIC_RELAXED);
    }
    printf("daemon: queue %u is over\n", (unsigned)(uintptr_t)arg);
    close(r.fd);
    return NULL;
}

// --- the data area as memory for I/O -------------------------------------------------------------

static bool good(bool is, const char* what) {
    printf("memory: %s: %s\n", what, is ? "good" : strerror(errno));
    return is;
}

static bool fixed_io(struct ring* r, struct io_uring* u, int device, bool write, size_t at, size_t n) {
    struct io_uring_sqe* sqe = io_uring_get_sqe(u);
    struct io_uring_cqe* cqe;
    if (write)
        io_uring_prep_write_fixed(sqe, device, r->data + at, n, at, 0);
    else
        io_uring_prep_read_fixed(sqe, device, r->data + at, n, at, 0);
    if (io_uring_submit_and_wait(u, 1) != 1 || io_uring_wait_cqe(u, &cqe)) return false;
    int res = cqe->res;
    io_uring_cqe_seen(u, cqe);
    errno = res < 0 ? -res : EIO;
    return res == (int)n;
}

// Each half of the device is written from the data area and read back into it, once by pwrite(),
// once by a registered buffer.
static int memory(const char* path) {
    enum { HALF = 2 << 20 };
    struct ring r = {0};
    struct io_uring u;
    char* copy = malloc(2 * HALF);
    int device = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (!good(device >= 0, "open") || !attach(&r, 0)) return 1;
    struct iovec area = {r.data, (size_t)r.units * UNIT};
    if (!good(!(errno = -io_uring_queue_init(8, &u, 0)), "io_uring") ||
        !good(!(errno = -io_uring_register_buffers(&u, &area, 1)), "registering"))
        return 1;
    for (int i = 0; i < 2 * HALF; i++) r.data[i] = copy[i] = (char)rand_r(&r.seed);
    bool all = good(pwrite(device, r.data, HALF, 0) == HALF, "pwrite");
    all &= good(fixed_io(&r, &u, device, true, HALF, HALF), "write from a registered buffer");
    memset(r.data, 0, 2 * HALF);
    all &= good(pread(device, r.data + HALF, HALF, HALF) == HALF, "pread");
    all &= good(fixed_io(&r, &u, device, false, 0, HALF), "read into a registered buffer");
    all &= good(!memcmp(r.data, copy, 2 * HALF), "what was written is read");
    // What io_uring has stays when the attachment and its mapping are gone.
    munmap(r.data, (size_t)r.units * UNIT);
    close(r.fd);
    io_uring_queue_exit(&u);
    return all ? 0 : 1;
}

int main(int argc, char** argv) {
    pthread_t thread[64];
    if (argc < 3) return 2;
    host = atoi(argv[1]);
    if (argc == 4 && !strcmp(argv[2], "--memory")) return memory(argv[3]);
    queue_count = atoi(argv[2]);
    hold = argc > 3 && !strcmp(argv[3], "--hold");
    die_after = argc > 3 ? atoi(argv[3]) : 0;
    for (uintptr_t i = 0; i < queue_count; i++) pthread_create(&thread[i], NULL, serve, (void*)i);
    void* failed = NULL;
    for (unsigned i = 0; i < queue_count; i++) {
        void* rc;
        pthread_join(thread[i], &rc);
        if (rc) failed = rc;
    }
    printf("daemon: commands %lu redelivered %lu wrong %lu\n", seen_commands, seen_redelivered, seen_wrong);
    return failed || seen_wrong ? 1 : 0;
}
