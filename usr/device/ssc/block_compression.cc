// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/ssc/block_compression.h"

#include <zstd.h>

namespace tgt::ssc {

// Tapes stream: the fastest of zstd's ordinary levels.
constexpr int level = 1;

BlockCompressor::BlockCompressor() = default;
BlockCompressor::~BlockCompressor() = default;

size_t BlockCompressor::free_compressor(ZSTD_CCtx_s* context) {
    return ZSTD_freeCCtx(context);
}
size_t BlockCompressor::free_decompressor(ZSTD_DCtx_s* context) {
    return ZSTD_freeDCtx(context);
}

size_t BlockCompressor::compress(std::span<const uint8_t> block, std::span<uint8_t> out) {
    if (!compressor_) {
        compressor_.reset(ZSTD_createCCtx());
        if (!compressor_) return 0;
        ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_contentSizeFlag, 0);
    }
    const size_t size =
        ZSTD_compress2(compressor_.get(), out.data(), out.size(), block.data(), block.size());
    return ZSTD_isError(size) ? 0 : size;
}

bool BlockCompressor::decompress(std::span<const uint8_t> compressed, std::span<uint8_t> block) {
    if (!decompressor_) decompressor_.reset(ZSTD_createDCtx());
    if (!decompressor_) return false;
    const size_t size = ZSTD_decompressDCtx(decompressor_.get(), block.data(), block.size(),
                                            compressed.data(), compressed.size());
    return !ZSTD_isError(size) && size == block.size();
}

}  // namespace tgt::ssc
