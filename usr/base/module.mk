LIBS += base
SRC_base := usr/base/crc32c.cc usr/base/log.cc usr/base/spawn.cc usr/base/text.cc
SYS_base := -lisal -lspdlog -lfmt
