// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/lean/login.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "wire/iscsi.h"

namespace tgt::bench {

namespace {

using wire::LoginStage;

constexpr int rounds = 16;
constexpr int patience = 100;  // receives that may bring nothing, a tenth of a second each
constexpr uint32_t segment_limit = 1u << 20;

using Keys = std::map<std::string, std::string, std::less<>>;

struct Answer {
    wire::LoginResponsePdu header;
    Keys keys;
};

void add(std::string& text, std::string_view key, std::string_view value) {
    text.append(key).append("=").append(value).push_back('\0');
}

std::string security_keys(const Options& options) {
    std::string text;
    add(text, "InitiatorName", "iqn.2001-04.org.example:bench");
    add(text, "TargetName", options.target);
    add(text, "SessionType", "Normal");
    add(text, "AuthMethod", "None");
    return text;
}

std::string operational_keys(const Options& options) {
    const std::string_view digest = options.digests ? "CRC32C" : "None";
    const std::string length = std::to_string(segment_limit);
    std::string text;
    add(text, "HeaderDigest", digest);
    add(text, "DataDigest", digest);
    add(text, "MaxConnections", "1");
    add(text, "InitialR2T", "No");
    add(text, "ImmediateData", "Yes");
    add(text, "MaxRecvDataSegmentLength", length);
    add(text, "MaxBurstLength", length);
    add(text, "FirstBurstLength", length);
    add(text, "DefaultTime2Wait", "0");
    add(text, "DefaultTime2Retain", "0");
    add(text, "MaxOutstandingR2T", "16");
    add(text, "DataPDUInOrder", "Yes");
    add(text, "DataSequenceInOrder", "Yes");
    add(text, "ErrorRecoveryLevel", "0");
    return text;
}

Keys split(std::string_view text) {
    Keys keys;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\0'), text.size());
        const std::string_view pair = text.substr(0, end);
        if (const size_t equals = pair.find('='); equals != pair.npos)
            keys.emplace(pair.substr(0, equals), pair.substr(equals + 1));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return keys;
}

Result<void> receive_all(int fd, std::span<uint8_t> into) {
    for (int empty = 0; !into.empty();) {
        const ssize_t got = ::recv(fd, into.data(), into.size(), 0);
        if (got > 0) {
            into = into.subspan(static_cast<size_t>(got));
            continue;
        }
        if (got == 0) return fail(ECONNRESET, "login: the target closed the connection");
        if ((errno != EAGAIN && errno != EINTR) || ++empty == patience)
            return fail(errno, fmt::format("login: {}", std::strerror(errno)));
    }
    return {};
}

Result<void> send_request(int fd, wire::LoginRequestPdu header, std::string_view text) {
    header.data_segment_length = static_cast<uint32_t>(text.size());
    const auto bytes = wire::bytes_of(header);
    std::vector<uint8_t> pdu(bytes.begin(), bytes.end());
    pdu.insert(pdu.end(), text.begin(), text.end());
    pdu.resize(pdu.size() + wire::padding(text.size()));
    if (::send(fd, pdu.data(), pdu.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(pdu.size()))
        return fail(EIO, "login: the request could not be sent");
    return {};
}

Result<Answer> receive_answer(int fd) {
    uint8_t header[wire::bhs_size];
    if (auto got = receive_all(fd, header); !got) return tl::unexpected(got.error());
    Answer answer{wire::from_bytes<wire::LoginResponsePdu>(header), {}};
    const uint32_t length = answer.header.data_segment_length;
    std::vector<uint8_t> segment(length + wire::padding(length));
    if (auto got = receive_all(fd, segment); !got) return tl::unexpected(got.error());
    if (wire::from_bytes<wire::Bhs>(header).opcode() != wire::Opcode::login_response)
        return fail(EPROTO, "login: the answer is no Login Response");
    const auto status = static_cast<wire::LoginStatus>(answer.header.status.get());
    if (status != wire::LoginStatus::success)
        return fail(EACCES, fmt::format("login: {}", wire::login_status_text(status)));
    answer.keys = split(std::string(segment.begin(), segment.begin() + length));
    return answer;
}

bool says(const Keys& keys, std::string_view key, std::string_view value, bool otherwise) {
    const auto found = keys.find(key);
    return found == keys.end() ? otherwise : found->second == value;
}

uint32_t length_of(const Keys& keys, std::string_view key, uint32_t otherwise) {
    const auto found = keys.find(key);
    if (found == keys.end()) return otherwise;
    // Data segments of whole words need no padding.
    return static_cast<uint32_t>(std::strtoul(found->second.c_str(), nullptr, 0)) & ~3u;
}

void take_over(const Keys& keys, Agreed& agreed) {
    agreed.header_digest = says(keys, "HeaderDigest", "CRC32C", agreed.header_digest);
    agreed.data_digest = says(keys, "DataDigest", "CRC32C", agreed.data_digest);
    agreed.initial_r2t = says(keys, "InitialR2T", "Yes", agreed.initial_r2t);
    agreed.immediate_data = says(keys, "ImmediateData", "Yes", agreed.immediate_data);
    agreed.first_burst = length_of(keys, "FirstBurstLength", agreed.first_burst);
    agreed.max_burst = length_of(keys, "MaxBurstLength", agreed.max_burst);
    agreed.target_max_segment =
        length_of(keys, "MaxRecvDataSegmentLength", agreed.target_max_segment);
}

wire::LoginRequestPdu request_of(unsigned index) {
    wire::LoginRequestPdu request;
    request.isid[0] = 0x80;  // random format (11.12.5): process and session
    wire::store_be<2>(&request.isid[1], static_cast<uint16_t>(::getpid()));
    wire::store_be<3>(&request.isid[3], index & 0xffffff);
    request.cmd_sn = 1;
    return request;
}

void set_stage(wire::LoginRequestPdu& request, LoginStage current, LoginStage next) {
    request.flags = wire::LoginTransit::mask;
    wire::LoginCurrentStage::set(request.flags, static_cast<unsigned>(current));
    wire::LoginNextStage::set(request.flags, static_cast<unsigned>(next));
}

}  // namespace

Result<Agreed> log_in(int fd, const Options& options, unsigned index) {
    Agreed agreed;
    wire::LoginRequestPdu request = request_of(index);
    set_stage(request, LoginStage::security, LoginStage::operational);
    std::string text = security_keys(options);
    for (int round = 0; round < rounds; ++round) {
        if (auto sent = send_request(fd, request, text); !sent) return tl::unexpected(sent.error());
        const auto answer = receive_answer(fd);
        if (!answer) return tl::unexpected(answer.error());
        const wire::LoginResponsePdu& header = answer->header;
        take_over(answer->keys, agreed);
        text.clear();
        request.exp_stat_sn = header.stat_sn + 1;
        if (!wire::LoginTransit::get(header.flags)) continue;
        const auto next = static_cast<LoginStage>(wire::LoginNextStage::get(header.flags));
        if (next == LoginStage::full_feature) {
            agreed.cmd_sn = request.cmd_sn;
            agreed.exp_stat_sn = request.exp_stat_sn;
            agreed.max_cmd_sn = header.max_cmd_sn;
            return agreed;
        }
        set_stage(request, LoginStage::operational, LoginStage::full_feature);
        text = operational_keys(options);
    }
    return fail(EPROTO, "login: no end after many rounds");
}

}  // namespace tgt::bench
