# SPDX-License-Identifier: GPL-2.0-or-later
# tgt_core.ko and tgt_loop.ko: a target of the daemon as a local disk.
# plan modules
# plan daemon
# plan host
# plan disk-appears
# plan host-is-shown
# plan mkfs
# plan write
# plan compare-after-dropping-caches
# plan fsck
# plan sg-tools
# plan persistent-reservations
# plan verify-random-sizes
# plan verify-deep-queue
# plan verify-sequential-large
# plan direct-io-of-the-daemon
# plan discard-frees-the-file
# plan lun-reset-under-load
# plan timed-out-command-is-aborted
# plan aborts-under-load
# plan lun-reset-takes-stuck-commands-back
# plan lun-comes-and-goes-under-load
# plan host-comes-and-goes-under-load
# plan nexuses-are-initiators
# plan monitor-tells
# plan busy-module-stays
# plan killed-daemon-load-goes-on
# plan killed-daemon-data-is-whole
# plan daemon-away-too-long-is-an-error
# plan daemon-back-serves-again
# plan daemon-ends-on-sigterm
# plan hosts-go
# plan modules-go
# plan kernel-is-content
. "$GUEST_DIR/lib/common"
. "$GUEST_DIR/lib/loop"

SEED=${SEED:-$RANDOM}
echo "# seed $SEED"
MNT=/run/mnt
STORE=/run/store
mkdir -p $MNT $STORE

# --- the path from end to end ---------------------------------------------------------------------------
FILE=1 DIRECT=2 FAULT=3
stores() {
    ramdisks 2 96 && mkfs.ext4 -q /dev/ram0 && mount /dev/ram0 $STORE && truncate -s 64M $STORE/disk &&
        truncate -s 32M $STORE/faulty $STORE/other
}
configure() {
    new_target 1 && new_lun 1 $FILE -b $STORE/disk && adm -m logicalunit -o update -t 1 -l $FILE -P thin_provisioning=1 &&
        new_lun 1 $DIRECT -b /dev/ram1 -E aio && new_lun 1 $FAULT -b $STORE/faulty -E fault
}
check modules load_modules || exit 1
start_and_configure() { stores && start_daemon && configure; }
check daemon start_and_configure || exit 1
host() { new_host HOST && bind_host 1 "$HOST"; }
check host host || exit 1
appears() { eventually disk_at "$HOST" $FILE && eventually disk_at "$HOST" $DIRECT && eventually disk_at "$HOST" $FAULT; }
check disk-appears appears || exit 1
DISK=$(disk_at "$HOST" $FILE)
shown() { adm -m host -o show && adm -m host -o show | grep -q loop && adm -m target -o show && counted; }
# Lines of statistics begin with target, unit and I_T nexus, then the bytes that were read.
counted() {
    local row='$1 == 1 && $2 == unit && $4 > 0' nexus
    adm -m system -o stat && nexus=$(adm -m system -o stat | awk -v unit=$FILE "$row { print \$3 }") && [ -n "$nexus" ] &&
        adm -m session -o stat -s "$nexus" | awk -v unit=$FILE "$row { found = 1 } END { exit !found }"
}
check host-is-shown shown
check mkfs mkfs.ext4 -q "$DISK"
write_file() { mount "$DISK" $MNT && dd if=/dev/urandom of=$MNT/file bs=1M count=16 conv=fsync; }
check write write_file
SUM=$(sha256sum <$MNT/file)
compare_file() {
    umount $MNT && echo 3 >/proc/sys/vm/drop_caches && blockdev --flushbufs "$DISK" && mount "$DISK" $MNT &&
        [ "$(sha256sum <$MNT/file)" = "$SUM" ] && umount $MNT
}
check compare-after-dropping-caches compare_file
check fsck e2fsck -fn "$DISK"

# --- what tools make of it ------------------------------------------------------------------------------
SG=$(sg_of "$DISK")
tools() {
    sg_inq "$SG" && sg_vpd -p di "$SG" && sg_vpd -p bl "$SG" && sg_readcap -l "$SG" && sg_luns "$SG" && sg_turs -n 10 "$SG" &&
        sg_requests "$SG" && sg_modes "$SG" && sg_verify --count=64 --lba=0 "$SG" && [ "$(blockdev --getsize64 "$DISK")" = 67108864 ]
}
check sg-tools tools
reservations() {
    sg_persist --out --register --param-sark=abc "$SG" && sg_persist --out --reserve --param-rk=abc --prout-type=5 "$SG" &&
        sg_persist --in --read-keys "$SG" | grep -q 0xabc && sg_persist --in --read-reservation "$SG" | grep -q 'Write Exclusive' &&
        sg_persist --in --read-full-status "$SG" && sg_persist --out --clear --param-rk=abc "$SG" &&
        ! sg_persist --in --read-keys "$SG" | grep -q 0xabc
}
check persistent-reservations reservations

