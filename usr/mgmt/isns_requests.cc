// SPDX-License-Identifier: GPL-2.0-or-later
#include "mgmt/isns_requests.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tgt::mgmt::isns_requests {

namespace isns = wire::isns;
using isns::Function, isns::Tag;

namespace {

class Request {
  public:
    Request(Function function, uint16_t flags, uint16_t transaction)
        : memory_(sizeof(isns::Header) + isns::max_payload),
          pdu(memory_, uint16_t(function), uint16_t(flags | isns::flag_client), transaction) {}
    Bytes finish() {
        const auto made = pdu.finish();
        return {made.begin(), made.end()};
    }

  private:
    Bytes memory_;

  public:
    isns::PduWriter pdu;
};

// 6.3.1: IPv4 is mapped into IPv6.
std::array<uint8_t, isns::address_size> mapped(const SocketAddress& address) {
    std::array<uint8_t, isns::address_size> out{};
    if (address.family() == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address.get(), sizeof(v6));
        std::memcpy(out.data(), &v6.sin6_addr, out.size());
        return out;
    }
    sockaddr_in v4{};
    std::memcpy(&v4, address.get(), sizeof(v4));
    out[10] = out[11] = 0xff;
    std::memcpy(&out[12], &v4.sin_addr, 4);
    return out;
}

void portal_key(isns::PduWriter& pdu, const SocketAddress& address) {
    pdu.bytes(Tag::portal_address, mapped(address)).number(Tag::portal_port, address.port());
}

}  // namespace

Bytes register_objects(uint16_t transaction, const Registration& what) {
    Request request(Function::dev_attr_reg, what.replace ? isns::flag_replace : 0, transaction);
    request.pdu.text(Tag::iscsi_name, what.source)
        .text(Tag::entity_id, what.entity)
        .empty(Tag::delimiter)
        .text(Tag::entity_id, what.entity)
        .number(Tag::entity_protocol, isns::entity_protocol_iscsi);
    for (const Portal& portal : what.portals) {
        portal_key(request.pdu, portal.address);
        if (!portal.notices || what.notice_port == 0) continue;
        if (what.esi_interval != 0)
            request.pdu.number(Tag::esi_interval, what.esi_interval)
                .number(Tag::esi_port, what.notice_port);
        request.pdu.number(Tag::scn_port, what.notice_port);
    }
    // Portal groups are left to the server, which makes them with tag 1 (5.6.5.1), as it is here.
    for (const std::string& target : what.targets)
        request.pdu.text(Tag::iscsi_name, target).number(Tag::iscsi_node_type, isns::node_target);
    return request.finish();
}

Bytes deregister_entity(uint16_t transaction, const std::string& source,
                        const std::string& entity) {
    Request request(Function::dev_dereg, 0, transaction);
    request.pdu.text(Tag::iscsi_name, source).empty(Tag::delimiter).text(Tag::entity_id, entity);
    return request.finish();
}

Bytes deregister_target(uint16_t transaction, const std::string& target) {
    Request request(Function::dev_dereg, 0, transaction);
    request.pdu.text(Tag::iscsi_name, target).empty(Tag::delimiter).text(Tag::iscsi_name, target);
    return request.finish();
}

Bytes deregister_portal(uint16_t transaction, const std::string& source,
                        const SocketAddress& portal) {
    Request request(Function::dev_dereg, 0, transaction);
    request.pdu.text(Tag::iscsi_name, source).empty(Tag::delimiter);
    portal_key(request.pdu, portal);
    return request.finish();
}

Bytes register_for_changes(uint16_t transaction, const std::string& target) {
    constexpr uint32_t events = isns::scn_initiators_and_self | isns::scn_object_removed |
                                isns::scn_object_added | isns::scn_object_updated;
    Request request(Function::scn_reg, 0, transaction);
    request.pdu.text(Tag::iscsi_name, target)
        .text(Tag::iscsi_name, target)
        .empty(Tag::delimiter)
        .number(Tag::scn_bitmap, events);
    return request.finish();
}

