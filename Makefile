# SPDX-License-Identifier: GPL-2.0-or-later
# Plain non-recursive make. Each folder's module.mk names a static library (or program) and what it links;
# this file turns those into rules. Variants (asan, tsan, fuzz, cov) are the same rules below build/<variant>/.

CXX      ?= g++
VARIANT  ?=
BUILDDIR ?= build
B        := $(BUILDDIR)$(if $(VARIANT),/$(VARIANT))
PREFIX   ?= /usr
DESTDIR  ?=
V        ?=
Q        := $(if $(V),,@)

VERSION  := 2.0.0
# CXXFLAGS, CPPFLAGS and LDFLAGS are the user's, also on make's command line; what the tree needs
# comes behind them.
CXXFLAGS ?= -O2 -g
OWN_CPPFLAGS := -I. -Iusr $(shell pkg-config --cflags libnl-genl-3.0) -DTGT_VERSION='"$(VERSION)"' -D_GNU_SOURCE
OWN_CXXFLAGS := -std=c++20 -Wall -Wextra -Werror -fno-strict-aliasing -pthread
OWN_LDFLAGS  := -pthread

# With sanitizers g++ 12 cannot follow some code, and warns of what the plain build knows to be right.
QUIET := -Wno-maybe-uninitialized -Wno-stringop-overflow

ifeq ($(VARIANT),asan)
OWN_CXXFLAGS += -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer $(QUIET)
OWN_LDFLAGS  += -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
OWN_CXXFLAGS += -O1 -g1 -fsanitize=thread $(QUIET)
OWN_LDFLAGS  += -fsanitize=thread
else ifeq ($(VARIANT),fuzz)
CXX      := clang++-14
OWN_CXXFLAGS += -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OWN_LDFLAGS  += -fsanitize=address,undefined
else ifeq ($(VARIANT),cov)
OWN_CXXFLAGS += -O0 --coverage
OWN_LDFLAGS  += --coverage
else ifneq ($(VARIANT),)
$(error unknown VARIANT '$(VARIANT)': use asan, tsan, fuzz or cov)
endif

# --- what the module.mk files define --------------------------------------------------------
# LIBS      += name;  SRC_name := files;  DEPS_name := other libs;  SYS_name := -l flags
# PROGRAMS  += name;  the same four lines
# UNITTESTS += name;  program tests/unit/<name>, linked with gtest
# SINGLE_THREADED += name;  of these: has nothing for TSan to see and is left out of VARIANT=tsan
# FUZZERS   += name;  program built only for VARIANT=fuzz
# BENCHES   += name;  program bench/<name>: a load generator or a micro-benchmark
LIBS :=
PROGRAMS :=
UNITTESTS :=
SINGLE_THREADED :=
FUZZERS :=
BENCHES :=
MODULES := $(sort $(wildcard usr/*/module.mk usr/*/*/module.mk ipc/module.mk ipc/*/module.mk \
                             tests/*/module.mk tests/*/*/module.mk tests/*/*/*/module.mk))
include $(MODULES)

ifeq ($(VARIANT),tsan)
UNITTESTS := $(filter-out $(SINGLE_THREADED),$(UNITTESTS))
endif

.DEFAULT_GOAL := all
.PHONY: all check unit syntax fuzz bench install uninstall clean format check-format compile_commands.json help
.DELETE_ON_ERROR:

obj = $(addprefix $(B)/obj/,$(addsuffix .o,$(basename $(1))))
# Transitive closure of library dependencies, dependants first, as static linking wants them.
closure = $(if $(1),$(call uniq,$(1) $(call closure,$(sort $(foreach l,$(1),$(DEPS_$(l)))))))
uniq = $(if $(1),$(call uniq,$(filter-out $(lastword $(1)),$(1))) $(lastword $(1)))
libfiles = $(foreach l,$(call closure,$(1)),$(B)/lib/lib$(l).a)
sysflags = $(foreach l,$(call closure,$(1)),$(SYS_$(l)))

define lib_rule
$(B)/lib/lib$(1).a: $(call obj,$(SRC_$(1)))
	@mkdir -p $$(@D)
	$(Q)rm -f $$@ && ar rcs $$@ $$^
ALLOBJ += $(call obj,$(SRC_$(1)))
endef
$(foreach l,$(LIBS),$(eval $(call lib_rule,$(l))))

# $(1) name, $(2) output, $(3) extra libs
define prog_rule
$(2): $(call obj,$(SRC_$(1))) $(call libfiles,$(DEPS_$(1)))
	@mkdir -p $$(@D)
	@echo "  LINK $$@"
	$(Q)$$(CXX) $$(LDFLAGS) $$(OWN_LDFLAGS) -o $$@ $(call obj,$(SRC_$(1))) -Wl,--start-group $(call libfiles,$(DEPS_$(1))) -Wl,--end-group $(SYS_$(1)) $(call sysflags,$(DEPS_$(1))) $(3)