# --- right data -----------------------------------------------------------------------------------------
check verify-random-sizes fio_on "$DISK" --rw=randrw --bsrange=512-256k --iodepth=8 --size=16m
check verify-deep-queue fio_on "$DISK" --rw=randwrite --bs=4k --iodepth=64 --iodepth_batch=16 --size=6m --offset=32m
check verify-sequential-large fio_on "$DISK" --rw=write --bs=1m --iodepth=4 --size=24m
# O_DIRECT from the pages of the data area
DIRECT_DISK=$(disk_at "$HOST" $DIRECT)
direct_io() {
    fio_on "$DIRECT_DISK" --rw=randrw --bsrange=4k-128k --iodepth=16 --size=16m &&
        dd if=/dev/urandom of=/run/pattern bs=1M count=2 && dd if=/run/pattern of="$DIRECT_DISK" bs=64k seek=512 oflag=direct &&
        dd if=/dev/ram1 bs=64k skip=512 count=32 iflag=direct | cmp - /run/pattern
}
check direct-io-of-the-daemon direct_io
allocated() { stat -c %b $STORE/disk; }
discard() {
    sync && local before
    before=$(allocated)
    blkdiscard "$DISK" && sync && [ "$(allocated)" -lt $((before / 4)) ] && cmp -n 1048576 "$DISK" /dev/zero
}
check discard-frees-the-file discard

# --- resets, aborts, coming and going -------------------------------------------------------------------
resets() {
    local number
    for number in 1 2 3 4 5; do
        sg_reset --no-esc --device "$SG" || return
        sleep 0.3
    done
    sg_reset --no-esc --target "$SG"
}
check lun-reset-under-load under_load "$DISK" resets
# One write takes longer than the initiator waits; it is taken back and sent again.
FAULTY=$(disk_at "$HOST" $FAULT)
fault() { adm -m logicalunit -o update -t 1 -l $FAULT -P "fault=$1"; }
timed_out() {
    impatient "$FAULTY" 2 && fault hang:op=write:count=1:cancellable=1 || return
    dd if=/run/pattern of="$FAULTY" bs=64k count=4 oflag=direct && cmp -n 262144 "$FAULTY" /run/pattern && aborted_are "$HOST" 1
}
check timed-out-command-is-aborted timed_out
# Reads and writes of a load hang here and there. Two of the writes are with the medium already: each lands while its
# abort waits for it. What hangs a second time makes Linux go on from the abort to the reset of the unit.
seen() { aborted_are "$HOST" "$1" && [ "$(counter "$HOST" tasks)" -ge "$2" ]; }
aborts() {
    local aborted tasks
    aborted=$(counter "$HOST" aborted) tasks=$(counter "$HOST" tasks)
    mark && fault "hang:op=write:count=2:ms=3500;hang:op=read+write:probability=0.02:cancellable=1" &&
        eventually seen $((aborted + 18)) $((tasks + 10)) && fault none
}
aborts_under_load() { under_load "$FAULTY" aborts && kernel_says_only 'Power-on or device reset occurred'; }
check aborts-under-load aborts_under_load
# The initiator would wait for long; nothing but the reset ends these.
stuck() { adm --json -m target -o show | grep -A 1 '"name": "hung"' | grep -o '[0-9]*'; }
some_stuck() { [ "$(stuck)" -gt 0 ]; }
reset_stuck_ones() {
    local round before count
    for round in 1 2; do
        before=$(counter "$HOST" aborted)
        fault hang:op=read+write:cancellable=1 && eventually some_stuck && sleep 0.5 && fault none && count=$(stuck) &&
            sg_reset --no-esc --device "$(sg_of "$FAULTY")" && aborted_are "$HOST" $((before + count)) && [ "$(stuck)" = 0 ] || return
    done
}
reset_stuck() {
    mark && reset_stuck_ones
    local status=$?
    [ $status = 0 ] || adm -m logicalunit -o update -t 1 -l $FAULT -P release=all # else the load would not end
    impatient "$FAULTY" 60
    return $status
}
reset_under_load() { impatient "$FAULTY" 3600 && under_load "$FAULTY" reset_stuck && kernel_says_only 'Power-on or device reset occurred'; }
check lun-reset-takes-stuck-commands-back reset_under_load
unit_comes_and_goes() {
    local number
    for number in 1 2 3; do
        new_lun 1 9 -b $STORE/other && wait_for 120 disk_at "$HOST" 9 && dd if="$(disk_at "$HOST" 9)" of=/dev/null bs=64k count=4 iflag=direct &&
            delete_lun 1 9 && wait_for 120 no_disk "$HOST" 9 || return
    done
}
check lun-comes-and-goes-under-load under_load "$DISK" unit_comes_and_goes
# The second host's own load is still running when the host goes: what it has is lost, and nothing hangs.
host_comes_and_goes() {
    local number second
    new_target 2 && new_lun 2 1 -b $STORE/other || return
    for number in 1 2; do
        new_host second && bind_host 2 "$second" && wait_for 120 disk_at "$second" 1 || return
        dd if=/dev/zero of="$(disk_at "$second" 1)" bs=16k oflag=direct 2>/dev/null &
        sleep 0.3
        unbind_host 2 "$second"
        delete_host "$second" --force || return
        wait $!
    done
    adm -m target -o delete -t 2
}
check host-comes-and-goes-under-load under_load "$DISK" host_comes_and_goes
# One initiator's reservation keeps the other out.
nexuses() {
    local pair one two
    new_target 2 && new_lun 2 1 -b $STORE/other && new_host pair --params nexuses=2,queues=2 && bind_host 2 "$pair" &&
        wait_for 120 disk_at "$pair" 1 0 && wait_for 120 disk_at "$pair" 1 1 || return
    one=$(disk_at "$pair" 1 0) two=$(disk_at "$pair" 1 1)
    sg_persist --out --register --param-sark=1 "$one" && sg_persist --out --reserve --param-rk=1 --prout-type=3 "$one" &&
        dd if=/run/pattern of="$one" bs=64k count=1 oflag=direct && ! dd if="$two" of=/dev/null bs=64k count=1 iflag=direct &&
        sg_persist --out --clear --param-rk=1 "$one" && sleep 0.2 && dd if="$two" bs=64k count=1 iflag=direct | cmp -n 65536 - /run/pattern &&
        unbind_host 2 "$pair" && delete_host "$pair" && adm -m target -o delete -t 2
}
check nexuses-are-initiators nexuses
monitor() {
    local seen
    adm -m host -o monitor >/run/monitor.log 2>&1 &
    local listener=$!
    sleep 1
    new_host seen && delete_host "$seen"
    wait_for 60 grep -qi "remove\|gone\|delete" /run/monitor.log
    local status=$?
    kill $listener
    cat /run/monitor.log
    return $status
}
check monitor-tells monitor
# A disk that nobody has open does not keep the module: its port would go with it.
refused() { ! rmmod tgt_core && ! rmmod tgt_loop; }
busy_module_stays() { (exec 7<"$DISK" && refused) && dd if="$DISK" of=/dev/null bs=64k count=4 iflag=direct; }
check busy-module-stays busy_module_stays

