// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/encryption.h"

#include <algorithm>

#include "wire/endian.h"

namespace tgt::ssc {

namespace {

using scsi::Sense;
using Bytes = std::vector<uint8_t>;

enum Page : uint16_t {
    pages_in = 0x0000,
    pages_out = 0x0001,
    capabilities = 0x0010,
    set_encryption = 0x0010,
    key_formats = 0x0011,
    management = 0x0012,
    status_page = 0x0020,
    next_block_page = 0x0021,
    random_page = 0x0030,
};

constexpr uint8_t algorithm_index = 1;
constexpr uint32_t aes_256_gcm = 0x00010014;  // SPC-4 table C.1: with a 16-byte MAC
constexpr uint8_t plain_key = 0x00;

// Key-associated data descriptors (SSC-4 8.5.4).
enum Kad : uint8_t { ukad_type = 0, akad_type = 1, kad_types = 4 };
constexpr size_t kad_header = 4;
constexpr uint8_t unauthenticated = 1, authenticated = 2;

Bytes page(uint16_t code, size_t size) {
    Bytes out(size);
    wire::store_be<2>(&out[0], code);
    return out;
}
Bytes finished(Bytes out) {
    wire::store_be<2>(&out[2], uint16_t(out.size() - 4));
    return out;
}
void append_code(Bytes& out, uint16_t code) {
    out.insert(out.end(), {uint8_t(code >> 8), uint8_t(code)});
}

void append_kad(Bytes& out, Kad type, uint8_t state, const Bytes& data) {
    if (data.empty()) return;
    out.insert(out.end(), {uint8_t(type), state, uint8_t(data.size() >> 8), uint8_t(data.size())});
    out.insert(out.end(), data.begin(), data.end());
}

// ---- SET DATA ENCRYPTION

// Offsets in the page.
constexpr size_t scope_at = 4, flags_at = 5, encrypt_at = 6, decrypt_at = 7, algorithm_at = 8,
                 format_at = 9, key_length_at = 18, key_at = 20;

// Reads the page from front to back; what is wrong first decides the field pointer.
class SetReader {
  public:
    explicit SetReader(std::span<const uint8_t> page) : page_(page) {}

    std::optional<Sense> read() {
        if (page_.size() < key_at || wire::load_be<2>(&page_[2]) != page_.size() - 4)
            return scsi::sense::parameter_list_length_error();
        if (wire::load_be<2>(&page_[0]) != set_encryption) return invalid(0);
        if (auto wrong = read_scope()) return wrong;
        if (set.scope == SetEncryption::Scope::open) return std::nullopt;
        if (auto wrong = read_modes()) return wrong;
        if (auto wrong = read_key()) return wrong;
        return read_kads();
    }
    SetEncryption set;

  private:
    static Sense invalid(size_t at, int8_t bit = -1) {
        return scsi::sense::invalid_field_in_parameters(uint16_t(at), bit);
    }
    std::optional<Sense> read_scope() {
        const uint8_t scope = page_[scope_at] >> 5;
        if (scope > uint8_t(SetEncryption::Scope::all)) return invalid(scope_at, 7);
        set.scope = SetEncryption::Scope(scope);
        set.lock = page_[scope_at] & 0x01;
        return std::nullopt;
    }
    std::optional<Sense> read_modes();
    std::optional<Sense> read_key();
    std::optional<Sense> read_kads();
    std::optional<Sense> read_kad(size_t at, size_t length);

