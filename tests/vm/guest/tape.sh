# SPDX-License-Identifier: GPL-2.0-or-later
# A tape library over iscsi_tcp and over tgt_loop: mt, mtx, tar, the sg and sdparm tools, stenc, Bacula's and Amanda's own
# tests, and what LTFS does to a cartridge.
# plan cartridges
# plan iscsi-devices-appear
# plan iscsi-inventory
# plan iscsi-load-and-unload
# plan iscsi-refused-moves
# plan iscsi-import-export
# plan iscsi-locked-drive
# plan iscsi-rescan
# plan iscsi-positions
# plan iscsi-fixed-blocks
# plan iscsi-large-blocks
# plan iscsi-too-long-blocks-are-refused
# plan iscsi-tar
# plan iscsi-ltfs
# plan iscsi-sg-tools
# plan iscsi-sg-tools-changer
# plan iscsi-sdparm
# plan iscsi-stenc
# plan iscsi-tar-over-three-tapes
# plan iscsi-write-protected
# plan iscsi-btape
# plan iscsi-btape-autochanger
# plan iscsi-amanda-labels
# plan iscsi-amanda-dump-over-two-tapes
# plan iscsi-amanda-restore
# plan iscsi-down
# plan loop-devices-appear
# plan loop-inventory
# plan loop-load-and-unload
# plan loop-refused-moves
# plan loop-import-export
# plan loop-locked-drive
# plan loop-rescan
# plan loop-positions
# plan loop-fixed-blocks
# plan loop-large-blocks
# plan loop-too-long-blocks-are-refused
# plan loop-tar
# plan loop-ltfs
# plan loop-down
# plan --all iscsi-amanda-inventory
# plan --all iscsi-amanda-drives
# plan --all iscsi-amanda-shows-labels
# plan --all iscsi-amanda-finds-labels
# plan --all iscsi-amanda-ejects
# plan --all loop-sg-tools
# plan --all loop-sg-tools-changer
# plan --all loop-sdparm
# plan --all loop-stenc
# plan --all loop-tar-over-three-tapes
# plan --all loop-write-protected
# plan --all loop-btape
# plan --all loop-btape-autochanger
# plan --all loop-amanda-labels
# plan --all loop-amanda-shows-labels
# plan --all loop-amanda-dump-over-two-tapes
# plan --all loop-amanda-restore
# plan --all loop-amanda-inventory
# plan --all loop-amanda-drives
# plan --all loop-amanda-finds-labels
# plan --all loop-amanda-ejects
. "$GUEST_DIR/lib/common"
. "$GUEST_DIR/lib/loop"
. "$GUEST_DIR/lib/library"
. "$GUEST_DIR/lib/amanda"

TARGET=iqn.2001-04.org.example:library
modprobe -a iscsi_tcp sd_mod sg st ch 2>/dev/null
MTX() { mtx -f "$CHANGER" "$@"; }
MT() { mt-st -f "$NST" "$@"; }

make_cartridges() {
    local slot
    for slot in 1 2 3 4; do cartridge T0000$slot 24 || return; done
    cartridge T00005 200 && cartridge T00006 200
}
find_devices() {
    eventually nst_of 1 && eventually nst_of 2 && eventually sg_of_lun $CHANGER_LUN || return
    NST=$(nst_of 1) NST2=$(nst_of 2) SG=$(sg_of_lun 1) CHANGER=$(sg_of_lun $CHANGER_LUN)
    echo "drives $NST $NST2 ($SG), changer $CHANGER"
}
iscsi_up() {
    start_tgtd && adm -L iscsi -m target -o new -t 1 -T $TARGET && library_luns 1 && fill_slots &&
        adm -m target -o bind -t 1 -I ALL && iscsiadm -m discovery -t sendtargets -p $PORTAL &&
        iscsiadm -m node -T $TARGET -p $PORTAL --login && find_devices
}
iscsi_down() { iscsiadm -m node -T $TARGET -p $PORTAL --logout && eventually no_device && { kill_tgtd || true; }; }
loop_up() {
    load_modules && start_daemon && new_host HOST && new_target 1 && library_luns 1 && bind_host 1 "$HOST" && find_devices
}
loop_down() { unbind_host 1 "$HOST" && eventually no_device && delete_host "$HOST" --force && { kill_tgtd || true; } && unload_modules; }

# --- changer ------------------------------------------------------------------------------------------
inventory() {
    MTX status && MTX status >/run/status && grep -q "2 Drives, 10 Slots ( 2 Import/Export )" /run/status &&
        grep -q "Data Transfer Element 0:Empty" /run/status &&
        grep -q "Storage Element 1:Full :VolumeTag=T00001" /run/status && grep -q "Storage Element 7:Empty" /run/status &&
        grep -q "Storage Element 9 IMPORT/EXPORT:Empty" /run/status
}
load_and_unload() {
    MTX load 1 0 && MTX status | grep -q "Data Transfer Element 0:Full (Storage Element 1 Loaded):VolumeTag = T00001" &&
        MT status && MT status | grep -q ONLINE && MTX unload 1 0 && MTX status | grep -q "Storage Element 1:Full" &&
        ! MT status | grep -q ONLINE
}
refused_moves() {
    MTX load 1 0 && ! MTX load 2 0 && ! MTX transfer 7 8 && ! MTX load 99 1 && ! MTX transfer 2 3 && MTX unload 1 0
}
mail_slots() { MTX transfer 2 9 && MTX status | grep -q "IMPORT/EXPORT:Full :VolumeTag=T00002" && MTX eepos 0 transfer 9 2; }
locked_drive() { MTX load 1 0 && MT lock && ! MTX unload 1 0 && MT unlock && MTX unload 1 0; }
scan() { MTX inventory && inventory; }