ALLOBJ += $(call obj,$(SRC_$(1)))
endef
$(foreach p,$(PROGRAMS),$(eval $(call prog_rule,$(p),$(B)/$(p))))
$(foreach t,$(UNITTESTS),$(eval $(call prog_rule,$(t),$(B)/tests/unit/$(t),-lgmock -lgtest -lgtest_main)))
$(foreach b,$(BENCHES),$(eval $(call prog_rule,$(b),$(B)/bench/$(b))))
ifeq ($(VARIANT),fuzz)
$(foreach f,$(FUZZERS),$(eval $(call prog_rule,$(f),$(B)/fuzz/$(f),-fsanitize=fuzzer)))
endif

# Tests are compiled more often than they run.
$(B)/obj/tests/unit/%.o: OWN_CXXFLAGS += -O0 -g1

$(B)/obj/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  CXX  $<"
	$(Q)$(CXX) $(CPPFLAGS) $(OWN_CPPFLAGS) $(CXXFLAGS) $(OWN_CXXFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(patsubst %.o,%.d,$(ALLOBJ)))

# Everything compiles with this compiler, without making code: for a second compiler. UNFUZZED=1
# leaves out what VARIANT=fuzz compiles anyway.
FUZZED := $(call obj,$(foreach f,$(FUZZERS),$(foreach l,$(call closure,$(DEPS_$(f))),$(SRC_$(l)))))
syntax: $(patsubst $(B)/obj/%.o,$(B)/syntax/%.ok,$(sort $(filter-out $(if $(UNFUZZED),$(FUZZED)),$(ALLOBJ))))
$(B)/syntax/%.ok: %.cc
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(OWN_CPPFLAGS) $(CXXFLAGS) $(OWN_CXXFLAGS) -fsyntax-only $< && touch $@

all: $(addprefix $(B)/,$(PROGRAMS))
unit: $(addprefix $(B)/tests/unit/,$(UNITTESTS))
check: unit
	$(Q)set -e; for t in $(UNITTESTS); do echo "== $$t"; $(B)/tests/unit/$$t --gtest_brief=1; done
fuzz: $(addprefix $(B)/fuzz/,$(FUZZERS))
bench: $(addprefix $(B)/bench/,$(BENCHES))

# Where packagers want things. DESTDIR goes before all of them.
SBINDIR       ?= $(PREFIX)/sbin
DATADIR       ?= $(PREFIX)/share
MANDIR        ?= $(DATADIR)/man
DOCDIR        ?= $(DATADIR)/doc/tgt
COMPLETIONDIR ?= $(DATADIR)/bash-completion/completions
SYSCONFDIR    ?= /etc
UNITDIR       ?= $(PREFIX)/lib/systemd/system
# For OpenRC: the folder that has init.d and conf.d (/etc). Empty: not installed.
OPENRCDIR     ?=

