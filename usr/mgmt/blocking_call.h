// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "io/runtime.h"

namespace tgt::mgmt {

// Runs `work` on the blocking pool, then `then(result)` on the control thread. Control thread only;
// what `then` refers to must live until it has run, or check. It may come back after the workers
// have gone, or never: neither holds a logical unit, whose end needs them.
template <class Work, class Then>
void call_blocking(io::Runtime& runtime, Work work, Then then) {
    struct Call : Task {
        Call(io::Runtime& r, Work w, Then t) : rt(r), work(std::move(w)), then(std::move(t)) {}
        io::Runtime& rt;
        Work work;
        Then then;
    };
    auto* call = new Call(runtime, std::move(work), std::move(then));
    call->run = [](Task& task) {
        auto* self = static_cast<Call*>(&task);
        // std::function copies what it holds, and results may be movable only.
        auto result = std::make_shared<decltype(self->work())>(self->work());
        auto then_shared = std::make_shared<Then>(std::move(self->then));
        io::Runtime& rt = self->rt;
        delete self;
        rt.control().post([result, then_shared] { (*then_shared)(std::move(*result)); });
    };
    runtime.pool().submit(*call);
}

// The same, but `then` waits for at most `bound`: it gets the result, or nothing. What comes later
// is dropped on the control thread.
template <class Work, class Then>
void call_bounded(io::Runtime& runtime, io::Duration bound, Work work, Then then) {
    using Value = decltype(work());
    struct Patience {
        explicit Patience(Then t) : then(std::move(t)), timer([this] { finish(std::nullopt); }) {}
        void finish(std::optional<Value> value) {
            timer.disarm();
            if (auto call = std::exchange(then, std::nullopt)) (*call)(std::move(value));
        }
        std::optional<Then> then;
        io::Timer timer;
    };
    auto patience = std::make_shared<Patience>(std::move(then));
    runtime.control().timers().arm_in(patience->timer, bound);
    call_blocking(runtime, std::move(work),
                  [patience](Value value) { patience->finish(std::move(value)); });
}

}  // namespace tgt::mgmt
