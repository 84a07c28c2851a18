// SPDX-License-Identifier: GPL-2.0-or-later
// Compression of single blocks: zstd frames without checksum or size, which the cartridge has.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace tgt::ssc {

// The tables of compression, kept from block to block. One thread at a time.
class BlockCompressor {
  public:
    BlockCompressor();
    ~BlockCompressor();

    // The bytes of `out` that were used; 0: it does not get smaller than `out`, or there is no
    // memory.
    size_t compress(std::span<const uint8_t> block, std::span<uint8_t> out);
    // False: that is no block of this length.
    bool decompress(std::span<const uint8_t> compressed, std::span<uint8_t> block);

  private:
    template <class Context, size_t (*free_context)(Context*)>
    struct Free {
        void operator()(Context* context) const { free_context(context); }
    };
    static size_t free_compressor(ZSTD_CCtx_s* context);
    static size_t free_decompressor(ZSTD_DCtx_s* context);
    std::unique_ptr<ZSTD_CCtx_s, Free<ZSTD_CCtx_s, &free_compressor>> compressor_;
    std::unique_ptr<ZSTD_DCtx_s, Free<ZSTD_DCtx_s, &free_decompressor>> decompressor_;
};

}  // namespace tgt::ssc
