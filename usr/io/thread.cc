// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <cstring>
#include <utility>

#include "base/log.h"

namespace tgt::io {

namespace {

// A thread inherits the mask, so there is no moment at which it could take a signal.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t blocked;
        sigfillset(&blocked);
        for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF})
            sigdelset(&blocked, fault);
        pthread_sigmask(SIG_SETMASK, &blocked, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

}  // namespace

std::thread start_thread(std::string name, std::function<void()> body) {
    SignalsBlocked blocked;
    return std::thread([name = std::move(name), body = std::move(body)] {
        pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
        body();
    });
}

void let_sleep_be_exact() {
    prctl(PR_SET_TIMERSLACK, 1);
}

void pin_to_cpu(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
    int error = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
    if (error)
        log::warn(log::Module::io, "cannot pin a thread to CPU {}: {}", cpu, strerror(error));
}

}  // namespace tgt::io