SBIN_PROGRAMS := $(filter tgtd tgtadm tgt-admin tgtimg tgt-setup-lun tgt-setup-library,$(PROGRAMS))
MAN5 := $(wildcard doc/man/*.5)
MAN8 := $(wildcard doc/man/*.8)
# bash looks for a file with the command's name.
COMPLETED := tgtd tgtadm tgt-admin tgtimg tgt-setup-lun tgt-setup-library
install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR) $(DESTDIR)$(COMPLETIONDIR)
	install -m 0755 $(addprefix $(B)/,$(SBIN_PROGRAMS)) $(DESTDIR)$(SBINDIR)
	$(if $(MAN5),install -m 0644 $(MAN5) $(DESTDIR)$(MANDIR)/man5)
	$(if $(MAN8),install -m 0644 $(MAN8) $(DESTDIR)$(MANDIR)/man8)
	install -m 0644 dist/bash-completion/tgt $(DESTDIR)$(COMPLETIONDIR)/tgt
	for name in $(COMPLETED); do ln -sf tgt $(DESTDIR)$(COMPLETIONDIR)/$$name; done
	install -m 0644 README.md $(wildcard doc/*.md) $(DESTDIR)$(DOCDIR)
	install -d $(DESTDIR)$(DOCDIR)/examples/conf.d
	install -m 0644 $(wildcard doc/examples/*.conf) $(DESTDIR)$(DOCDIR)/examples
	install -m 0644 $(wildcard doc/examples/conf.d/*.conf) $(DESTDIR)$(DOCDIR)/examples/conf.d
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/tgt/conf.d $(DESTDIR)$(SYSCONFDIR)/default
	sed 's,/usr/sbin,$(SBINDIR),; s,/etc,$(SYSCONFDIR),' dist/systemd/tgt.service > $(DESTDIR)$(UNITDIR)/tgt.service
	install -m 0644 dist/systemd/tgt.socket $(DESTDIR)$(UNITDIR)
	$(call settings,dist/targets.conf,tgt/targets.conf)
	$(call settings,dist/tgt.default,default/tgt)
	$(if $(OPENRCDIR),install -d $(DESTDIR)$(OPENRCDIR)/init.d $(DESTDIR)$(OPENRCDIR)/conf.d)
	$(if $(OPENRCDIR),install -m 0755 dist/openrc/tgtd.initd $(DESTDIR)$(OPENRCDIR)/init.d/tgtd)
	$(if $(OPENRCDIR),install -m 0644 dist/openrc/tgtd.confd $(DESTDIR)$(OPENRCDIR)/conf.d/tgtd)
# Settings that somebody may have changed are left alone, here and by uninstall.
settings = [ -e $(DESTDIR)$(SYSCONFDIR)/$(2) ] || install -m 0644 $(1) $(DESTDIR)$(SYSCONFDIR)/$(2)
uninstall:
	rm -f $(addprefix $(DESTDIR)$(SBINDIR)/,$(SBIN_PROGRAMS)) $(addprefix $(DESTDIR)$(COMPLETIONDIR)/,tgt $(COMPLETED))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(MAN5))) $(addprefix $(DESTDIR)$(MANDIR)/man8/,$(notdir $(MAN8)))
	rm -rf $(DESTDIR)$(DOCDIR)
	rm -f $(DESTDIR)$(UNITDIR)/tgt.service $(DESTDIR)$(UNITDIR)/tgt.socket $(if $(OPENRCDIR),$(DESTDIR)$(OPENRCDIR)/init.d/tgtd)

# --- kernel modules -------------------------------------------------------------------------
# Linked into the build folder and built there, so each BUILDDIR has its own kernel. Without a BUILDDIR the modules are
# put beside their sources, too. KDIR, and what kbuild knows (W=1, C=2, ARCH, ...), are handed on.
KMODULES := $(B)/kernel
KSOURCES := $(shell find kernel -name '*.[ch]' ! -name '*.mod.c' -o -name Kbuild -o -name Makefile)
.PHONY: modules modules_install modules_clean
modules modules_install: $(addprefix $(B)/,$(KSOURCES))
	@find $(KMODULES) -xtype l -delete
	+$(Q)$(MAKE) --no-print-directory -C $(KMODULES) TGT_INCLUDE=$(abspath include) $(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) $@
	$(if $(filter build,$(B)),@cd $(KMODULES) && for m in */*.ko; do cmp -s $$m $(CURDIR)/kernel/$$m || cp $$m $(CURDIR)/kernel/$$m || exit; done)
$(addprefix $(B)/,$(KSOURCES)): $(B)/%: | %
	@mkdir -p $(@D) && ln -sf $(abspath $*) $@
modules_clean:
	rm -rf $(KMODULES) kernel/*/*.ko

# Their sources, for DKMS: `dkms install tgt/VERSION` makes modules of them.
DKMSDIR ?= /usr/src/tgt-$(VERSION)
.PHONY: install_dkms
install_dkms:
	for f in $(KSOURCES) $(wildcard include/uapi/linux/*.h); do install -D -m 0644 $$f $(DESTDIR)$(DKMSDIR)/$$f || exit; done
	sed 's/#MODULE_VERSION#/$(VERSION)/' kernel/dkms.conf > $(DESTDIR)$(DKMSDIR)/dkms.conf

CXXFILES = $(shell git ls-files -co --exclude-standard '*.cc' '*.h' | grep -v '^kernel/\|^include/uapi/')
format:
	clang-format -i $(CXXFILES)
check-format:
	clang-format --dry-run -Werror $(CXXFILES)

compile_commands.json:
	@scripts/compile-commands "$(CXX) $(CPPFLAGS) $(OWN_CPPFLAGS) $(CXXFLAGS) $(OWN_CXXFLAGS)" $(sort $(foreach m,$(LIBS) $(PROGRAMS) $(UNITTESTS),$(SRC_$(m)))) > $@

print-VERSION:
	@echo $(VERSION)
clean:
	rm -rf $(BUILDDIR) compile_commands.json
help:
	@echo "make [VARIANT=asan|tsan|fuzz|cov] [V=1]   all unit check syntax fuzz bench install uninstall format check-format compile_commands.json clean modules modules_install modules_clean install_dkms"
	@echo "programs: $(PROGRAMS)"; echo "unit tests: $(UNITTESTS)"