# --- tape ---------------------------------------------------------------------------------------------
random() { dd if=/dev/urandom of="$1" bs=1k count="$2" status=none; }
positions() {
    local file
    MT rewind && random /run/a 640 && random /run/b 320 && random /run/c 100 || return
    for file in a b c; do dd if=/run/$file of="$NST" bs=10k && MT tell; done
    MT rewind && MT fsf 1 && dd if="$NST" bs=10k | cmp - /run/b && MT bsfm 2 && dd if="$NST" bs=10k | cmp - /run/b &&
        MT rewind && MT fsr 3 && MT tell | grep -q "block 3" && MT seek 65 && dd if="$NST" bs=10k | cmp - /run/b &&
        MT rewind && MT eod && MT status && MT status | grep -q "File number=3" && MT status | grep -q EOD && MT rewind && MT status | grep -q BOT
}
fixed_blocks() {
    MT rewind && MT setblk 512 && random /run/fixed 333 && dd if=/run/fixed of="$NST" bs=64k && MT rewind &&
        MT status && MT status | grep -q "block size 512" && dd if="$NST" bs=32k of=/run/back && cmp /run/fixed /run/back && MT setblk 0
}
large_blocks() {
    MT rewind && random /run/large 8192 && dd if=/run/large of="$NST" bs=1M && MT rewind && dd if="$NST" bs=1M | cmp - /run/large
}
too_long_blocks_are_refused() { MT rewind && ! dd if="$NST" of=/dev/null bs=4k count=1; }
tar_round_trip() {
    rm -rf /run/tree /run/untar && mkdir -p /run/tree /run/untar && cp -a /usr/bin/b* /run/tree && MT rewind &&
        tar -C /run -b 128 -cf "$NST" tree && MT rewind && tar -C /run/untar -b 128 -xf "$NST" && diff -r --no-dereference /run/tree /run/untar/tree
}
# Three tapes of 24 MB: tar asks for the next one when the drive says that this one is full.
new_volume() {
    cat >/run/new-volume <<END
#!/bin/bash
[ "\$TAR_VOLUME" -le 3 ] || exit 1
mtx -f $CHANGER unload \$((TAR_VOLUME - 1)) 0 && mtx -f $CHANGER load \$TAR_VOLUME 0 && mt-st -f $NST rewind
END
    chmod +x /run/new-volume
}
tar_over_three_tapes() {
    new_volume && rm -rf /run/big /run/untar && mkdir -p /run/big /run/untar && MTX load 1 0 && MT rewind || return
    for part in 1 2 3 4 5 6; do random /run/big/$part 9216; done
    MT compression 0
    tar -C /run -b 128 -cMf "$NST" -F /run/new-volume big && MTX unload 3 0 && MTX load 1 0 && MT rewind &&
        tar -C /run/untar -b 128 -xMf "$NST" -F /run/new-volume && diff -r --no-dereference /run/big /run/untar/big && MTX unload 3 0
}
write_protected() {
    chmod a-w $MEDIA/T00004 && MTX load 4 0 && MT status && MT status | grep -q WR_PROT && ! dd if=/dev/zero of="$NST" bs=1k count=1 &&
        MTX unload 4 0 && chmod u+w $MEDIA/T00004
}

