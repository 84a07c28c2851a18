// SPDX-License-Identifier: GPL-2.0-or-later
// Integers as they stand on the wire: alignment 1, big endian, any width. A wire struct made of
// them reads like the table of its standard and is used through these accessors only, so no call
// site swaps bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace tgt::wire {

template <size_t Bytes>
class BigEndian {
  public:
    using Value = std::conditional_t<Bytes <= 2, uint16_t,
                                     std::conditional_t<Bytes <= 4, uint32_t, uint64_t>>;

    constexpr BigEndian() = default;
    constexpr BigEndian(Value value) { set(value); }
    constexpr BigEndian& operator=(Value value) {
        set(value);
        return *this;
    }
    constexpr operator Value() const { return get(); }
    constexpr Value get() const {
        uint64_t value = 0;
        for (size_t i = 0; i < Bytes; ++i) value = value << 8 | bytes_[i];
        return static_cast<Value>(value);
    }
    constexpr void set(Value value) {
        uint64_t rest = value;
        for (size_t i = Bytes; i-- > 0; rest >>= 8) bytes_[i] = static_cast<uint8_t>(rest);
    }

  private:
    uint8_t bytes_[Bytes] = {};
};

using be16 = BigEndian<2>;
using be24 = BigEndian<3>;
using be32 = BigEndian<4>;
using be48 = BigEndian<6>;
using be64 = BigEndian<8>;
static_assert(sizeof(be24) == 3 && alignof(be64) == 1);

// Unaligned access to raw bytes; the caller has checked that the range is there.
template <size_t Bytes>
constexpr typename BigEndian<Bytes>::Value load_be(const uint8_t* bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < Bytes; ++i) value = value << 8 | bytes[i];
    return static_cast<typename BigEndian<Bytes>::Value>(value);
}
template <size_t Bytes>
constexpr void store_be(uint8_t* bytes, typename BigEndian<Bytes>::Value value) {
    uint64_t rest = value;
    for (size_t i = Bytes; i-- > 0; rest >>= 8) bytes[i] = static_cast<uint8_t>(rest);
}

// A bit field inside one wire byte: `width` bits whose lowest is bit `shift`.
template <unsigned shift, unsigned width = 1>
struct Bits {
    static_assert(shift + width <= 8);
    static constexpr uint8_t mask = static_cast<uint8_t>(((1u << width) - 1) << shift);
    static constexpr uint8_t get(uint8_t byte) {
        return static_cast<uint8_t>((byte & mask) >> shift);
    }
    static constexpr void set(uint8_t& byte, unsigned value) {
        byte = static_cast<uint8_t>((byte & ~mask) | ((value << shift) & mask));
    }
};

// The bytes of a wire struct, and a wire struct from bytes (a copy: wire structs are small).
template <class T>
std::span<const uint8_t> bytes_of(const T& object) {
    static_assert(alignof(T) == 1 && std::is_trivially_copyable_v<T>);
    return {reinterpret_cast<const uint8_t*>(&object), sizeof(T)};
}
template <class T>
T from_bytes(const uint8_t* bytes) {
    static_assert(alignof(T) == 1 && std::is_trivially_copyable_v<T>);
    T object;
    std::memcpy(&object, bytes, sizeof(T));
    return object;
}

}  // namespace tgt::wire
