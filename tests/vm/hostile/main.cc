// SPDX-License-Identifier: GPL-2.0-or-later
// A daemon that means harm: attaches to a host of tgt_core.ko and does to ring, file and netlink
// what it must not, while an initiator sends commands. What the kernel makes of it is in dmesg;
// here only what it must refuse is checked.
#include <getopt.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "attacks.h"

namespace tgt::hostile {

void Field::blame(const std::string& what) {
    blamed_ = true;
    over = true;
    std::fprintf(stderr, "hostile: %s\n", what.c_str());
}

void Field::expose(std::shared_ptr<Attachment> attachment) {
    std::lock_guard guard(lock_);
    exposed_.swap(attachment);
}

std::shared_ptr<Attachment> Field::exposed() {
    std::lock_guard guard(lock_);
    return exposed_;
}

namespace {

using Attack = void (*)(Field&, Random);

Options parse(int argc, char** argv) {
    Options options;
    static const option kLong[] = {
        {"host", required_argument, nullptr, 'h'},     {"spare", required_argument, nullptr, 'p'},
        {"seed", required_argument, nullptr, 's'},     {"writes", required_argument, nullptr, 'w'},
        {"messages", required_argument, nullptr, 'm'}, {"load", required_argument, nullptr, 'l'},
        {"seconds", required_argument, nullptr, 't'},  {nullptr, 0, nullptr, 0}};
    options.seed =
        static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    for (int found; (found = getopt_long(argc, argv, "", kLong, nullptr)) != -1;) {
        uint64_t number = optarg != nullptr ? std::strtoull(optarg, nullptr, 0) : 0;
        switch (found) {
            case 'h':
                options.host = static_cast<uint32_t>(number);
                break;
            case 'p':
                options.spare = static_cast<uint32_t>(number);
                break;
            case 's':
                options.seed = number;
                break;
            case 'w':
                options.writes = number;
                break;
            case 'm':
                options.messages = number;
                break;
            case 'l':
                options.load = optarg;
                break;
            case 't':
                options.seconds = number;
                break;
            default:
                std::exit(2);
        }
    }
    return options;
}

void wait_until_done(Field& field) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(field.options.seconds);
    const Counters& count = field.count;
    while (!field.over &&
           (count.writes < field.options.writes || count.messages < field.options.messages)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        if (std::chrono::steady_clock::now() > end) {
            field.blame("not done in time");
        }
    }
    field.over = true;
}

void print(const Field& field) {
    const Counters& count = field.count;
    const std::pair<const char*, uint64_t> all[] = {
        {"seed", field.options.seed},
        {"writes", count.writes},
        {"race_writes", count.race_writes},
        {"kicks", count.kicks},
        {"attached", count.attached},
        {"broken", count.broken},
        {"events", count.events},
        {"taken", count.taken},
        {"messages", count.messages},
        {"refused", count.refused},
        {"made", count.made},
        {"maps", count.maps},
        {"ioctls", count.ioctls},
        {"commands", count.commands},
    };
    for (const auto& [name, value] : all) {
        std::printf("%s=%llu ", name, static_cast<unsigned long long>(value));
    }
    std::printf("\n");
}

// An attack that met nothing proves nothing.
void check_that_it_happened(Field& field) {
    const Counters& count = field.count;
    if (field.blamed()) {
        return;
    }
    if (count.broken == 0 || count.taken == 0 || count.refused == 0) {
        field.blame("the kernel has noticed nothing");
    }
    if (!field.options.load.empty() && (count.events == 0 || count.commands == 0)) {
        field.blame("no command came from the initiator");
    }
}

int run(int argc, char** argv) {
    Field field(parse(argc, argv));
    std::printf("seed %llu\n", static_cast<unsigned long long>(field.options.seed));
    std::fflush(stdout);
    check_privileges(field);
    check_protection(field);
    std::vector<Attack> attacks = {attack_ring, scribble, attack_file, attack_netlink};
    if (!field.options.load.empty()) {
        attacks.insert(attacks.end(), {load, load});
    }
    std::vector<std::thread> threads;
    Random seeds(field.options.seed);
    for (Attack attack : attacks) {
        threads.emplace_back(attack, std::ref(field), Random(seeds.next()));
    }
    wait_until_done(field);
    for (std::thread& thread : threads) {
        thread.join();
    }
    check_that_it_happened(field);
    print(field);
    return field.blamed() ? 1 : 0;
}

}  // namespace
}  // namespace tgt::hostile

int main(int argc, char** argv) {
    return tgt::hostile::run(argc, argv);
}
