// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "mgmt/isns_requests.h"

namespace tgt::mgmt::test {

// An iSNS server without a socket: takes bytes, keeps objects, makes answers. One entity.
class FakeIsnsServer {
  public:
    using Bytes = std::vector<uint8_t>;
    using Function = wire::isns::Function;
    using Tag = wire::isns::Tag;

    // Answers what has come.
    Bytes answer(const Bytes& bytes) {
        EXPECT_LE(bytes.size(), 8192u);  // Open-iSNS ends the connection
        std::vector<IsnsMessage> messages;
        EXPECT_TRUE(assembler_.feed(bytes, messages));
        Bytes out;
        for (const IsnsMessage& message : messages) {
            const Bytes one = answer_one(message);
            out.insert(out.end(), one.begin(), one.end());
        }
        return out;
    }

    // --- what it has
    std::string entity;
    std::set<std::string> targets, portals, watched;
    std::map<std::string, std::set<std::string>> initiators;  // by target
    // --- what it was asked
    std::vector<std::string> log;  // "DevAttrReg+", "SCNReg", ...; + is replace
    uint16_t scn_port = 0, esi_port = 0;
    // --- how it behaves
    uint32_t period = 100;
    std::set<std::string> refused_targets;
    std::map<Function, uint32_t> refused;  // with this status

    void lose_everything() {
        entity.clear();
        targets.clear();
        portals.clear();
        watched.clear();
    }

  private:
    Bytes answer_one(const IsnsMessage& message) {
        const bool replace = (message.flags & wire::isns::flag_replace) != 0;
        log.push_back(std::string(wire::isns::function_name(message.function)) +
                      (replace ? "+" : ""));
        const auto function = Function(message.function);
        Bytes memory(200000);
        wire::isns::PduWriter pdu(memory, uint16_t(message.function | 0x8000), 0x4000,
                                  message.transaction);
        if (const auto found = refused.find(function); found != refused.end())
            pdu.status(wire::isns::Status(found->second));
        else if (function == Function::dev_attr_reg)
            register_objects(message, replace, pdu);
        else if (function == Function::dev_dereg)
            deregister(message, pdu);
        else if (function == Function::scn_reg)
            watch(message, pdu);
        else
            ask(message, pdu);
        const auto made = pdu.finish();
        EXPECT_FALSE(made.empty());
        return {made.begin(), made.end()};
    }

    void register_objects(const IsnsMessage& message, bool replace, wire::isns::PduWriter& pdu) {
        std::set<std::string> new_targets, new_portals;
        std::string id, address;
        bool operating = false;
        wire::isns::AttributeReader reader(message.payload);
        while (const auto one = reader.next()) {
            if (one->is(Tag::delimiter)) operating = true;
            if (one->is(Tag::entity_id)) id = one->text();
            if (!operating) continue;
            if (one->is(Tag::iscsi_name)) new_targets.insert(std::string(one->text()));
            if (one->is(Tag::portal_address)) address = show_address(one->value);
            if (one->is(Tag::portal_port))
                new_portals.insert(address + ":" + std::to_string(one->number().value_or(0)));
            if (one->is(Tag::scn_port)) scn_port = uint16_t(one->number().value_or(0));
            if (one->is(Tag::esi_port)) esi_port = uint16_t(one->number().value_or(0));
        }
        EXPECT_FALSE(reader.malformed());
        for (const std::string& name : new_targets)
            if (refused_targets.count(name))
                return void(pdu.status(wire::isns::Status::invalid_registration));
        if (replace || entity.empty()) lose_everything();
        entity = id;
        targets.merge(new_targets);
        portals.merge(new_portals);
        pdu.status(wire::isns::Status::successful)
            .text(Tag::entity_id, id)
            .empty(Tag::delimiter)
            .text(Tag::entity_id, id)
            .number(Tag::registration_period, period);
    }

    void deregister(const IsnsMessage& message, wire::isns::PduWriter& pdu) {
        pdu.status(wire::isns::Status::successful);
        bool operating = false;
        std::string address;
        wire::isns::AttributeReader reader(message.payload);
        while (const auto one = reader.next()) {
            if (one->is(Tag::delimiter)) operating = true;
            if (!operating) continue;
            if (one->is(Tag::entity_id)) lose_everything();
            if (one->is(Tag::iscsi_name)) targets.erase(std::string(one->text()));
            if (one->is(Tag::portal_address)) address = show_address(one->value);
            if (one->is(Tag::portal_port))
                portals.erase(address + ":" + std::to_string(one->number().value_or(0)));
        }
    }

    void watch(const IsnsMessage& message, wire::isns::PduWriter& pdu) {
        wire::isns::AttributeReader reader(message.payload);
        const std::string name(reader.next()->text());
        if (!targets.count(name))
            return void(pdu.status(wire::isns::Status::scn_registration_rejected));
        watched.insert(name);
        pdu.status(wire::isns::Status::successful);
    }

    void ask(const IsnsMessage& message, wire::isns::PduWriter& pdu) {
        wire::isns::AttributeReader reader(message.payload);
        const std::string source(reader.next()->text());
        const auto key = reader.next();
        pdu.status(wire::isns::Status::successful).empty(Tag::delimiter);
        if (key->is(Tag::entity_id)) {
            if (entity == key->text()) pdu.number(Tag::registration_period, period);
            return;
        }
        EXPECT_EQ(key->number(), wire::isns::node_initiator);
        for (const std::string& name : initiators[source])
            pdu.text(Tag::iscsi_name, name)
                .number(Tag::iscsi_node_type, wire::isns::node_initiator);
    }

    static std::string show_address(std::span<const uint8_t> value) {
        EXPECT_EQ(value.size(), 16u);
        if (value[10] != 0xff) return "v6";
        std::string out;
        for (const uint8_t byte : value.subspan(12))
            out += (out.empty() ? "" : ".") + std::to_string(byte);
        return out;
    }

    IsnsAssembler assembler_{1 << 20};
};

}  // namespace tgt::mgmt::test
