# SPDX-License-Identifier: GPL-2.0-or-later
LIBS += config
SRC_config := usr/config/position.cc usr/config/files.cc usr/config/source_line.cc \
    usr/config/line_reader.cc usr/config/file_scan.cc usr/config/parser.cc usr/config/directives.cc \
    usr/config/targets_conf.cc usr/config/target_check.cc usr/config/speaker.cc usr/config/library.cc \
    usr/config/library_check.cc usr/config/writer.cc
DEPS_config := base
