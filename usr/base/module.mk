LIBS += base
SRC_base := usr/base/crc32c.cc usr/base/log.cc
SYS_base := -lisal -lspdlog -lfmt