# --- tools --------------------------------------------------------------------------------------------
sg_tools() {
    local word
    sg_inq "$SG" && sg_turs "$SG" && sg_requests "$SG" && sg_luns "$SG" && sg_modes -a "$SG" && sg_opcodes "$SG" &&
        sg_persist -k "$SG" && sg_read_attr "$SG" && sg_read_block_limits "$SG" && sg_senddiag -t "$SG" || return
    for word in 0x0 0x80 0x83 0xb0 0xb1 0xb2; do sg_vpd -p $word "$SG" || return; done
    sg_logs "$SG" && sg_logs -a "$SG" && ! sg_logs -a "$SG" 2>&1 | grep -i "malformed\|truncated\|bad page"
}
sg_tools_changer() {
    sg_inq "$CHANGER" && sg_turs "$CHANGER" && sg_modes -a "$CHANGER" && sg_opcodes "$CHANGER" && sg_logs "$CHANGER" &&
        sg_vpd -p 0x83 "$CHANGER" && sg_persist -k "$CHANGER"
}
# Its status says that there are no saved values; what counts is what it shows.
sdparm_pages() {
    local page
    sdparm --all "$SG" >/run/sdparm.log 2>&1
    sdparm --all "$CHANGER" >>/run/sdparm.log 2>&1
    cat /run/sdparm.log
    for page in "Read write error recovery" "Data compression" "Device configuration" "Medium partition" \
        "Medium configuration" "Element address assignment"; do
        grep -qi "^$page" /run/sdparm.log || { echo "no page $page"; return 1; }
    done
}
encrypted() {
    # shellcheck disable=SC2015
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >/run/key && random /run/secret 512 &&
        printf "what is a secret" | dd of=/run/secret conv=notrunc status=none || return
    MT rewind && stenc -f "$NST" -e on -k /run/key -a 1 --ckod && stenc -f "$NST" && dd if=/run/secret of="$NST" bs=64k &&
        MT rewind && dd if="$NST" bs=64k | cmp - /run/secret && stenc -f "$NST" -e off -a 1 && MT rewind &&
        ! dd if="$NST" bs=64k of=/dev/null && ! grep -qF "what is a secret" $MEDIA/T00005 &&
        stenc -f "$NST" -e on -k /run/key -a 1 && MT rewind && dd if="$NST" bs=64k | cmp - /run/secret && stenc -f "$NST" -e off -a 1
}
ltfs() { /usr/bin/python3 -B "$GUEST_DIR/lib/ltfs.py" "$SG"; }

# --- backup software ----------------------------------------------------------------------------------
bacula_config() {
    mkdir -p /run/bacula
    cat >/run/bacula/sd.conf <<END
Storage { Name = guest-sd; WorkingDirectory = /run/bacula; Pid Directory = /run/bacula; Maximum Concurrent Jobs = 2 }
Director { Name = guest-dir; Password = none }
Messages { Name = Standard; director = guest-dir = all }
Autochanger { Name = Library; Device = Drive0; Changer Command = "/etc/bacula/scripts/mtx-changer %c %o %S %a %d"; Changer Device = $CHANGER }
Device {
  Name = Drive0; Drive Index = 0; Media Type = LTO; Archive Device = $NST; Autochanger = yes; AutomaticMount = yes
  Maximum Block Size = 4096; AlwaysOpen = yes; RemovableMedia = yes; RandomAccess = no
}
END
}
btape_says() { # INPUT EXPECTED...
    local line
    printf "$1" | btape -c /run/bacula/sd.conf "$NST" >/run/btape.log 2>&1
    cat /run/btape.log
    for line in "${@:2}"; do grep -q "$line" /run/btape.log || { echo "btape did not say: $line"; return 1; }; done
}
btape_test() {
    bacula_config && MTX load 5 0 && MT rewind && btape_says 'test\nn\nquit\n' "Append files test." "This test is essential" || return
    ! grep -i "failed\|error " /run/btape.log
}
btape_autochanger() {
    btape_says 'auto\ny\nquit\n' "The test autochanger worked" && MTX unload 1 0
}

# --- the proof ----------------------------------------------------------------------------------------
run() { check "$PREFIX-$1" "${@:2}"; }
library_proof() {
    run inventory inventory || return
    run load-and-unload load_and_unload
    run refused-moves refused_moves
    run import-export mail_slots
    run locked-drive locked_drive
    run rescan scan
    MTX load 5 0
    run positions positions
    run fixed-blocks fixed_blocks
    run large-blocks large_blocks
    run too-long-blocks-are-refused too_long_blocks_are_refused
    run tar tar_round_trip
    run ltfs ltfs
    MTX unload 5 0
}
# Transports make no difference to these: over one of them is enough, over both with --all.
tools_proof() {
    MTX load 5 0 && MT rewind # which takes the unit attention
    run sg-tools sg_tools
    run sg-tools-changer sg_tools_changer
    run sdparm sdparm_pages
    run stenc encrypted
    MTX unload 5 0
    run tar-over-three-tapes tar_over_three_tapes
    run write-protected write_protected
    run btape btape_test
    run btape-autochanger btape_autochanger
    amanda_proof
}
run_whole() { [ -z "$ALL" ] || run "$@"; }
amanda_proof() {
    amanda_config "tape:$NST" "tape:$NST2" && chown backup "$CHANGER" "$NST" "$NST2"
    run_whole amanda-inventory amanda_inventory
    run_whole amanda-drives amanda_drives
    run amanda-labels amanda_labels
    run_whole amanda-shows-labels amanda_shows_labels
    run_whole amanda-finds-labels amanda_finds_labels
    run amanda-dump-over-two-tapes amanda_dump
    run amanda-restore amanda_restore
    run_whole amanda-ejects amanda_ejects
    amanda_puts_back
}

PREFIX=iscsi
check cartridges make_cartridges || exit 1
start_iscsid
check iscsi-devices-appear iscsi_up || exit 1
library_proof
tools_proof
check iscsi-down iscsi_down
PREFIX=loop
check loop-devices-appear loop_up || exit 1
library_proof
[ -z "$ALL" ] || tools_proof
check loop-down loop_down
