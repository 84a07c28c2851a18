// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/smc/element_status.h"

#include <algorithm>

#include "device/smc/sense_codes.h"
#include "wire/endian.h"

namespace tgt::smc {

namespace {

using store::Element;
using store::ElementKind;

constexpr size_t header_bytes = 8, page_header_bytes = 8;
constexpr size_t fixed_bytes = 12, volume_tag_bytes = 36, id_header_bytes = 4;
constexpr size_t vendor_bytes = 8, product_bytes = 16;

// The T10 vendor ID based designator of a drive: vendor, product, serial number.
std::string device_id(const scsi::LunIdentity& identity) {
    std::string out = identity.vendor;
    out.resize(vendor_bytes, ' ');
    out += identity.product;
    out.resize(vendor_bytes + product_bytes, ' ');
    return out + identity.scsi_sn;
}

// Room for designators in the descriptors of a page: they are all of one length.
size_t widest_id(const Changer& changer, const std::vector<uint16_t>& addresses) {
    size_t widest = 0;
    for (const uint16_t address : addresses)
        if (const auto* identity = changer.identity_at(address))
            widest = std::max(widest, device_id(*identity).size());
    return widest;
}

ElementFlags drive_flags(const Changer& changer, uint16_t address, uint8_t filled) {
    constexpr uint16_t removed = 0x3b1a;  // data transfer device removed
    const auto drive = changer.drive_at(address);
    if (!drive) return {uint8_t(filled | ElementFlags::exception), removed};
    if (drive->preventers() == 0) filled |= ElementFlags::access;
    if (changer.has_other_medium(*drive)) filled |= ElementFlags::full;
    return {filled, 0};
}

// SMC-3 6.10.4: 32 characters, blank padded; no sequence number is known.
void put_volume_tag(uint8_t* to, const Element& element) {
    if (!element.cartridge) return;
    std::string text = element.cartridge->tag();
    text.resize(store::max_barcode, ' ');
    std::copy(text.begin(), text.end(), to);
}

void put_source(uint8_t* descriptor, const Element& element) {
    if (!element.cartridge || !element.cartridge->source) return;
    constexpr uint8_t source_valid = 0x80;
    descriptor[9] |= source_valid;
    wire::store_be<2>(&descriptor[10], *element.cartridge->source);
}

void put_device_id(uint8_t* to, const std::string& id) {
    constexpr uint8_t ascii = 0x02, t10_vendor_id = 0x01;
    to[0] = ascii;
    to[1] = t10_vendor_id;
    to[3] = uint8_t(id.size());
    std::copy(id.begin(), id.end(), to + id_header_bytes);
}

// One page, on its way into a report.
struct Page {
    ElementKind kind;
    std::vector<uint16_t> addresses;
    size_t id_bytes = 0;
    size_t descriptor_bytes = 0;
};

std::vector<uint8_t> descriptor(const Changer& changer, const StatusRequest& request,
                                const Page& page, uint16_t address) {
    const Element& element = changer.inventory().elements.at(address);
    std::vector<uint8_t> out(page.descriptor_bytes);
    wire::store_be<2>(&out[0], address);
    const ElementFlags flags = element_flags(changer, address);
    out[2] = flags.bits;
    wire::store_be<2>(&out[4], flags.code);
    put_source(out.data(), element);
    size_t at = fixed_bytes;
    if (request.volume_tags) {
        put_volume_tag(&out[at], element);
        at += volume_tag_bytes;
    }
    const auto* identity = changer.identity_at(address);
    if (page.id_bytes > 0 && identity) put_device_id(&out[at], device_id(*identity));
    return out;
}

// Runs of elements of one kind, by address.
std::vector<Page> pages_of(const Changer& changer, const StatusRequest& request,
                           const std::vector<uint16_t>& elements) {
    std::vector<Page> pages;
    for (const uint16_t address : elements) {
        const ElementKind kind = changer.inventory().elements.at(address).kind;
        if (pages.empty() || pages.back().kind != kind) pages.push_back({kind, {}, 0, 0});
        pages.back().addresses.push_back(address);
    }
    for (Page& page : pages) {
        if (request.device_ids) page.id_bytes = widest_id(changer, page.addresses);
        page.descriptor_bytes = fixed_bytes + (request.volume_tags ? volume_tag_bytes : 0) +
                                id_header_bytes + page.id_bytes;
    }
    return pages;
}

void append_page_header(std::vector<uint8_t>& out, const StatusRequest& request, const Page& page) {
    constexpr uint8_t primary_volume_tag = 0x80;
    uint8_t header[page_header_bytes]{};
    header[0] = uint8_t(page.kind);
    header[1] = request.volume_tags ? primary_volume_tag : 0;
    wire::store_be<2>(&header[2], uint16_t(page.descriptor_bytes));
    wire::store_be<3>(&header[5], uint32_t(page.descriptor_bytes * page.addresses.size()));
    out.insert(out.end(), header, header + page_header_bytes);
}

void append_header(std::vector<uint8_t>& out, const std::vector<uint16_t>& elements,
                   const std::vector<Page>& pages, uint8_t send_action) {
    size_t bytes = 0;
    for (const Page& page : pages)
        bytes += page_header_bytes + page.descriptor_bytes * page.addresses.size();
    uint8_t header[header_bytes]{};
    wire::store_be<2>(&header[0], elements.empty() ? 0 : elements.front());
    wire::store_be<2>(&header[2], uint16_t(std::min<size_t>(elements.size(), UINT16_MAX)));
    header[4] = send_action;
    wire::store_be<3>(&header[5], uint32_t(bytes));
    out.insert(out.end(), header, header + header_bytes);
}

}  // namespace

ElementFlags element_flags(const Changer& changer, uint16_t address) {
    const Element& element = changer.inventory().elements.at(address);
    const uint8_t filled = element.cartridge ? ElementFlags::full : 0;
    switch (element.kind) {
        case ElementKind::transport:
            return {filled, 0};
        case ElementKind::storage:
            return {uint8_t(filled | ElementFlags::access), 0};
        case ElementKind::import_export:
            return {uint8_t(filled | ElementFlags::imports | ElementFlags::exports |
                            (changer.is_open(address) ? 0 : ElementFlags::access) |
                            (element.by_operator ? ElementFlags::by_operator : 0)),
                    0};
        case ElementKind::drive:
            break;
    }
    return drive_flags(changer, address, filled);
}

std::vector<uint16_t> select_elements(const Changer& changer, const StatusRequest& request) {
    std::vector<uint16_t> out;
    const auto& elements = changer.inventory().elements;
    for (auto it = elements.lower_bound(request.start);
         it != elements.end() && out.size() < request.count; ++it)
        if (request.kind == 0 || uint8_t(it->second.kind) == request.kind) out.push_back(it->first);
    return out;
}

std::vector<uint8_t> element_status(const Changer& changer, const StatusRequest& request,
                                    const std::vector<uint16_t>& elements, uint64_t room,
                                    uint8_t send_action) {
    const std::vector<Page> pages = pages_of(changer, request, elements);
    std::vector<uint8_t> out;
    append_header(out, elements, pages, send_action);
    for (const Page& page : pages) {
        if (out.size() + page_header_bytes > room) return out;
        append_page_header(out, request, page);
        for (const uint16_t address : page.addresses) {
            if (out.size() + page.descriptor_bytes > room) return out;
            const auto bytes = descriptor(changer, request, page, address);
            out.insert(out.end(), bytes.begin(), bytes.end());
        }
    }
    return out;
}

}  // namespace tgt::smc
