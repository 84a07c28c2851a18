// SPDX-License-Identifier: GPL-2.0-or-later
// The PDUs of 32 commands of one turn: received and cut, or queued and handed to sendmsg.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <vector>

#include "driver/iscsi/pdu_receiver.h"
#include "driver/iscsi/pdu_sender.h"
#include "tests/bench/workload.h"

namespace {

using namespace tgt;

constexpr int commands = 32;

std::vector<uint8_t> command_stream(uint32_t data) {
    wire::ScsiCommandPdu pdu;
    pdu.opcode_byte = static_cast<uint8_t>(wire::Opcode::scsi_command);
    pdu.flags = wire::FinalFlag::mask;
    pdu.data_segment_length = data;
    std::vector<uint8_t> stream;
    for (int i = 0; i < commands; ++i) {
        const auto header = wire::bytes_of(pdu);
        stream.insert(stream.end(), header.begin(), header.end());
        stream.resize(stream.size() + data);
    }
    return stream;
}

// What a socket does with receive().
size_t deliver(std::span<const uint8_t> stream, std::span<const iovec> places) {
    size_t done = 0;
    for (const iovec& place : places) {
        const size_t part = std::min(place.iov_len, stream.size() - done);
        std::memcpy(place.iov_base, stream.data() + done, part);
        done += part;
    }
    return done;
}

// Argument: bytes of immediate data per command; they go to the memory of the command.
void receive_commands(benchmark::State& state) {
    const auto length = static_cast<uint32_t>(state.range(0));
    const std::vector<uint8_t> stream = command_stream(length);
    std::vector<uint8_t> memory(length);
    const iovec target{memory.data(), memory.size()};
    iscsi::PduReceiver receiver;
    receiver.set_limits({.max_data = 1u << 20});
    for (auto _ : state) {
        std::span<const uint8_t> left = stream;
        while (!left.empty()) {
            std::array<iovec, 64> places;
            const size_t count = receiver.want(places);
            const size_t got = deliver(left, {places.data(), count});
            left = left.subspan(got);
            receiver.advance(got);
            for (auto event = receiver.next(); event != iscsi::PduEvent::none;
                 event = receiver.next())
                if (event == iscsi::PduEvent::header && length != 0)
                    receiver.set_data_target({&target, 1});
        }
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * commands);
}
BENCHMARK(receive_commands)->Arg(0)->Arg(4096)->Arg(65536);

// Argument: bytes of a Data-In that carries the status, too.
void send_data_in(benchmark::State& state) {
    std::vector<uint8_t> memory(static_cast<size_t>(state.range(0)));
    const iovec data{memory.data(), memory.size()};
    const bool digests = state.range(1) != 0;
    iscsi::PduSender sender;
    sender.set_digests(digests, digests);
    wire::DataInPdu pdu;
    pdu.flags = wire::FinalFlag::mask | wire::DataInStatus::mask;
    for (auto _ : state) {
        for (int i = 0; i < commands; ++i) sender.queue(pdu, {&data, 1});
        while (!sender.empty()) {
            std::array<iovec, 256> pieces;
            const size_t count = sender.want(pieces);
            size_t bytes = 0;
            for (size_t i = 0; i < count; ++i) bytes += pieces[i].iov_len;
            sender.advance(bytes);
        }
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * commands);
}
BENCHMARK(send_data_in)->ArgNames({"bytes", "digests"})->Args({4096, 0})->Args({4096, 1});

}  // namespace