    std::span<const uint8_t> page_;
    size_t kads_at_ = 0;
};

// CEEM 10b wants blocks that were encrypted outside, which there are none of; a second key (SDK)
// and clearing it with a reservation are not offered.
std::optional<Sense> SetReader::read_modes() {
    constexpr uint8_t ceem = 0xc0, ceem_external = 0x80, rdmc = 0x30, rdmc_reserved = 0x10,
                      sdk = 0x08, ckod = 0x04, ckorp = 0x02, ckorl = 0x01;
    const uint8_t flags = page_[flags_at];
    if ((flags & ceem) == ceem_external) return invalid(flags_at, 7);
    if ((flags & rdmc) == rdmc_reserved) return invalid(flags_at, 5);
    if (flags & sdk) return invalid(flags_at, 3);
    if (flags & ckorp) return invalid(flags_at, 1);
    if (flags & ckorl) return invalid(flags_at, 0);
    set.clear_on_demount = flags & ckod;
    const uint8_t encrypt = page_[encrypt_at], decrypt = page_[decrypt_at];
    if (encrypt > uint8_t(EncryptionMode::encrypt) || encrypt == uint8_t(EncryptionMode::external))
        return invalid(encrypt_at);
    if (decrypt > uint8_t(DecryptionMode::mixed) || decrypt == uint8_t(DecryptionMode::raw))
        return invalid(decrypt_at);
    set.encrypt = EncryptionMode(encrypt);
    set.decrypt = DecryptionMode(decrypt);
    return std::nullopt;
}

std::optional<Sense> SetReader::read_key() {
    const size_t length = wire::load_be<2>(&page_[key_length_at]);
    kads_at_ = key_at + length;
    if (kads_at_ > page_.size()) return invalid(key_length_at);
    const bool needed =
        set.encrypt == EncryptionMode::encrypt || set.decrypt != DecryptionMode::disable;
    if (!needed) return std::nullopt;
    // 0 is what programs say that do not ask; there is only one.
    if (page_[algorithm_at] > algorithm_index) return invalid(algorithm_at);
    if (page_[format_at] != plain_key) return invalid(format_at);
    if (length != key_bytes) return invalid(key_length_at);
    set.key = std::make_shared<BlockKey>(page_.subspan<key_at, key_bytes>());
    return std::nullopt;
}

std::optional<Sense> SetReader::read_kads() {
    for (size_t at = kads_at_; at < page_.size();) {
        if (page_.size() - at < kad_header) return invalid(at);
        const size_t length = wire::load_be<2>(&page_[at + 2]);
        if (page_.size() - at - kad_header < length) return invalid(at + 2);
        if (auto wrong = read_kad(at, length)) return wrong;
        at += kad_header + length;
    }
    return std::nullopt;
}

std::optional<Sense> SetReader::read_kad(size_t at, size_t length) {
    const uint8_t type = page_[at];
    if (type > akad_type) return invalid(at);
    if (length > (type == ukad_type ? max_ukad : max_akad)) return invalid(at + 2);
    if (set.encrypt != EncryptionMode::encrypt) return invalid(at);
    Bytes& data = type == ukad_type ? set.ukad : set.akad;
    if (!data.empty()) return invalid(at);  // twice
    const auto given = page_.subspan(at + kad_header, length);
    data.assign(given.begin(), given.end());
    return std::nullopt;
}

}  // namespace

Result<SetEncryption, Sense> parse_set_encryption(std::span<const uint8_t> bytes) {
    SetReader reader(bytes);
    if (auto wrong = reader.read()) return tl::unexpected<Sense>(*wrong);
    return std::move(reader.set);
}

// ---- who has which

bool Encryption::set(const scsi::NexusId& nexus, SetEncryption wanted) {
    constexpr size_t max_members = 1024;
    if (!members_.count(nexus) && members_.size() >= max_members) return false;
    local_.erase(nexus);
    if (wanted.scope == Scope::open) {
        members_.erase(nexus);
        return true;
    }
    Member& member = members_[nexus];
    member = {wanted.scope, std::nullopt};
    EncryptionSet next;
    next.encrypt = wanted.encrypt;
    next.decrypt = wanted.decrypt;
    next.key = std::move(wanted.key);
    next.ukad = std::move(wanted.ukad);
    next.akad = std::move(wanted.akad);
    next.clear_on_demount = wanted.clear_on_demount;
    next.instance = ++instances_;
    if (wanted.lock) member.locked_to = next.instance;
    if (wanted.scope == Scope::local)
        local_[nexus] = std::move(next);
    else
        all_ = std::move(next);
    return true;
}

const EncryptionSet& Encryption::of(const scsi::NexusId& nexus) const {
    static const EncryptionSet none;
    const auto own = local_.find(nexus);
    if (own != local_.end()) return own->second;
    return all_ ? *all_ : none;
}

Encryption::Scope Encryption::scope_of(const scsi::NexusId& nexus) const {
    const auto member = members_.find(nexus);
    return member == members_.end() ? Scope::open : member->second.scope;
}

Encryption::Scope Encryption::source_of(const scsi::NexusId& nexus) const {
    if (local_.count(nexus)) return Scope::local;
    return all_ ? Scope::all : Scope::open;
}

bool Encryption::lock_is_broken(const scsi::NexusId& nexus) const {
    const auto member = members_.find(nexus);
    if (member == members_.end() || !member->second.locked_to) return false;
    return of(nexus).instance != *member->second.locked_to;
}

void Encryption::nexus_lost(const scsi::NexusId& nexus) {
    local_.erase(nexus);
    members_.erase(nexus);
}

void Encryption::demounted() {
    for (auto at = local_.begin(); at != local_.end();)
        at = at->second.clear_on_demount ? local_.erase(at) : std::next(at);
    if (all_ && all_->clear_on_demount) all_.reset();
}

void Encryption::clear() {
    members_.clear();
    local_.clear();
    all_.reset();
}

// ---- pages

Bytes encryption_pages_in() {
    Bytes out = page(pages_in, 4);
    for (uint16_t code : {pages_in, pages_out, capabilities, key_formats, management, status_page,
                          next_block_page, random_page})
        append_code(out, code);
    return finished(std::move(out));
}

Bytes encryption_pages_out() {
    Bytes out = page(pages_out, 4);
    append_code(out, set_encryption);
    return finished(std::move(out));
}

// SSC-4 8.5.2.4: one algorithm, that makes its own nonces.
Bytes encryption_capabilities(const EncryptionAbility& ability) {
    constexpr uint8_t cfg_p_allowed = 0x01;
    constexpr size_t header = 20, descriptor = 24;
    constexpr uint8_t avfmv = 0x80, mac_c = 0x20, ded_c = 0x10, decrypt_c = 0x08, encrypt_c = 0x02;
    constexpr uint8_t nonce_by_drive = 0x10, rdmc_c = 0x08, earem = 0x01;
    Bytes out = page(capabilities, header + descriptor);
    out[4] = cfg_p_allowed;
    uint8_t* d = &out[header];
    d[0] = algorithm_index;
    wire::store_be<2>(d + 2, uint16_t(descriptor - 4));
    d[4] = uint8_t(mac_c | ded_c | decrypt_c | encrypt_c | (ability.medium ? avfmv : 0));
    d[5] = nonce_by_drive;
    wire::store_be<2>(d + 6, uint16_t(max_ukad));
    wire::store_be<2>(d + 8, uint16_t(max_akad));
    wire::store_be<2>(d + 10, uint16_t(key_bytes));
    d[12] = rdmc_c | earem;
    wire::store_be<4>(d + 20, aes_256_gcm);
    return finished(std::move(out));
}

Bytes encryption_key_formats() {
    Bytes out = page(key_formats, 4);
    out.push_back(plain_key);
    return finished(std::move(out));
}

Bytes encryption_management() {
    constexpr uint8_t lock_c = 0x01, ckod_c = 0x04, aitn_c = 0x04, local_c = 0x02, public_c = 0x01;
    Bytes out = page(management, 16);
    out[4] = lock_c;
    out[5] = ckod_c;
    out[7] = aitn_c | local_c | public_c;
    return finished(std::move(out));
}

// SSC-4 8.5.2.7
Bytes encryption_status(const Encryption& encryption, const scsi::NexusId& nexus) {
    constexpr uint8_t rdmd = 0x01;  // no raw reads
    const EncryptionSet& set = encryption.of(nexus);
    Bytes out = page(status_page, 24);
    out[4] =
        uint8_t(uint8_t(encryption.scope_of(nexus)) << 5 | uint8_t(encryption.source_of(nexus)));
    out[5] = uint8_t(set.encrypt);
    out[6] = uint8_t(set.decrypt);
    out[7] = set.key ? algorithm_index : 0;
    wire::store_be<4>(&out[8], set.instance);
    out[12] = rdmd;
    append_kad(out, ukad_type, unauthenticated, set.ukad);
    append_kad(out, akad_type, authenticated, set.akad);
    return finished(std::move(out));
}

// SSC-4 8.5.2.8
Bytes next_block_status(const NextBlock& next) {
    enum : uint8_t { not_now = 1, no_block = 2, plain = 3, compressed = 4 };
    constexpr uint8_t emes = 0x02, rdmds = 0x01;
    const bool known = next.status > NextBlock::Status::no_block;
    uint8_t compression = known ? (next.compressed ? compressed : plain)
                                : (next.status == NextBlock::Status::no_block ? no_block : not_now);
    Bytes out = page(next_block_page, 16);
    wire::store_be<8>(&out[4], next.object);
    out[12] = uint8_t(compression << 4 | uint8_t(next.status));
    const bool encrypted =
        next.status == NextBlock::Status::readable || next.status == NextBlock::Status::other_key;
    if (encrypted) {
        out[13] = algorithm_index;
        out[14] = emes | rdmds;
    }
    append_kad(out, ukad_type, unauthenticated, next.ukad);
    append_kad(out, akad_type, authenticated, next.akad);
    return finished(std::move(out));
}

Bytes random_number(std::span<const uint8_t, 32> number) {
    Bytes out = page(random_page, 4);
    out.insert(out.end(), number.begin(), number.end());
    return finished(std::move(out));
}

}  // namespace tgt::ssc
