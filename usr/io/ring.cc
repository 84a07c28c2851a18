// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/ring.h"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/worker.h"

namespace tgt::io {

namespace {

constexpr unsigned entries = 256;

// From what costs least to what every kernel with io_uring knows; EINVAL asks for the next.
constexpr std::array<unsigned, 4> setups = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER |
        IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
    0,
};

// Threads of the kernel that do what it can only do by waiting, as many as there may be; they are
// made when one is needed, which is seldom. So many that a hung device (a suspended one fails
// read-ahead, and what was to be filled is read again there) leaves some to other LUNs. The second
// number is of those for sockets.
constexpr std::array<unsigned, 2> kernel_threads = {512, 1};

constexpr unsigned held_files = 256;

std::string reason(int error) {
    if (error == EPERM)
        return "it is forbidden here, by the sysctl kernel.io_uring_disabled or by the seccomp "
               "filter of a container";
    if (error == ENOSYS) return "this kernel has none";
    return strerror(error);
}

Result<io_uring> set_up() {
    int result = -EINVAL;
    for (unsigned flags : setups) {
        io_uring ring;
        io_uring_params parameters{};
        parameters.flags = flags;
        result = io_uring_queue_init_params(entries, &ring, &parameters);
        if (result == 0) return ring;
        if (result != -EINVAL) break;
    }
    return fail(-result, fmt::format("io_uring cannot be used: {}", reason(-result)));
}

void prepare(const Ring::Request& request, io_uring_sqe& sqe) {
    const bool reads = request.kind == Ring::Request::Kind::read;
    const int fd = request.fd;
    if (request.count == 1 && reads)
        io_uring_prep_read(&sqe, fd, request.piece.iov_base, unsigned(request.piece.iov_len),
                           request.offset);
    else if (request.count == 1)
        io_uring_prep_write(&sqe, fd, request.piece.iov_base, unsigned(request.piece.iov_len),
                            request.offset);
    else if (reads)
        io_uring_prep_readv(&sqe, fd, request.pieces, request.count, request.offset);
    else
        io_uring_prep_writev(&sqe, fd, request.pieces, request.count, request.offset);
    sqe.rw_flags = request.flags;
    io_uring_sqe_set_data(&sqe, request.task);
}

}  // namespace

Result<void> Ring::probe() {
    auto ring = set_up();
    if (!ring) return tl::unexpected(ring.error());
    io_uring_queue_exit(&*ring);
    return {};
}

// The ring's own descriptor would wake the poller, too, but kernels differ in when it does so while
// completions are deferred.
Result<std::unique_ptr<Ring>> Ring::open(Worker& worker) {
    UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) return fail(errno, fmt::format("no eventfd: {}", strerror(errno)));
    auto ring = set_up();
    if (!ring) return tl::unexpected(ring.error());
    const int result = io_uring_register_eventfd(&*ring, event.get());
    if (result < 0) {
        io_uring_queue_exit(&*ring);
        return fail(-result, fmt::format("io_uring cannot tell: {}", strerror(-result)));
    }
    auto limits = kernel_threads;
    io_uring_register_iowq_max_workers(&*ring, limits.data());
    std::unique_ptr<Ring> made(new Ring(worker, *ring, std::move(event)));
    // Edge triggered: nobody has to empty it.
    if (!worker.poller().add(made->event_.get(), EPOLLIN | EPOLLET, *made))
        return fail(ENOSPC, "the poller does not take the ring");
    return made;
}

Ring::Ring(Worker& worker, const io_uring& ring, UniqueFd event)
    : worker_(worker), ring_(ring), event_(std::move(event)) {
    turn_end_.self = this;
    turn_end_.run = [](Task& task) {
        auto& end = static_cast<TurnEnd&>(task);
        end.waits = false;
        end.self->submit();
    };
}

// Memory that the kernel still reads or writes must not be anybody's again: its owner leaves it
// behind, and we the ring.
Ring::~Ring() {
    worker_.poller().remove(event_.get(), *this);
    if (in_flight_ == 0) io_uring_queue_exit(&ring_);
}

void Ring::add(const Request& request) {
    collected_.push_back(request);
    arm();
}

void Ring::arm() {
    if (!std::exchange(turn_end_.waits, true)) worker_.at_turn_end(turn_end_);
}

// Files of the ring's table live as long as the kernel's part of the ring, which waits for all that
// is in flight.
std::optional<unsigned> Ring::hold(int fd) {
    if (held_.empty()) {
        const std::vector<int> none(held_files, -1);
        if (io_uring_register_files(&ring_, none.data(), held_files) < 0) return std::nullopt;
        held_.resize(held_files);
    }
    const auto free = std::find(held_.begin(), held_.end(), false);
    const auto ticket = unsigned(free - held_.begin());
    if (free == held_.end() || !set_held(ticket, fd)) return std::nullopt;
    *free = true;
    return ticket;
}

void Ring::let_go(unsigned ticket) {
    set_held(ticket, -1);
    held_[ticket] = false;
}

bool Ring::set_held(unsigned ticket, int fd) {
    return io_uring_register_files_update(&ring_, ticket, &fd, 1) == 1;
}

bool Ring::take_back(const Task& task) {
    return std::erase_if(collected_,
                         [&](const Request& request) { return request.task == &task; }) > 0;
}

void Ring::submit() {
    size_t taken = 0;
    bool accepted = true;
    while (accepted && taken < collected_.size()) {
        while (taken < collected_.size()) {
            io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
            if (!sqe) break;
            prepare(collected_[taken++], *sqe);
            ++in_flight_;
        }
        accepted = hand_over();
    }
    collected_.erase(collected_.begin(), collected_.begin() + ptrdiff_t(taken));
}

// False when the kernel is short of something: it is asked again in the next turn.
bool Ring::hand_over() {
    while (io_uring_sq_ready(&ring_) > 0) {
        const int result = io_uring_submit(&ring_);
        if (result > 0 || result == -EINTR) continue;
        if (!std::exchange(asks_again_, true))
            worker_.post([this] {
                asks_again_ = false;
                if (hand_over() && !collected_.empty()) arm();
            });
        return false;
    }
    return true;
}

// Also fetches what the kernel has deferred to a call of this thread.
void Ring::on_ready(uint32_t) {
    io_uring_get_events(&ring_);
    deliver();
}

void Ring::deliver() {
    struct Ended {
        Task* task;
        int result;
    };
    std::array<io_uring_cqe*, 64> room;
    std::array<Ended, room.size()> ended;
    while (const unsigned count = io_uring_peek_batch_cqe(&ring_, room.data(), room.size())) {
        for (unsigned i = 0; i < count; ++i)
            ended[i] = {static_cast<Task*>(io_uring_cqe_get_data(room[i])), room[i]->res};
        io_uring_cq_advance(&ring_, count);
        in_flight_ -= count;
        for (unsigned i = 0; i < count; ++i) {
            result_ = ended[i].result;
            ended[i].task->run(*ended[i].task);
        }
    }
}

}  // namespace tgt::io
