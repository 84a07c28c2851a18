// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/block_codec.h"

#include <string.h>

#include <algorithm>
#include <new>

#include "device/ssc/block_protection.h"
#include "device/ssc/density.h"
#include "device/ssc/mode_pages.h"
#include "scsi/nexus.h"

namespace tgt::ssc {

namespace {

using scsi::Command;
using scsi::Outcome;
using scsi::Sense;
using scsi::SenseKey;
using scsi::sense::make;
using Bytes = std::span<const uint8_t>;

// Smaller ones gain nothing.
constexpr size_t least_compressed = 128;

Sense security(uint8_t ascq) {
    return make(SenseKey::data_protect, 0x74, ascq);
}
constexpr uint8_t unable_to_decrypt = 0x01, unencrypted_while_decrypting = 0x02,
                  incorrect_key = 0x03, integrity_failed = 0x04;

// Nobody knows how the block was made.
Sense unknown_coding() {
    return make(SenseKey::medium_error, 0x30, 0x02);
}
Sense damaged() {
    return make(SenseKey::medium_error, 0x11, 0x00);
}
Sense guard_check_failed() {
    return make(SenseKey::hardware_error, 0x10, 0x01);
}
const EncryptionSet& keys_of(const Command& command, Drive& drive) {
    return drive.codec().encryption.of(command.nexus->id());
}

// ---- writing

// Protection information of the block's end is checked, and is no part of what is stored.
std::optional<Sense> check_protection(const Command& command, Protection method, size_t offset,
                                      uint32_t& length, EncodedBlock& into) {
    if (length <= protection_bytes) return scsi::sense::invalid_field_in_cdb(2);
    ProtectionInfo given;
    length -= protection_bytes;
    command.out.copy_out(offset + length, given);
    into.pieces = command.out.slice(offset, length, into.payload.data());
    if (given != protection_of(method, into.iov(), length)) return guard_check_failed();
    return std::nullopt;
}

// The block in one piece.
Bytes gather(const EncodedBlock& block, ScratchMemory& memory) {
    if (block.pieces == 1)
        return {static_cast<const uint8_t*>(block.payload[0].iov_base), block.payload[0].iov_len};
    const auto all = memory.take(block.block.length);
    size_t at = 0;
    for (const iovec& piece : block.iov()) {
        if (all.empty()) return {};
        std::copy_n(static_cast<const uint8_t*>(piece.iov_base), piece.iov_len, &all[at]);
        at += piece.iov_len;
    }
    return all;
}

Bytes compressed(BlockCodec& codec, Bytes data, EncodedBlock& into) {
    if (data.size() < least_compressed) return data;
    // A sixteenth less, or it is not worth the trouble of reading it back.
    const auto room = codec.compressed.take(data.size() - data.size() / 16);
    if (room.empty()) return data;
    const size_t size = codec.compressor.compress(data, room);
    if (size == 0) return data;
    into.block.flags |= block_compressed;
    return room.first(size);
}

std::optional<Bytes> encrypted(BlockCodec& codec, const EncryptionSet& keys, Bytes data,
                               EncodedBlock& into) {
    into.block.flags |= block_encrypted;
    const auto out =
        codec.sealed.take(sealed_bytes(data.size(), keys.ukad.size(), keys.akad.size()));
    if (out.empty()) return std::nullopt;
    const BlockFacts facts{into.block.length, into.block.flags};
    if (!seal(*keys.key, facts, keys.ukad, keys.akad, data, out)) return std::nullopt;
    return out;
}

Outcome make_payload(const Command& command, Drive& drive, const EncryptionSet& keys,
                     EncodedBlock& into) {
    BlockCodec& codec = drive.codec();
    const bool encrypts = keys.encrypt == EncryptionMode::encrypt;
    const bool tries = compresses(command.state()) && drive.tape()->info().keeps_flags;
    // Cannot write medium - incompatible format.
    if (encrypts && !takes_encryption(drive, command.state()))
        return make(SenseKey::data_protect, 0x30, 0x05);
    if (!encrypts && (!tries || into.block.length < least_compressed)) return {};
    Bytes data = gather(into, codec.gathered);
    if (data.empty()) return scsi::Status::busy;
    if (tries) data = compressed(codec, data, into);
    if (encrypts) {
        const auto sealed = encrypted(codec, keys, data, into);
        if (!sealed) return scsi::Status::busy;
        data = *sealed;
    }
    if (into.block.flags == 0) return {};
    into.block.stored = uint32_t(data.size());
    into.payload[0] = {const_cast<uint8_t*>(data.data()), data.size()};
    into.pieces = 1;
    return {};
}

// ---- reading

// In front of the block that was read.
void step_back(Drive& drive) {
    store::Tape& tape = *drive.tape();
    const store::TapePosition at = tape.position();
    bool reached = false;
    if (at.object > 0) tape.locate(at.partition, at.object - 1, reached);
}

// The key is missing or wrong: whoever has it may try again from here.
Outcome refused(Drive& drive, uint8_t ascq) {
    step_back(drive);
    return security(ascq);
}
// Later there may be memory.
Outcome no_memory(Drive& drive) {
    step_back(drive);
    return scsi::Status::busy;
}

// The bytes that were encrypted, into `out` of that size.
Outcome decrypt(Drive& drive, const EncryptionSet& keys, const store::TapeBlock& stored,
                const SealHeader& header, Bytes payload, std::span<uint8_t> out) {
    if (!keys.key) return refused(drive, unable_to_decrypt);
    if (header.check != keys.key->check()) return refused(drive, incorrect_key);
    const BlockFacts facts{stored.length, stored.flags};
    if (unseal(*keys.key, facts, header, payload, out)) return {};
    return security(integrity_failed);
}

// An encrypted block, down to what was compressed or written.
Outcome open_sealed(Drive& drive, const EncryptionSet& keys, const store::TapeBlock& stored,
                    Bytes& payload, std::span<uint8_t> block) {
    if (keys.decrypt == DecryptionMode::disable) return refused(drive, unable_to_decrypt);
    const auto header = read_seal(payload);
    if (!header) return damaged();
    const size_t size = plain_bytes(*header, payload);
    const bool packed = stored.flags & block_compressed;
    if (!packed && size != block.size()) return damaged();
    const auto out = packed ? drive.codec().sealed.take(size) : block;
    if (size > 0 && out.empty()) return no_memory(drive);
    const Outcome opened = decrypt(drive, keys, stored, *header, payload, out);
    payload = out;
    return opened;
}

// What was written, into `block`.
Outcome restore(Drive& drive, const EncryptionSet& keys, const store::TapeBlock& stored,
                Bytes payload, std::span<uint8_t> block) {
    if (stored.flags & ~(block_compressed | block_encrypted)) return unknown_coding();
    if (stored.flags & block_encrypted) {
        const Outcome opened = open_sealed(drive, keys, stored, payload, block);
        if (!opened.good()) return opened;
    } else if (keys.decrypt == DecryptionMode::decrypt) {
        return refused(drive, unencrypted_while_decrypting);
    }
    if (stored.flags & block_compressed)
        return drive.codec().compressor.decompress(payload, block) ? Outcome() : damaged();
    if (payload.size() != block.size()) return damaged();
    if (payload.data() != block.data()) std::copy(payload.begin(), payload.end(), block.begin());
    return {};
}

NextBlock::Status status_of(const EncryptionSet& keys, const SealHeader& header) {
    const bool has_key =
        keys.key && keys.decrypt != DecryptionMode::disable && keys.key->check() == header.check;
    return has_key ? NextBlock::Status::readable : NextBlock::Status::other_key;
}

// Looks into an encrypted block without passing it.
void look_into(Drive& drive, const EncryptionSet& keys, const store::TapeBlock& block,
               NextBlock& next) {
    store::Tape& tape = *drive.tape();
    const store::TapePosition at = tape.position();
    const auto memory = drive.scratch(block.stored);
    const iovec iov{memory.data(), memory.size()};
    if (memory.empty()) return;
    const int error = tape.read({&iov, 1});
    bool reached = false;
    if (tape.position() != at) tape.locate(at.partition, at.object, reached);
    if (error) return;
    next.status = NextBlock::Status::unknown_algorithm;
    const auto header = read_seal(memory);
    if (!header) return;
    next.status = status_of(keys, *header);
    next.ukad.assign(header->ukad.begin(), header->ukad.end());
    next.akad.assign(header->akad.begin(), header->akad.end());
}

}  // namespace

std::span<uint8_t> ScratchMemory::take(size_t bytes) {
    if (bytes > size_) {
        wipe();
        bytes_.reset(new (std::nothrow) uint8_t[bytes]);
        size_ = bytes_ ? bytes : 0;
    }
    return {bytes_.get(), std::min(bytes, size_)};
}

void ScratchMemory::wipe() {
    if (bytes_) explicit_bzero(bytes_.get(), size_);
}

bool takes_encryption(const Drive& drive, const scsi::LunState& state) {
    const Personality& personality = personality_of(state);
    const store::Tape* tape = drive.tape();
    if (!tape || !personality.encryption || !tape->info().keeps_flags) return false;
    const Density* density = find_density(tape->info().density);
    return !density || density->encryption;
}

std::optional<Sense> broken_key_lock(const Command& command, Drive& drive) {
    if (!drive.codec().encryption.lock_is_broken(command.nexus->id())) return std::nullopt;
    return make(SenseKey::data_protect, 0x2a, 0x13);
}

Outcome encode(const Command& command, Drive& drive, size_t offset, uint32_t length,
               EncodedBlock& into) {
    into.pieces = command.out.slice(offset, length, into.payload.data());
    const ProtectionModes protection = protection_modes(command.state());
    if (protection.writes)
        if (auto wrong = check_protection(command, protection.method, offset, length, into))
            return *wrong;
    into.block.kind = store::TapeObject::block;
    into.block.length = into.block.stored = length;
    into.block.flags = 0;
    return make_payload(command, drive, keys_of(command, drive), into);
}

uint32_t visible_length(const Command& command, const store::TapeBlock& block) {
    const bool protection = protection_modes(command.state()).reads;
    return block.length + uint32_t(protection ? protection_bytes : 0);
}

bool is_plain(const Command& command, const store::TapeBlock& block) {
    if (block.flags != 0 || block.stored != block.length) return false;
    return !protection_modes(command.state()).reads &&
           keys_of(command, drive_of(command)).decrypt != DecryptionMode::decrypt;
}

Outcome decode(const Command& command, Drive& drive, const store::TapeBlock& stored, Bytes payload,
               std::span<uint8_t> block) {
    const ProtectionModes protection = protection_modes(command.state());
    const auto data = block.first(stored.length);
    const Outcome restored = restore(drive, keys_of(command, drive), stored, payload, data);
    if (!restored.good() || !protection.reads) return restored;
    const ProtectionInfo info = protection_of(protection.method, data);
    std::copy(info.begin(), info.end(), block.begin() + stored.length);
    return {};
}

NextBlock next_block(const Command& command, Drive& drive) {
    NextBlock next;
    store::Tape* tape = drive.tape();
    store::TapeBlock block;
    if (!tape || tape->next(block) != 0) return next;
    next.object = tape->position().object;
    if (block.kind != store::TapeObject::block) {
        next.status = NextBlock::Status::no_block;
        return next;
    }
    next.compressed = block.flags & block_compressed;
    next.status = NextBlock::Status::clear;
    if (block.flags & block_encrypted) {
        next.status = NextBlock::Status::not_now;
        look_into(drive, keys_of(command, drive), block, next);
    }
    return next;
}

}  // namespace tgt::ssc