# --- the daemon dies ------------------------------------------------------------------------------------
again_with_hosts() { start_daemon && configure && bind_host 1 "$HOST"; }
killed() {
    fio_on "$DISK" --rw=randwrite --bs=4k --iodepth=32 --size=48m --rate_iops=1500 \
        >/run/fio.log 2>&1 &
    FIO=$!
    local number
    for number in 1 2 3; do
        wait_for 60 busy "$DISK" || return
        kill_tgtd
        sleep 0.5
        again_with_hosts || return
        sleep 1
    done
    kill -0 $FIO || { echo "fio had ended before"; cat /run/fio.log; return 1; }
}
check killed-daemon-load-goes-on killed
whole() { wait $FIO || { cat /run/fio.log; return 1; }; }
check killed-daemon-data-is-whole whole
too_long() {
    daemon_timeout 2
    echo 0 >"$(echo "/sys/block/${DISK#/dev/}"/device/scsi_disk/*/max_retries)"
    kill_tgtd
    fails_within 240000 dd if="$DISK" of=/dev/null bs=4k count=1 iflag=direct
}
check daemon-away-too-long-is-an-error too_long
serves_again() {
    daemon_timeout 60
    again_with_hosts || return
    echo running >"/sys/block/${DISK#/dev/}/device/state" # had the kernel given it up
    eventually dd if="$DISK" of=/dev/null bs=4k count=16 iflag=direct
}
check daemon-back-serves-again serves_again

# --- the end --------------------------------------------------------------------------------------------
orderly_end() { kill -TERM "$TGTD_PID" && wait "$TGTD_PID"; }
check daemon-ends-on-sigterm orderly_end
hosts_go() { delete_host "$HOST"; }
check hosts-go within 120000 hosts_go
check modules-go unload_modules
check kernel-is-content kernel_is_content