Bytes ask_for_entity(uint16_t transaction, const std::string& source, const std::string& entity) {
    Request request(Function::dev_attr_qry, 0, transaction);
    request.pdu.text(Tag::iscsi_name, source)
        .text(Tag::entity_id, entity)
        .empty(Tag::delimiter)
        .empty(Tag::registration_period);
    return request.finish();
}

Bytes ask_for_initiators(uint16_t transaction, const std::string& target) {
    Request request(Function::dev_attr_qry, 0, transaction);
    request.pdu.text(Tag::iscsi_name, target)
        .number(Tag::iscsi_node_type, isns::node_initiator)
        .empty(Tag::delimiter)
        .empty(Tag::iscsi_name)
        .empty(Tag::iscsi_node_type);
    return request.finish();
}

// --- answers -------------------------------------------------------------------------------------

namespace {

// The attributes of a response, behind its status.
std::span<const uint8_t> attributes_of(const IsnsMessage& response) {
    const std::span<const uint8_t> all = response.payload;
    return all.subspan(std::min<size_t>(4, all.size()));
}

}  // namespace

std::optional<uint32_t> status_of(const IsnsMessage& response) {
    if (response.payload.size() < 4) return std::nullopt;
    return wire::load_be<4>(response.payload.data());
}

std::optional<uint32_t> registration_period(const IsnsMessage& response) {
    isns::AttributeReader reader(attributes_of(response));
    while (const auto attribute = reader.next())
        if (attribute->is(Tag::registration_period)) return attribute->number();
    return std::nullopt;
}

std::string lower_case(std::string_view name) {
    std::string out(name);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return out;
}

std::set<std::string> initiators_of(const IsnsMessage& response) {
    std::set<std::string> out;
    isns::AttributeReader reader(attributes_of(response));
    bool operating = false;  // behind the delimiter
    while (const auto attribute = reader.next()) {
        if (attribute->is(Tag::delimiter)) operating = true;
        if (!operating || !attribute->is(Tag::iscsi_name)) continue;
        const std::string_view name = attribute->text();
        if (!name.empty() && name.size() <= isns::max_iscsi_name) out.insert(lower_case(name));
    }
    return out;
}

// --- requests of the server ----------------------------------------------------------------------

namespace {

using Attributes = std::vector<isns::Attribute>;

Bytes confirm(const IsnsMessage& request, isns::Status status, const Attributes& attributes) {
    Bytes memory(sizeof(isns::Header) + isns::max_payload);
    isns::PduWriter pdu(memory, uint16_t(request.function | isns::response_bit), isns::flag_client,
                        request.transaction);
    pdu.status(status);
    for (const isns::Attribute& one : attributes) pdu.bytes(one.tag, one.value);
    const auto made = pdu.finish();
    return {made.begin(), made.end()};
}

Attributes all_of(const IsnsMessage& request) {
    Attributes out;
    isns::AttributeReader reader(request.payload);
    while (const auto attribute = reader.next()) out.push_back(*attribute);
    return out;
}

// 5.7.5.8: the answer names the node that was told, which is the first.
Answered answer_scn(const IsnsMessage& request) {
    Attributes all = all_of(request);
    if (all.empty() || !all.front().is(Tag::iscsi_name))
        return {confirm(request, isns::Status::message_format_error, {}), std::string()};
    all.resize(1);
    return {confirm(request, isns::Status::successful, all), std::string(all.front().text())};
}

}  // namespace

Answered answer(const IsnsMessage& request) {
    if (request.is(Function::heartbeat)) return {};
    if (request.is(Function::scn)) return answer_scn(request);
    if (request.is(Function::esi))  // 5.7.5.13
        return {confirm(request, isns::Status::successful, all_of(request)), std::nullopt};
    return {confirm(request, isns::Status::message_not_supported, {}), std::nullopt};
}

}  // namespace tgt::mgmt::isns_requests
